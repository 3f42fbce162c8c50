/** How attempts ended, in a line: successes and failures always, the rest where there are any. */
import type { OutputOf } from "../../../contracts/index.js";

type Counts = Pick<OutputOf<"workers.work">, "succeeded" | "failed" | "waiting" | "cancelled">;

export function renderAttemptCounts({ succeeded, failed, waiting, cancelled }: Counts): string {
  const asking = waiting === 0 ? "" : `, ${waiting} waiting for a person`;
  const ended = cancelled === 0 ? "" : `, ${cancelled} cancelled`;
  return `${succeeded} succeeded, ${failed} failed${asking}${ended}`;
}
