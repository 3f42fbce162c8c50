import type { AttemptGuard } from "../domain/attempt.js";
import type { AttemptWrite } from "./attempt-store.js";
import type { NewTask, Submitted } from "./task-store.js";

export const STEP_KINDS = ["step", "sleep", "spawn"] as const;
export type StepKind = (typeof STEP_KINDS)[number];

/** What a task has done and need not do again. `result` is JSON text; of a sleep it is the time at which it is over. */
export interface Step {
  readonly name: string;
  readonly kind: StepKind;
  readonly attempt: number;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly result: string;
}

export type NewStep = Pick<Step, "name" | "kind" | "startedAt" | "result">;

export interface TaskLogLine {
  /** Grows from line to line; the cursor of whoever follows a log. */
  readonly number: number;
  readonly attempt: number;
  readonly at: number;
  readonly line: string;
}

/** What a running attempt records. Each write presents its guard. */
export interface StepStore {
  /** Records a step's end; one of that name that is recorded already stays, and is the answer. */
  recordStep(guard: AttemptGuard, step: NewStep): Promise<AttemptWrite<Step>>;
  /** Submits tasks as children and records their ids as a step, both or neither; a step of that name is answered with. */
  spawnTasks(
    guard: AttemptGuard,
    step: Pick<NewStep, "name">,
    tasks: readonly NewTask[],
  ): Promise<AttemptWrite<readonly Submitted[]>>;
  /** The steps of the task's present run, in the order of their ends. */
  listSteps(taskId: string): Promise<readonly Step[]>;
  recordProgress(guard: AttemptGuard, progress: string): Promise<AttemptWrite>;
  appendTaskLog(guard: AttemptGuard, lines: readonly string[]): Promise<AttemptWrite>;
  /** The newest `limit` lines, of those after the line `after` when that is given; oldest first. */
  readTaskLog(taskId: string, limit: number, after?: number): Promise<readonly TaskLogLine[]>;
}
