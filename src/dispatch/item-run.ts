/** The run that fulfils a batch's item, as `dispatchItem` wants it. */
import { createHash } from "node:crypto";
import { basename } from "node:path";
import type { Batch, Item } from "../domain/batch.js";
import type { MachineSpec } from "../domain/machine.js";
import { DEFAULT_ENTRYPOINT, DEFAULT_GRACE_MS, type NewRun, type RunRequest } from "../domain/run.js";
import { canonicalWork } from "../domain/work-hash.js";
import type { Dispatch } from "../store/run-store.js";
import type { Runtime } from "./runtime.js";

type Entry = Parameters<typeof canonicalWork>[3];

export const hashWork = (treeHash: string, request: RunRequest, entry: Entry): string =>
  createHash("sha256")
    .update(canonicalWork(treeHash, request.target, request, entry))
    .digest("hex");

/** A local machine belongs to this host; recording that keeps other hosts of the same store away from it. */
export const targetOf = (runtime: Pick<Runtime, "holder">, spec: MachineSpec): MachineSpec =>
  spec.transport === "local" ? { ...spec, host: runtime.holder.host } : spec;

export const defaultEntrypoint = (spec: MachineSpec): string =>
  spec.os === "windows" ? DEFAULT_ENTRYPOINT.windows : DEFAULT_ENTRYPOINT.posix;

/** The plan file's name without its ending: `plan:/home/ann/acceptance.yaml` is `acceptance`. */
const planName = (batch: Batch): string => basename(batch.source.replace(/^plan:/, "")).replace(/\.ya?ml$/i, "");

export function dispatchableRun(
  runtime: Runtime,
  batch: Batch,
  item: Item,
  spec: MachineSpec,
): { dispatch: Dispatch; make: () => NewRun } {
  const request: RunRequest = {
    target: targetOf(runtime, spec),
    plan: { name: planName(batch), staging: batch.staging },
    entrypoint: item.spec.entrypoint ?? defaultEntrypoint(spec),
    args: [],
    env: item.spec.env,
    timeoutMs: item.spec.timeoutMs,
    silenceMs: item.spec.silenceMs,
    graceMs: DEFAULT_GRACE_MS,
    logLimitBytes: null,
    queue: true,
    keepVariables: false,
    retries: item.spec.retries,
    selector: item.selector,
    onUnreachable: item.spec.onUnreachable,
    ...(item.spec.artifacts && { artifacts: item.spec.artifacts }),
  };
  const workHash = hashWork(item.spec.testDirHash, request, { batchId: batch.id, name: item.name });
  return {
    dispatch: { machine: spec.name, slots: spec.slots, workHash, queue: false },
    make: () => ({
      id: runtime.newId(),
      kind: "directory",
      ref: item.name,
      testDir: item.dir,
      testDirHash: item.spec.testDirHash,
      request,
      createdBy: batch.createdBy,
      detached: true,
      batchId: batch.id,
      planEntry: item.name,
      parentRunId: null,
      labels: {},
      provenance: runtime.provenance,
    }),
  };
}
