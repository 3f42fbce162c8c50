/**
 * Follows a run's log from a byte offset until the run has ended, and drives the run meanwhile if nobody else does.
 *
 * `caller` is given by the process that was called with the command that the run is, and may start it.
 *
 * Leaving early (abort, or a reader that stops reading) gives the run to a dispatcher; it never stops the run. A store that
 * cannot be written (`store_full`, `store_unwritable`) is told to whoever follows; the run stays as it is recorded.
 */
import type { LogPiece } from "../../contracts/runs.js";
import { HOST_SCOPE } from "../../dispatch/dispatch-scope.js";
import { Dispatcher } from "../../dispatch/dispatcher.js";
import type { Caller } from "../../dispatch/drive.js";
import { isOutOfReach } from "../../domain/contact-policy.js";
import { WaybillError } from "../../domain/errors.js";
import { isTerminal, type Run } from "../../domain/run.js";
import { readLogFile } from "../../machines/local/log-file.js";
import type { AppContext } from "../context.js";

export async function* followRun(
  context: AppContext,
  runId: string,
  fromByte: number,
  purpose: string,
  signal?: AbortSignal,
  caller?: Caller,
): AsyncGenerator<LogPiece, void> {
  const runtime = await context.runtime();
  const stop = new AbortController();
  const over = signal === undefined ? stop.signal : AbortSignal.any([stop.signal, signal]);
  const dispatcher = new Dispatcher(runtime, await context.keeper(), {
    scope: { kind: "run", runId },
    purpose,
    machines: async () => (await context.inventory()).machines,
    patient: false,
    caller,
  });
  let failure: unknown;
  const driving = dispatcher.run(over).catch((error: unknown) => {
    failure = error;
    stop.abort();
  });
  try {
    yield* followLog(context, runId, fromByte, over);
    await waitUntilEnded(context, runId, over);
  } finally {
    stop.abort();
    await driving;
    const run = await runtime.store.runs.getRun(runId);
    if (failure === undefined && run !== null && !isTerminal(run.status)) await context.ensureDispatcher(HOST_SCOPE);
  }
  if (failure !== undefined) throw failure;
}

/**
 * The log of the newest attempt (and of those that follow it), without driving the run. Ends with the run, or with the
 * abort.
 */
export async function* followLog(
  context: AppContext,
  runId: string,
  fromByte: number,
  signal: AbortSignal,
): AsyncGenerator<LogPiece, void> {
  const { store, machine } = await context.runtime();
  let offset = fromByte;
  let attempt: number | null = null;
  // The attempt whose log came to its end: the machine is not asked again while its outcome is being recorded.
  let whole: number | null = null;
  while (!signal.aborted) {
    const run = await mustGet(await context.store(), runId);
    if (attempt !== null && run.attempt !== attempt) offset = 0;
    attempt = run.attempt;
    if (isTerminal(run.status)) {
      yield* rest(run, offset);
      return;
    }
    if (run.status === "running" && run.pid !== null && whole !== attempt) {
      const log = untilCut(machine(run.request.target).follow({ runId, attempt }, offset, signal), signal);
      try {
        let next = await log.next();
        for (; next.done !== true; next = await log.next()) {
          yield { runId, offset, bytes: next.value };
          offset += next.value.length;
        }
        if (next.value === "whole") whole = attempt;
      } finally {
        await log.return("cut");
      }
    }
    if (!(await hasMovedOn(context, run))) await store.events.waitForChange(1_000, signal);
  }
}

/**
 * A machine that is told to stop rejects with the abort; whoever told it to knows, so here the log just ends. It ends as
 * well when contact is lost, and goes on from there when the machine answers again: silence says nothing about the run.
 */
async function* untilCut(
  log: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, "whole" | "cut"> {
  try {
    yield* log;
    return "whole";
  } catch (error) {
    if (error !== signal.reason && !isOutOfReach(error)) throw error;
    return "cut";
  }
}

async function* rest(run: Run, from: number): AsyncGenerator<LogPiece, void> {
  if (run.logsPath === null) return;
  let offset = from;
  for await (const bytes of readLogFile(run.logsPath, from)) {
    yield { runId: run.id, offset, bytes };
    offset += bytes.length;
  }
}

async function hasMovedOn(context: AppContext, seen: Run): Promise<boolean> {
  const run = await (await context.store()).runs.getRun(seen.id);
  return run === null || isTerminal(run.status) || run.attempt !== seen.attempt || run.pid !== seen.pid;
}

export async function waitUntilEnded(context: AppContext, runId: string, signal: AbortSignal): Promise<void> {
  const store = await context.store();
  while (!signal.aborted) {
    if (isTerminal((await mustGet(store, runId)).status)) return;
    await store.events.waitForChange(1_000, signal);
  }
}

async function mustGet(store: Awaited<ReturnType<AppContext["store"]>>, runId: string): Promise<Run> {
  const run = await store.runs.getRun(runId);
  if (run === null) throw new WaybillError("run_not_found", `Run ${runId} was removed meanwhile.`);
  return run;
}
