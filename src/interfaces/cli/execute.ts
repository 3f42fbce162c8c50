/** Carries out one invocation: calls the operation, shows it while it goes on, prints the result, answers with an exit code. */
import type { CallOptions, Progress } from "../../app/context.js";
import type { Waybill } from "../../app/open.js";
import { encodeBytes } from "../../contracts/encoded-bytes.js";
import type { CallName, InputOf, OperationName, OutputOf } from "../../contracts/index.js";
import { EXIT } from "../../domain/errors.js";
import { success } from "./envelope.js";
import type { Giving } from "./execute-claim.js";
import { executeStream, isStream } from "./execute-stream.js";
import { exitCodeOfBatch, exitCodeOfCall } from "./exit-code.js";
import { listenForInterrupts } from "./interrupts.js";
import { createLiveBatch } from "./live-batch.js";
import type { Printer } from "./printer.js";
import { RENDER } from "./render/index.js";
import type { Session } from "./session.js";
import { readStandardInput, readStandardInputBytes } from "./standard-input.js";
import { tellWaiting } from "./tell-waiting.js";

export async function execute(
  waybill: Waybill,
  printer: Printer,
  json: boolean,
  name: OperationName,
  input: Record<string, unknown>,
): Promise<number> {
  const interrupts = listenForInterrupts();
  const session: Session = { waybill, printer, json, interrupts };
  try {
    if (isStream(name)) return await executeStream(session, name, input as never);
    if (name === "runs.submit") return await executeRun(session, input as InputOf<"runs.submit">);
    if (name === "runs.exec") return await runExec(session, input as InputOf<"runs.exec">);
    if (name === "cache.run") return await runCached(session, input as InputOf<"cache.run">);
    if (name === "system.serve") return await runServe(session, input as InputOf<"system.serve">);
    if (name === "workers.work") return await runWork(session, input as InputOf<"workers.work">);
    if (name === "tasks.submit") return await submitTask(session, input);
    if (name === "batches.run") return await executeBatch(session, input as InputOf<"batches.run">);
    if (name === "vars.set" || name === "cache.set") await takeStandardInput(name, input);
    if (name === "tasks.claim" || name === "tasks.handoff") return await giveTask(session, name, input);
    await takeText(session, name, input);
    if (name === "cache.get") return await executeCacheGet(session, input as InputOf<"cache.get">);
    return await executeCall(session, name, input as InputOf<typeof name>);
  } catch (error) {
    // Told to leave before anything was recorded, such as while a directory was read: there is nothing to report.
    if (error !== interrupts.signal.reason) throw error;
    return EXIT.interrupted;
  } finally {
    interrupts.dispose();
  }
}

/** Loaded when asked for, as each operation is. */
async function runExec(session: Session, input: InputOf<"runs.exec">): Promise<number> {
  return await (await import("./execute-command.js")).executeCommand(session, input);
}

async function runCached(session: Session, input: InputOf<"cache.run">): Promise<number> {
  return await (await import("./execute-cached-command.js")).executeCachedCommand(session, input);
}

async function runServe(session: Session, input: InputOf<"system.serve">): Promise<number> {
  return await (await import("./execute-serve.js")).executeServe(session, input);
}

async function runWork(session: Session, input: InputOf<"workers.work">): Promise<number> {
  return await (await import("./execute-work.js")).executeWork(session, input);
}

async function submitTask(session: Session, input: Record<string, unknown>): Promise<number> {
  return await (await import("./execute-submit.js")).executeSubmit(session, input);
}

async function giveTask(session: Session, name: "tasks.claim" | "tasks.handoff", input: Record<string, unknown>) {
  return await (await import("./execute-claim.js")).executeClaim(session, { name, input } as Giving);
}

/** `-` and `@FILE`, in the commands that take text so. */
async function takeText({ waybill }: Session, name: OperationName, input: Record<string, unknown>): Promise<void> {
  if (!name.startsWith("tasks.")) return;
  await (await import("./given-text.js")).takeGivenText(name, input, waybill.settings.cwd);
}

