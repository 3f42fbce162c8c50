import { v7 } from "uuid";

/**
 * Makes ids of runs that started in the past: they sort by that time, and among equal times in the order of the calls.
 * The sequence begins at the time of opening, so that a later process goes on behind an earlier one.
 */
export function runIdsByStart(now: number): (startedAt: number) => string {
  let sequence = now % 0x8000_0000;
  return (startedAt) => {
    sequence += 1;
    return v7({ msecs: Math.max(0, startedAt), seq: sequence });
  };
}
