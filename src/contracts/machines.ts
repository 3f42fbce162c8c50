/** Operations on machines. */
import * as z from "zod";
import { ERROR_CODES } from "../domain/errors.js";
import { MACHINE_OSES, MACHINE_STATUSES, TRANSPORTS } from "../domain/machine.js";
import { GARBAGE_KINDS } from "../domain/machine-garbage.js";
import { type MachineState, machineStatus } from "../domain/machine-note.js";
import { byteSize, duration, maybeTime, time, toMaybeTime, toTime } from "./fields.js";
import { later } from "./later.js";
import { machineName as tagName } from "./machine-name.js";
import { operation } from "./operation.js";

export const machineView = later(() =>
  z.object({
    name: z.string(),
    transport: z.enum(TRANSPORTS),
    status: z.enum(MACHINE_STATUSES),
    os: z.enum(MACHINE_OSES),
    tags: z.array(z.string()),
    slots: z.number().int(),
    active: z.number().int().describe("slots taken now"),
    waiting: z.number().int().describe("runs that wait for a slot"),
    work_dir: z.string(),
    host: z.string().nullable(),
    user: z.string().nullable(),
    port: z.number().int().nullable(),
    env_names: z.array(z.string()),
    runs: z.array(z.string()).describe("ids of the runs that hold its slots"),
    last_contact_at: maybeTime.describe(
      "when it last answered; null for a machine of this host, and for one never asked",
    ),
    last_failure_at: maybeTime.describe("when it last failed to answer"),
    last_error: z.enum(ERROR_CODES).nullable().describe("why it did not answer when it was last asked"),
    drained: z
      .object({ at: time, by: z.string(), reason: z.string().nullable() })
      .nullable()
      .describe("set while it takes no new work"),
  }),
);
export type MachineView = z.infer<ReturnType<typeof machineView>>;

/** What a view of a machine rests on. */
export interface MachineLook extends Omit<MachineState, "holders"> {
  /** Ids of the runs that hold its slots. */
  readonly holders: readonly string[];
  readonly waiting: number;
}

export function toMachineView({ spec, holders, waiting, unreachable, note }: MachineLook): MachineView {
  return {
    name: spec.name,
    transport: spec.transport,
    status: machineStatus({ spec, holders: holders.length, unreachable, note }),
    os: spec.os,
    tags: [...spec.tags],
    slots: spec.slots,
    active: holders.length,
    waiting,
    work_dir: spec.workDir,
    host: spec.host,
    user: spec.user,
    port: spec.port,
    env_names: Object.keys(spec.env).sort(),
    runs: [...holders],
    last_contact_at: toMaybeTime(note?.lastContactAt ?? null),
    last_failure_at: toMaybeTime(note?.lastFailureAt ?? null),
    last_error: note?.lastErrorCode ?? null,
    drained: note?.drain == null ? null : { ...note.drain, at: toTime(note.drain.at) },
  };
}

export const finding = later(() =>
  z.object({
    name: z.string(),
    ok: z.boolean(),
    value: z.string(),
    hint: z.string().nullable(),
  }),
);
export type FindingView = z.infer<ReturnType<typeof finding>>;

const machineName = z.string().min(1).describe("name of a machine in the inventory");

export const listMachines = operation({
  name: "machines.list",
  command: "machines list",
  summary: "List the machines of the inventory with their status and what holds their slots",
  effect: "write",
  input: () =>
    z.object({
      tag: z.string().optional().describe("only those that carry this tag"),
      check: z.boolean().default(false).describe("ask each machine now (default: how it answered last)"),
    }),
  output: () => z.object({ source: z.string(), machines: z.array(machineView()) }),
  errors: ["invalid_inventory", "invalid_input"],
  examples: [["machines list --check", "which of them answer now"]],
});

export const showMachine = operation({
  name: "machines.show",
  command: "machines show",
  summary: "Show one machine",
  effect: "read",
  positional: ["name"],
  input: () => z.object({ name: machineName }),
  output: () => machineView(),
  errors: ["machine_not_found", "invalid_inventory"],
});

