/** What a request says arrives byte for byte in real shells, and nothing of it is carried out. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { STANDARD_PATH } from "../local/local-fixture.js";
import { BOOTSTRAP, installLine, NOT_INSTALLED, quoteWord, quoteWorkDir, verbLine } from "./request-line.js";

const SHELLS = [["dash"], ["bash", "--posix"], ["busybox", "sh"]] as const;
const isThere = (shell: string): boolean => spawnSync(shell, ["-c", ":"]).error === undefined;
const NONCE = "0123456789abcdef0123456789abcdef";

/** Whatever means something to a shell, to ssh or to a terminal, and what dash keeps for itself in UTF-8's further bytes. */
const special = fc.constantFrom(
  ..."'\"`$()\\!#&;|<>*?[]{}~%=^ \t\n\r\x01\x07\x1b\x7f\x81\x88",
  "$(touch canary)",
  "`touch canary`",
  "'; touch canary; '",
  "-rf",
  "--",
  "%h",
  "~root",
  "$wb_n",
  '"$wb_p"',
  "\u00c1\u0101\u3042\u0441",
  "\u{1f69a}",
);
const text = fc.oneof(
  fc.array(special, { maxLength: 8 }).map((parts) => parts.join("")),
  fc.string({ unit: "binary", maxLength: 40 }).filter((found) => !found.includes("\0")),
);
const RUNS = { numRuns: 60 };

describe.each(SHELLS.map(([shell, ...args]) => ({ shell, args })))("a request to $shell", ({ shell, args }) => {
  const missing = isThere(shell) ? "" : ` (skipped: there is no ${shell})`;
  let dir: string;
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), "waybill-line-"));
  });
  afterAll(() => {
    rmSync(dir, { recursive: true, force: true });
  });

  /** Runs a line as a login does, and answers with what came between the marks and with the status. */
  function carryOut(line: string, input: string | Buffer = ""): { said: Buffer; status: number } {
    const { stdout, stderr } = spawnSync(shell, [...args, "-c", BOOTSTRAP.replace(/^exec sh -c '(.*)'$/s, "$1")], {
      cwd: dir,
      env: { PATH: STANDARD_PATH, HOME: join(dir, "home") },
      input: Buffer.concat([Buffer.from(line), Buffer.from(input)]),
    });
    const begin = Buffer.from(`${NONCE}\n`);
    const at = stdout.indexOf(begin);
    const end = stdout.lastIndexOf(`${NONCE} `);
    if (at < 0 || end < 0) throw new Error(`No frame: ${stdout} ${stderr}`);
    return { said: stdout.subarray(at + begin.length, end), status: Number(stdout.subarray(end + 33).toString()) };
  }

  /** A supervisor that tells what it was given. */
  function place(workDir: string, hash: string, names: readonly string[]): void {
    mkdirSync(join(workDir, "bin"), { recursive: true });
    const values = names.map((name) => `"$${name}"`).join(" ");
    const script = `printf '%s\\0' "$@" ${values}; exit 5\n`;
    writeFileSync(join(workDir, "bin", `supervisor-${hash}.sh`), script);
  }

  it.skipIf(missing !== "")(`gets every word as it is${missing}`, () => {
    const check = (words: readonly string[]): void => {
      const begin = `wb_n=$(printf '\\nx');wb_n=\${wb_n%x};printf '%s\\n' ${NONCE}`;
      const print = `printf '%s\\0' ${words.map(quoteWord).join(" ")}`;
      const { said } = carryOut(`${begin};${print};printf '%s %s\\n' ${NONCE} 0\n`);
      expect(said).toEqual(Buffer.from(words.map((word) => `${word}\0`).join("")));
    };
    fc.assert(fc.property(fc.array(text, { minLength: 1, maxLength: 4 }), check), RUNS);
    // Every byte that may follow another one in UTF-8, those included that dash marks its own words with.
    const all = Array.from({ length: 0x800 - 1 }, (_, index) => String.fromCodePoint(index + 1));
    check([all.join(""), ...all.slice(0, 300)]);
    expect(readdirSync(dir)).not.toContain("canary");
  });

  it.skipIf(missing !== "")(`hands over arguments and variables in any work directory${missing}`, () => {
    const names = ["A", "n", "p", "s", "e", "l", "b", "x", "wb_n", "LANG"] as const;
    const folder = text.filter((name) => name !== "" && !/^\.\.?$|\//.test(name) && Buffer.byteLength(name) < 200);
    const request = fc.record({
      folder,
      args: fc.array(text, { maxLength: 4 }),
      values: fc.array(text, { maxLength: 10 }),
    });
    const check = ({ folder, args, values }: { folder: string; args: string[]; values: string[] }): void => {
      const given = names.slice(0, values.length);
      const env = Object.fromEntries(given.map((name, index) => [name, values[index] ?? ""]));
      const workDir = join(dir, "work", folder);
      place(workDir, "1", given);
      const { said, status } = carryOut(
        verbLine({ nonce: NONCE, workDir, supervisorHash: "1", verb: "tell", args, env }),
      );
      const expected = ["tell", workDir, ...args, ...values].map((word) => `${word}\0`).join("");
      expect([said.toString(), status]).toEqual([expected, 5]);
    };
    fc.assert(fc.property(request, check), RUNS);
    expect(readdirSync(dir)).not.toContain("canary");
  });

  it.skipIf(missing !== "")(`finds a shell where the program's PATH leads nowhere${missing}`, () => {
    place(join(dir, "path"), "1", []);
    const env = { PATH: "/nowhere", _: "kept" };
    const line = verbLine({
      nonce: NONCE,
      workDir: join(dir, "path"),
      supervisorHash: "1",
      verb: "tell",
      args: [],
      env,
    });
    expect(carryOut(line)).toMatchObject({ status: 5 });
  });

  it.skipIf(missing !== "")(
    `says that this version is not installed, takes it, and leaves no half of it${missing}`,
    () => {
      const workDir = "~/it's $(touch canary) \\n here";
      const source = 'echo told "$1"; exit 3\n';
      const hash = execFileSync("sha256sum", { input: source }).toString().slice(0, 16);
      const line = verbLine({ nonce: NONCE, workDir, supervisorHash: hash, verb: "tell", args: [], env: {} });
      const bin = join(dir, "home", workDir.slice(2), "bin");

      expect(carryOut(line)).toMatchObject({ status: NOT_INSTALLED });
      expect(carryOut(installLine(NONCE, workDir, hash), "torn").status).toBe(2);
      expect(readdirSync(bin)).toEqual([]);
      expect(carryOut(installLine(NONCE, workDir, hash), source).status).toBe(0);
      expect(carryOut(line)).toEqual({ said: Buffer.from("told tell\n"), status: 3 });
      expect(readdirSync(bin)).toEqual([`supervisor-${hash}.sh`]);
      expect(readdirSync(dir)).not.toContain("canary");
    },
  );
});

describe("a work directory as a word", () => {
  it("has the home of whoever logs in for a tilde at its beginning only", () => {
    expect(quoteWorkDir("~")).toBe('"$HOME"');
    expect(quoteWorkDir("~/a b")).toBe(`"$HOME"/'a b'`);
    expect(quoteWorkDir("~ann/x")).toBe("'~ann/x'");
    expect(quoteWorkDir("/a/~")).toBe("'/a/~'");
  });
});
