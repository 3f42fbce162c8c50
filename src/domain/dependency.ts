/** A task that waits for others, and which ends of theirs it waits for. */
import { isEndedTask, type TaskState } from "./task.js";

/** `failed` is met by every end but `completed`, also by the removal of the task; `ended` by any end. */
export const DEPENDENCY_OUTCOMES = ["completed", "failed", "ended"] as const;
export type DependencyOutcome = (typeof DEPENDENCY_OUTCOMES)[number];

export interface Dependency {
  readonly id: string;
  readonly outcome: DependencyOutcome;
}

/** @param state of the task that is waited for; null once it was removed. What is `unmet` can no longer be met. */
export function judgeDependency(outcome: DependencyOutcome, state: TaskState | null): "waits" | "met" | "unmet" {
  if (state !== null && !isEndedTask(state)) return "waits";
  if (outcome === "ended") return "met";
  return (state === "completed") === (outcome === "completed") ? "met" : "unmet";
}
