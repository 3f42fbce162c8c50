import { describe, expect, it } from "vitest";
import { takeReports } from "./attempt-report.js";

const header = { v: 1, run: "r", attempt: 2, fence: 3 };
const start = JSON.stringify({
  ...header,
  pid: 1,
  pid_start: "1",
  supervisor: 2,
  supervisor_start: "1",
  watchdog: 3,
  watchdog_start: "1",
  boot: "b",
  started: 5,
});
const exit = JSON.stringify({
  ...header,
  code: 0,
  reason: "exited",
  log_bytes: 7,
  artifacts_manifest_hash: null,
  started: 5,
  ended: 9,
});
const told = (...lines: readonly string[]): string => ["attempt r.2", ...lines, ".", ""].join("\n");
const answerOf = (text: string) => takeReports(text).reports[0]?.answer ?? null;

describe("what a machine tells of an attempt", () => {
  it("is taken report by report, and what is not whole yet is left", () => {
    const whole = told("state exit", "size 7", `start ${start}`, `exit ${exit}`);
    const { reports, rest } = takeReports(`${whole}attempt r.3\nstate run`);
    expect(reports).toMatchObject([{ key: { runId: "r", attempt: 2 }, logBytes: 7, answer: { state: "exit" } }]);
    expect(rest).toBe("attempt r.3\nstate run");
  });

  it("is read in every state", () => {
    expect(answerOf(told("state absent"))).toEqual({ state: "absent" });
    expect(answerOf(told("state prepared"))).toEqual({ state: "prepared" });
    expect(answerOf(told("state starting"))).toEqual({ state: "starting" });
    expect(answerOf(told("state busy", "holder r9"))).toEqual({ state: "busy", holder: "r9" });
    expect(answerOf(told("state running", "size 4", `start ${start}`))).toMatchObject({
      state: "running",
      logBytes: 4,
    });
    expect(answerOf(told("state lost", "proof rebooted"))).toMatchObject({
      state: "lost",
      proof: "rebooted",
      start: null,
    });
    expect(answerOf(told("state exit", "exit 7|exited|3|9"))).toMatchObject({
      exit: { code: 7, run: "r", attempt: 2 },
    });
  });

  it.each([
    ["a state that there is not", told("state bored")],
    ["a running attempt without its record", told("state running")],
    ["an end without its record", told("state exit")],
    ["a torn record", told("state exit", `exit ${exit.slice(0, 20)}`)],
    ["a loss without a proof that counts", told("state lost", "proof hearsay")],
    ["the record of another attempt", told("state exit", `exit ${exit.replace('"attempt":2', '"attempt":9')}`)],
    ["no name", "state absent\n.\n"],
  ])("is no answer: %s", (_, text) => {
    expect(answerOf(text)).toBeNull();
  });
});
