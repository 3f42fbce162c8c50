/** Reads a plan file and looks at what it names: everything that is wrong is told at once. */
import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { parsePlan } from "../../contracts/plan-file.js";
import { WaybillError } from "../../domain/errors.js";
import { canonicalPlan, type Plan, type PlanEntry } from "../../domain/plan.js";

export interface ReadPlan {
  readonly path: string;
  readonly plan: Plan;
  readonly hash: string;
  /** The absolute directory of an entry: paths in a plan are relative to the plan. */
  dirOf(entry: PlanEntry): string;
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
  const plan = parsePlan(bytes, file);
  const hash = createHash("sha256").update(canonicalPlan(plan)).digest("hex");
  return { path, plan, hash, dirOf: (entry) => join(dirname(path), entry.dir) };
}

/** Directories that a plan names and that are not there, as sentences. */
export async function missingDirectories(read: ReadPlan): Promise<string[]> {
  const found = await Promise.all(
    read.plan.entries.map(async (entry) => {
      const info = await stat(read.dirOf(entry)).catch(() => null);
      if (info?.isDirectory()) return [];
      return [`entry "${entry.name}": ${entry.dir} is ${info === null ? "not there" : "not a directory"}`];
    }),
  );
  return found.flat();
}

/** Errors: `invalid_plan` that lists every directory that is missing. */
export async function mustHaveDirectories(read: ReadPlan): Promise<void> {
  const missing = await missingDirectories(read);
  if (missing.length === 0) return;
  throw new WaybillError("invalid_plan", `${read.path}:\n  ${missing.join("\n  ")}`, {
    hint: "Directories in a plan are relative to the plan file.",
    details: { problems: missing },
  });
}
