/** Node fires a timer of more milliseconds at once (https://nodejs.org/api/timers.html): 24 days and a half. */
export const LONGEST_TIMER_MS = 2_147_483_647;
