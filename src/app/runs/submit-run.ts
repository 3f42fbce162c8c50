/** `waybill run`: freeze the directory, decide in one critical section, start, and follow to the end or let go. */
import { lstat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { durationMs } from "../../contracts/fields.js";
import type { OutputOf, ParsedInputOf } from "../../contracts/index.js";
import { toRunView } from "../../contracts/run-views.js";
import { HOST_SCOPE } from "../../dispatch/dispatch-scope.js";
import { mustGetRun } from "../../dispatch/drive.js";
import { driveRun } from "../../dispatch/drive-run.js";
import { defaultEntrypoint, hashWork, targetOf } from "../../dispatch/item-run.js";
import type { Runtime } from "../../dispatch/runtime.js";
import { mustBeTheSameMachines } from "../../dispatch/same-machine.js";
import { type ContactPolicy, isOutOfReach, parseContactPolicy, WAIT_FOR_CONTACT } from "../../domain/contact-policy.js";
import { WaybillError } from "../../domain/errors.js";
import type { MachineSpec } from "../../domain/machine.js";
import { DEFAULT_GRACE_MS, isTerminal, type NewRun, type Run, type RunRequest } from "../../domain/run.js";
import { freezeTree } from "../../machines/tree/freeze-tree.js";
import type { FrozenTree } from "../../machines/tree/frozen-tree.js";
import type { AppContext, CallHandler, CallOptions } from "../context.js";
import { candidates, chooseMachine } from "./choose-machine.js";
import { parseEnvironmentFlags, parseLabelFlags } from "./environment-flags.js";
import { followRun } from "./follow-run.js";
import { mustHaveVariables } from "./required-variables.js";
import { describeLoss, tellingContact } from "./watch-contact.js";

type Input = ParsedInputOf<"runs.submit">;
type Answer = { readonly outcome: OutputOf<"runs.submit">["outcome"]; readonly run: Run };

export const submitRun: CallHandler<"runs.submit"> = async (context, input, options) => {
  const from = candidates(await context.inventory(), input.machine, input.tag);
  const runtime = await context.runtime();
  const tree = await freezeTree(resolve(context.settings.cwd, input.dir), runtime.treesDir, options.signal);
  const { outcome, run } = await decide(context, runtime, input, from, tree);
  runtime.onStep("run.decided", run.id);
  await options.onProgress?.({ type: "submitted", outcome, run: toRunView(run) });
  if (isTerminal(run.status)) return { outcome, run: toRunView(run) };
  const last = input.detach ? await startAndLetGo(context, runtime, run, options) : await follow(context, run, options);
  return { outcome, run: toRunView(last) };
};

async function decide(
  context: AppContext,
  runtime: Runtime,
  input: Input,
  from: readonly MachineSpec[],
  tree: FrozenTree,
): Promise<Answer> {
  const id = runtime.newId();
  const requestFor = (spec: MachineSpec) => toRequest(runtime, input, spec);
  const salt = input.new ? { batchId: id, name: "new" } : null;
  const workHashOn = (spec: MachineSpec) => hashWork(tree.hash, requestFor(spec), salt);
  const spec = await chooseMachine(runtime, from, workHashOn);
  // Refuses a transport that there is no way over before anything is recorded.
  runtime.machine(spec);
  await mustBeTheSameMachines(runtime, [spec]);
  const request = requestFor(spec);
  await mustHaveEntrypoint(tree, request.entrypoint, input.dir);
  mustHaveVariables(runtime, request);
  const workHash = workHashOn(spec);
  if (input.reuse) {
    const finished = await runtime.store.runs.findCompletedByWork(spec.name, workHash);
    if (finished !== null) return { outcome: "finished", run: finished };
  }
  const testDir = resolve(context.settings.cwd, input.dir);
  const prepared = await runtime.store.runs.prepareAtomic(
    { machine: spec.name, slots: spec.slots, workHash, queue: input.queue },
    (): NewRun => ({
      id,
      kind: "directory",
      ref: input.ref ?? basename(testDir),
      testDir,
      testDirHash: tree.hash,
      request,
      createdBy: context.settings.user,
      detached: input.detach,
      batchId: null,
      planEntry: null,
      parentRunId: context.settings.parentRunId,
      labels: parseLabelFlags(input.label),
      provenance: context.settings.provenance,
    }),
  );
  if (prepared.outcome === "busy") throw machineBusy(spec, prepared.run);
  return { outcome: prepared.outcome, run: prepared.run };
}

function toRequest(runtime: Runtime, input: Input, spec: MachineSpec): RunRequest {
  return {
    target: targetOf(runtime, spec),
    plan: null,
    entrypoint: input.entrypoint ?? defaultEntrypoint(spec),
    args: input.args,
    env: parseEnvironmentFlags(input.env),
    timeoutMs: durationMs(input.timeout),
    silenceMs: durationMs(input.silence_timeout),
    graceMs: durationMs(input.grace) ?? DEFAULT_GRACE_MS,
    logLimitBytes: input.max_log_bytes ?? null,
    queue: input.queue,
    keepVariables: input.keep_vars,
    retries: input.retries,
    selector: input.tag === undefined ? { machine: spec.name } : { tag: input.tag },
    onUnreachable: toContactPolicy(input),
    ...(input.artifacts.length > 0 && { artifacts: input.artifacts }),
  };
}

/** Errors: `invalid_input` for a replacement where the run may go to one machine only. */
function toContactPolicy({ on_unreachable, on_return, tag }: Input): ContactPolicy {
  const policy = parseContactPolicy(on_unreachable, on_return) ?? WAIT_FOR_CONTACT;
  if (policy.action !== "replace_after" || tag !== undefined) return policy;
  throw new WaybillError("invalid_input", "--on-unreachable replace_after was given without --tag.", {
    hint: "Only a run that may go to any machine with a tag can be replaced; use stop_after, or name a tag.",
  });
}

/** Looked for in the frozen copy, before anything is decided. Errors: `entrypoint_missing`. */
export async function mustHaveEntrypoint(tree: FrozenTree, entrypoint: string, dir: string): Promise<void> {
  const inside = !entrypoint.startsWith("/") && !entrypoint.split("/").includes("..");
  const found = inside ? await lstat(join(tree.path, entrypoint)).catch(() => null) : null;
  if (found?.isFile()) return;
  throw new WaybillError("entrypoint_missing", `There is no file ${JSON.stringify(entrypoint)} in ${dir}.`, {
    hint: "A directory is run by its run.sh; --entrypoint names another file inside it.",
    details: { dir, entrypoint },
  });
}

function machineBusy(spec: MachineSpec, holder: Run): WaybillError {
  const slots = spec.slots === 1 ? "its slot" : `one of its ${spec.slots} slots`;
  return new WaybillError(
    "machine_busy",
    `${spec.name} is busy: run ${holder.id} (${holder.ref}, ${holder.status}) holds ${slots}.`,
    {
      hint: `Add --queue to wait for a turn, or look with \`waybill runs attach ${holder.id}\`.`,
      details: { machine: spec.name, holder: holder.id, holder_ref: holder.ref },
    },
  );
}

/** Starts the run and leaves it to a dispatcher, also where its machine gives no answer yet. */
async function startAndLetGo(
  context: AppContext,
  runtime: Runtime,
  { id }: Run,
  { onProgress }: CallOptions,
): Promise<Run> {
  const run = await startOnce(context, runtime, id);
  if (isTerminal(run.status)) return run;
  if (run.unreachableSince !== null) {
    await onProgress?.({ type: "contact", change: await describeLoss(runtime.store, run) });
  }
  const needsThisEnvironment = run.pid === null && Object.values(run.request.env).some((v) => typeof v !== "string");
  await context.ensureDispatcher(needsThisEnvironment ? { kind: "run", runId: id } : HOST_SCOPE);
  return run;
}

async function startOnce(context: AppContext, runtime: Runtime, id: string): Promise<Run> {
  try {
    const machines = async () => (await context.inventory()).machines;
    const options = { until: "started", purpose: "waybill run --detach", machines } as const;
    return (await driveRun(runtime, await context.keeper(), id, options)).run;
  } catch (error) {
    // It is recorded, and waits for its machine.
    if (!isOutOfReach(error)) throw error;
    return await mustGetRun(runtime, id);
  }
}

async function follow(context: AppContext, run: Run, options: CallOptions): Promise<Run> {
  const pieces = followRun(context, run.id, 0, "waybill run", options.signal);
  for await (const piece of tellingContact(context, run.id, options, pieces)) {
    await options.onProgress?.({ type: "log", piece });
  }
  return (await (await context.store()).runs.getRun(run.id)) ?? run;
}
