/** How long to wait, as somebody has said it, who may have computed it. */

/** Whatever follows from now is a time that a date can hold; some 250,000 years, in milliseconds. */
export const LONGEST_DELAY_MS = 8_000_000_000_000_000;

/** What a delay has to be, for the message about one that is not. */
export const DELAY = `a number of milliseconds from 0 to ${LONGEST_DELAY_MS}`;

/** @returns whole milliseconds, a fraction rounded up; null for what is no delay: no number, negative, endless. */
export const wholeDelay = (ms: unknown): number | null =>
  typeof ms === "number" && ms >= 0 && ms <= LONGEST_DELAY_MS ? Math.ceil(ms) : null;
