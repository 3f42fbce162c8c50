import { describe, expect, it } from "vitest";
import type { Rhythm } from "../../src/domain/schedule.js";
import { timeAfter, timesUntil } from "../../src/engine/schedule-times.js";

const at = (iso: string): number => Date.parse(iso);
const iso = (times: readonly (number | null)[]): readonly string[] => times.map((t) => new Date(t ?? 0).toISOString());
const berlin: Rhythm = { kind: "cron", cron: "30 2 * * *", timeZone: "Europe/Berlin" };

describe("the times of a schedule", () => {
  it("are those of its time zone, over both changes of the clock", () => {
    const from = at("2026-03-27T12:00:00Z");
    const times = timesUntil(berlin, timeAfter(berlin, from, from) ?? 0, at("2026-03-31T00:00:00Z"), true);
    // On 29 March 2026 there is no 02:30 in Berlin: the first moment after the gap stands for it. On 25 October there are two.
    expect(iso(times)).toEqual(["2026-03-28T01:30:00.000Z", "2026-03-29T01:00:00.000Z", "2026-03-30T00:30:00.000Z"]);
    const autumn = timesUntil(berlin, at("2026-10-24T00:30:00Z"), at("2026-10-26T12:00:00Z"), true);
    expect(iso(autumn).map((time) => time.slice(0, 10))).toEqual(["2026-10-24", "2026-10-25", "2026-10-26"]);
  });

  it("are in step with the first, for an interval", () => {
    const every: Rhythm = { kind: "interval", everyMs: 100 };
    expect(timesUntil(every, 50, 449, true)).toEqual([50, 150, 250, 350]);
    expect(timesUntil(every, 50, 449, false)).toEqual([350]);
    expect(timeAfter(every, 449, 50)).toBe(450);
  });

  it("cost no more after a long absence: the newest of ten years of seconds", () => {
    const second: Rhythm = { kind: "cron", cron: "* * * * * *", timeZone: "UTC" };
    const now = at("2026-06-01T00:00:00.500Z");
    const newest = timesUntil(second, at("2016-06-01T00:00:00Z"), now, false);
    expect(iso(newest.slice(-1))).toEqual(["2026-06-01T00:00:00.000Z"]);
    expect(timesUntil(second, at("2016-06-01T00:00:00Z"), now, true)).toHaveLength(1_000);
  });

  it("may be over", () => {
    const past: Rhythm = { kind: "cron", cron: "0 0 0 1 1 * 2020", timeZone: "UTC" };
    expect(timeAfter(past, at("2026-01-01T00:00:00Z"), 0)).toBeNull();
  });
});
