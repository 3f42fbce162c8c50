import { readdir, readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { EXIT_REASONS, LOST_PROOFS } from "../../domain/machine.js";
import { takeReports } from "../ssh/attempt-report.js";
import { supervisorSource } from "../supervisor/source.js";
import { lexPowershell } from "./powershell-lexer-fixture.js";
import { POWERSHELL_BOOTSTRAP } from "./powershell-request.js";

const PARTS = new URL("../supervisor/ps/", import.meta.url);
const read = (path: string): Promise<string> => readFile(new URL(path, import.meta.url), "utf8");

const names = (await readdir(PARTS)).sort();
const parts = await Promise.all(
  names.map(async (name) => [name, await readFile(new URL(name, PARTS), "utf8")] as const),
);
const part = (name: string): string => parts.find(([found]) => found === name)?.[1] ?? "";
const script = parts.map(([, text]) => text).join("");
const bootstrap = Buffer.from(POWERSHELL_BOOTSTRAP.split(" ").at(-1) ?? "", "base64").toString("utf16le");
const everything = lexPowershell(`${bootstrap}\n${script}`);

const all = (text: string, pattern: RegExp): string[] => [...text.matchAll(pattern)].map((match) => match[1] ?? "");
const unique = (words: readonly string[]): string[] => [...new Set(words.map((word) => word.toLowerCase()))].sort();

describe("the lexer of these tests", () => {
  it.each([
    ["a brace", "if ($a) { 1", "1: } is missing"],
    ["a brace too many", "1\n}", "2: } closes nothing"],
    ["a string", "$a = 'it''s", "1: a string is not closed"],
    ["a string that evaluates", '$a = "x `" $("y")', "1: a string is not closed"],
    ["a here-string", "@'\nx '@\n", "1: a here-string is not closed"],
    ["code in a string", '"$(Get-It (1)"', "1: ) is missing"],
  ])("finds that %s is not closed", (_, text, fault) => {
    expect(lexPowershell(text).faults).toContain(fault);
  });

  it("lets through what is closed, and sees through strings and comments", () => {
    const { code, faults } = lexPowershell(`f "a }$(g 'b{' "c")" '(' # {\nh @'\n{\n'@ \`{ <# ( #>`);
    expect(faults).toEqual([]);
    expect(code).not.toMatch(/[ab]/);
    expect(code).toMatch(/f[\s\S]*g[\s\S]*h/);
  });
});

describe("the supervisor for Windows (never run here: there is no PowerShell)", () => {
  it.each(parts)("has everything closed in %s", (_, text) => {
    expect(lexPowershell(text).faults).toEqual([]);
  });

  it("has everything closed in the program that calls it", () => {
    expect(lexPowershell(bootstrap).faults).toEqual([]);
  });

  it("is one text of its parts, and has a version of its own", async () => {
    const [windows, posix] = await Promise.all([supervisorSource("ps"), supervisorSource("sh")]);
    expect(windows.text.toString()).toBe(script);
    expect(windows.hash).not.toBe(posix.hash);
  });

  it("is plain ASCII with lines that end as they do here, whatever reads it", () => {
    expect(script).toMatch(/^[\t\n -~]*$/);
  });

  it("uses nothing that came after Windows PowerShell 5.1", () => {
    expect(everything.code).not.toMatch(/\?\?|\?\.|&&|\|\||\s\?\s/);
  });

  it("defines every function that it calls, once, and calls every one", () => {
    const defined = all(everything.code, /\bfunction (\w+-Wb\w+)/g).map((name) => name.toLowerCase());
    // A supervisor that nobody listens to has its own way to say something.
    expect(defined.filter((name, index) => defined.indexOf(name) !== index)).toEqual(["send-wbtext"]);
    const called = all(everything.code.replaceAll(/\bfunction \w+-Wb\w+/g, ""), /(?<![\w:])(\w+-Wb\w+)/g);
    expect(unique(called)).toEqual(unique(defined));
  });

  it("sets every variable of its own that it reads", () => {
    const set = all(everything.code, /\$(?:script:)?(wb\w+)\s*=/gi);
    // What `start` sets in the process that it makes.
    set.push(...all(part("75-verbs.ps1"), /`\$(wb\w+)=/g));
    const used = all(everything.code, /\$(?:script:)?(wb\w+)/gi);
    expect(unique(used).filter((name) => !unique(set).includes(name))).toEqual([]);
  });

  it("calls nothing of its native part that is not there", () => {
    const native = part("50-native.ps1");
    for (const member of unique(all(script, /\[WaybillNative\]::(\w+)/g)))
      expect(native.toLowerCase()).toMatch(new RegExp(`public static \\w+ (\\w+, )*${member}\\b`));
  });
});

describe("the supervisor for Windows and the rest of the protocol", () => {
  it("has the verbs of the POSIX supervisor, but for those that only a caller on the machine uses", async () => {
    const posix = await read("../supervisor/sh/99-dispatch.sh");
    const asked = all(posix, /^([a-z_ |]+)\)/gm).flatMap((words) => words.split("|").map((word) => word.trim()));
    const lists = all(part("99-dispatch.ps1"), /Verbs = @\(([^)]*)\)/g).flatMap((list) => all(list, /'(\w+)'/g));
    expect(lists.toSorted()).toEqual(asked.filter((verb) => verb !== "supervise" && verb !== "execute").toSorted());
    const functions = all(everything.code, /\bfunction wb_(\w+)/g);
    expect(functions.toSorted()).toEqual([...lists, "supervise"].toSorted());
  });

  it.each([
    ["start", "StartRecord"],
    ["exit", "ExitRecord"],
  ])("writes the fields of the record %s, and no others", async (record, type) => {
    const domain = await read("../../domain/machine.ts");
    const declared = new RegExp(`interface ${type} \\{([^}]*)\\}`).exec(domain)?.[1] ?? "";
    const written = new RegExp(`Write-WbRecord '${record}' \\(\\[ordered\\]@\\{([^}]*)\\}\\)`).exec(script)?.[1] ?? "";
    const fields = written.split(/[;\n]/).flatMap((field) => /^\s*(\w+) = /.exec(field)?.[1] ?? []);
    expect(fields).toEqual(all(declared, /readonly (\w+):/g));
    expect(fields.length).toBeGreaterThan(0);
  });

  it("gives reasons and proofs that are known", () => {
    const denied = all(script, /Deny-WbRun '(\w+)'/g);
    const watched = all(part("60-watch.ps1"), /return '(\w+)'/g);
    expect(EXIT_REASONS).toEqual(expect.arrayContaining([...denied, ...watched]));
    const proofs = all(/function Get-WbProof[\s\S]*?\n\}/.exec(script)?.[0] ?? "", /return '(\w+)'/g);
    expect(proofs.length).toBe(2);
    expect(LOST_PROOFS).toEqual(expect.arrayContaining(proofs));
  });

  it("answers with states that a client understands", () => {
    const start = {
      v: 1,
      run: "r",
      attempt: 1,
      fence: 1,
      pid: 2,
      pid_start: "a",
      supervisor: 3,
      supervisor_start: "b",
    };
    const more = { watchdog: 3, watchdog_start: "b", boot: "c", started: 4 };
    const exit = {
      v: 1,
      run: "r",
      attempt: 1,
      fence: 1,
      code: 0,
      reason: "exited",
      log_bytes: 0,
      started: 4,
      ended: 5,
    };
    const rest = `start ${JSON.stringify({ ...start, ...more })}\nexit ${JSON.stringify({ ...exit, artifacts_manifest_hash: null })}`;
    const states = unique(all(part("30-observe.ps1"), /State = '(\w+)'/g));
    const told = states.map((state) => `attempt r.1\nstate ${state}\nsize 0\nholder q\nproof rebooted\n${rest}\n.\n`);
    expect(takeReports(told.join("")).reports.map(({ answer }) => answer.state)).toEqual(states);
    expect(states.length).toBeGreaterThan(6);
  });
});
