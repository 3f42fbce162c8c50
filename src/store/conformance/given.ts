/** Builders of records for tests: whole by default, and only what a test is about is said in it. */
import { v7 as uuidv7 } from "uuid";
import type { Item, NewBatch } from "../../domain/batch.js";
import { WAIT_FOR_CONTACT } from "../../domain/contact-policy.js";
import { LEASE_TTL_MS, type Lease, type ProcessIdentity, runLeaseName } from "../../domain/lease.js";
import type { MachineSpec, StartRecord } from "../../domain/machine.js";
import type { NewRun, Run, RunOutcome, RunRequest } from "../../domain/run.js";
import type { ArtifactReport, Dispatch, RunGuard } from "../run-store.js";
import type { Store } from "../store.js";

const target: MachineSpec = {
  name: "left",
  transport: "local",
  host: null,
  user: null,
  port: null,
  ssh: null,
  os: "linux",
  tags: [],
  slots: 1,
  workDir: "/tmp/left",
  env: {},
};

const request: RunRequest = {
  target,
  entrypoint: "run.sh",
  args: [],
  env: {},
  timeoutMs: null,
  silenceMs: null,
  graceMs: 10_000,
  logLimitBytes: null,
  queue: false,
  plan: null,
  keepVariables: false,
  retries: 0,
  selector: { machine: "left" },
  onUnreachable: WAIT_FOR_CONTACT,
};

const start: StartRecord = {
  v: 1,
  run: "r",
  attempt: 1,
  fence: 1,
  pid: 4711,
  pid_start: "1",
  supervisor: 4710,
  supervisor_start: "1",
  watchdog: 4709,
  watchdog_start: "1",
  boot: "b",
  started: 1_000,
};

export const given = {
  id: (): string => uuidv7(),

  run: (over: Partial<NewRun> = {}): NewRun => ({
    id: uuidv7(),
    kind: "directory",
    ref: "unit",
    testDir: "/tests/unit",
    testDirHash: "tree-1",
    request,
    createdBy: "tester",
    detached: false,
    batchId: null,
    planEntry: null,
    parentRunId: null,
    labels: {},
    provenance: { source: null, client: null, session: null },
    ...over,
  }),

  request: (over: Partial<RunRequest> = {}): RunRequest => ({ ...request, ...over }),

  /** A machine with one slot, refusing rather than queueing. */
  dispatch: (over: Partial<Dispatch> = {}): Dispatch => ({
    machine: "left",
    slots: 1,
    workHash: "work-1",
    queue: false,
    ...over,
  }),

  process: (over: Partial<ProcessIdentity> = {}): ProcessIdentity => ({
    host: "host-1",
    boot: "boot-1",
    pid: 100,
    pidStart: "1",
    ...over,
  }),

  start: (over: Partial<StartRecord> = {}): StartRecord => ({ ...start, ...over }),

  outcome: (over: Partial<RunOutcome> = {}): RunOutcome => ({
    status: "completed",
    exitCode: 0,
    signal: null,
    errorCode: null,
    errorMsg: null,
    startedAt: 1_000,
    endedAt: 3_000,
    evidence: { exit: { code: 0 } },
    ...over,
  }),

  failure: (over: Partial<RunOutcome> = {}): RunOutcome =>
    given.outcome({
      status: "failed",
      exitCode: 3,
      errorCode: "nonzero_exit",
      errorMsg: "The program exited with code 3.",
      ...over,
    }),

  artifacts: (over: Partial<ArtifactReport> = {}): ArtifactReport => ({
    state: "none",
    error: null,
    artifactsPath: null,
    logsPath: null,
    logBytes: null,
    ...over,
  }),

  item: (over: Partial<Item> = {}): Item => ({
    name: "unit",
    dir: "tests/unit",
    selector: { machine: "left" },
    state: "queued",
    runId: null,
    machine: null,
    errorCode: null,
    errorMsg: null,
    spec: {
      testDirHash: "tree-1",
      entrypoint: null,
      env: {},
      timeoutMs: null,
      silenceMs: null,
      retries: 0,
      onUnreachable: WAIT_FOR_CONTACT,
    },
    ...over,
  }),

  batch: (over: Partial<NewBatch> = {}): NewBatch => ({
    id: uuidv7(),
    planHash: "plan-1",
    staging: "build-1",
    createdBy: "tester",
    source: "inline",
    items: [given.item()],
    ...over,
  }),
};

/** A recorded run with its driver's lease, as every run that is being executed has. */
export interface DrivenRun {
  readonly run: Run;
  readonly lease: Lease;
  readonly guard: RunGuard;
}

/** Records a run of its own work on a machine and takes its lease. */
export async function drive(
  store: Store,
  dispatch: Partial<Dispatch> = {},
  run: Partial<NewRun> = {},
): Promise<DrivenRun> {
  const made = given.run(run);
  const wanted = given.dispatch({ workHash: `work-${made.id}`, ...dispatch });
  const prepared = await store.runs.prepareAtomic(wanted, () => made);
  return adopt(store, prepared.run);
}

/** Takes the lease of a run that exists. */
export async function adopt(store: Store, run: Run, over: Partial<ProcessIdentity> = {}): Promise<DrivenRun> {
  const { lease } = await store.leases.acquireLease({
    name: runLeaseName(run.id),
    holder: given.process(over),
    purpose: "test",
    ttlMs: LEASE_TTL_MS,
  });
  return { run, lease, guard: { runId: run.id, attempt: run.attempt, leaseFence: lease.fence } };
}

/** A run that has started and ended. */
export async function finished(
  store: Store,
  dispatch: Partial<Dispatch> = {},
  run: Partial<NewRun> = {},
  outcome: RunOutcome = given.outcome(),
): Promise<Run> {
  const { guard } = await drive(store, dispatch, run);
  await store.runs.startRun(guard, given.start(), null);
  const answer = await store.runs.finishRun(guard, outcome, given.artifacts());
  if (!answer.written) throw new Error(`the run could not be finished: ${answer.refusal}`);
  return answer.run;
}
