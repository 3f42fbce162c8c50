/** How long to wait, as somebody has said it, who may have computed it. */

/** Whatever follows from now is a time that a date can hold; some 250,000 years, in milliseconds. */
export const LONGEST_DELAY_MS = 8_000_000_000_000_000;

/** What a delay has to be, for the message about one that is not. */
export const DELAY = `a number of milliseconds up to ${LONGEST_DELAY_MS}`;

/**
 * @returns whole milliseconds, a fraction rounded up, and none for what is negative: the time is over already, as for a
 *   timer. Null for what is no delay: no number, or endless.
 */
export const wholeDelay = (ms: unknown): number | null =>
  typeof ms === "number" && ms <= LONGEST_DELAY_MS ? Math.max(0, Math.ceil(ms)) : null;
