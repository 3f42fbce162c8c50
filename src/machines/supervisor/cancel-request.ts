/** What is left for a supervisor that is to end its program. */
import type { CancelManner } from "../../domain/machine.js";

/** `SIGNAL GRACE`, the grace in milliseconds, as the supervisor reads it; nothing when there is nothing to say. */
export function describeManner(manner?: CancelManner): string {
  if (manner === undefined || (manner.signal === null && manner.graceMs === null)) return "";
  return `${manner.signal ?? "TERM"} ${manner.graceMs === null ? "" : Math.ceil(manner.graceMs)}`;
}
