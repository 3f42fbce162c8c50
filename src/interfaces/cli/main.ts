/** The `waybill` command: reads the command line, carries it out, leaves with a code. The only place that ends the process. */
import { fileURLToPath } from "node:url";
import { type OpenOptions, open, type Waybill } from "../../app/open.js";
import { serveScope } from "../../app/serve-scope.js";
import { parseScope } from "../../app/spawn-dispatcher.js";
import { unfinishedImport } from "../../app/tasks/module-import.js";
import { ERRORS, WaybillError } from "../../domain/errors.js";
import { jsonLog } from "../../observe/log.js";
import { completionScript } from "./completion.js";
import { dieAtStep } from "./die-at-step.js";
import { failure, toWaybillError } from "./envelope.js";
import { execute } from "./execute.js";
import { createPrinter, type Printer } from "./printer.js";
import { readCommandLine } from "./program.js";
import { printable } from "./render/text.js";
import { readVersion } from "./version.js";

const DISPATCH = "_dispatch";

const self: Pick<OpenOptions, "dispatcherCommand"> = {
  dispatcherCommand: [process.execPath, ...process.execArgv, fileURLToPath(new URL("./cli.cjs", import.meta.url))],
};

/** Opens Waybill for this process; the settings that `open` finds decide whether it is to die at a step. */
async function openHere(options: OpenOptions): Promise<Waybill> {
  const waybill = await open({ ...self, ...options, onStep: (step, subject) => onStep(step, subject) });
  const onStep = dieAtStep(waybill.settings.killAt);
  return waybill;
}

/** Set once a service has ended: a handler that is deaf to its signal must not keep its process. */
let leaveAtOnce = false;

async function main(argv: readonly string[], printer: Printer): Promise<number> {
  if (argv[0] === DISPATCH) return await serve(argv.slice(1), printer);
  const invocation = readCommandLine(argv, readVersion());
  if (invocation.kind === "printed") return invocation.exit;
  if (invocation.kind === "completion") {
    await printer.write(completionScript(invocation.shell));
    return 0;
  }
  const { name, input, flags } = invocation;
  const waybill = await openHere(flags);
  try {
    return await execute(waybill, printer, flags.json, name, input);
  } finally {
    await waybill.close();
    leaveAtOnce = name === "system.serve";
  }
}

/** The detached dispatcher: its messages go to its log file, line by line. */
async function serve(args: readonly string[], printer: Printer): Promise<number> {
  const scope = parseScope(args);
  if (scope === null) throw new WaybillError("invalid_input", `Expected: ${DISPATCH} host | batch ID | run ID.`);
  const stop = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => stop.abort());
  const waybill = await openHere({ log: jsonLog((line) => printer.note(line.trimEnd()), Date.now) });
  try {
    await serveScope(waybill.context, scope, stop.signal);
    return 0;
  } finally {
    await waybill.close();
  }
}

function report(thrown: unknown, json: boolean, printer: Printer): number {
  const error = toWaybillError(thrown);
  if (json) printer.note(failure(error));
  else {
    printer.note(`waybill: ${printable(error.message)} (${error.code})`);
    if (error.hint !== undefined) printer.note(`  ${printable(error.hint)}`);
    if (error.code === "internal" && error.cause instanceof Error) printer.note(error.cause.stack ?? "");
  }
  return ERRORS[error.code].exit;
}

/** What follows `--` is a program's. */
const isJson = (args: readonly string[]): boolean => {
  const end = args.indexOf("--");
  return args.slice(0, end < 0 ? args.length : end).includes("--json");
};

/**
 * Modules of users run in this process. When one ends it, or leaves it nothing to do, nobody else says that the command was
 * not carried out. Returns what to call once it was.
 */
function watchEnd(json: boolean, printer: Printer): () => void {
  let isIdle = false;
  const onIdle = (): void => {
    isIdle = true;
  };
  const onEnd = (code: number): void => {
    process.exitCode = report(unfinishedImport(isIdle, code) ?? unfinished(isIdle, code), json, printer);
  };
  process.once("beforeExit", onIdle).once("exit", onEnd);
  return () => void process.off("beforeExit", onIdle).off("exit", onEnd);
}

function unfinished(wasIdle: boolean, code: number): WaybillError {
  const why = wasIdle
    ? "nothing was left that it could wait for"
    : `something ended the process with exit code ${code}`;
  return new WaybillError("internal", `The command was not carried out to its end: ${why}.`, {
    hint: "A module of tasks that calls process.exit() does this; else it is a fault in Waybill: please report it.",
  });
}

const argv = process.argv.slice(2);
const printer = createPrinter();
const ended = watchEnd(isJson(argv), printer);
main(argv, printer)
  .then(async (code) => {
    await printer.settle();
    return code;
  })
  .catch((error: unknown) => report(error, isJson(argv), printer))
  .then((code) => {
    ended();
    process.exitCode = code;
    if (leaveAtOnce) process.exit();
  });
