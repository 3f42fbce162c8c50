/** The built-in types by which whoever operates a service holds and releases its readiness gates, in the order of tasks. */
import * as z from "zod";
import { checkGateName, type GateWish, isOpen, READY_GATE } from "../../domain/readiness.js";
import type { Task } from "../../domain/task.js";
import { TerminalError } from "../../engine/handler-errors.js";
import type { TaskContext } from "../../engine/task-context.js";
import { defineTask, type TaskDefinition } from "../../engine/task-definition.js";
import type { Store } from "../../store/store.js";

/** Before other tasks: traffic is to stop before anything else happens. */
const FIRST = 1_000_000;
export const MARK_READY = "mark-ready";
export const MARK_NOT_READY = "mark-not-ready";

const gateParams = z.strictObject({
  gate: z.string().default(READY_GATE),
  reason: z.string().max(1_000).optional(),
});

/** The gate that a submission of `mark-not-ready` is about. */
export function gateOf(params: unknown): string {
  const parsed = gateParams.safeParse(params);
  return parsed.success ? parsed.data.gate : READY_GATE;
}

/** When a task was asked for: submitted again after an end, not before that end. Epoch milliseconds. */
async function askedAt(store: Store, task: Task): Promise<number> {
  if (task.run === 1) return task.submittedAt;
  const attempts = await store.attempts.listAttempts(task.id);
  return attempts.findLast(({ run }) => run < task.run)?.endedAt ?? task.submittedAt;
}

async function carryOut(store: Store, wish: GateWish, params: z.output<typeof gateParams>, context: TaskContext) {
  const { gate: name, reason = null } = params;
  checkGateName(name);
  const task = await store.tasks.getTask(context.taskId);
  if (task === null) throw new TerminalError(`The task was removed; the gate "${name}" stays as it is.`);
  const at = await askedAt(store, task);
  const gate = await store.gates.decideGate({ gate: name, wish, at, by: task.createdBy, reason });
  if (wish === "release" && !isOpen(gate)) {
    throw new TerminalError(
      `${context.type}: superseded by hold: the gate "${name}" was held after this was submitted` +
        `${gate.by === null ? "" : `, by ${gate.by}`} [hint: submit it again to release the gate]`,
    );
  }
  return { gate: name, open: isOpen(gate) };
}

const readinessTask = (store: Store, type: string, wish: GateWish) =>
  defineTask({
    type,
    params: gateParams,
    priority: FIRST,
    timeoutMs: 60_000,
    run: (params, context) => carryOut(store, wish, params, context),
  });

export const readinessTasks = (store: Store): readonly TaskDefinition[] => [
  readinessTask(store, MARK_READY, "release"),
  readinessTask(store, MARK_NOT_READY, "hold"),
];
