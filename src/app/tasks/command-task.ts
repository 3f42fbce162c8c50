/**
 * The built-in type `command`: executes argv as a run of kind `command`, so that its log, its exit code and its limits are
 * where every run's are.
 *
 * A try is one run. Its id is a step of the task, recorded before the run is, so that whoever executes the task after a
 * crash finds that same run and takes it to its end; another run begins only with another try, once nothing of the
 * earlier ones is left.
 */
import { basename, resolve } from "node:path";
import * as z from "zod";
import { planEnv } from "../../contracts/env-map.js";
import { later } from "../../contracts/later.js";
import { Dispatcher } from "../../dispatch/dispatcher.js";
import type { Runtime } from "../../dispatch/runtime.js";
import { WaybillError } from "../../domain/errors.js";
import { backoffMs, DEFAULT_RETRY } from "../../domain/retry.js";
import { DEFAULT_GRACE_MS, isTerminal, type Run } from "../../domain/run.js";
import type { TaskContext } from "../../engine/task-context.js";
import { defineTask } from "../../engine/task-definition.js";
import type { AppContext } from "../context.js";
import { requestCancels } from "../runs/cancel-runs.js";
import { mustBeDirectory, recordCommand } from "../runs/record-command.js";
import { COMMAND, cancelOtherRuns, labelOf } from "./command-runs.js";

const paramsSchema = later(() =>
  z.strictObject({
    argv: z
      .array(z.string())
      .min(1)
      .refine(([name]) => name !== "", "the command's name is empty"),
    /** Default: the engine's. */
    cwd: z.string().min(1).optional(),
    /** NAME: value, or { from_env: OTHER } to take it from the engine's environment without storing it. */
    env: planEnv.default({}),
    timeout_ms: z.number().int().min(1).optional(),
  }),
);
type Params = z.output<ReturnType<typeof paramsSchema>>;

export interface CommandResult {
  readonly run_id: string;
  readonly exit_code: number;
}

/**
 * Defines it for engines of this process. A command is tried once unless its submission says otherwise: nobody knows
 * whether it can be repeated.
 *
 * A try that fails has the code of its run: `nonzero_exit`, `timeout`, `spawn_failed`, `lost`, …
 */
export const commandTask = (context: AppContext) =>
  defineTask({
    type: COMMAND,
    params: paramsSchema(),
    timeoutMs: null,
    retry: { maxAttempts: 1, delay: delayAfter },
    run: async (params: Params, task): Promise<CommandResult> => await execute(context, params, task),
  });

/** Whoever cancels the run of a command does not want another. */
const delayAfter = (failures: number, error: unknown): number | null =>
  error instanceof WaybillError && error.code === "cancelled"
    ? null
    : backoffMs(DEFAULT_RETRY.backoff, failures, Math.random());

async function execute(context: AppContext, params: Params, task: TaskContext): Promise<CommandResult> {
  const runtime = await context.runtime();
  const runId = await task.step(`run ${task.failures + 1}`, () => runtime.newId());
  await cancelOtherRuns(context, task.taskId, runId, task.signal);
  const run = await findOrRecord(context, runtime, runId, params, task);
  await task.progress({ run_id: runId });
  return toResult(isTerminal(run.status) ? run : await takeToEnd(context, runtime, run, task.signal));
}

async function findOrRecord(
  context: AppContext,
  runtime: Runtime,
  id: string,
  params: Params,
  task: TaskContext,
): Promise<Run> {
  const known = await runtime.store.runs.getRun(id);
  if (known !== null) return known;
  const directory = resolve(context.settings.cwd, params.cwd ?? ".");
  await mustBeDirectory(directory, "`cwd` of the params names a directory of the engine's host.");
  task.signal.throwIfAborted();
  return await recordCommand(context, runtime, {
    id,
    argv: params.argv,
    directory,
    ref: basename(params.argv[0] ?? ""),
    limits: {
      env: { ...params.env, WAYBILL_TASK_ID: task.taskId },
      timeoutMs: await timeLeft(runtime, params, task),
      silenceMs: null,
      graceMs: DEFAULT_GRACE_MS,
      keepVariables: false,
    },
    labels: labelOf(task.taskId),
    detached: true,
    purpose: `task ${task.taskId}`,
  });
}

/** Past the task's deadline, at which its engine ends the run. */
const DEADLINE_SLACK_MS = 2_000;

/** How long the run may take; its supervisor ends it then, also when no engine lives to see the task's deadline. */
async function timeLeft({ store }: Runtime, params: Params, { taskId }: TaskContext): Promise<number | null> {
  const deadlineAt = (await store.tasks.getTask(taskId))?.deadlineAt ?? null;
  const untilDeadline = deadlineAt === null ? [] : [Math.max(0, deadlineAt - Date.now()) + DEADLINE_SLACK_MS];
  const limits = [...(params.timeout_ms === undefined ? [] : [params.timeout_ms]), ...untilDeadline];
  return limits.length === 0 ? null : Math.min(...limits);
}

/** Ends of the engine that are no ends of the task: its next attempt goes on with the run. */
const LEFT_RUNNING: readonly unknown[] = ["terminated", "lease_lost"];

/** Drives the run unless somebody else does. A task that is to end ends its run first. */
async function takeToEnd(context: AppContext, runtime: Runtime, recorded: Run, signal: AbortSignal): Promise<Run> {
  const { id } = recorded;
  const leave = new AbortController();
  const onAbort = (): void => {
    const isLeft = LEFT_RUNNING.includes((signal.reason as Partial<WaybillError>).code);
    if (isLeft) leave.abort();
    else cancelWithLog(context, runtime, recorded);
  };
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort, { once: true });
  const dispatcher = new Dispatcher(runtime, await context.keeper(), {
    scope: { kind: "run", runId: id },
    purpose: "waybill task",
    machines: async () => [],
    patient: true,
    caller: { input: null },
  });
  try {
    await dispatcher.run(leave.signal);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
  if (leave.signal.aborted) signal.throwIfAborted();
  const run = await runtime.store.runs.getRun(id);
  if (run === null) throw new WaybillError("lost", `Run ${id} was removed before its end was seen.`);
  return run;
}

function cancelWithLog(context: AppContext, runtime: Runtime, run: Run): void {
  requestCancels(context, [run], false).catch((error: Error) => {
    // The attempt ends all the same; the next one, or a cancel by hand, ends the run.
    runtime.log("task.run_not_cancelled", { run: run.id, error: error.message });
  });
}

/** Errors: the code of a run that did not complete. */
function toResult(run: Run): CommandResult {
  if (run.status === "completed") return { run_id: run.id, exit_code: run.exitCode ?? 0 };
  const what = run.errorMsg ?? `It ended as ${run.status}.`;
  throw new WaybillError(run.errorCode ?? "lost", `${what} (run ${run.id})`, {
    details: { run_id: run.id, exit_code: run.exitCode },
  });
}
