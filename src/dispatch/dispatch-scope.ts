/** What a dispatcher is responsible for: one run, one batch, or every single run of this host. */
import { dispatcherLeaseName, type ProcessIdentity } from "../domain/lease.js";
import type { Run } from "../domain/run.js";

export type DispatchScope =
  | { readonly kind: "run"; readonly runId: string }
  | { readonly kind: "batch"; readonly batchId: string }
  | { readonly kind: "host" };

export const HOST_SCOPE: DispatchScope = { kind: "host" };

/** The lease of the dispatcher that serves the scope; two dispatchers for one scope would only get in each other's way. */
export function scopeLeaseName(scope: DispatchScope, holder: ProcessIdentity): string {
  if (scope.kind === "batch") return `batch/${scope.batchId}`;
  const host = dispatcherLeaseName(holder.host);
  return scope.kind === "run" ? `${host}/run/${scope.runId}` : host;
}

/** A local machine can only be reached from the host that it is part of. */
export const isReachable = (run: Run, holder: ProcessIdentity): boolean =>
  run.request.target.transport !== "local" || run.request.target.host === holder.host;

export function isInScope(scope: DispatchScope, run: Run, holder: ProcessIdentity): boolean {
  if (!isReachable(run, holder)) return false;
  if (scope.kind === "run") return run.id === scope.runId;
  return scope.kind === "host" || run.batchId === scope.batchId;
}
