import { describe, expect, it } from "vitest";
import { EXTERNAL_NAME_LABEL, type ExternalRun, toRun } from "./external-run.js";
import { NO_PROVENANCE } from "./run.js";

const told: ExternalRun = {
  id: "r",
  ref: "unit",
  status: "failed",
  startedAt: 1,
  endedAt: 2,
  exitCode: 3,
  errorMsg: null,
  pid: null,
  logsPath: null,
  detached: false,
  createdBy: "ann",
  provenance: NO_PROVENANCE,
  record: { said: true },
};

describe("a run that somebody else executed", () => {
  it("keeps what was told as evidence, and its name as a label", () => {
    const run = toRun(told, "mine", 7);

    expect(run).toMatchObject({ kind: "external", fence: 7, createdAt: 1, evidence: { record: { said: true } } });
    expect(run.labels).toEqual({ [EXTERNAL_NAME_LABEL]: "mine" });
    expect(toRun(told, null, 7).labels).toEqual({});
  });

  it.each([
    [3, "nonzero_exit"],
    [0, null],
    [null, null],
  ])("with exit code %j has the error code %j", (exitCode, errorCode) => {
    expect(toRun({ ...told, exitCode }, null, 1).errorCode).toBe(errorCode);
  });
});
