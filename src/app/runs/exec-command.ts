/** `waybill exec`: record the command together with the right to start it, start it, follow it to its end or let go. */
import { basename, resolve } from "node:path";
import { durationMs } from "../../contracts/fields.js";
import type { ParsedInputOf } from "../../contracts/index.js";
import { toRunView } from "../../contracts/run-views.js";
import { HOST_SCOPE } from "../../dispatch/dispatch-scope.js";
import { driveRun } from "../../dispatch/drive-run.js";
import type { Runtime } from "../../dispatch/runtime.js";
import { WaybillError } from "../../domain/errors.js";
import { DEFAULT_GRACE_MS, type EnvValue, type Run } from "../../domain/run.js";
import type { AppContext, CallerTerminal, CallHandler, CallOptions } from "../context.js";
import { parseEnvironmentFlags, parseLabelFlags } from "./environment-flags.js";
import { followRun } from "./follow-run.js";
import { mustBeDirectory, recordCommand } from "./record-command.js";
import { underTerminal } from "./terminal-command.js";

type Input = ParsedInputOf<"runs.exec">;

export const execCommand: CallHandler<"runs.exec"> = async (context, input, options) => {
  const runtime = await context.runtime();
  const directory = resolve(context.settings.cwd, input.cwd ?? ".");
  await mustBeDirectory(directory, "--cwd names a directory that is there.");
  const argv = await toArgv(input, runtime, options.terminal);
  const run = await create(context, runtime, input, argv, directory, options.terminal);
  runtime.onStep("run.decided", run.id);
  await options.onProgress?.({ type: "submitted", outcome: "created", run: toRunView(run) });
  const last = input.detach ? await startAndLetGo(context, runtime, run) : await follow(context, run, options);
  return { run: toRunView(last) };
};

/** What is executed in the end. Errors: `invalid_input`; `spawn_failed` when there is nothing that makes terminals. */
async function toArgv(input: Input, runtime: Runtime, terminal?: CallerTerminal): Promise<readonly string[]> {
  if (input.argv[0] === "") throw new WaybillError("invalid_input", "The command is empty; expected its name.");
  if (input.shell && input.argv.length !== 1) {
    throw new WaybillError("invalid_input", `--shell takes one argument, found ${input.argv.length}.`, {
      hint: "Quote the whole command line: waybill exec --shell 'sort words | uniq -c'.",
    });
  }
  const argv = input.shell ? ["sh", "-c", ...input.argv] : input.argv;
  return input.tty ? await underTerminal(argv, runtime.environment, terminal?.size ?? null) : argv;
}

async function create(
  context: AppContext,
  runtime: Runtime,
  input: Input,
  argv: readonly string[],
  directory: string,
  terminal: CallerTerminal | undefined,
): Promise<Run> {
  return await recordCommand(context, runtime, {
    id: runtime.newId(),
    argv,
    directory,
    ref: input.ref ?? basename(input.shell ? "sh" : (input.argv[0] ?? "")),
    limits: {
      env: { ...colours(runtime, terminal), ...parseEnvironmentFlags(input.env) },
      timeoutMs: durationMs(input.timeout),
      silenceMs: durationMs(input.silence_timeout),
      graceMs: durationMs(input.grace) ?? DEFAULT_GRACE_MS,
      keepVariables: input.keep_vars,
    },
    labels: parseLabelFlags(input.label),
    detached: input.detach,
    purpose: input.detach ? "waybill exec --detach" : "waybill exec",
  });
}

/** A program that writes into a log takes it for a file, though somebody may be looking on (https://no-color.org, https://bixense.com/clicolors). */
function colours({ environment }: Runtime, terminal: CallerTerminal | undefined): Record<string, EnvValue> {
  if (terminal?.colours !== true || environment.NO_COLOR) return {};
  const unset = ["FORCE_COLOR", "CLICOLOR_FORCE"].filter((name) => environment[name] === undefined);
  return Object.fromEntries(unset.map((name) => [name, "1"]));
}

async function startAndLetGo(context: AppContext, runtime: Runtime, run: Run): Promise<Run> {
  const options = { until: "started", purpose: "waybill exec --detach", caller: { input: null } } as const;
  const result = await driveRun(runtime, await context.keeper(), run.id, options);
  if (result.kind !== "ended") await context.ensureDispatcher(HOST_SCOPE);
  return result.run;
}

async function follow(context: AppContext, run: Run, options: CallOptions): Promise<Run> {
  const caller = { input: options.terminal?.input ?? null };
  for await (const piece of followRun(context, run.id, 0, "waybill exec", options.signal, caller)) {
    await options.onProgress?.({ type: "log", piece });
  }
  return (await (await context.store()).runs.getRun(run.id)) ?? run;
}