/** `echo value | waybill vars set KEY`: what is neither given nor in a file comes from there. */
async function takeStandardInput(name: "vars.set" | "cache.set", input: Record<string, unknown>): Promise<void> {
  if (input.value !== undefined || input.file !== undefined) return;
  if (name === "vars.set") input.value = await readStandardInput();
  else {
    const { encoding, text } = encodeBytes(await readStandardInputBytes());
    Object.assign(input, { value: text, encoding });
  }
}

/** The value goes to stdout as it was kept, without a line end of ours. */
async function executeCacheGet({ waybill, printer, json }: Session, input: InputOf<"cache.get">): Promise<number> {
  const found = await waybill.call("cache.get", input);
  if (json) await printer.line(success(found));
  else if (found.data !== null && found.encoding !== null) {
    await printer.write(Buffer.from(found.data, found.encoding));
  }
  return EXIT.success;
}

async function executeCall<N extends CallName>(
  session: Session,
  name: N,
  input: InputOf<N>,
  options: CallOptions = {},
): Promise<number> {
  const { waybill, printer, json, interrupts } = session;
  const told = { signal: interrupts.signal, standardInput: readStandardInputBytes, onProgress: tellWaiting(printer) };
  const data = await waybill.call(name, input, { ...told, ...options });
  await printResult(printer, json, name, data);
  return interrupts.left() ? EXIT.interrupted : exitCodeOfCall(name, data);
}

async function printResult<N extends CallName>(printer: Printer, json: boolean, name: N, data: OutputOf<N>) {
  if (json) return await printer.line(success(data));
  const text = await RENDER[name](data);
  if (text !== "") await printer.line(text);
}

/** The log goes to stdout as it is and notes to stderr; with `--json` stdout is for the one value, so the log joins the notes. */
async function executeRun(session: Session, input: InputOf<"runs.submit">): Promise<number> {
  const { waybill, printer, json, interrupts } = session;
  const onProgress = async (progress: Progress): Promise<void> => {
    if (progress.type === "log") {
      await (json ? printer.noteBytes(progress.piece.bytes) : printer.write(progress.piece.bytes));
    }
    if (progress.type === "contact") printer.note((await import("./render/runs.js")).renderContact(progress.change));
    if (progress.type !== "submitted" || input.detach) return;
    const { id, machine } = progress.run;
    const how = { created: "run", reuse: "attached to run", finished: "already completed: run" }[progress.outcome];
    printer.note(`${how} ${id} on ${machine}`);
    if (progress.outcome === "created") interrupts.onFirst(() => cancelFromKeyboard(session, id));
  };
  const data = await waybill.call("runs.submit", input, { signal: interrupts.signal, onProgress });
  if (json) await printer.line(success(data));
  else if (input.detach) await printer.line(data.run.id);
  else printer.note(interrupts.left() ? leftRunning(data.run.id) : await RENDER["runs.submit"](data));
  return interrupts.left() ? EXIT.interrupted : exitCodeOfCall("runs.submit", data);
}

const leftRunning = (id: string): string =>
  `left running: \`waybill runs attach ${id}\` follows it, \`runs cancel\` stops it`;

function cancelFromKeyboard(session: Session, id: string): void {
  session.printer.note("cancelling; press Ctrl-C again to leave it alone");
  session.waybill
    .call("runs.cancel", { id: [id], wait: false })
    .catch((error: Error) => session.printer.note(`the run could not be cancelled: ${error.message}`));
}

async function executeBatch(session: Session, input: InputOf<"batches.run">): Promise<number> {
  const { waybill, printer, json, interrupts } = session;
  const live = await createLiveBatch(printer, json);
  const onProgress = async (progress: Progress): Promise<void> => {
    if (progress.type === "report") await live.show(progress.report);
  };
  const data = await waybill
    .call("batches.run", input, { signal: interrupts.signal, onProgress })
    .finally(() => live.finish());
  await printResult(printer, json, "batches.run", data);
  if (data.kind === "placement") return EXIT.success;
  if (data.resumed && !json) printer.note("this batch was there before; another --staging runs the plan again");
  if (!data.progress.finished && !json) {
    printer.note(`the batch goes on: \`waybill batch watch ${data.batch.id}\` follows it, \`batch cancel\` stops it`);
  }
  return interrupts.left() ? EXIT.interrupted : exitCodeOfBatch(data.progress);
}
