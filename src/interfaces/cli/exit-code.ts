/** With which code the command leaves, by what it was asked and what came of it. Total by type. */
import type { CallName, OutputOf } from "../../contracts/index.js";
import type { RunView } from "../../contracts/run-views.js";
import type { TaskView } from "../../contracts/task-views.js";
import { ERRORS, EXIT } from "../../domain/errors.js";
import { exitCodeOfRun, isTerminal } from "../../domain/run.js";

/** The work's own code once it has ended; leaving before that is no failure of the work. */
export function exitCodeOf(run: RunView): number {
  const { status, exit_code: exitCode, error_code: errorCode } = run;
  return isTerminal(status) ? exitCodeOfRun({ status, exitCode, errorCode }) : EXIT.success;
}

const firstOf = (codes: readonly number[]): number => codes.find((code) => code !== EXIT.success) ?? EXIT.success;
const firstFailure = (runs: readonly RunView[]): number => firstOf(runs.map(exitCodeOf));

/** That of its failure's code once it has ended as failed or cancelled. */
const exitCodeOfTask = ({ ended_at: endedAt, failure }: TaskView): number =>
  endedAt === null || failure === null ? EXIT.success : ERRORS[failure.code].exit;

type ExitOf<N extends CallName> = (data: OutputOf<N>) => number;

/** Operations that are about work or health; all others leave with 0 when they did not throw. */
const EXITS: { readonly [N in CallName]?: ExitOf<N> } = {
  "runs.submit": ({ run }) => exitCodeOf(run),
  "runs.exec": ({ run }) => exitCodeOf(run),
  "cache.run": ({ run }) => exitCodeOf(run),
  "runs.wait": ({ runs }) => firstFailure(runs),
  "tasks.submit": ({ task }) => exitCodeOfTask(task),
  "tasks.wait": ({ tasks }) => firstOf(tasks.map(exitCodeOfTask)),
  "workers.work": ({ error_code: code }) => (code === null ? EXIT.success : ERRORS[code].exit),
  "tasks.dispatch.parent": ({ error_code: code }) => (code === null ? EXIT.success : ERRORS[code].exit),
  "batches.run": (data) => (data.kind === "report" ? exitCodeOfBatch(data.progress) : EXIT.success),
  "machines.check": ({ ok }) => (ok ? EXIT.success : EXIT.machine),
  "machines.gc": ({ ok }) => (ok ? EXIT.success : EXIT.machine),
  "system.doctor": ({ ok }) => (ok ? EXIT.success : EXIT.workFailed),
};

/** 0 only when every entry completed; a batch that goes on elsewhere has not failed. */
export const exitCodeOfBatch = (progress: { finished: boolean; succeeded: boolean }): number =>
  progress.finished && !progress.succeeded ? EXIT.workFailed : EXIT.success;

export function exitCodeOfCall<N extends CallName>(name: N, data: OutputOf<N>): number {
  const exit = EXITS[name] as ExitOf<N> | undefined;
  return exit?.(data) ?? EXIT.success;
}
