/** Operations on machines. */
import * as z from "zod";
import { MACHINE_OSES, MACHINE_STATUSES, type MachineSpec, TRANSPORTS } from "../domain/machine.js";
import { later } from "./later.js";
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
  }),
);
export type MachineView = z.infer<ReturnType<typeof machineView>>;

/** A machine is busy when all its slots are taken; `offline` and `unknown` are for machines that were not reached. */
export function toMachineView(spec: MachineSpec, holders: readonly string[], waiting: number): MachineView {
  return {
    name: spec.name,
    transport: spec.transport,
    status: spec.transport !== "local" ? "unknown" : holders.length >= spec.slots ? "busy" : "idle",
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
  summary: "List the machines of the inventory with what holds their slots",
  effect: "read",
  input: () => z.object({ tag: z.string().optional().describe("only those that carry this tag") }),
  output: () => z.object({ source: z.string(), machines: z.array(machineView()) }),
  errors: ["invalid_inventory", "invalid_input"],
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
  summary: "Look whether machines can execute runs: work directory, tools, space, clock",
  effect: "write",
  positional: ["name"],
  input: () => z.object({ name: z.array(machineName).default([]).describe("machines to check (default: all)") }),
  output: () =>
    z.object({
      ok: z.boolean(),
      machines: z.array(z.object({ name: z.string(), ok: z.boolean(), findings: z.array(finding()) })),
    }),
  errors: ["machine_not_found", "invalid_inventory", "transport_unavailable"],
  examples: [["machines check left right", "each finding, and what to do about it"]],
});
