import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { given } from "../store/conformance/given.js";
import { isErrorCode } from "./errors.js";
import { EXIT_REASONS, type ExitReason, type ExitRecord, type StartRecord } from "./machine.js";
import { outcomeOf } from "./outcome.js";
import { isTerminal, type RunRequest } from "./run.js";

const request = given.request({ queue: true, timeoutMs: 3_000, silenceMs: 60_000, graceMs: 1_000, logLimitBytes: 100 });
const header = { v: 1, run: "r", attempt: 1, fence: 1 } as const;
const start: StartRecord = {
  ...header,
  pid: 1,
  pid_start: "1",
  supervisor: 1,
  supervisor_start: "1",
  watchdog: 1,
  watchdog_start: "1",
  boot: "b",
  started: 10,
};
const exited = (code: number | null, reason: ExitReason = "exited"): ExitRecord => ({
  ...header,
  code,
  reason,
  log_bytes: 0,
  artifacts_manifest_hash: null,
  started: null,
  ended: 20,
});
const judge = (exit: ExitRecord, limits: RunRequest = request) =>
  outcomeOf({ state: "exit", exit, start: null }, limits);

describe("the outcome of an exit record", () => {
  it("is completed for code 0 and failed for any other", () => {
    expect(judge(exited(0))).toMatchObject({ status: "completed", exitCode: 0, signal: null, errorCode: null });
    expect(judge(exited(3))).toMatchObject({ status: "failed", exitCode: 3, signal: null, errorCode: "nonzero_exit" });
  });

  it("keeps the code with which a shell would refuse a command", () => {
    expect(judge(exited(127, "command_missing"))).toMatchObject({ status: "failed", exitCode: 127, startedAt: null });
  });

  it("names the signal behind 128+n and no signal outside of that range", () => {
    expect([137, 159, 128, 160, 1].map((code) => judge(exited(code)).signal)).toEqual([9, 31, null, null, null]);
    expect(judge(exited(null, "supervisor_died")).signal).toBeNull();
  });

  it.each([
    ["timeout", "timeout", "timeout"],
    ["silence", "timeout", "silence_timeout"],
    ["log_limit", "failed", "log_limit"],
    ["cancelled", "interrupted", "cancelled"],
    ["terminated", "interrupted", "terminated"],
    ["supervisor_died", "interrupted", "lost"],
    ["entrypoint_missing", "failed", "entrypoint_missing"],
    ["tree_missing", "failed", "upload_failed"],
    ["copy_failed", "failed", "upload_failed"],
    ["disk_full", "failed", "disk_full"],
    ["no_session", "failed", "spawn_failed"],
    ["directory_missing", "failed", "spawn_failed"],
    ["command_missing", "failed", "spawn_failed"],
    ["command_not_executable", "failed", "spawn_failed"],
  ] as const)("of reason %s is %s with %s", (reason, status, errorCode) => {
    expect(judge(exited(null, reason))).toMatchObject({ status, errorCode });
  });

  it("tells the limit that was passed", () => {
    expect(judge(exited(143, "timeout")).errorMsg).toContain("3.0 s");
    expect(judge(exited(143, "silence")).errorMsg).toContain("1 m 00 s");
    expect(judge(exited(143, "log_limit")).errorMsg).toContain("100 bytes");
  });

  it("says so when the machine reports a limit that was never asked for", () => {
    const unlimited = { ...request, timeoutMs: null, silenceMs: null };

    expect(judge(exited(143, "timeout"), unlimited)).toMatchObject({ status: "timeout", errorCode: "timeout" });
    expect(judge(exited(143, "silence"), unlimited)).toMatchObject({ errorCode: "silence_timeout" });
  });

  it("is terminal, has a known code exactly when it is no success, and keeps the record, for every reason and code", () => {
    const code = fc.option(fc.nat(255));
    fc.assert(
      fc.property(fc.constantFrom(...EXIT_REASONS), code, (reason, number) => {
        const exit = exited(number, reason);
        const outcome = judge(exit);
        expect(isTerminal(outcome.status)).toBe(true);
        expect(outcome.errorCode === null).toBe(outcome.status === "completed");
        expect(outcome.errorCode === null || isErrorCode(outcome.errorCode)).toBe(true);
        expect(outcome.evidence).toEqual({ exit });
      }),
    );
  });

  it("takes its start from the exit record, else from the start record", () => {
    const both = outcomeOf({ state: "exit", exit: { ...exited(0), started: 11 }, start }, request);
    const older = outcomeOf({ state: "exit", exit: exited(0), start }, request);

    expect([both.startedAt, older.startedAt, judge(exited(0)).startedAt]).toEqual([11, 10, null]);
    expect(older.evidence).toEqual({ exit: exited(0), start });
  });
});

describe("the outcome of a loss", () => {
  it("is interrupted with the proof as evidence", () => {
    const rebooted = outcomeOf({ state: "lost", proof: "rebooted", start, at: 30 }, request);
    const killed = outcomeOf({ state: "lost", proof: "supervisor_died", start: null, at: 30 }, request);

    expect(rebooted).toMatchObject({ status: "interrupted", errorCode: "lost", startedAt: 10, endedAt: 30 });
    expect(rebooted.errorMsg).toContain("rebooted");
    expect(rebooted.evidence).toEqual({ lost: "rebooted", at: 30, start });
    expect(killed).toMatchObject({ startedAt: null, exitCode: null, evidence: { lost: "supervisor_died", at: 30 } });
    expect(killed.errorMsg).toContain("watchdog");
  });
});
