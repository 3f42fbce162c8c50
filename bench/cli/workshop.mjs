/** A state directory and directories to run for the benches of the command line, removed when the process ends. */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const dist = fileURLToPath(new URL("../../dist/", import.meta.url));
export const cli = join(dist, "cli.cjs");

if (!existsSync(cli)) throw new Error("dist/cli.cjs is missing; run `npm run build` first.");

export const dir = mkdtempSync(join(tmpdir(), "waybill-bench-"));
process.once("exit", () => rmSync(dir, { recursive: true, force: true }));

const { WAYBILL_STORE: _store, WAYBILL_MACHINES: _machines, ...inherited } = process.env;
export const env = { ...inherited, WAYBILL_HOME: join(dir, "home"), HOME: dir };

/** Writes a directory whose `run.sh` holds `script`. @returns its path */
export function work(name, script) {
  mkdirSync(join(dir, name), { recursive: true });
  writeFileSync(join(dir, name, "run.sh"), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return join(dir, name);
}

/** Starts a program in the workshop. Its output goes nowhere unless `stdio` says otherwise. */
export function start(program, args, stdio = "ignore") {
  const child = spawn(program, args, { cwd: dir, env, stdio });
  const ended = new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => (code === 0 ? resolve() : reject(new Error(`${args.join(" ")} ended with ${code}`))));
  });
  return { child, ended };
}

export const run = (program, args) => start(program, args).ended;
