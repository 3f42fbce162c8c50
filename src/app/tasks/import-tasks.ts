/** `tasks import`: tasks of another program, all or none, under ids that stay the same however often they are imported. */
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { formatPath } from "../../contracts/file-problem.js";
import { type ImportReading, readImport } from "../../contracts/import-document.js";
import type { ImportedTask } from "../../contracts/imported-task.js";
import { WaybillError } from "../../domain/errors.js";
import { toResult } from "../../domain/result.js";
import { toJson, toNewTask } from "../../engine/submission.js";
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
    })),
    notes: notes.map(({ path, message }) => ({ path: formatPath(path), message })),
  };
};

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
  const { id, priority, runAt, dependsOn, paths, tags, discoveredFrom, parentId } = task;
  const options = {
    id,
    priority,
    dependsOn,
    paths,
    tags,
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
  if (state === "cancelled") return { state, failure: { code: "cancelled", name: null, message: why } };
  return { state, result: JSON.stringify(toResult({ kind: "success", summary: why })) };
}
