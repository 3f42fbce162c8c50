/** Waits until a worker is no longer among those who are present. */
import { setTimeout as pause } from "node:timers/promises";
import { WaybillError } from "../domain/errors.js";
import { LONGEST_TIMER_MS } from "../domain/longest-timer.js";

const POLL_INTERVAL_MS = 250;

/** Answers with the agent ids that are present. It should stop when `signal` is aborted; its answer is not waited for then. */
export type PresenceProbe = (signal: AbortSignal) => readonly string[] | Promise<readonly string[]>;

/** Time as the waiting sees it; tests bring their own. */
export interface WaitClock {
  /** Milliseconds, from whenever; never goes back. */
  now(): number;
  /** Rejects once `signal` is aborted. */
  sleep(ms: number, signal: AbortSignal): Promise<unknown>;
}

export interface WaitWorkerAbsentOptions {
  /** How long to wait; milliseconds. With 0 it is asked once. */
  readonly deadlineMs: number;
  /** Between two questions; milliseconds. Default 250. */
  readonly pollIntervalMs?: number;
  /** Gives up waiting, with the signal's reason. */
  readonly signal?: AbortSignal;
  /** How many answers without the worker in a row mean that it is gone. Default 1. */
  readonly misses?: number;
  readonly clock?: WaitClock;
}

const systemClock: WaitClock = {
  now: () => performance.now(),
  sleep: (ms, signal) => pause(Math.min(ms, LONGEST_TIMER_MS), undefined, { signal }),
};

/**
 * Resolves once `probe` has answered `misses` times in a row without the worker. It is asked at once, and at least once
 * whatever the deadline; each answer may take what is left of the time, and one interval at least. A question that fails
 * says nothing: it is asked again, and `misses` begins anew.
 *
 * Absence says that nobody answers for the worker. Whether its task may be given to another is told by its lease.
 *
 * Errors: `still_present` when the time is over, with the last failed question as its cause when that is why;
 * `invalid_input` for options that make no sense; the reason of `signal`.
 */
export async function waitWorkerAbsent(
  probe: PresenceProbe,
  workerAgentId: string,
  options: WaitWorkerAbsentOptions,
): Promise<void> {
  const { deadlineMs, pollIntervalMs = POLL_INTERVAL_MS, misses = 1, clock = systemClock } = options;
  const signal = options.signal ?? new AbortController().signal;
  check(workerAgentId, deadlineMs, pollIntervalMs, misses);
  signal.throwIfAborted();
  const end = clock.now() + deadlineMs;
  const question = { probe, id: workerAgentId, clock, signal };
  let missed = 0;
  try {
    for (;;) {
      const look = await lookOnce(question, Math.max(pollIntervalMs, end - clock.now()));
      missed = look.kind === "absent" ? missed + 1 : 0;
      if (missed >= misses) return;
      const left = end - clock.now();
      if (left <= 0) throw stillPresent(workerAgentId, deadlineMs, look);
      await clock.sleep(Math.min(pollIntervalMs, left), signal);
    }
  } catch (error) {
    // Whatever was under way when the caller gave up: the caller's reason is what it wants to see again.
    signal.throwIfAborted();
    throw error;
  }
}

/** `silent`: the probe did not answer in time. */
type Look = { readonly kind: "present" | "absent" | "silent" } | { readonly kind: "failed"; readonly error: unknown };

interface Question {
  readonly probe: PresenceProbe;
  readonly id: string;
  readonly clock: WaitClock;
  readonly signal: AbortSignal;
}

/** Asks once, for no longer than `ms`: a probe that hangs must not hang its caller. */
async function lookOnce({ probe, id, clock, signal }: Question, ms: number): Promise<Look> {
  const over = new AbortController();
  const stop = AbortSignal.any([signal, over.signal]);
  const silent = clock.sleep(ms, stop).then((): Look => ({ kind: "silent" }));
  try {
    return await Promise.race([ask(probe, id, stop), silent]);
  } finally {
    over.abort();
  }
}

async function ask(probe: PresenceProbe, id: string, signal: AbortSignal): Promise<Look> {
  try {
    return { kind: (await probe(signal)).includes(id) ? "present" : "absent" };
  } catch (error) {
    return { kind: "failed", error };
  }
}

function stillPresent(id: string, deadlineMs: number, look: Look): WaybillError {
  const seen = {
    present: `The worker ${JSON.stringify(id)} is still present after ${deadlineMs} ms.`,
    absent: `The worker ${JSON.stringify(id)} was not seen absent often enough within ${deadlineMs} ms.`,
    silent: `Whether the worker ${JSON.stringify(id)} is present was not answered within ${deadlineMs} ms.`,
    failed: `Whether the worker ${JSON.stringify(id)} is present could not be asked within ${deadlineMs} ms.`,
  };
  return new WaybillError("still_present", seen[look.kind], {
    hint: "Wait for longer, or look at it with `waybill workers list`.",
    details: { workerAgentId: id, deadlineMs, lastSeen: look.kind },
    ...(look.kind === "failed" ? { cause: look.error } : {}),
  });
}

function check(id: string, deadlineMs: number, pollIntervalMs: number, misses: number): void {
  if (id === "")
    throw new WaybillError("invalid_input", "The worker's agent id is empty; expected the id to look for.");
  for (const [name, value, least] of [
    ["deadlineMs", deadlineMs, 0],
    ["pollIntervalMs", pollIntervalMs, 1],
    ["misses", misses, 1],
  ] as const) {
    if (Number.isFinite(value) && value >= least) continue;
    throw new WaybillError("invalid_input", `${name} is ${value}; expected a number from ${least}.`);
  }
}
