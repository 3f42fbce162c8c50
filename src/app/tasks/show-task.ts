import { toMaybeTime, toTime } from "../../contracts/fields.js";
import { toNoteView } from "../../contracts/note-view.js";
import { type AttemptView, type TaskDetailView, toAttemptView, toTaskView } from "../../contracts/task-views.js";
import { MOST_NOTE_CHARACTERS } from "../../domain/note.js";
import type { Task } from "../../domain/task.js";
import type { Step, TaskLogLine } from "../../store/step-store.js";
import type { Store } from "../../store/store.js";
import type { CallHandler } from "../context.js";
import { ownerByFence, ownerName } from "../workers/present-owners.js";
import { findTask } from "./find-task.js";
import { pausedTypes } from "./pause-queues.js";

/** A task with more children says so by their number; `tasks list --parent` has them all. */
const MOST_CHILDREN = 100;

export const showTask: CallHandler<"tasks.show"> = async (context, input) => {
  const store = await context.store();
  const task = await findTask(store, input.id);
  const [attempts, owner, steps, dependencies, children, log, related] = await Promise.all([
    attemptsOf(store, task.id),
    ownerByFence(store, task.owner),
    store.steps.listSteps(task.id),
    dependenciesOf(store, task.id),
    store.tasks.listTasks({ parentId: task.id }, { limit: MOST_CHILDREN }),
    store.steps.readTaskLog(task.id, input.lines),
    relatedTo(store, task, input.notes),
  ]);
  return {
    ...toTaskView(task),
    params: task.params,
    result: task.result,
    progress: task.progress,
    paused: (await pausedTypes(store)).includes(task.type),
    question: task.question,
    engine: owner === null ? null : ownerName(owner),
    lease_expires_at: toMaybeTime(owner?.lease.expiresAt ?? null),
    attempts,
    steps: steps.map(toStepView),
    dependencies,
    children: children.map(({ id, type, state }) => ({ id, type, state })).reverse(),
    log: log.map(toLogLineView),
    ...related,
  };
};

async function attemptsOf(store: Store, id: string): Promise<AttemptView[]> {
  const attempts = await store.attempts.listAttempts(id);
  const workers = await store.workers.workersByOwner(attempts.map(({ owner }) => owner));
  return attempts.map((attempt) => toAttemptView(attempt, workers.get(attempt.owner) ?? null));
}

type Related = Pick<TaskDetailView, "paths" | "path_holders" | "links" | "notes">;

async function relatedTo(store: Store, { id, gate }: Task, newest: number): Promise<Related> {
  const [paths, holders, links, notes] = await Promise.all([
    store.tasks.pathsOf(id),
    gate === "paths" ? store.tasks.pathHolders(id) : [],
    store.links.linksOf(id),
    store.notes.newestNotes(id, { limit: newest, characters: MOST_NOTE_CHARACTERS }),
  ]);
  return {
    paths: paths.map((path) => ({ ...path })),
    path_holders: holders.map(({ taskId, agentId, state }) => ({ id: taskId, agent_id: agentId, state })),
    links: links.map((link) => ({ ...link })),
    notes: notes.map(toNoteView),
  };
}

export const toLogLineView = ({ number, attempt, at, line }: TaskLogLine) => ({
  number,
  attempt,
  at: toTime(at),
  line,
});

const toStepView = ({ name, kind, attempt, startedAt, endedAt, result }: Step): TaskDetailView["steps"][number] => ({
  name,
  kind,
  attempt,
  started_at: toTime(startedAt),
  // The result of a sleep is the time at which it is over.
  ended_at: toTime(kind === "sleep" ? Number(result) : endedAt),
});

async function dependenciesOf(store: Store, id: string): Promise<TaskDetailView["dependencies"]> {
  const dependencies = await store.tasks.dependenciesOf(id);
  const found = await store.tasks.getTasks(dependencies.map((on) => on.id));
  return dependencies.map(({ id, outcome }) => {
    const task = found.get(id);
    return { id, outcome, type: task?.type ?? null, state: task?.state ?? null };
  });
}
