import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { type PresenceProbe, type WaitClock, waitWorkerAbsent } from "./wait-worker-absent.js";

const WORKER = "planner/1";

interface Timer {
  readonly at: number;
  readonly fire: () => void;
}

/** Time that passes only when nothing else can happen: then it is the next timer's. */
function virtualClock(): WaitClock {
  let now = 1_000;
  const timers = new Set<Timer>();
  const pass = (): void => {
    const next = [...timers].sort((a, b) => a.at - b.at)[0];
    if (next === undefined) return;
    timers.delete(next);
    now = next.at;
    next.fire();
  };
  return {
    now: () => now,
    sleep: (ms, signal) =>
      new Promise<void>((resolve, reject) => {
        const timer = { at: now + ms, fire: resolve };
        timers.add(timer);
        signal.addEventListener("abort", () => {
          timers.delete(timer);
          reject(new Error("The sleep was aborted."));
        });
        setImmediate(pass);
      }),
  };
}

/** Answers one after the other; the last one again and again. Counts the questions. */
function answering(...answers: readonly (readonly string[] | Error | "hang")[]) {
  const times: number[] = [];
  const clock = virtualClock();
  const probe: PresenceProbe = (signal) => {
    const answer = answers[Math.min(times.length, answers.length - 1)];
    times.push(clock.now() - 1_000);
    if (answer instanceof Error) throw answer;
    if (answer !== "hang") return answer ?? [];
    return new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(new Error("stopped"))));
  };
  return { probe, clock, times };
}

const stillPresent = (lastSeen: string) =>
  expect.objectContaining({
    code: "still_present",
    details: { workerAgentId: WORKER, deadlineMs: expect.any(Number), lastSeen },
  });

describe("waiting for a worker's absence", () => {
  it("ends with the first question when it is gone already", async () => {
    const { probe, clock, times } = answering([`${WORKER}0`, "planner"]);
    await waitWorkerAbsent(probe, WORKER, { deadlineMs: 0, clock });

    expect(times).toEqual([0]);
  });

  it("asks every 250 ms, or as often as is said", async () => {
    const often = answering([WORKER], ["x", WORKER], []);
    await waitWorkerAbsent(often.probe, WORKER, { deadlineMs: 1_000, clock: often.clock });
    expect(often.times).toEqual([0, 250, 500]);

    const seldom = answering([WORKER], []);
    await waitWorkerAbsent(seldom.probe, WORKER, { deadlineMs: 1_000, pollIntervalMs: 900, clock: seldom.clock });
    expect(seldom.times).toEqual([0, 900]);
  });

  it("fails once the deadline is over, after a last question", async () => {
    const { probe, clock, times } = answering([WORKER]);

    await expect(waitWorkerAbsent(probe, WORKER, { deadlineMs: 600, clock })).rejects.toEqual(stillPresent("present"));
    expect(times).toEqual([0, 250, 500, 600]);
  });

  it("asks once when there is no time at all", async () => {
    const { probe, clock, times } = answering([WORKER]);

    await expect(waitWorkerAbsent(probe, WORKER, { deadlineMs: 0, clock })).rejects.toEqual(stillPresent("present"));
    expect(times).toEqual([0]);
  });

  it("takes so many misses in a row as are asked for", async () => {
    const { probe, clock, times } = answering([], [WORKER], [], new Error("no route"), [], []);
    await waitWorkerAbsent(probe, WORKER, { deadlineMs: 9_000, misses: 2, clock });

    expect(times).toHaveLength(6);
  });

  it("fails when the misses are not in a row by then", async () => {
    const { probe, clock } = answering([]);

    await expect(waitWorkerAbsent(probe, WORKER, { deadlineMs: 0, misses: 2, clock })).rejects.toEqual(
      stillPresent("absent"),
    );
  });

  it("goes on after a question that failed", async () => {
    const { probe, clock, times } = answering(new Error("no route"), []);
    await waitWorkerAbsent(probe, WORKER, { deadlineMs: 1_000, clock });

    expect(times).toEqual([0, 250]);
  });

  it("fails with the last failure as its cause when it could not be asked in the end", async () => {
    const { probe, clock } = answering([WORKER], new Error("no route"));
    const failure = waitWorkerAbsent(probe, WORKER, { deadlineMs: 1_000, clock });

    await expect(failure).rejects.toEqual(stillPresent("failed"));
    await expect(failure).rejects.toMatchObject({ cause: new Error("no route") });
  });

  it("does not wait for an answer that does not come", async () => {
    const { probe, clock, times } = answering([WORKER], "hang");

    await expect(waitWorkerAbsent(probe, WORKER, { deadlineMs: 1_000, clock })).rejects.toEqual(stillPresent("silent"));
    expect(times).toEqual([0, 250]);
  });

  it("ends with the caller's reason, whatever is under way", async () => {
    const reason = new Error("enough");
    const early = new AbortController();
    early.abort(reason);
    const { probe, times } = answering([]);
    await expect(waitWorkerAbsent(probe, WORKER, { deadlineMs: 9, signal: early.signal })).rejects.toBe(reason);
    expect(times).toEqual([]);

    for (const answer of [[WORKER], "hang"] as const) {
      const late = new AbortController();
      const asked = answering(answer);
      const waiting = waitWorkerAbsent(asked.probe, WORKER, { deadlineMs: 60_000, signal: late.signal });
      setImmediate(() => late.abort(reason));
      await expect(waiting).rejects.toBe(reason);
    }
  });

  it("goes by the system's time without a clock", async () => {
    const present = [WORKER];
    const probe = async (): Promise<string[]> => present.splice(0, 1);
    await waitWorkerAbsent(probe, WORKER, { deadlineMs: 60_000, pollIntervalMs: 1 });

    await expect(waitWorkerAbsent(async () => [WORKER], WORKER, { deadlineMs: 1, pollIntervalMs: 1 })).rejects.toEqual(
      stillPresent("present"),
    );
  });

  it.each([
    ["an empty id", "", { deadlineMs: 1 }],
    ["no deadline", WORKER, { deadlineMs: Number.NaN }],
    ["a deadline before now", WORKER, { deadlineMs: -1 }],
    ["no interval", WORKER, { deadlineMs: 1, pollIntervalMs: 0 }],
    ["no misses", WORKER, { deadlineMs: 1, misses: 0 }],
  ])("is refused with %s", async (_what, id, options) => {
    await expect(waitWorkerAbsent(() => [], id, options)).rejects.toMatchObject({ code: "invalid_input" });
  });

  it("hears a slow answer where there are weeks to wait", async () => {
    const slow = () => pause(50, [] as string[]);
    const weeks = { deadlineMs: 40 * 24 * 60 * 60_000, pollIntervalMs: 10, signal: AbortSignal.timeout(5_000) };
    await expect(waitWorkerAbsent(slow, WORKER, weeks)).resolves.toBeUndefined();
  });
});
