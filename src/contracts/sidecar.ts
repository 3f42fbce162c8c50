/**
 * What crosses the wire of the sidecar API `/v0`. It is camelCase and has the names that its existing clients expect;
 * what is ours in addition is optional to them.
 */
import * as z from "zod";
import { ERROR_CODES } from "../domain/errors.js";
import { isOpen, type ReadinessGate } from "../domain/readiness.js";
import { isEndedTask, TASK_STATES, type Task, type TaskState } from "../domain/task.js";
import { time, toMaybeTime, toTime } from "./fields.js";
import { later } from "./later.js";

/** How many tasks a list has at most. */
export const LIST_LIMIT = 100;

export const TASK_STATUSES = ["running", "completed", "failed"] as const;
type TaskStatus = (typeof TASK_STATUSES)[number];

const STATUS_OF: Readonly<Record<TaskState, TaskStatus>> = {
  queued: "running",
  scheduled: "running",
  running: "running",
  completed: "completed",
  failed: "failed",
  cancelled: "failed",
};

export const taskSubmission = later(() =>
  z
    .strictObject({
      id: z.string().optional().describe("a UUID of the caller's own; the same one again is the same task"),
      type: z.string().min(1),
      params: z.record(z.string(), z.unknown()).optional(),
    })
    .meta({ id: "TaskSubmission" }),
);

export const submittedTask = later(() => z.object({ id: z.uuid() }).meta({ id: "SubmittedTask" }));

export const taskResult = later(() =>
  z
    .object({
      id: z.uuid(),
      type: z.string(),
      status: z.enum(TASK_STATUSES),
      run: z.number().int().min(1).describe("1, and one more each time it was submitted again after it had failed"),
      params: z.unknown().optional(),
      result: z.unknown().optional(),
      error: z.string().optional().describe("why it failed"),
      submittedAt: time,
      completedAt: time.optional(),
      state: z.enum(TASK_STATES).describe("what `status` does not tell apart"),
      attempt: z.number().int().min(0).describe("how many attempts have begun, in all runs"),
      errorCode: z.enum(ERROR_CODES).optional(),
      progress: z.unknown().optional(),
      createdBy: z.string().optional(),
    })
    .meta({ id: "TaskResult" }),
);

export const taskResults = later(() => z.array(taskResult()).max(LIST_LIMIT));

export const serviceStatus = later(() =>
  z.object({ status: z.enum(["Initializing", "Ready"]) }).meta({ id: "ServiceStatus" }),
);

const GATE_STATES = ["held", "released"] as const;

export const gateView = later(() =>
  z
    .object({
      name: z.string(),
      state: z.enum(GATE_STATES),
      heldAt: time.nullable(),
      releasedAt: time.nullable(),
      by: z.string().nullable(),
      reason: z.string().nullable(),
    })
    .meta({ id: "ReadinessGate" }),
);

export const readinessView = later(() =>
  z
    .object({
      ready: z.boolean(),
      closed: z.array(z.string()).readonly().describe("the gates that stand against it"),
      gates: z.array(gateView()),
    })
    .meta({ id: "Readiness" }),
);

export const gateChange = later(() =>
  z
    .strictObject({ state: z.enum(GATE_STATES), reason: z.string().max(1_000).optional() })
    .meta({ id: "ReadinessGateChange" }),
);

export const errorView = later(() =>
  z
    .object({
      error: z.string().describe("for people"),
      code: z.enum(ERROR_CODES).describe("for programs"),
      hint: z.string().optional(),
      retryable: z.boolean().describe("the same request may succeed later"),
    })
    .meta({ id: "Error" }),
);

export type TaskSubmission = z.output<ReturnType<typeof taskSubmission>>;
export type TaskResult = z.output<ReturnType<typeof taskResult>>;
export type GateView = z.output<ReturnType<typeof gateView>>;
export type ReadinessView = z.output<ReturnType<typeof readinessView>>;
export type GateChange = z.output<ReturnType<typeof gateChange>>;
export type ErrorView = z.output<ReturnType<typeof errorView>>;

const isEmptyMap = (value: unknown): boolean =>
  typeof value === "object" && value !== null && Object.keys(value).length === 0;

/** Absent on this wire means none: no params, no result, no error. */
export function toTaskResult(task: Task): TaskResult {
  const { failure, params, result, progress, createdBy } = task;
  const failed = isEndedTask(task.state) && task.state !== "completed";
  return {
    id: task.id,
    type: task.type,
    status: STATUS_OF[task.state],
    run: task.run,
    ...(params === null || isEmptyMap(params) ? {} : { params }),
    ...(result === null ? {} : { result }),
    ...(failed && failure !== null ? { error: failure.message, errorCode: failure.code } : {}),
    submittedAt: toTime(task.submittedAt),
    ...(task.endedAt === null ? {} : { completedAt: toTime(task.endedAt) }),
    state: task.state,
    attempt: task.attempt,
    ...(progress === null ? {} : { progress }),
    ...(createdBy === null ? {} : { createdBy }),
  };
}

export const toGateView = (gate: ReadinessGate): GateView => ({
  name: gate.name,
  state: isOpen(gate) ? "released" : "held",
  heldAt: toMaybeTime(gate.heldAt),
  releasedAt: toMaybeTime(gate.releasedAt),
  by: gate.by,
  reason: gate.reason,
});
