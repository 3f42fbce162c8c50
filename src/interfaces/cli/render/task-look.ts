/** How the states of tasks and attempts look: one tone and one sign each. */
import pc from "picocolors";
import type { AttemptState } from "../../../domain/attempt.js";
import type { TaskState } from "../../../domain/task.js";

interface Look {
  readonly sign: string;
  readonly tone: (text: string) => string;
}

const TASK: Readonly<Record<TaskState, Look>> = {
  queued: { sign: "·", tone: pc.dim },
  scheduled: { sign: "◷", tone: pc.dim },
  running: { sign: "▶", tone: pc.cyan },
  completed: { sign: "✔", tone: pc.green },
  failed: { sign: "✖", tone: pc.red },
  cancelled: { sign: "■", tone: pc.yellow },
};

const ATTEMPT: Readonly<Record<AttemptState, Look>> = {
  running: TASK.running,
  succeeded: TASK.completed,
  failed: TASK.failed,
  timed_out: { sign: "⏱", tone: pc.red },
  cancelled: TASK.cancelled,
  lost: { sign: "☠", tone: pc.magenta },
};

export const formatTaskState = (state: TaskState): string => TASK[state].tone(`${TASK[state].sign} ${state}`);
export const formatAttemptState = (state: AttemptState): string =>
  ATTEMPT[state].tone(`${ATTEMPT[state].sign} ${state}`);
export const toneOfAttempt = (state: AttemptState): Look["tone"] => ATTEMPT[state].tone;
