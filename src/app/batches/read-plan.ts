/** Reads a plan file and looks at what it names: everything that is wrong is told at once, at its line. */
import { createHash } from "node:crypto";
import { statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { entriesOf, parsePlan } from "../../contracts/plan-file.js";
import type { ValueFault } from "../../contracts/schema-issue.js";
import type { Rule } from "../../contracts/yaml-document.js";
import { isMap } from "../../contracts/yaml-values.js";
import { WaybillError } from "../../domain/errors.js";
import { canonicalPlan, type Plan, type PlanEntry } from "../../domain/plan.js";
import { DEFAULT_ENTRYPOINT } from "../../domain/run.js";

export interface ReadPlan {
  readonly path: string;
  readonly plan: Plan;
  readonly hash: string;
  /** The absolute directory of an entry: paths in a plan are relative to the plan. */
  dirOf(entry: PlanEntry): string;
  /** Looks at directories and entrypoints on disk. Errors: `invalid_plan` with every one that is missing, at its line. */
  mustFindDirectories(): void;
}

/** Errors: `invalid_input` for a file that cannot be read, `invalid_plan`, `empty_plan`. */
export async function readPlan(file: string, cwd: string): Promise<ReadPlan> {
  const path = resolve(cwd, file);
  const bytes = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
    throw new WaybillError("invalid_input", `The plan ${file} cannot be read: ${cause.code ?? cause.message}.`, {
      cause,
      hint: "Give the path of a YAML file with `version: 1` and `entries:`.",
    });
  });
  const base = dirname(path);
  const onDisk = (value: unknown) => missingOnDisk(value, base);
  const plan = parseOrTellAll(bytes, file, onDisk);
  return {
    path,
    plan,
    hash: createHash("sha256").update(canonicalPlan(plan)).digest("hex"),
    dirOf: (entry) => resolve(base, entry.dir),
    mustFindDirectories: () => void parsePlan(bytes, file, [onDisk]),
  };
}

/** A batch that exists may be resumed after its directories have gone; a plan with faults is told those of the disk too. */
function parseOrTellAll(bytes: Uint8Array, file: string, onDisk: Rule): Plan {
  try {
    return parsePlan(bytes, file);
  } catch (error) {
    if (error instanceof WaybillError && error.code === "invalid_plan") return parsePlan(bytes, file, [onDisk]);
    throw error;
  }
}

function missingOnDisk(value: unknown, base: string): ValueFault[] {
  return entriesOf(value).flatMap((entry, index): ValueFault[] => {
    if (!isMap(entry) || typeof entry.dir !== "string") return [];
    const dir = resolve(base, entry.dir);
    const path = ["entries", index, "dir"];
    const found = statSync(dir, { throwIfNoEntry: false });
    if (found === undefined) return [{ path, message: `no such directory: ${dir}`, hint: RELATIVE }];
    if (!found.isDirectory()) return [{ path, message: `not a directory: ${dir}` }];
    return missingEntrypoint(entry.entrypoint, dir, index);
  });
}

const RELATIVE = "directories are relative to the plan file";

function missingEntrypoint(given: unknown, dir: string, index: number): ValueFault[] {
  const names = typeof given === "string" ? [given] : Object.values(DEFAULT_ENTRYPOINT);
  if (names.some((name) => statSync(join(dir, name), { throwIfNoEntry: false })?.isFile())) return [];
  const path = ["entries", index, typeof given === "string" ? "entrypoint" : "dir"];
  const hint = "a directory is run by its run.sh, or by what `entrypoint` names";
  return [{ path, message: `no file ${JSON.stringify(names[0])} in ${dir}`, hint }];
}
