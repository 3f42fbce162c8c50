/** Values of which nothing is known, made into text: what a handler throws, asks or logs may be anything. */
import { inspect } from "node:util";

const UNSHOWN = "what cannot be shown";

/** What `read` answers, or `otherwise`: getters and the traps of a proxy are code of whoever made the value, and may throw. */
export function safely<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch {
    // What it threw is of the value's own making, and says nothing about what is read here.
    return otherwise;
  }
}

/** A text as it is, anything else as it prints. Never throws. */
export const shown = (value: unknown): string =>
  typeof value === "string" ? value : safely(() => inspect(value), UNSHOWN);

/** The same of a part that has to be read first. */
export const shownOf = (read: () => unknown): string => safely(() => shown(read()), UNSHOWN);
