import { describe, expect, it } from "vitest";
import { given } from "../store/conformance/given.js";
import {
  ACTIVE_STATUSES,
  exitCodeOfRun,
  isTerminal,
  RUN_STATUSES,
  RUN_TRANSITIONS,
  type RunOutcome,
  retriesAfter,
  sourcesOf,
  TERMINAL_STATUSES,
  waitsForSlot,
} from "./run.js";

const request = given.request({ queue: true, graceMs: 1, retries: 1 });
const ended = (status: RunOutcome["status"], errorCode: RunOutcome["errorCode"] = null): RunOutcome => ({
  status,
  exitCode: null,
  signal: null,
  errorCode,
  errorMsg: null,
  startedAt: null,
  endedAt: 1,
  evidence: {},
});

describe("the statuses of a run", () => {
  it("are either active or terminal", () => {
    expect([...ACTIVE_STATUSES, ...TERMINAL_STATUSES]).toEqual([...RUN_STATUSES]);
    expect(ACTIVE_STATUSES.some(isTerminal)).toBe(false);
  });

  it("end for good: nothing follows a terminal one, and each terminal one can be reached", () => {
    for (const status of TERMINAL_STATUSES) {
      expect(RUN_TRANSITIONS[status]).toEqual([]);
      expect(sourcesOf(status)).toContain("running");
    }
  });

  it("have sources that mirror the transitions", () => {
    expect(sourcesOf("failed")).toEqual(["pending", "running"]);
    expect(sourcesOf("timeout")).toEqual(["running"]);
    expect(sourcesOf("pending")).toEqual([]);
  });
});

describe("a slot", () => {
  it("is waited for by a pending directory that has none, and by nothing else", () => {
    expect(waitsForSlot({ kind: "directory", status: "pending", slot: null })).toBe(true);
    expect(waitsForSlot({ kind: "directory", status: "pending", slot: 1 })).toBe(false);
    expect(waitsForSlot({ kind: "directory", status: "failed", slot: null })).toBe(false);
    expect(waitsForSlot({ kind: "command", status: "pending", slot: null })).toBe(false);
    expect(waitsForSlot({ kind: "external", status: "running", slot: null })).toBe(false);
  });
});

describe("a further attempt", () => {
  const run = { attempt: 1, request, cancelRequestedAt: null };

  it("follows a failure, a timeout and a loss", () => {
    expect(retriesAfter(run, ended("failed", "nonzero_exit"))).toBe(true);
    expect(retriesAfter(run, ended("timeout", "timeout"))).toBe(true);
    expect(retriesAfter(run, ended("interrupted", "lost"))).toBe(true);
  });

  it("does not follow success or a cancellation", () => {
    expect(retriesAfter(run, ended("completed"))).toBe(false);
    expect(retriesAfter(run, ended("interrupted", "cancelled"))).toBe(false);
    expect(retriesAfter({ ...run, cancelRequestedAt: 5 }, ended("failed"))).toBe(false);
  });

  it("does not follow the last one", () => {
    expect(retriesAfter({ ...run, attempt: 2 }, ended("failed"))).toBe(false);
    expect(retriesAfter({ ...run, request: { ...request, retries: 0 } }, ended("failed"))).toBe(false);
  });
});

describe("the exit code of a waiting command", () => {
  const code = (status: RunOutcome["status"], exitCode: number | null) =>
    exitCodeOfRun({ status, exitCode, errorCode: null });

  it("is the work's own where it has one", () => {
    expect([code("completed", 0), code("failed", 3), code("failed", 255), code("failed", 137)]).toEqual([
      0, 3, 255, 137,
    ]);
  });

  it("is 1 when the work has none that a shell could carry", () => {
    expect([code("failed", null), code("failed", 0), code("failed", 256)]).toEqual([1, 1, 1]);
  });

  it("is that of the error when the program never ran", () => {
    expect(exitCodeOfRun({ status: "failed", exitCode: null, errorCode: "upload_failed" })).toBe(6);
  });

  it("is 124 for a timeout and 130 for an interruption, whatever the program said last", () => {
    expect([code("timeout", 143), code("interrupted", 1)]).toEqual([124, 130]);
  });
});
