/** Where a program is, so that a command that cannot be carried out is refused before it has cost any task an attempt. */
import { accessSync, constants, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { WaybillError } from "../../domain/errors.js";

const DEFAULT_PATH = "/usr/bin:/bin";

/** The path of `name` as a shell in `cwd` would find it. Errors: `spawn_failed`. */
export function findProgram(name: string, cwd: string, environment: Readonly<Record<string, string>>): string {
  const folders = name.includes("/") ? [""] : (environment.PATH ?? DEFAULT_PATH).split(":");
  const found = folders.map((folder) => resolve(cwd, join(folder, name))).find(isExecutable);
  if (found !== undefined) return found;
  const where = name.includes("/")
    ? `${resolve(cwd, name)} is no program`
    : `No folder of PATH has the program "${name}"`;
  throw new WaybillError("spawn_failed", `${where} that can be executed.`, {
    hint: "Is it installed, and may it be executed?",
    details: { program: name },
  });
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    // It is not there, or not ours to execute: the next folder may have it.
    return false;
  }
}
