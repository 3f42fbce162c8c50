/** Adds machines to the text of an inventory, which keeps its comments and every entry that it has. */
import { type Document, isMap, parseDocument } from "yaml";
import { MACHINE_NAME } from "../../contracts/machine-name.js";
import { WaybillError } from "../../domain/errors.js";
import type { FoundMachine } from "./found-machine.js";

/** What is written of each machine beside what its source says. */
export interface MergeOptions {
  readonly tags: readonly string[];
  /** A configuration that `ssh` is to read for them, absolute; null: the user's own. */
  readonly sshConfig: string | null;
}

export interface Merged {
  /** The inventory as YAML. */
  readonly text: string;
  readonly added: readonly FoundMachine[];
  readonly skipped: readonly { readonly name: string; readonly reason: string }[];
}

/**
 * @param before the inventory as it is; null: there is none yet.
 * @throws `invalid_inventory` when it is no map of machines, so that nothing could be added without guessing.
 */
export function mergeInventory(
  before: string | null,
  fileName: string,
  found: readonly FoundMachine[],
  options: MergeOptions,
): Merged {
  const document = parseDocument(before === null || before.trim() === "" ? "machines: {}\n" : before, {
    logLevel: "error",
  });
  if (document.errors.length > 0 || !isMap(document.contents)) throw notMergeable(fileName, document);
  if (!document.has("machines") || document.get("machines") === null) document.set("machines", document.createNode({}));
  const machines = document.get("machines");
  if (!isMap(machines)) throw notMergeable(fileName, document);
  // `machines: {}` would take its new entries into its braces, one long line.
  if (machines.items.length === 0) machines.flow = false;
  const added: FoundMachine[] = [];
  const skipped: { name: string; reason: string }[] = [];
  for (const machine of found) {
    const reason = whyNot(machine, machines.has(machine.name));
    if (reason !== null) {
      skipped.push({ name: machine.name, reason });
      continue;
    }
    machines.set(document.createNode(machine.name), document.createNode(entryOf(machine, options), { flow: true }));
    added.push(machine);
  }
  return { text: document.toString({ lineWidth: 0 }), added, skipped };
}

function whyNot({ name }: FoundMachine, there: boolean): string | null {
  if (!MACHINE_NAME.test(name)) return "its name has other characters than letters, digits, '.', '_' and '-'";
  return there ? "the inventory has a machine of this name" : null;
}

function entryOf(machine: FoundMachine, { tags, sshConfig }: MergeOptions): Record<string, unknown> {
  const all = [...new Set([...machine.tags, ...tags])];
  return {
    transport: "ssh",
    host: machine.host,
    ...(machine.os === null || machine.os === "linux" ? {} : { os: machine.os }),
    ...(all.length === 0 ? {} : { tags: all }),
    ...(sshConfig === null ? {} : { ssh_config: sshConfig }),
  };
}

const notMergeable = (fileName: string, document: Document): WaybillError =>
  new WaybillError(
    "invalid_inventory",
    `${fileName} cannot be added to: ${document.errors[0]?.message ?? "`machines` is not a map"}.`,
    {
      hint: "Mend it first, or write a file of its own with --output FILE.",
    },
  );
