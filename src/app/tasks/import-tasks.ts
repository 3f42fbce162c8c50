/** `tasks import`: tasks of another program, all or none, under ids that stay the same however often they are imported. */
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { formatPath } from "../../contracts/file-problem.js";
import { type ImportReading, readImport } from "../../contracts/import-document.js";
import type { ImportedTask, ImportNote } from "../../contracts/imported-task.js";
import { WaybillError } from "../../domain/errors.js";
import { toResult } from "../../domain/result.js";
import { plainFailure } from "../../domain/task.js";
import { nameTag } from "../../domain/task-name.js";
import { toJson, toNewTask } from "../../engine/submission.js";
import type { Store } from "../../store/store.js";
import type { EndedElsewhere, NewTask } from "../../store/task-store.js";
import type { AppContext, CallHandler, CallOptions } from "../context.js";

export const importTasks: CallHandler<"tasks.import"> = async (context, input, options) => {
  const { cwd } = context.settings;
  const root = resolve(cwd, input.root ?? ".");
  const { name, bytes } = await openDocument(input.file, cwd, options);
  const { format, tasks, notes }: ImportReading = readImport(bytes, name, { root, outcome: input.outcome });
  const store = await context.store();
  const ids = tasks.map(({ id }) => id);
  const known = new Set((await store.tasks.getTasks(ids)).keys());
  // What is here already stays as it is, whatever became of it there meanwhile.
  const fresh = tasks.filter(({ id }) => !known.has(id));
  if (!input.dry_run) await store.tasks.submitAll(fresh.map((task) => toRecord(context, task, input.type)));
  const old = tasks.filter(({ id }) => known.has(id));
  const links = input.dry_run ? new Map<string, AddedLinks>() : await linkAll(store, old);
  const found = await store.tasks.getTasks(ids);
  return {
    format,
    dry_run: input.dry_run,
    tasks: tasks.map(({ id, sourceId, title, dependsOn }) => ({
      id,
      source_id: sourceId,
      title,
      outcome: known.has(id) ? ("existing" as const) : ("created" as const),
      state: found.get(id)?.state ?? null,
      after: dependsOn.map((on) => on.id),
      linked: [...(links.get(id)?.added ?? [])],
    })),
    notes: [...notes, ...[...links.values()].flatMap((link) => link.notes)].map(({ path, message }) => ({
      path: formatPath(path),
      message,
    })),
  };
};

/** What became of the dependencies of a task that was here already. */
interface AddedLinks {
  readonly added: readonly string[];
  readonly notes: readonly ImportNote[];
}

/** A list and a manifest may speak of the same tasks: what either says that they wait for holds. */
async function linkAll(store: Store, tasks: readonly ImportedTask[]): Promise<ReadonlyMap<string, AddedLinks>> {
  const links = new Map<string, AddedLinks>();
  for (const task of tasks) links.set(task.id, await addLinks(store, task));
  return links;
}

async function addLinks(store: Store, { id, place, dependsOn }: ImportedTask): Promise<AddedLinks> {
  const added: string[] = [];
  const notes: ImportNote[] = [];
  const has = new Set(dependsOn.length === 0 ? [] : (await store.tasks.dependenciesOf(id)).map((on) => on.id));
  for (const on of dependsOn.filter((one) => !has.has(one.id))) {
    const answer = await store.links.link({ from: on.id, to: id, kind: "blocks", outcome: on.outcome });
    if (!answer.granted) notes.push({ path: place, message: answer.error.message });
    else if (answer.value) added.push(on.id);
  }
  return { added, notes };
}

/** Errors: `invalid_input` for a file that cannot be read. */
async function openDocument(
  file: string,
  cwd: string,
  { standardInput }: CallOptions,
): Promise<{ readonly name: string; readonly bytes: Uint8Array }> {
  if (file === "-" && standardInput !== undefined) return { name: "standard input", bytes: await standardInput() };
  const bytes = await readFile(resolve(cwd, file)).catch((cause: NodeJS.ErrnoException) => {
    throw new WaybillError("invalid_input", `The file ${file} cannot be read: ${cause.code ?? cause.message}.`, {
      cause,
      hint: "Give the path of what `bones tasks list --all --json` printed, or of a dispatch.json.",
    });
  });
  return { name: file, bytes };
}

function toRecord({ settings }: AppContext, task: ImportedTask, type: string): NewTask {
  const { id, priority, runAt, dependsOn, paths, tags, title, discoveredFrom, parentId } = task;
  const options = {
    id,
    priority,
    dependsOn,
    paths,
    tags: [...nameTag(title), ...tags],
    ...(runAt === null ? {} : { runAt }),
    ...(discoveredFrom === null ? {} : { discoveredFrom }),
    createdBy: settings.user,
  };
  const params = toJson(task.params, `The record of ${task.sourceId}`, "invalid_input");
  const facts = { newId: () => id, ...(parentId === null ? {} : { parentId }) };
  return { ...toNewTask(type, params, options, facts, { priority: 0, deadlineMs: null }), ended: toEnd(task) };
}

function toEnd({ ended }: ImportedTask): EndedElsewhere | null {
  if (ended === null) return null;
  const { state, why } = ended;
  if (state === "cancelled") return { state, failure: plainFailure("cancelled", why) };
  return { state, result: JSON.stringify(toResult({ kind: "success", summary: why })) };
}
