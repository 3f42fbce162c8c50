/** What lies on a machine, and its removal: questions to its shell, whatever it is reached by. */
import { WaybillError } from "../domain/errors.js";
import type { MachineSpec } from "../domain/machine.js";
import type { GarbageKind, StockItem, StockState } from "../domain/machine-garbage.js";
import type { Environment } from "./environment.js";
import { createLocalShell } from "./local/local-shell.js";
import type { RemoteAnswer, RemoteShell } from "./ssh/remote-shell.js";
import { createSshShell } from "./ssh/ssh-shell.js";

/** Disks of many files are slow to count. */
const STOCK_MS = 10 * 60_000;
const REMOVE_MS = 60 * 60_000;
/** An upload that is still arriving looks like one that never will. */
const UPLOAD_MS = 3_600_000;

type Shell = Pick<RemoteShell, "call">;

export interface Stock {
  /** The machine's clock, epoch milliseconds. */
  readonly now: number;
  readonly items: readonly StockItem[];
}

export interface Upkeep {
  /** What there is. Its states are the machine's own; the store may know of more that is in use. */
  stock(signal?: AbortSignal): Promise<Stock>;
  /** Removes what is named unless it was used since it was listed; answers with what has gone. */
  remove(items: readonly StockItem[], signal?: AbortSignal): Promise<readonly StockItem[]>;
}

/** @param environment of this process, for `sh` or `ssh`. */
export function openUpkeep(spec: MachineSpec, environment: Environment): Upkeep {
  if (spec.transport === "local") return upkeepOver(createLocalShell(spec.workDir, { environment }), spec);
  return upkeepOver(createSshShell(spec, environment), spec);
}

export function upkeepOver(shell: Shell, spec: Pick<MachineSpec, "name">): Upkeep {
  return {
    stock: async (signal) => {
      const clock = answered(
        spec,
        await shell.call({ verb: "clock", args: [], deadlineMs: STOCK_MS, ...(signal && { signal }) }),
      );
      const said = answered(
        spec,
        await shell.call({ verb: "stock", args: [], deadlineMs: STOCK_MS, ...(signal && { signal }) }),
      );
      const now = Number(clock.trim());
      return { now, items: readStock(said, now) };
    },
    remove: async (items, signal) => {
      if (items.length === 0) return [];
      const lines = items.map((item) => `${item.kind}\t${item.lastUsedAt / 1000}\t${item.name}\n`).join("");
      const call = {
        verb: "gc",
        args: [],
        input: Buffer.from(lines),
        deadlineMs: REMOVE_MS,
        ...(signal && { signal }),
      };
      const gone = new Set(answered(spec, await shell.call(call)).split("\n"));
      return items.filter((item) => gone.has(`${item.kind}\t${item.name}`));
    },
  };
}

function answered(spec: Pick<MachineSpec, "name">, { status, output }: RemoteAnswer): string {
  if (status === 0) return output.toString();
  throw new WaybillError("spawn_failed", `Machine "${spec.name}" could not look after its files (status ${status}).`, {
    hint: "`waybill machines check` says what it lacks.",
    details: { machine: spec.name, status, output: output.toString().slice(-500) },
  });
}

interface Seen {
  readonly sizes: ReadonlyMap<string, number>;
  readonly times: ReadonlyMap<string, number>;
  /** What the machine says of a name that is not over: `running`, `prepared`, … */
  readonly states: ReadonlyMap<string, string>;
}

const LINES = {
  sizes: /^(\d+)\s+\.\/([A-Za-z0-9._-]+)$/,
  times: /^(\d+) \.\/([A-Za-z0-9._-]+)$/,
  live: /^(running|starting|prepared|busy) ([A-Za-z0-9._-]+)$/,
} as const;

/** Reads what the verb `stock` printed. What it cannot name safely, or has no time for, is not listed, and so stays. */
export function readStock(said: string, now: number): StockItem[] {
  const seen = { runs: noneSeen(), trees: noneSeen(), bin: noneSeen() };
  let folder: keyof typeof seen = "runs";
  let section: keyof typeof LINES = "sizes";
  for (const line of said.split("\n")) {
    const head = /^@ (runs|trees|bin) (sizes|times|live)$/.exec(line);
    if (head !== null) {
      [folder, section] = [head[1] as typeof folder, head[2] as typeof section];
      continue;
    }
    const [, value = "", name] = LINES[section].exec(line) ?? [];
    if (name === undefined) continue;
    if (section === "sizes") seen[folder].sizes.set(name, Number(value) * 1024);
    else if (section === "times") seen[folder].times.set(name, Number(value) * 1000);
    else seen[folder].states.set(name, value);
  }
  return [...runsOf(seen.runs), ...treesOf(seen.trees, now), ...supervisorsOf(seen.bin)];
}

const noneSeen = () => ({
  sizes: new Map<string, number>(),
  times: new Map<string, number>(),
  states: new Map<string, string>(),
});

function item(kind: GarbageKind, name: string, state: StockState, seen: Seen, lastUsedAt: number): StockItem {
  return { kind, name, state, bytes: seen.sizes.get(name) ?? 0, lastUsedAt };
}

function runsOf(seen: Seen): StockItem[] {
  return [...seen.times].map(([name, at]) => {
    const said = seen.states.get(name);
    const state = said === undefined ? "ended" : said === "running" || said === "starting" ? "live" : "waiting";
    return item("run", name, state, seen, at);
  });
}

function treesOf(seen: Seen, now: number): StockItem[] {
  return [...seen.times].flatMap(([name, at]): StockItem[] => {
    if (name.startsWith(".tmp.")) {
      return [item("upload", name, now - at < UPLOAD_MS ? "live" : "waiting", seen, at)];
    }
    if (!/^[0-9a-f]{64}$/.test(name)) return [];
    return [item("tree", name, "ended", seen, Math.max(at, seen.times.get(`.used.${name}`) ?? 0))];
  });
}

function supervisorsOf(seen: Seen): StockItem[] {
  return [...seen.times].flatMap(([name, at]) =>
    name.startsWith("supervisor-")
      ? [item("supervisor", name, seen.states.has(name) ? "live" : "ended", seen, at)]
      : [],
  );
}
