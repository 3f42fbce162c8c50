/** Reads what `bones tasks list --all --json` prints, of either version of that command. */
import * as z from "zod";
import type { JsonValue } from "../domain/canonical-json.js";
import type { Dependency } from "../domain/dependency.js";
import { isLabel } from "../domain/worker.js";
import { timeText } from "./fields.js";
import type { ValuePath } from "./file-problem.js";
import {
  type Imported,
  type ImportedTask,
  type ImportNote,
  type ImportOptions,
  importedId,
  sourceTag,
  writtenPaths,
} from "./imported-task.js";
import { later } from "./later.js";
import type { ValueFault } from "./schema-issue.js";

const sourceId = z.string().refine(isLabel, { error: "expected an id of 1 to 200 characters" });

const taskRecord = later(() =>
  z.looseObject({
    id: sourceId,
    title: z.string(),
    status: z.enum(["open", "claimed", "closed"]),
    claimed_by: z.string().nullish(),
    files: z.array(z.string()).nullish(),
    parent: sourceId.nullish(),
    edges: z.array(z.looseObject({ type: z.string(), target: sourceId })).nullish(),
    context: z.record(z.string(), z.string()).nullish(),
    defer_until: timeText.nullish(),
    closed_reason: z.string().nullish(),
  }),
);
type TaskRecord = z.output<ReturnType<typeof taskRecord>>;

/** A list alone, or in the envelope that commands print: as it is (version 1), or under `tasks` (version 2). */
export const taskListSchema = later(() => {
  const list = z.array(taskRecord());
  return { bare: list, v1: z.looseObject({ data: list }), v2: z.looseObject({ data: z.looseObject({ tasks: list }) }) };
});

/** Priorities are written `P0`, the most urgent, to `P4`, which is what a task without any has. */
const LEAST_URGENT = 4;

function priorityOf(context: TaskRecord["context"]): number {
  const found = /^P(\d{1,3})$/i.exec(context?.priority ?? "");
  return found === null ? 0 : LEAST_URGENT - Number(found[1]);
}

/** Who stands against whom, read off the edges of all tasks before any is made. */
interface Relations {
  /** By the task that waits. */
  readonly blockers: ReadonlyMap<string, ReadonlySet<string>>;
  /** By the task that is not needed any more: why. */
  readonly replaced: ReadonlyMap<string, string>;
  readonly discoveredFrom: ReadonlyMap<string, string>;
  readonly notes: readonly ImportNote[];
}

const REPLACED = { supersedes: "Superseded by", duplicates: "A duplicate of" } as const;

function relate(records: readonly TaskRecord[], place: ValuePath): Relations {
  const known = new Set(records.map(({ id }) => id));
  const blockers = new Map(records.map(({ id }) => [id, new Set<string>()]));
  const replaced = new Map<string, string>();
  const discoveredFrom = new Map<string, string>();
  const notes: ImportNote[] = [];
  for (const [index, { id, parent, edges, status, claimed_by: owner }] of records.entries()) {
    const note = (rest: ValuePath, message: string) => notes.push({ path: [...place, index, ...rest], message });
    if (status === "claimed") note(["status"], `it is claimed by ${owner ?? "somebody"} there, and by nobody here`);
    if (parent != null && !known.has(parent)) note(["parent"], `its parent ${parent} is not in the list`);
    else if (parent != null) blockers.get(parent)?.add(id);
    for (const [at, { type, target }] of (edges ?? []).entries()) {
      const to = blockers.get(target);
      if (to === undefined) note(["edges", at], `${target}, to which it leads, is not in the list`);
      else if (type === "blocks") to.add(id);
      else if (type === "supersedes" || type === "duplicates") replaced.set(target, `${REPLACED[type]} ${id}.`);
      else if (type !== "discovered-from")
        note(["edges", at], `edges of the kind ${JSON.stringify(type)} are not known`);
      else if (discoveredFrom.has(id)) note(["edges", at], "a task is discovered from one task; this is another");
      else discoveredFrom.set(id, target);
    }
  }
  return { blockers, replaced, discoveredFrom, notes };
}

function endOf({ id, status, closed_reason: reason }: TaskRecord, { replaced }: Relations): ImportedTask["ended"] {
  if (status === "closed") return { state: "completed", why: reason ?? "" };
  const why = replaced.get(id);
  return why === undefined ? null : { state: "cancelled", why };
}

/** The record's own words stay in the params: nothing of it is lost, and whoever executes it knows where it came from. */
const paramsOf = ({ title, files, context, ...record }: TaskRecord): JsonValue => ({
  title,
  files: files ?? [],
  context: context ?? {},
  imported: record as unknown as JsonValue,
});

function tagsOf({ id, context }: TaskRecord): readonly string[] {
  const slot = context?.slot;
  return [...sourceTag(id), ...(slot ? [`slot:${slot}`] : [])];
}

/** @param place where in the document the list stands */
export function importTaskList(
  records: readonly TaskRecord[],
  place: ValuePath,
  { root, outcome }: ImportOptions,
): Imported {
  const relations = relate(records, place);
  const ends = new Map(records.map((record) => [record.id, endOf(record, relations)]));
  const faults: ValueFault[] = [];
  const tasks = records.map((record, index): ImportedTask => {
    const { id, title, parent, defer_until: deferred } = record;
    const found = writtenPaths(record.files ?? [], root, [...place, index, "files"]);
    faults.push(...found.faults);
    const ended = ends.get(id) ?? null;
    // What is over holds up nobody, and waits for nobody.
    const waitsFor = [...(relations.blockers.get(id) ?? [])].filter((other) => ended === null && !ends.get(other));
    const from = relations.discoveredFrom.get(id);
    return {
      id: importedId(id).id,
      sourceId: id,
      place: [...place, index],
      title,
      params: paramsOf(record),
      priority: priorityOf(record.context),
      runAt: deferred == null || Date.parse(deferred) <= 0 ? null : Date.parse(deferred),
      parentId: parent != null && ends.has(parent) ? importedId(parent).id : null,
      dependsOn: waitsFor.map((other): Dependency => ({ id: importedId(other).id, outcome })),
      discoveredFrom: from === undefined ? null : importedId(from).id,
      paths: found.paths,
      tags: tagsOf(record),
      ended,
    };
  });
  return { tasks, notes: relations.notes, faults };
}
