/** Records a command that is to run on this host, together with the right of this process to start it. */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { targetOf } from "../../dispatch/item-run.js";
import type { Runtime } from "../../dispatch/runtime.js";
import { WAIT_FOR_CONTACT } from "../../domain/contact-policy.js";
import { WaybillError } from "../../domain/errors.js";
import { LEASE_TTL_MS } from "../../domain/lease.js";
import type { MachineSpec } from "../../domain/machine.js";
import type { Run, RunRequest } from "../../domain/run.js";
import type { AppContext } from "../context.js";
import { mustHaveVariables } from "./required-variables.js";

/** The machine that commands run on is this host, whatever an inventory calls by that name. */
const HERE = "local";

export interface CommandToRecord {
  readonly id: string;
  readonly argv: readonly string[];
  readonly directory: string;
  readonly ref: string;
  readonly limits: Pick<RunRequest, "env" | "timeoutMs" | "silenceMs" | "graceMs" | "keepVariables">;
  readonly labels: Readonly<Record<string, string>>;
  /** It outlives what called it. */
  readonly detached: boolean;
  /** Shown to people who ask who drives the run. */
  readonly purpose: string;
}

/** Errors: `missing_env`. */
export async function recordCommand(context: AppContext, runtime: Runtime, command: CommandToRecord): Promise<Run> {
  const { id, ref, labels, detached, directory, purpose } = command;
  const request = toRequest(context, runtime, command);
  mustHaveVariables(runtime, request);
  const { settings } = context;
  const driver = { holder: runtime.holder, purpose, ttlMs: LEASE_TTL_MS };
  const keeper = await context.keeper();
  const { run, lease } = await runtime.store.runs.createRun(HERE, driver, () => ({
    id,
    kind: "command",
    ref,
    testDir: directory,
    testDirHash: "",
    request,
    createdBy: settings.user,
    detached,
    batchId: null,
    planEntry: null,
    parentRunId: settings.parentRunId,
    labels,
    provenance: settings.provenance,
  }));
  keeper.hold(lease);
  return run;
}

function toRequest(context: AppContext, runtime: Runtime, { argv, limits }: CommandToRecord): RunRequest {
  const [entrypoint = "", ...args] = argv;
  return {
    target: targetOf(runtime, thisHost(context)),
    plan: null,
    entrypoint,
    args,
    ...limits,
    logLimitBytes: null,
    queue: false,
    retries: 0,
    selector: { machine: HERE },
    onUnreachable: WAIT_FOR_CONTACT,
  };
}

const OS = { darwin: "macos", win32: "windows" } as const;

function thisHost(context: AppContext): MachineSpec {
  const os = OS[process.platform as keyof typeof OS] ?? "linux";
  const workDir = join(context.settings.home.machines, HERE);
  const reached = { transport: "local", host: null, user: null, port: null, ssh: null } as const;
  return { name: HERE, ...reached, os, tags: [], slots: 1, workDir, env: {} };
}

/** Errors: `invalid_input`. @param hint how another directory is named */
export async function mustBeDirectory(path: string, hint: string): Promise<void> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => error.code ?? error.message);
  if (typeof found !== "string" && found.isDirectory()) return;
  const why = typeof found === "string" ? found : "it is no directory";
  throw new WaybillError("invalid_input", `The command cannot run in ${path}: ${why}.`, {
    hint,
    details: { cwd: path },
  });
}
