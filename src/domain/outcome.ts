/** Turns what a machine recorded about an attempt into the attempt's outcome. Pure: the same record, the same outcome. */
import { describeDuration } from "./duration.js";
import type { ErrorCode } from "./errors.js";
import type { ExitReason, ExitRecord, LostProof, MachineAnswer, StartRecord } from "./machine.js";
import type { RunOutcome, RunRequest, TerminalStatus } from "./run.js";

interface Verdict {
  readonly status: TerminalStatus;
  readonly errorCode: ErrorCode | null;
  readonly errorMsg: string | null;
}

type Ended = Extract<MachineAnswer, { state: "exit" | "lost" }>;

/** @returns the outcome that follows from the machine's exit record, or from the proof that there will be none. */
export function outcomeOf(answer: Ended, request: RunRequest): RunOutcome {
  return answer.state === "exit"
    ? outcomeOfExit(answer.exit, answer.start, request)
    : outcomeOfLoss(answer.proof, answer.start, answer.at);
}

function outcomeOfExit(exit: ExitRecord, start: StartRecord | null, request: RunRequest): RunOutcome {
  const verdict = judge(exit, request);
  return {
    ...verdict,
    exitCode: exit.code,
    signal: signalOf(exit.code),
    startedAt: exit.started ?? start?.started ?? null,
    endedAt: exit.ended,
    evidence: { exit, ...(start === null ? {} : { start }) },
  };
}

const HOW_LOST: Record<LostProof, string> = {
  rebooted: "the machine was rebooted while it ran",
  supervisor_died: "its supervisor and watchdog are dead and left no exit record",
  records_gone: "the machine no longer has any record of it",
};

function outcomeOfLoss(proof: LostProof, start: StartRecord | null, at: number): RunOutcome {
  return {
    status: "interrupted",
    errorCode: "lost",
    errorMsg: `The run is lost: ${HOW_LOST[proof]}.`,
    exitCode: null,
    signal: null,
    startedAt: start?.started ?? null,
    endedAt: at,
    evidence: { lost: proof, at, ...(start === null ? {} : { start }) },
  };
}

/** A shell reports death by signal n as 128+n (POSIX.1-2017, 2.8.2); a program that exits so itself looks the same. */
const signalOf = (code: number | null): number | null =>
  code !== null && code > 128 && code < 160 ? code - 128 : null;

const NOT_EXECUTED: Partial<Record<ExitReason, readonly [ErrorCode, string]>> = {
  entrypoint_missing: ["entrypoint_missing", "The entrypoint is not in the directory that was sent."],
  tree_missing: ["upload_failed", "The directory's copy on the machine is gone or incomplete."],
  copy_failed: ["upload_failed", "The machine could not make the working copy; the log says why."],
  disk_full: ["disk_full", "The machine had no space left to start the run."],
  no_session: ["spawn_failed", "The machine has neither `setsid` nor perl, so a run could not outlive its connection."],
  directory_missing: ["spawn_failed", "The working directory is not there, or may not be entered."],
  command_missing: ["spawn_failed", "The command was not found."],
  command_not_executable: ["spawn_failed", "The command was found, and is not an executable file."],
};

function judge(exit: ExitRecord, request: RunRequest): Verdict {
  const refused = NOT_EXECUTED[exit.reason];
  if (refused !== undefined) return { status: "failed", errorCode: refused[0], errorMsg: refused[1] };
  switch (exit.reason) {
    case "exited":
      return exit.code === 0
        ? { status: "completed", errorCode: null, errorMsg: null }
        : { status: "failed", errorCode: "nonzero_exit", errorMsg: `The program exited with code ${exit.code}.` };
    case "timeout":
      return {
        status: "timeout",
        errorCode: "timeout",
        errorMsg: `The program ran longer than its limit of ${describeDuration(request.timeoutMs ?? 0)}.`,
      };
    case "silence":
      return {
        status: "timeout",
        errorCode: "silence_timeout",
        errorMsg: `The program wrote nothing for ${describeDuration(request.silenceMs ?? 0)}.`,
      };
    case "log_limit":
      return {
        status: "failed",
        errorCode: "log_limit",
        errorMsg: `The log grew past ${request.logLimitBytes} bytes.`,
      };
    case "cancelled":
      return { status: "interrupted", errorCode: "cancelled", errorMsg: "The run was cancelled." };
    case "out_of_contact":
      return {
        status: "interrupted",
        errorCode: "out_of_contact",
        errorMsg: `The machine stopped the run: nobody had asked for it for ${describeDuration(request.onUnreachable.afterMs ?? 0)}.`,
      };
    case "terminated":
      return { status: "interrupted", errorCode: "terminated", errorMsg: "The machine told the supervisor to stop." };
    default:
      return { status: "interrupted", errorCode: "lost", errorMsg: "The run is lost: its supervisor was killed." };
  }
}
