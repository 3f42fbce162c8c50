import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { withinLimit } from "./time-limit.js";

const DAY_MS = 24 * 60 * 60_000;

describe("a time limit", () => {
  it("of weeks is not over before one of milliseconds is", async () => {
    const [long, short] = [withinLimit(40 * DAY_MS, undefined), withinLimit(20, undefined)];
    // Timers that are unref'd, as these are, keep no process alive.
    const alive = setInterval(() => undefined, 1_000);
    await once(short, "abort");
    clearInterval(alive);
    expect(long.aborted).toBe(false);
  });

  it("is over with the signal that it is given, whether there is a limit or none", () => {
    const caller = new AbortController();
    const signals = [null, DAY_MS, 40 * DAY_MS].map((limitMs) => withinLimit(limitMs, caller.signal));
    expect(signals.map(({ aborted }) => aborted)).toEqual([false, false, false]);
    caller.abort();
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true, true]);
  });
});
