/** Builds the command line from the operation table. No command is written by hand but `completion`. */
import { Command, CommanderError, Option } from "commander";
import { OPERATIONS, type OperationName } from "../../contracts/index.js";
import type { Operation } from "../../contracts/operation.js";
import { EXIT, WaybillError } from "../../domain/errors.js";
import { SHELLS } from "./completion.js";
import { type Field, formatPositional, shapeOf } from "./flags.js";

/** Flags that every command has. */
export interface GlobalFlags {
  readonly json: boolean;
  readonly store?: string;
  readonly machines?: string;
}

export type Invocation =
  | {
      readonly kind: "operation";
      readonly name: OperationName;
      readonly input: Record<string, unknown>;
      readonly flags: GlobalFlags;
    }
  | { readonly kind: "completion"; readonly shell: string }
  /** Help or version was printed; help that was not asked for is bad usage. */
  | { readonly kind: "printed"; readonly exit: number };

const GROUPS: Readonly<Record<string, string>> = {
  runs: "Runs: one execution on one machine",
  batch: "Batches: a plan's dispatch decisions and their outcomes",
  plan: "Plans",
  machines: "Machines of the inventory",
  "tasks dispatch": "One task, and the process of a worker that is started for it",
  vars: "Variables, by scope",
  cache: "Cache: values that can be made again",
  tasks: "Tasks: typed units of work that engines execute",
  workers: "Workers: who executes tasks",
  gates: "Readiness gates: what holds traffic back",
  store: "The store",
  config: "Settings",
};

/** Reads a command line. Errors: `invalid_input` for an unknown command or flag, with the nearest one. */
export function readCommandLine(argv: readonly string[], version: string): Invocation {
  let invocation: Invocation = { kind: "printed", exit: EXIT.success };
  const program = buildProgram(version, typedIn(argv), (found) => {
    invocation = found;
  });
  try {
    program.parse([...argv], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return invocation;
    if (error.code === "commander.help") return { kind: "printed", exit: EXIT.badInput };
    const message = error.message.replace(/^error: /, "");
    throw new WaybillError("invalid_input", message, { cause: error, hint: helpHint(argv) });
  }
  return invocation;
}

function helpHint(argv: readonly string[]): string {
  const words = argv.filter((word) => !word.startsWith("-"));
  const typed = `${words.join(" ")} `;
  const known = OPERATIONS.map((o) => o.command).find((c) => typed.startsWith(`${c} `)) ?? groupIn(words);
  return `\`waybill ${known === "" ? "" : `${known} `}--help\` shows what there is.`;
}

const groupIn = (words: readonly string[]): string => (words[0] !== undefined && words[0] in GROUPS ? words[0] : "");

/** The operation whose command the line begins with; undefined when it begins otherwise, as with help or a mistake. */
const typedIn = (argv: readonly string[]): Operation | undefined =>
  OPERATIONS.find(({ command }) => command.split(" ").every((word, index) => argv[index] === word));

/** `typed`: declare arguments and flags of this command alone. Making them all takes longer than most commands. */
function buildProgram(version: string, typed: Operation | undefined, found: (invocation: Invocation) => void): Command {
  const program = new Command("waybill")
    .description("A durable dispatcher for everything you run.")
    .version(version)
    .exitOverride()
    .configureOutput({ outputError: () => undefined })
    .showSuggestionAfterError(true);
  addGlobals(program);
  const groups = new Map<string, Command>();
  for (const operation of OPERATIONS) {
    const words = operation.command.split(" ");
    const parent = groupCommand(program, groups, words.slice(0, -1));
    const command = parent
      .command(words.at(-1) ?? "")
      .description(operation.summary)
      .exitOverride();
    if (typed === undefined || typed === operation) declareOperation(command, operation, found);
  }
  program
    .command("completion")
    .description("Print the completion script of a shell")
    .argument("<shell>", SHELLS.join(", "))
    .exitOverride()
    .addHelpText("after", "\nExamples:\n  waybill completion bash >> ~/.bashrc\n  waybill completion fish | source")
    .action((shell: string) => found({ kind: "completion", shell }));
  return program;
}

/** The command of a group, which may stand in another one; the program itself for no words. */
function groupCommand(program: Command, groups: Map<string, Command>, words: readonly string[]): Command {
  const last = words.at(-1);
  if (last === undefined) return program;
  const name = words.join(" ");
  const known = groups.get(name);
  if (known !== undefined) return known;
  const group = groupCommand(program, groups, words.slice(0, -1))
    .command(last)
    .description(GROUPS[name] ?? name)
    .exitOverride();
  groups.set(name, group);
  return group;
}

function declareOperation(command: Command, operation: Operation, found: (invocation: Invocation) => void): void {
  const shape = shapeOf(operation);
  command.showSuggestionAfterError(true);
  for (const field of shape.positional) command.argument(formatPositional(field), field.description);
  for (const field of shape.flags) command.addOption(toOption(field));
  addGlobals(command);
  if (operation.examples.length > 0) command.addHelpText("after", formatExamples(operation.examples));
  command.action((...given: unknown[]) => {
    const options = command.optsWithGlobals();
    const input: Record<string, unknown> = {};
    for (const field of shape.flags) if (options[key(field)] !== undefined) input[field.name] = options[key(field)];
    for (const [index, field] of shape.positional.entries()) {
      if (given[index] !== undefined) input[field.name] = given[index];
    }
    const { json, store, machines } = options;
    const flags = { json: json === true, ...(store && { store }), ...(machines && { machines }) };
    found({ kind: "operation", name: operation.name as OperationName, input, flags });
  });
}

/** Commander's own name for the value of a flag: `--silence-timeout` gives `silenceTimeout`, `--no-wait` gives `wait`. */
const key = (field: Field): string => field.name.replace(/_(\w)/g, (_all, letter: string) => letter.toUpperCase());

function toOption(field: Field): Option {
  const meta = field.required ? `${field.description} (required)` : field.description;
  const description = field.fallback === undefined ? meta : `${meta} (default: ${field.fallback})`;
  if (field.kind === "boolean" || field.kind === "off") return new Option(`--${field.flag}`, description);
  const option = new Option(`--${field.flag} <value${field.variadic ? "..." : ""}>`, description);
  if (field.required) option.makeOptionMandatory();
  if (field.choices.length > 0) option.choices([...field.choices]);
  if (field.kind === "value") return option;
  const check = option.parseArg;
  return option.argParser((value: string, before: string[] | undefined) => {
    check?.(value, undefined as never);
    return [...(before ?? []), value];
  });
}

function addGlobals(command: Command): void {
  command
    .option("--json", "print one JSON value (streams: one a line)")
    .option("--store <url>", "store to use: file:PATH or memory: (default: WAYBILL_STORE)")
    .option("--machines <file>", "inventory file (default: WAYBILL_MACHINES, machines.yaml)");
}

const formatExamples = (examples: Operation["examples"]): string =>
  `\nExamples:\n${examples.map(([line, purpose]) => `  waybill ${line}\n      ${purpose}`).join("\n")}`;
