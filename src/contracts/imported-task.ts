/** Tasks that another program kept, on their way into this store. */
import { v5 } from "uuid";
import type { JsonValue } from "../domain/canonical-json.js";
import type { Dependency, DependencyOutcome } from "../domain/dependency.js";
import { WaybillError } from "../domain/errors.js";
import { normaliseScopes, type PathScope, toPathScope } from "../domain/path-scope.js";
import { canonicalTaskId } from "../domain/task-identity.js";
import type { ValuePath } from "./file-problem.js";
import type { ValueFault } from "./schema-issue.js";

export interface ImportedTask {
  /** A UUID; that of the other program where it had one. */
  readonly id: string;
  /** As the other program names it. */
  readonly sourceId: string;
  /** Where in the document it stands. */
  readonly place: ValuePath;
  readonly title: string;
  readonly params: JsonValue;
  readonly priority: number;
  /** Not before this time; epoch milliseconds. */
  readonly runAt: number | null;
  readonly parentId: string | null;
  readonly dependsOn: readonly Dependency[];
  readonly discoveredFrom: string | null;
  readonly paths: readonly PathScope[];
  readonly tags: readonly string[];
  /** How it was over already; null: it is to be done. */
  readonly ended: { readonly state: "completed" | "cancelled"; readonly why: string } | null;
}

/** Something of the document that is not brought over, and does not speak against the rest. */
export interface ImportNote {
  readonly path: ValuePath;
  readonly message: string;
}

export interface ImportOptions {
  /** Absolute paths of files are taken as relative to this directory; absolute itself. */
  readonly root: string;
  /** Which end of a task lets those begin that wait for it. */
  readonly outcome: DependencyOutcome;
}

export interface Imported {
  readonly tasks: readonly ImportedTask[];
  readonly notes: readonly ImportNote[];
  /** With any, nothing of the document is of use. */
  readonly faults: readonly ValueFault[];
}

/** Of ids that are no UUIDs: equal ids become equal UUIDs, whoever imports them. */
const NAMESPACE = "6f1c0f0e-5b0e-5c39-9d0c-4a1f7c2b8e55";

/** @returns the id as a UUID, and whether it was one. */
export function importedId(sourceId: string): { readonly id: string; readonly own: boolean } {
  try {
    return { id: canonicalTaskId(sourceId), own: true };
  } catch {
    // No UUID, which is what `canonicalTaskId` refuses: it gets one that is its own for ever.
    return { id: v5(sourceId, NAMESPACE), own: false };
  }
}

/** By which a task whose id had to be made is found by its old one. */
export const sourceTag = (sourceId: string): readonly string[] =>
  importedId(sourceId).own ? [] : [`source:${sourceId}`];

/** Files as paths that are written; those that cannot be are faults at their places. */
export function writtenPaths(
  files: readonly string[],
  root: string,
  place: ValuePath,
): { readonly paths: readonly PathScope[]; readonly faults: readonly ValueFault[] } {
  const scopes: PathScope[] = [];
  const faults: ValueFault[] = [];
  const attempt = (path: ValuePath, act: () => readonly PathScope[]): readonly PathScope[] => {
    try {
      return act();
    } catch (error) {
      if (!(error instanceof WaybillError)) throw error;
      faults.push({ path, message: error.message, hint: "--root names the directory that the paths begin with" });
      return [];
    }
  };
  for (const [index, file] of files.entries()) {
    scopes.push(...attempt([...place, index], () => [toPathScope("write", withoutRoot(file, root))]));
  }
  return { paths: attempt(place, () => normaliseScopes(scopes)), faults };
}

function withoutRoot(file: string, root: string): string {
  const start = root.endsWith("/") ? root : `${root}/`;
  if (file === root) return ".";
  return file.startsWith(start) ? file.slice(start.length) : file;
}
