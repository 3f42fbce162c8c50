/** What a supervisor is started with, whatever the machine is reached by. */
import type { StartRequest } from "../machine-port.js";

/** Set by the supervisor for the program alone: a run that starts another must not lend it its own identity. */
const OWN_NAMES = ["WAYBILL_RUN_ID", "WAYBILL_ATTEMPT", "WAYBILL_FENCE", "WAYBILL_ARTIFACTS_DIR"] as const;

/** The supervisor's verb and what follows prefix, run, attempt and fence (supervisor/sh/00-header.sh). */
export function supervisorArguments(
  slots: number,
  request: StartRequest,
): { readonly verb: "supervise" | "execute"; readonly args: readonly string[] } {
  const { timeoutMs, silenceMs, graceMs, logLimitBytes, contactMs, treeHash, entrypoint, args, command } = request;
  const limits = [timeoutMs ?? 0, silenceMs ?? 0, graceMs, logLimitBytes ?? 0, contactMs ?? 0].map((n) =>
    String(Math.ceil(n)),
  );
  return command === null
    ? { verb: "supervise", args: [treeHash, String(slots), ...limits, entrypoint, ...args] }
    : { verb: "execute", args: [command.directory, ...limits, entrypoint, ...args] };
}

/** For people who look into the directory. Values of variables are secrets until somebody says otherwise: names only. */
export function describeRequest({ env, command, ...rest }: StartRequest): string {
  const directory = command === null ? {} : { directory: command.directory };
  return JSON.stringify({ v: 1, ...rest, ...directory, env: Object.keys(env) });
}

export function withoutOwnNames<Value>(env: Readonly<Record<string, Value>>): Record<string, Value> {
  const kept = { ...env };
  for (const name of OWN_NAMES) delete kept[name];
  return kept;
}
