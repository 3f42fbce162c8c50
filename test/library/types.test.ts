import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const TSC = join(ROOT, "node_modules/typescript/bin/tsc");
const STRICT = ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2023", "--types", "node"];

/** A project that has the package installed, with the declarations as they are published. */
let project: string;

beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), "waybill-types-"));
  const installed = join(project, "node_modules/waybill");
  mkdirSync(join(installed, "dist/types"), { recursive: true });
  mkdirSync(join(project, "node_modules/@types"));
  symlinkSync(join(ROOT, "node_modules/@types/node"), join(project, "node_modules/@types/node"));
  symlinkSync(join(ROOT, "node_modules"), join(installed, "node_modules"));
  symlinkSync(join(ROOT, "node_modules/zod"), join(project, "node_modules/zod"));
  writeFileSync(join(installed, "package.json"), readFileSync(join(ROOT, "package.json")));
  writeFileSync(join(project, "package.json"), '{ "type": "module" }');
  const emit = ["-p", join(ROOT, "tsconfig.build.json"), "--outDir", join(installed, "dist/types")];
  execFileSync(process.execPath, [TSC, ...emit], { cwd: ROOT });
});
afterAll(() => rmSync(project, { recursive: true, force: true }));

function compile(source: string): { status: number | null; stdout: string } {
  writeFileSync(join(project, "program.ts"), source);
  const { status, stdout } = spawnSync(process.execPath, [TSC, ...STRICT, "program.ts"], {
    cwd: project,
    encoding: "utf8",
  });
  return { status, stdout };
}

describe("the published types", () => {
  it("let a program submit, stream and tell errors apart", () => {
    const source = readFileSync(join(ROOT, "test/fixtures/library/program.ts"), "utf8");

    expect(compile(source.replace("../../../src/index.js", "waybill"))).toEqual({ status: 0, stdout: "" });
  });

  it("let a program define, submit and await tasks, with types from the definition to the result", () => {
    const source = readFileSync(join(ROOT, "test/fixtures/library/tasks.ts"), "utf8");

    expect(compile(source.replace("../../../src/index.js", "waybill"))).toEqual({ status: 0, stdout: "" });
  });

  it("refuse params, options and results of a task that are not those of its definition", () => {
    const lines = [
      'import { z } from "zod";',
      'import { defineTask, openEngine } from "waybill";',
      'const mail = defineTask({ type: "mail", params: z.object({ to: z.string() }), run: ({ to }) => to.length });',
      'const engine = await openEngine({ store: "memory:", tasks: [mail] });',
      "await engine.tasks.submit(mail, { to: 4 });",
      "await engine.tasks.submit(mail, {});",
      'await engine.tasks.submit(mail, { to: "a" }, { prioritty: 1 });',
      'const text: string = await (await engine.tasks.submit(mail, { to: "a" })).result();',
      'await engine.tasks.submitMany(mail, [{ params: { too: "a" } }]);',
      'defineTask({ type: "m", params: z.string(), result: z.number(), run: (text) => text });',
      'defineTask({ type: "m", params: z.string(), run: (text) => text.foo });',
    ];
    const { stdout } = compile(`${lines.join("\n")}\n`);

    const faults = [...stdout.matchAll(/program\.ts\((\d+),\d+\): error/g)].map(([, line]) => Number(line));
    expect([...new Set(faults)]).toEqual([5, 6, 7, 8, 9, 10, 11]);
  });

  it("refuse an operation that there is not, a wrong field and a wrong stream", () => {
    const lines = [
      'import { open } from "waybill";',
      "const waybill = await open();",
      'await waybill.call("runs.lits", {});',
      'await waybill.call("runs.show", { id: 4 });',
      'waybill.stream("runs.list", {});',
      'const { run } = await waybill.call("runs.submit", { dir: "x" });',
      "run.colour;",
    ];
    const { stdout } = compile(`${lines.join("\n")}\n`);

    expect([...stdout.matchAll(/program\.ts\((\d+),\d+\): error/g)].map(([, line]) => Number(line))).toEqual([
      3, 4, 5, 7,
    ]);
  });
});
