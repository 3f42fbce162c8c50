/** Whose death ends a claim: a process that the caller names, else nobody's; the time of the lease ends it in any case. */
import { WaybillError } from "../../domain/errors.js";
import type { ProcessIdentity } from "../../domain/lease.js";
import { identityOf, nobody } from "../../machines/process-identity.js";

/** Errors: `invalid_input` for a process that is not there. */
export function claimHolder(pid: number | undefined): ProcessIdentity {
  if (pid === undefined) return nobody();
  const identity = identityOf(pid);
  if (identity !== null) return identity;
  throw new WaybillError("invalid_input", `There is no process ${pid} on this host.`, {
    hint: "Give the pid of whatever works on the task, such as $$ of the shell, or leave --pid out.",
    details: { pid },
  });
}
