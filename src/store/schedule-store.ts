import type { Schedule } from "../domain/schedule.js";
import type { NewTask } from "./task-store.js";

export type NewSchedule = Omit<Schedule, "paused" | "lastAt" | "lastTaskId">;

export interface Firing {
  readonly name: string;
  /** The `nextAt` on which the decision rests: whoever comes second finds another. */
  readonly dueAt: number;
  readonly nextAt: number | null;
  /** The tasks to submit, oldest time first, each with its time. */
  readonly tasks: readonly { readonly at: number; readonly task: NewTask }[];
}

export interface ScheduleStore {
  /** Makes or changes schedules; one whose rhythm stays keeps its `nextAt`. Writes nothing when all are as they are. */
  setSchedules(schedules: readonly NewSchedule[]): Promise<void>;
  /** Schedules that are due, and that are not paused. */
  dueSchedules(limit: number): Promise<readonly Schedule[]>;
  /** When the next is due; null when none will be. */
  nextScheduleAt(): Promise<number | null>;
  /** Submits the tasks and moves the schedule on, both or neither; false when another engine was faster. */
  fireSchedule(firing: Firing): Promise<boolean>;
  listSchedules(): Promise<readonly Schedule[]>;
  pauseSchedule(name: string, paused: boolean): Promise<Schedule | null>;
  removeSchedule(name: string): Promise<boolean>;
}
