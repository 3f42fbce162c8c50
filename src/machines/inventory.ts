/**
 * Reads an inventory: which machines there are, how they are reached, what they carry.
 *
 * Paths are relative to the file that names them; `~` is the user's home on a local machine and the remote user's on
 * one reached by ssh, where only that machine's shell can expand it.
 */
import { homedir, platform } from "node:os";
import { dirname, join, resolve } from "node:path";
import * as z from "zod";
import { machineEnv } from "../contracts/env-map.js";
import { duration, durationMs } from "../contracts/fields.js";
import { fileError } from "../contracts/file-problem.js";
import { MACHINE_NAME, machineName } from "../contracts/machine-name.js";
import type { ValueFault } from "../contracts/schema-issue.js";
import { readYaml } from "../contracts/yaml-document.js";
import {
  DEFAULT_SSH,
  MACHINE_OSES,
  type MachineOs,
  type MachineSpec,
  type SshSettings,
  TRANSPORTS,
} from "../domain/machine.js";
import type { FoundMachine } from "./inventory-sources/found-machine.js";

const MAX_SLOTS = 1000;
const SSH_WORK_DIR = "~/.waybill";
const SSH_ONLY = ["host", "user", "port", "ssh_config", "identity_file", "proxy_jump", "connect_timeout"] as const;

const text = z
  .string()
  .refine((value) => value.trim() !== "" && !value.includes("\0") && !/[\r\n]/.test(value), { error: "expected text" });

/**
 * ssh takes these as arguments, where one that starts with `-` would be read as an option, and hands them to a shell for
 * ProxyJump and for `%h` and `%r` of a ProxyCommand: the characters are those that OpenSSH refuses itself since 9.6.
 */
const sshWord = z.string().regex(/^(?!-)[^\s'"`$\\;&<>|(){}]+$/, {
  error: "expected one word that does not start with '-' and has nothing of '\"`$\\;&<>|(){} in it",
});

const machine = z.strictObject({
  transport: z.enum(TRANSPORTS).optional(),
  host: sshWord.optional(),
  user: sshWord.optional(),
  port: z.int().min(1).max(65_535).optional(),
  ssh_config: text.optional(),
  identity_file: text.optional(),
  proxy_jump: sshWord.optional(),
  connect_timeout: duration.optional(),
  tags: z.array(machineName).optional(),
  os: z.enum(MACHINE_OSES).optional(),
  slots: z.int().min(1).max(MAX_SLOTS).optional(),
  work_dir: text.optional(),
  env: machineEnv.optional(),
});

/** What every device of a tailnet gets beside what the tailnet says of it. */
const tailscale = machine.omit({ transport: true, host: true, os: true });

const inventorySchema = z.strictObject({ machines: z.record(z.string(), machine), tailscale: tailscale.optional() });

type Fields = Readonly<Record<string, unknown>>;

const isMap = (value: unknown): value is Fields => typeof value === "object" && value !== null && !Array.isArray(value);

const machinesOf = (inventory: unknown): readonly (readonly [string, Fields])[] => {
  const machines = isMap(inventory) && isMap(inventory.machines) ? inventory.machines : {};
  return Object.entries(machines).flatMap(([name, fields]) => (isMap(fields) ? [[name, fields] as const] : []));
};

function goodNames(inventory: unknown): ValueFault[] {
  const machines = isMap(inventory) && isMap(inventory.machines) ? inventory.machines : {};
  return Object.keys(machines).flatMap((name): ValueFault[] => {
    if (MACHINE_NAME.test(name)) return [];
    const hint = "letters, digits, '.', '_' or '-', with a letter or digit first";
    return [{ path: ["machines", name], at: "key", message: `${JSON.stringify(name)} is not a machine's name`, hint }];
  });
}

function keysFitTransport(inventory: unknown): ValueFault[] {
  return machinesOf(inventory).flatMap(([name, fields]): ValueFault[] => {
    const path = ["machines", name];
    if (fields.transport === "ssh") {
      return fields.host === undefined ? [{ path, message: 'missing key "host", which transport ssh needs' }] : [];
    }
    return SSH_ONLY.filter((key) => fields[key] !== undefined).map((key) => ({
      path: [...path, key],
      at: "key",
      message: `"${key}" has no meaning for a local machine`,
      hint: "did you forget `transport: ssh`?",
    }));
  });
}

const ROOTED = /^(\/|~\/|~$)/;
const ROOTED_ON_WINDOWS = /^([A-Za-z]:[\\/]|~[\\/]|~$)/;

function remoteDirsAreRooted(inventory: unknown): ValueFault[] {
  return machinesOf(inventory).flatMap(([name, fields]): ValueFault[] => {
    const dir = fields.work_dir;
    if (fields.transport !== "ssh" || typeof dir !== "string") return [];
    const windows = fields.os === "windows";
    if ((windows ? ROOTED_ON_WINDOWS : ROOTED).test(dir)) return [];
    const absolute = windows ? "a path with a drive (C:/…)" : "an absolute path";
    const message = `expected ${absolute} or one that starts with ~/, found ${JSON.stringify(dir)}`;
    return [{ path: ["machines", name, "work_dir"], message }];
  });
}

