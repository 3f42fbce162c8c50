import { toTime } from "../../contracts/fields.js";
import { type TaskDetailView, toAttemptView, toTaskView } from "../../contracts/task-views.js";
import { ENGINE_LEASES } from "../../domain/lease.js";
import type { Task } from "../../domain/task.js";
import type { Step, TaskLogLine } from "../../store/step-store.js";
import type { Store } from "../../store/store.js";
import type { CallHandler } from "../context.js";
import { findTask } from "./find-task.js";
import { engineName } from "./live-engines.js";

/** A task with more children says so by their number; `tasks list --parent` has them all. */
const MOST_CHILDREN = 100;

export const showTask: CallHandler<"tasks.show"> = async (context, input) => {
  const store = await context.store();
  const task = await findTask(store, input.id);
  const [attempts, steps, dependencies, children, log, engine] = await Promise.all([
    store.attempts.listAttempts(task.id),
    store.steps.listSteps(task.id),
    dependenciesOf(store, task.id),
    store.tasks.listTasks({ parentId: task.id }, { limit: MOST_CHILDREN }),
    store.steps.readTaskLog(task.id, input.lines),
    engineOf(store, task),
  ]);
  return {
    ...toTaskView(task),
    params: task.params,
    result: task.result,
    progress: task.progress,
    engine,
    attempts: attempts.map(toAttemptView),
    steps: steps.map(toStepView),
    dependencies,
    children: children.map(({ id, type, state }) => ({ id, type, state })).reverse(),
    log: log.map(toLogLineView),
  };
};

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

/** By the fence of its lease, under which the attempt runs. */
async function engineOf(store: Store, { owner }: Task): Promise<string | null> {
  if (owner === null) return null;
  const lease = (await store.leases.listLeases(ENGINE_LEASES)).find(({ fence }) => fence === owner);
  return lease === undefined ? null : engineName(lease);
}
