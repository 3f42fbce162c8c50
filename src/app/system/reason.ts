/** One reason why something does not go on, or how it stands. */
import type { OutputOf } from "../../contracts/index.js";

export type Reason = OutputOf<"system.why">["reasons"][number];

export const reason = (
  code: Reason["code"],
  message: string,
  holders: string[] = [],
  hint: string | null = null,
): Reason => ({ code, message, holders, hint });