/** Two local machines in one directory would hold each other's slots and adopt each other's runs. */
function ownWorkDirs(inventory: unknown, place: Place): ValueFault[] {
  const owners = new Map<string, string>();
  return machinesOf(inventory).flatMap(([name, fields]): ValueFault[] => {
    if (fields.transport === "ssh") return [];
    const dir = localWorkDir(name, typeof fields.work_dir === "string" ? fields.work_dir : undefined, place);
    const owner = owners.get(dir);
    if (owner === undefined) {
      owners.set(dir, name);
      return [];
    }
    const message = `work_dir ${dir} is already that of machine "${owner}"`;
    return [{ path: ["machines", name, "work_dir"], message, hint: "every machine needs a directory of its own" }];
  });
}

interface Place {
  /** Waybill's state directory. */
  readonly home: string;
  /** Where the inventory lies. */
  readonly base: string;
}

function localWorkDir(name: string, written: string | undefined, { home, base }: Place): string {
  return written === undefined ? join(home, "machines", name) : localPath(written, base);
}

function localPath(written: string, base: string): string {
  const expanded = /^~(\/|$)/.test(written) ? join(homedir(), written.slice(1)) : written;
  return resolve(base, expanded);
}

function sshSettings(fields: z.output<typeof machine>, base: string): SshSettings {
  const path = (written: string | undefined): string | null =>
    written === undefined ? null : localPath(written, base);
  return {
    configFile: path(fields.ssh_config),
    identityFile: path(fields.identity_file),
    proxyJump: fields.proxy_jump ?? null,
    connectTimeoutMs: durationMs(fields.connect_timeout) ?? DEFAULT_SSH.connectTimeoutMs,
  };
}

function hostOs(): MachineOs {
  const name = platform();
  if (name === "darwin") return "macos";
  return name === "win32" ? "windows" : "linux";
}

function toSpec(name: string, fields: z.output<typeof machine>, place: Place): MachineSpec {
  const transport = fields.transport ?? "local";
  const local = transport === "local";
  return {
    name,
    transport,
    host: fields.host ?? null,
    user: fields.user ?? null,
    port: fields.port ?? null,
    ssh: local ? null : sshSettings(fields, place.base),
    os: fields.os ?? (local ? hostOs() : "linux"),
    tags: [...new Set(fields.tags)],
    slots: fields.slots ?? 1,
    workDir: local ? localWorkDir(name, fields.work_dir, place) : (fields.work_dir ?? SSH_WORK_DIR),
    env: fields.env ?? {},
  };
}

/** Devices of a tailnet that are machines as well. */
export interface TailnetMachines {
  /** The machines that found devices are, but for those whose names the file has given already. */
  specsOf(found: readonly FoundMachine[]): MachineSpec[];
}

export interface ParsedInventory {
  readonly machines: readonly MachineSpec[];
  /** Null: the file asks for none. */
  readonly tailnet: TailnetMachines | null;
}

export interface InventoryOptions {
  /** Waybill's state directory (`WAYBILL_HOME`), where local machines live by default. */
  readonly home: string;
}

/**
 * Machines in the order of the file. Defaults: `transport` local; `os` this host's, or linux over ssh; `slots` 1;
 * `work_dir` `<home>/machines/<name>`, or `~/.waybill` over ssh; `connect_timeout` 10 s.
 *
 * @param fileName the inventory's path; relative paths start from its folder
 * @throws `invalid_inventory` with every problem in the message and in `details.problems`
 */
export function parseInventory(bytes: Uint8Array, fileName: string, { home }: InventoryOptions): ParsedInventory {
  const place = { home, base: dirname(resolve(fileName)) };
  const rules = [goodNames, keysFitTransport, remoteDirsAreRooted, (value: unknown) => ownWorkDirs(value, place)];
  const reading = readYaml(bytes, inventorySchema, [...rules, atLeastOne]);
  if (!reading.ok) throw fileError("invalid_inventory", fileName, reading.problems);
  const { machines, tailscale: wish } = reading.value;
  const specs = Object.entries(machines).map(([name, fields]) => toSpec(name, fields, place));
  if (wish === undefined) return { machines: specs, tailnet: null };
  return { machines: specs, tailnet: { specsOf: (found) => tailnetSpecs(found, wish, specs, place) } };
}

/** `tags` of the wish choose devices, which have their own tags. */
function tailnetSpecs(
  found: readonly FoundMachine[],
  { tags, ...shared }: z.output<typeof tailscale>,
  written: readonly MachineSpec[],
  place: Place,
): MachineSpec[] {
  const taken = new Set(written.map(({ name }) => name));
  const wanted = found.filter(({ tags: own }) => tags === undefined || tags.some((tag) => own.includes(tag)));
  return wanted.flatMap(({ name, host, os, tags: own }): MachineSpec[] => {
    if (taken.has(name) || !MACHINE_NAME.test(name)) return [];
    taken.add(name);
    return [toSpec(name, { ...shared, transport: "ssh", host, tags: [...own], ...(os === null ? {} : { os }) }, place)];
  });
}

function atLeastOne(inventory: unknown): ValueFault[] {
  if (!isMap(inventory) || inventory.tailscale !== undefined) return [];
  const empty = isMap(inventory.machines) && Object.keys(inventory.machines).length === 0;
  return empty ? [{ path: ["machines"], message: "no machine", hint: "`machines: { local: {} }` is the least" }] : [];
}

/** The machine that is there when no inventory is: this host, named `local`, with its own system as its tag. */
export function defaultInventory({ home, slots = 1 }: InventoryOptions & { readonly slots?: number }): MachineSpec[] {
  const os = hostOs();
  return [toSpec("local", { os, tags: [os], slots }, { home, base: home })];
}