export const checkMachines = operation({
  name: "machines.check",
  command: "machines check",
  summary: "Look whether machines can execute runs: reachable, tools, space, clock",
  effect: "write",
  positional: ["name"],
  input: () =>
    z.object({
      name: z.array(machineName).default([]).describe("machines to check (default: all)"),
      all: z.boolean().default(false).describe("all machines of the inventory, also when some are named"),
    }),
  output: () =>
    z.object({
      ok: z.boolean(),
      machines: z.array(z.object({ name: z.string(), ok: z.boolean(), findings: z.array(finding()) })),
    }),
  errors: ["machine_not_found", "invalid_inventory", "transport_unavailable"],
  examples: [["machines check left right", "each finding, and what to do about it"]],
});

export const drainMachine = operation({
  name: "machines.drain",
  command: "machines drain",
  summary: "Give a machine no new work; what runs there goes on",
  effect: "write",
  positional: ["name"],
  input: () =>
    z.object({
      name: machineName,
      reason: z.string().min(1).max(500).optional().describe("why, for whoever meets it"),
      wait: z.boolean().default(false).describe("wait until no run holds a slot of it"),
    }),
  output: () => machineView(),
  errors: ["machine_not_found", "invalid_inventory"],
  examples: [['machines drain gpu1 --reason "new disk" --wait', "returns when the machine is empty"]],
});

export const undrainMachine = operation({
  name: "machines.undrain",
  command: "machines undrain",
  summary: "Let a drained machine take work again",
  effect: "write",
  positional: ["name"],
  input: () => z.object({ name: machineName }),
  output: () => machineView(),
  errors: ["machine_not_found", "invalid_inventory"],
});

export const importMachines = operation({
  name: "machines.import",
  command: "machines import",
  summary: "Add the hosts of an ssh configuration or a tailnet to the inventory, or print them",
  effect: "write",
  input: () =>
    z.object({
      ssh_config: z.string().optional().describe("configuration to read (default: ~/.ssh/config)"),
      tailscale: z
        .boolean()
        .default(false)
        .describe("the devices of a tailnet instead (TAILSCALE_API_KEY, or an OAuth client)"),
      host: z.array(z.string().min(1)).default([]).describe("only those whose name matches, e.g. 'gpu*'"),
      tag: z.array(tagName).default([]).describe("give each of them this tag"),
      output: z.string().optional().describe("write this file instead of printing; - prints"),
      merge: z
        .boolean()
        .default(false)
        .describe("add to the file (default: the inventory in use); entries that exist stay"),
    }),
  output: () =>
    z.object({
      written: z.string().nullable().describe("path of the file that was written; null: only printed"),
      yaml: z.string(),
      added: z.array(z.object({ name: z.string(), host: z.string(), about: z.string() })),
      skipped: z.array(z.object({ name: z.string(), about: z.string(), reason: z.string() })),
    }),
  errors: ["invalid_input", "invalid_inventory", "source_unavailable", "auth_failed"],
  examples: [
    ["machines import --host 'gpu*' --tag gpu --merge", "adds those of ~/.ssh/config that the inventory lacks"],
    ["machines import --tailscale --output fleet.yaml", "a file of its own"],
  ],
});

export const collectMachineGarbage = operation({
  name: "machines.gc",
  command: "machines gc",
  summary: "Remove what ended runs left on machines: run directories, trees, old supervisors",
  effect: "write",
  positional: ["name"],
  input: () =>
    z.object({
      name: z.array(machineName).default([]).describe("machines to clean (default: all)"),
      older_than: duration.default("7d").describe("what was not used for so long"),
      keep_bytes: byteSize
        .optional()
        .describe("then the least recently used, until no more than this is left, e.g. 10GiB (default: no limit)"),
      dry_run: z.boolean().default(false).describe("say what would go, and do nothing"),
    }),
  output: () =>
    z.object({
      ok: z.boolean(),
      dry_run: z.boolean(),
      machines: z.array(
        z.object({
          name: z.string(),
          ok: z.boolean(),
          error: z.object({ code: z.enum(ERROR_CODES), message: z.string() }).nullable(),
          freed_bytes: z.number().int(),
          kept_bytes: z.number().int().describe("what is left of the same kinds, live runs included"),
          removed: z.array(
            z.object({
              kind: z.enum(GARBAGE_KINDS),
              name: z.string(),
              bytes: z.number().int(),
              last_used_at: time,
            }),
          ),
        }),
      ),
    }),
  errors: ["machine_not_found", "invalid_inventory"],
  examples: [
    ["machines gc --dry-run", "what a week has left on each machine"],
    ["machines gc gpu1 --older-than 1d --keep-bytes 10GiB", "and then the oldest, down to 10 GiB"],
  ],
});
