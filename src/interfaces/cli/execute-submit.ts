/** Carries out `waybill tasks submit`: reads the params, prints the id, or waits and prints the result. */
import type { Progress } from "../../app/context.js";
import type { InputOf, OutputOf } from "../../contracts/index.js";
import { EXIT, WaybillError } from "../../domain/errors.js";
import { isEndedTask } from "../../domain/task.js";
import { success } from "./envelope.js";
import { exitCodeOfCall } from "./exit-code.js";
import { readGivenText } from "./given-text.js";
import { renderTaskOutcome } from "./render/tasks.js";
import type { Session } from "./session.js";
import { describeUntaken } from "./tell-waiting.js";

export async function executeSubmit(session: Session, input: Record<string, unknown>): Promise<number> {
  const { waybill, interrupts } = session;
  if (typeof input.params === "string") input.params = await readParams(input.params, waybill.settings.cwd);
  const onProgress = (progress: Progress): void => {
    if (progress.type === "task" && input.wait === true) tellWait(session, progress);
  };
  const options = { signal: interrupts.signal, onProgress };
  const data = await waybill.call("tasks.submit", input as InputOf<"tasks.submit">, options);
  await report(session, input.wait === true, data);
  return interrupts.left() ? EXIT.interrupted : exitCodeOfCall("tasks.submit", data);
}

/** JSON, `@FILE` with JSON, or `-` for JSON on standard input. Errors: `invalid_input`. */
async function readParams(given: string, cwd: string): Promise<unknown> {
  const json = await readGivenText(given, "JSON", cwd);
  try {
    return JSON.parse(json) as unknown;
  } catch (cause) {
    const source = given === "-" ? "standard input" : given.startsWith("@") ? given.slice(1) : "--params";
    throw new WaybillError("invalid_input", `${source} is no JSON: ${(cause as Error).message}.`, {
      hint: 'Expected JSON such as \'{"to":"ann"}\', @FILE, or - for standard input.',
      cause,
    });
  }
}

function tellWait({ printer }: Session, { task, engines }: Extract<Progress, { type: "task" }>): void {
  printer.note(`task ${task.id}`);
  if (engines > 0 || isEndedTask(task.state)) return;
  printer.note(describeUntaken(task.type));
}

async function report({ printer, json, interrupts }: Session, waited: boolean, data: OutputOf<"tasks.submit">) {
  const { task, result } = data;
  if (json) return await printer.line(success(data));
  if (!waited) return await printer.line(task.id);
  if (interrupts.left()) return printer.note(`it goes on: \`waybill tasks wait ${task.id}\` waits for it`);
  if (task.state === "completed") await printer.line(JSON.stringify(result));
  printer.note(renderTaskOutcome(task));
}
