import { join } from "node:path";
import { durationMs } from "../../contracts/fields.js";
import type { ParsedInputOf } from "../../contracts/index.js";
import { WaybillError } from "../../domain/errors.js";
import { isTerminal, type Run } from "../../domain/run.js";
import { offsetOfTail, readGrowth, readLogFile } from "../../machines/local/log-file.js";
import type { AppContext, StreamHandler } from "../context.js";
import { findRun } from "./find-run.js";
import { followLog } from "./follow-run.js";
import { grepLog, type LinePattern } from "./grep-log.js";
import { offsetSince } from "./log-times.js";
import { tellingContact } from "./watch-contact.js";

/** Prints a log without touching the run: from the copy when it has ended, from the machine while it runs. */
export const runLogs: StreamHandler<"runs.logs"> = async function* (context, input, options) {
  const pattern = toPattern(input.grep, input.context);
  const pieces = readLog(context, input, options);
  yield* pattern === null ? pieces : grepLog(pieces, pattern);
};

/** Errors: `invalid_input` for what is no regular expression, and for context without one. */
function toPattern(grep: string | undefined, context: number): LinePattern | null {
  if (grep === undefined && context > 0) {
    throw new WaybillError("invalid_input", "--context was given without --grep.", {
      hint: "Context of what? Add --grep.",
    });
  }
  if (grep === undefined) return null;
  try {
    return { expression: new RegExp(grep), context };
  } catch (cause) {
    throw new WaybillError("invalid_input", `--grep is no regular expression: ${(cause as Error).message}.`, {
      cause,
      hint: "Expected one of JavaScript's; a backslash before ( [ { * + ? . takes them as they are.",
    });
  }
}

const readLog: StreamHandler<"runs.logs"> = async function* (context, input, options) {
  const run = await findRun(await context.store(), input.id);
  const source = await sourceOf(context, run, input.attempt);
  const from = source === null ? input.from : await firstByte(context, run, source, input);
  const live = input.follow && (input.attempt === undefined || input.attempt === run.attempt);
  if (live && !isTerminal(run.status)) {
    const pieces = followLog(context, run.id, from, options.signal ?? new AbortController().signal);
    yield* tellingContact(context, run.id, options, pieces);
    return;
  }
  if (source === null) return;
  let offset = from;
  for await (const bytes of source.read(from, options.signal)) {
    yield { runId: run.id, offset, bytes };
    offset += bytes.length;
  }
};

/** Where to begin: the latest of what was asked for. */
async function firstByte(
  context: AppContext,
  run: Run,
  source: LogSource,
  { from, tail, since }: ParsedInputOf<"runs.logs">,
): Promise<number> {
  const ageMs = durationMs(since);
  const now = ageMs === null ? 0 : await (await context.store()).now();
  return Math.max(
    from,
    tail === undefined ? 0 : await source.tailOffset(tail),
    ageMs === null ? 0 : await offsetOfAge(source, run, now - ageMs),
  );
}

/** When all of it is over, nothing of it is young enough: then its end. */
async function offsetOfAge(source: LogSource, run: Run, since: number): Promise<number> {
  const isOver = run.endedAt !== null && run.endedAt < since;
  return isOver ? await source.tailOffset(0) : offsetSince(await source.growth(), since);
}

/** A log as it stands: a file of this computer, or one that only its machine can read. */
interface LogSource {
  read(fromByte: number, signal?: AbortSignal): AsyncIterable<Uint8Array>;
  /** The byte at which so many last lines begin; for 0 the end. */
  tailOffset(lines: number): Promise<number>;
  /** Lines of `EPOCH_MS BYTES`. */
  growth(): Promise<string>;
}

const fileSource = (path: string): LogSource => ({
  read: (fromByte) => readLogFile(path, fromByte),
  tailOffset: (lines) => offsetOfTail(path, lines),
  growth: () => readGrowth(path),
});

/** Where the log can be read now; null while there is none. Errors: `run_not_found` for an attempt that never was. */
async function sourceOf(context: AppContext, run: Run, attempt: number | undefined): Promise<LogSource | null> {
  if (attempt !== undefined && attempt > run.attempt) {
    throw new WaybillError("run_not_found", `Run ${run.id} has no attempt ${attempt}; the newest is ${run.attempt}.`);
  }
  if (attempt !== undefined && attempt < run.attempt) {
    return fileSource(join(context.settings.home.attemptDir(run.id, attempt), "log"));
  }
  if (run.logsPath !== null) return fileSource(run.logsPath);
  if (run.pid === null) return null;
  const machine = (await context.runtime()).machine(run.request.target);
  const key = { runId: run.id, attempt: run.attempt };
  return {
    read: (fromByte, signal) => machine.readLog(key, fromByte, signal),
    tailOffset: (lines) => machine.tailOffset(key, lines),
    growth: () => machine.growth(key),
  };
}
