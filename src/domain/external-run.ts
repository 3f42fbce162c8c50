/** Runs that somebody else executes: Waybill is told of them, drives nothing, and keeps what it is told. */
import { WAIT_FOR_CONTACT } from "./contact-policy.js";
import type { Provenance, Run, TerminalStatus } from "./run.js";

/** Where they ran, as far as Waybill knows. No inventory can have a machine that is reached under this host. */
export const EXTERNAL_MACHINE = "external";
/** The label that holds the name under which others know such a run. */
export const EXTERNAL_NAME_LABEL = "external_name";

export interface ExternalRun {
  readonly id: string;
  readonly ref: string;
  readonly status: "running" | TerminalStatus;
  readonly startedAt: number;
  /** Null exactly while it runs. */
  readonly endedAt: number | null;
  readonly exitCode: number | null;
  readonly errorMsg: string | null;
  readonly pid: number | null;
  readonly logsPath: string | null;
  readonly detached: boolean;
  readonly createdBy: string;
  readonly provenance: Provenance;
  /** What was told, kept as evidence. */
  readonly record: Readonly<Record<string, unknown>>;
}

/** The record of such a run. Its id is its work: nothing is ever attached to it. */
export function toRun(told: ExternalRun, name: string | null, fence: number): Run {
  const { record, ...facts } = told;
  const target = {
    name: EXTERNAL_MACHINE,
    transport: "local",
    host: EXTERNAL_MACHINE,
    user: null,
    port: null,
    ssh: null,
  } as const;
  return {
    ...facts,
    kind: "external",
    machine: EXTERNAL_MACHINE,
    testDir: "",
    testDirHash: "",
    workHash: told.id,
    request: {
      target: { ...target, os: "linux", tags: [], slots: 1, workDir: "", env: {} },
      plan: null,
      entrypoint: "",
      args: [],
      env: {},
      timeoutMs: null,
      silenceMs: null,
      graceMs: 0,
      logLimitBytes: null,
      queue: false,
      keepVariables: false,
      retries: 0,
      selector: { machine: EXTERNAL_MACHINE },
      onUnreachable: WAIT_FOR_CONTACT,
    },
    batchId: null,
    planEntry: null,
    parentRunId: null,
    labels: name === null ? {} : { [EXTERNAL_NAME_LABEL]: name },
    slot: null,
    attempt: 1,
    fence,
    createdAt: told.startedAt,
    signal: null,
    errorCode: told.exitCode === null || told.exitCode === 0 ? null : "nonzero_exit",
    unreachableSince: null,
    startAskedAt: null,
    cancelRequestedAt: null,
    artifactState: "none",
    artifactError: null,
    artifactsPath: null,
    logBytes: null,
    pinned: false,
    evidence: { record },
  };
}
