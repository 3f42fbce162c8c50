/**
 * A task: a typed unit of work that an engine executes. The record, its states, and which state may follow which.
 *
 * A task is executed by attempts (`attempt.ts`). It runs at least once; exactly one attempt's end becomes the task's.
 */

import type { JsonValue } from "./canonical-json.js";
import type { ErrorCode } from "./errors.js";

/** `scheduled` waits for a time, `queued` for an engine, a key or other tasks (see `TASK_GATES`). */
export const TASK_STATES = ["queued", "scheduled", "running", "completed", "failed", "cancelled"] as const;
export type TaskState = (typeof TASK_STATES)[number];

/**
 * Out of `failed` and `cancelled` leads only an explicit retry, which begins the task's next run. A queued task completes
 * only when it waits for a review and what its last attempt brought is accepted.
 */
export const TASK_TRANSITIONS = {
  queued: ["scheduled", "running", "completed", "failed", "cancelled"],
  scheduled: ["queued", "failed", "cancelled"],
  running: ["queued", "scheduled", "completed", "failed", "cancelled"],
  completed: [],
  failed: ["queued"],
  cancelled: ["queued"],
} as const satisfies Record<TaskState, readonly TaskState[]>;

export const ENDED_TASK_STATES = ["completed", "failed", "cancelled"] as const;
export type EndedTaskState = (typeof ENDED_TASK_STATES)[number];

export const isEndedTask = (state: TaskState): state is EndedTaskState =>
  (ENDED_TASK_STATES as readonly TaskState[]).includes(state);

export const LIVE_TASK_STATES = TASK_STATES.filter((state) => !isEndedTask(state));
/** The states of a task that no attempt executes yet. */
export const WAITING_TASK_STATES = ["queued", "scheduled"] as const satisfies readonly TaskState[];

/** Whether the state machine knows the step. */
export const mayBecome = (from: TaskState, to: TaskState): boolean =>
  (TASK_TRANSITIONS[from] as readonly TaskState[]).includes(to);

/**
 * What a queued task waits for: an engine or a worker (`open`), a free slot of its concurrency key, the end of other
 * tasks, paths that another task holds, a person's answer to its question, or a person's review of what it brought.
 */
export const TASK_GATES = ["open", "key", "dependencies", "paths", "answer", "review"] as const;
export type TaskGate = (typeof TASK_GATES)[number];

/** The gates that a person opens. */
export const PERSON_GATES = ["answer", "review"] as const satisfies readonly TaskGate[];
export type PersonGate = (typeof PERSON_GATES)[number];

export const waitsForPerson = (gate: TaskGate): gate is PersonGate =>
  (PERSON_GATES as readonly TaskGate[]).includes(gate);

/** Why a task or an attempt did not succeed, as it is stored and shown. */
export interface TaskFailure {
  readonly code: ErrorCode;
  /** What was thrown: the error's class, as in `TypeError`; null when the engine itself ended the attempt. */
  readonly name: string | null;
  readonly message: string;
}

/** A failure for which nothing was thrown. */
export const plainFailure = (code: ErrorCode, message: string): TaskFailure => ({ code, name: null, message });

export interface Task {
  readonly id: string;
  /** Grows with every submission; age among equals of priority. */
  readonly sequence: number;
  readonly type: string;
  readonly state: TaskState;
  readonly gate: TaskGate;
  /** Higher goes first; 0 by default. */
  readonly priority: number;
  /** 1, and one more for each explicit retry after an end. */
  readonly run: number;
  /** How many attempts have begun, in all runs. */
  readonly attempt: number;
  /** Attempts of this run that failed or timed out; they count towards `maxAttempts`. */
  readonly failures: number;
  /** Attempts of this run whose owner died; they count towards quarantine and nothing else. */
  readonly crashes: number;
  /** Null: the definition's policy says. */
  readonly maxAttempts: number | null;
  readonly timeoutMs: number | null;
  /** Epoch milliseconds, as all times here. After this the task fails, whatever it waits for. */
  readonly deadlineAt: number | null;
  /** When a scheduled task is due. */
  readonly runAt: number | null;
  readonly submittedAt: number;
  /** Begin of the newest attempt. */
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  /** The fence of the attempt that is running. */
  readonly fence: number | null;
  /** The fence of the lease of the engine or worker that runs it. */
  readonly owner: number | null;
  readonly cancelRequestedAt: number | null;
  readonly concurrencyKey: string | null;
  readonly uniqueKey: string | null;
  /** The task that spawned it, and the schedule that submitted it. */
  readonly parentId: string | null;
  readonly schedule: string | null;
  /** Who submitted it, as far as whoever took the submission knows. */
  readonly createdBy: string | null;
  readonly tags: readonly string[];
  readonly params: JsonValue;
  readonly result: JsonValue;
  readonly failure: TaskFailure | null;
  readonly progress: JsonValue;
  /** What it wants to know of a person, while its gate is one that a person opens. */
  readonly question: string | null;
  /** Opaque text carried from the submission to the attempts: the context of a trace. */
  readonly trace: string | null;
}

/** How many attempts of a task may lose their owner before it is taken out of the queue. */
export const QUARANTINE_AFTER = 3;

/** What follows the death of an attempt's owner. Healthy work survives deaths around it; work that kills its owner does not come back for ever. */
export const afterCrash = (crashes: number, limit: number): "again" | "quarantine" =>
  crashes >= limit ? "quarantine" : "again";
