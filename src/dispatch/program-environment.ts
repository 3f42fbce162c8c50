/** The environment that a run's program gets: resolved when it starts, so that secrets pass through and are never stored. */
import type { EnvValue, Provenance, Run } from "../domain/run.js";

/** Variables of Waybill itself that belong to the process that submits, not to what it submits. */
const OWN_VARIABLES = [
  "WAYBILL_RUN_ID",
  "WAYBILL_TASK_ID",
  "WAYBILL_ATTEMPT",
  "WAYBILL_FENCE",
  "WAYBILL_HANDOFF_LEASE",
  "WAYBILL_HANDOFF_HOLDER",
  "WAYBILL_TASK_FILE",
  "WAYBILL_RESULT_FILE",
  "WAYBILL_ARTIFACTS_DIR",
  "WAYBILL_MACHINE",
  "WAYBILL_BATCH_ID",
  "WAYBILL_PLAN",
  "WAYBILL_PLAN_ENTRY",
  "WAYBILL_STAGING",
  "WAYBILL_SCOPE",
  "WAYBILL_SOURCE",
  "WAYBILL_CLIENT",
  "WAYBILL_SESSION",
  "WAYBILL_KILL_AT",
  "WAYBILL_TOKEN",
] as const;

type Environment = Readonly<Record<string, string>>;

/** The environment without what a surrounding run put there, for a process that must not be taken for its child. */
export function withoutOwnVariables(environment: Environment): Record<string, string> {
  const kept = { ...environment };
  for (const name of OWN_VARIABLES) delete kept[name];
  return kept;
}

/** Names that are to be taken from the environment and are not there. */
export function missingVariables(env: Readonly<Record<string, EnvValue>>, environment: Environment): string[] {
  return Object.values(env).flatMap((value) =>
    typeof value !== "string" && environment[value.fromEnv] === undefined ? [value.fromEnv] : [],
  );
}

/** Whether this environment has what the run is to be started with; what has started, or is to be cancelled, needs nothing. */
export function canStart(run: Run, environment: Environment): boolean {
  // A command is started by its caller alone; whoever else drives it only takes it to its end.
  const isPast = run.pid !== null || run.cancelRequestedAt !== null || run.kind === "command";
  return isPast || missingVariables(run.request.env, environment).length === 0;
}

/** How a provenance is handed on to a child process, so that what it submits is told to be of the same session. */
export function provenanceVariables({ source, client, session }: Provenance): Record<string, string> {
  return {
    ...(source === null ? {} : { WAYBILL_SOURCE: source }),
    ...(client === null ? {} : { WAYBILL_CLIENT: client }),
    ...(session === null ? {} : { WAYBILL_SESSION: session }),
  };
}

/** What is handed to the machine on top of its own environment: the machine's variables, the run's, and Waybill's. */
export function programEnvironment(run: Run, environment: Environment): Record<string, string> {
  const { target, env, plan } = run.request;
  const asked = Object.entries(env).map(([name, value]) => [
    name,
    typeof value === "string" ? value : (environment[value.fromEnv] ?? ""),
  ]);
  return {
    ...target.env,
    ...Object.fromEntries(asked),
    WAYBILL_MACHINE: run.machine,
    WAYBILL_SCOPE: run.id,
    ...provenanceVariables(run.provenance),
    ...(plan === null ? {} : { WAYBILL_PLAN: plan.name, WAYBILL_STAGING: plan.staging }),
    ...(run.batchId === null ? {} : { WAYBILL_BATCH_ID: run.batchId }),
    ...(run.planEntry === null ? {} : { WAYBILL_PLAN_ENTRY: run.planEntry }),
  };
}
