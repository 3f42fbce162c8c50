/** Carries out `waybill exec`: as quiet as the command itself, and leaves with its code. */
import type { Progress } from "../../app/context.js";
import { interruptRun } from "../../app/runs/interrupt-run.js";
import type { InputOf, OutputOf } from "../../contracts/index.js";
import type { RunView } from "../../contracts/run-views.js";
import { EXIT } from "../../domain/errors.js";
import { openCommandTerminal } from "./command-terminal.js";
import { success } from "./envelope.js";
import { exitCodeOfCall } from "./exit-code.js";
import { renderOutcome } from "./render/runs.js";
import type { Session } from "./session.js";

type Input = InputOf<"runs.exec">;

export async function executeCommand(session: Session, input: Input): Promise<number> {
  const terminal = input.detach === true ? null : openCommandTerminal(input.tty === true);
  try {
    const data = await callExec(session, input, terminal);
    return await report(session, input, data);
  } finally {
    terminal?.release();
  }
}

async function callExec(
  session: Session,
  input: Input,
  terminal: ReturnType<typeof openCommandTerminal> | null,
): Promise<OutputOf<"runs.exec">> {
  const onProgress = showCommand(session, input.detach === true);
  const options = { signal: session.interrupts.signal, onProgress, ...(terminal !== null && { terminal }) };
  return await session.waybill.call("runs.exec", input, options);
}

/** Prints the log as it comes and gives Ctrl-C to the command, unless it is on its own. */
export function showCommand(session: Session, detached: boolean): (progress: Progress) => Promise<void> {
  const { printer, json } = session;
  return async (progress) => {
    if (progress.type === "submitted" && !detached) interruptFromKeyboard(session, progress.run.id);
    if (progress.type !== "log") return;
    await (json ? printer.noteBytes(progress.piece.bytes) : printer.write(progress.piece.bytes));
  };
}

/** Ctrl-C is the program's first, as a shell would have it; a second one cancels with the grace period; a third one leaves. */
function interruptFromKeyboard({ waybill, printer, interrupts }: Session, id: string): void {
  const failed = (error: Error): void => printer.note(`the command could not be interrupted: ${error.message}`);
  interrupts.onFirst(() => {
    void interruptRun(waybill.context, id).catch(failed);
    interrupts.onFirst(() => {
      printer.note("cancelling; press Ctrl-C again to leave it alone");
      void waybill.call("runs.cancel", { id: [id], wait: false }).catch(failed);
    });
  });
}

async function report(session: Session, input: Input, data: OutputOf<"runs.exec">): Promise<number> {
  const { printer, json, interrupts } = session;
  if (json) await printer.line(success(data));
  else if (input.detach === true) await printer.line(data.run.id);
  else if (interrupts.left()) printer.note(`left running: \`waybill runs attach ${data.run.id}\` follows it`);
  else if (!endedByItself(data.run)) printer.note(`waybill: ${renderOutcome(data.run)}`);
  return interrupts.left() ? EXIT.interrupted : exitCodeOfCall("runs.exec", data);
}

/** Whether its log and its code say all there is to say. */
export const endedByItself = (run: RunView): boolean => run.error_code === null || run.error_code === "nonzero_exit";
