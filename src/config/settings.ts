/**
 * Every setting, its value and where it came from: flag, else environment, else config file, else default.
 *
 * The one place that reads the process's environment. Other parts get what they need of the result.
 */
import { existsSync } from "node:fs";
import { homedir, userInfo } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import { formatByteSize, parseByteSize } from "../domain/byte-size.js";
import { DEFAULT_CACHE_MAX_BYTES } from "../domain/cache.js";
import { WaybillError } from "../domain/errors.js";
import type { Retention } from "../domain/retention.js";
import type { Provenance } from "../domain/run.js";
import type { ConfigFile, Settable } from "./config-file.js";
import { type Home, homeAt } from "./home.js";
import { RETENTION_DEFAULTS, readRetention } from "./retention.js";

export interface SettingFlags {
  readonly store?: string | undefined;
  readonly machines?: string | undefined;
}

export interface Setting {
  readonly name: string;
  readonly value: string;
  /** Where the value came from, in words that lead there. */
  readonly origin: string;
}

export interface Settings {
  readonly home: Home;
  readonly storeUrl: string;
  /** The inventory file; null: there is none, and the machine `local` is all. */
  readonly inventoryFile: string | null;
  readonly scope: string;
  /** What all cached values may take together; bytes. `WAYBILL_CACHE_MAX`, default 1 GiB. */
  readonly cacheMaxBytes: number;
  /** What is kept of what has ended: `WAYBILL_KEEP_RUNS`, `WAYBILL_KEEP_FOR`, `WAYBILL_KEEP_LOGS`. */
  readonly retention: Retention;
  readonly parentRunId: string | null;
  /** On whose behalf the runs submitted here are executed. */
  readonly provenance: Provenance;
  /** For crash tests: the step (`observe/steps.ts`) at which the command kills itself. Dispatchers do not inherit it. */
  readonly killAt: string | null;
  readonly user: string;
  readonly cwd: string;
  /** The environment as found; runs on local machines inherit it, variables `from_env` are read from it. */
  readonly environment: Readonly<Record<string, string>>;
  readonly all: readonly Setting[];
}

type Environment = Readonly<Record<string, string | undefined>>;

export interface SettingSources {
  readonly flags?: SettingFlags;
  readonly environment?: Environment;
  readonly cwd?: string;
  readonly platform?: NodeJS.Platform;
}

/** The state directory by the rules of the platform; `XDG_STATE_HOME` follows the XDG Base Directory Specification 0.8. */
function defaultHome(env: Environment, platform: NodeJS.Platform): Setting {
  const name = "WAYBILL_HOME";
  if (env.WAYBILL_HOME) return { name, value: resolve(env.WAYBILL_HOME), origin: "environment WAYBILL_HOME" };
  if (platform === "darwin") {
    return { name, value: join(homedir(), "Library", "Application Support", "waybill"), origin: "default" };
  }
  const state = env.XDG_STATE_HOME;
  if (state && isAbsolute(state)) return { name, value: join(state, "waybill"), origin: "environment XDG_STATE_HOME" };
  return { name, value: join(homedir(), ".local", "state", "waybill"), origin: "default" };
}

/** The YAML reader is loaded only when there is a file to read. */
async function readConfigFile(path: string): Promise<ConfigFile> {
  return existsSync(path) ? (await import("./config-file.js")).parseConfigFile(path) : {};
}

function pick(
  name: Settable,
  variable: string,
  sources: { flags: SettingFlags; env: Environment; file: ConfigFile; fileName: string },
  fallback: Setting,
): Setting {
  const flag = name === "store" || name === "machines" ? sources.flags[name] : undefined;
  if (flag !== undefined) return { name: variable, value: flag, origin: `flag --${name}` };
  const fromEnv = sources.env[variable];
  if (fromEnv) return { name: variable, value: fromEnv, origin: `environment ${variable}` };
  const fromFile = sources.file[name];
  if (fromFile !== undefined) return { name: variable, value: fromFile, origin: `config file ${sources.fileName}` };
  return fallback;
}

const pickRetention = (from: Parameters<typeof pick>[2]) => ({
  runs: pick("keep_runs", "WAYBILL_KEEP_RUNS", from, RETENTION_DEFAULTS.runs),
  age: pick("keep_for", "WAYBILL_KEEP_FOR", from, RETENTION_DEFAULTS.age),
  logs: pick("keep_logs", "WAYBILL_KEEP_LOGS", from, RETENTION_DEFAULTS.logs),
});

function findInventory(cwd: string, home: Home): Setting {
  const name = "WAYBILL_MACHINES";
  for (const [folder, origin] of [
    [cwd, "working directory"],
    [home.root, "WAYBILL_HOME"],
  ] as const) {
    const path = join(folder, "machines.yaml");
    if (existsSync(path)) return { name, value: path, origin: `found in the ${origin}` };
  }
  return { name, value: "", origin: "default: the machine `local` alone" };
}

/** Errors: `invalid_input` for what is no size with a unit. */
function cacheMaxBytes({ name, value, origin }: Setting): number {
  const bytes = parseByteSize(value);
  if (bytes !== null) return bytes;
  throw new WaybillError("invalid_input", `${name} is ${JSON.stringify(value)} (${origin}); expected a size.`, {
    hint: "For example 512MiB or 2GiB; the units are B, KiB, MiB, GiB and TiB.",
  });
}

/** The scope of variables that a process works in. Empty counts as not set. */
export const currentScope = (env: Environment = process.env): string => env.WAYBILL_SCOPE || "root";

/** Errors: `invalid_input` when the directory was removed under the process (`uv_cwd` fails with ENOENT). */
function workingDirectory(): string {
  try {
    return process.cwd();
  } catch (cause) {
    throw new WaybillError("invalid_input", "The working directory does not exist any more; somebody removed it.", {
      hint: "Change to a directory that exists (`cd` leads home) and try again.",
      cause,
    });
  }
}

/**
 * Resolves all settings. Throws `invalid_input` for a config file that it cannot read, for a size that is none and for a
 * working directory that was removed.
 */
export async function resolveSettings(sources: SettingSources = {}): Promise<Settings> {
  const env = sources.environment ?? process.env;
  const cwd = sources.cwd ?? workingDirectory();
  const flags = sources.flags ?? {};
  const homeSetting = defaultHome(env, sources.platform ?? process.platform);
  const home = homeAt(homeSetting.value);
  const from = { flags, env, file: await readConfigFile(home.configFile), fileName: home.configFile };
  const store = pick("store", "WAYBILL_STORE", from, {
    name: "WAYBILL_STORE",
    value: `file:${home.database}`,
    origin: "default",
  });
  const machines = pick("machines", "WAYBILL_MACHINES", from, findInventory(cwd, home));
  const cacheMax = pick("cache_max", "WAYBILL_CACHE_MAX", from, {
    name: "WAYBILL_CACHE_MAX",
    value: formatByteSize(DEFAULT_CACHE_MAX_BYTES),
    origin: "default",
  });
  const keep = pickRetention(from);
  const scope = currentScope(env);
  return {
    home,
    storeUrl: absoluteStoreUrl(store.value, cwd),
    inventoryFile: machines.value === "" ? null : resolve(cwd, machines.value),
    scope,
    cacheMaxBytes: cacheMaxBytes(cacheMax),
    retention: readRetention(keep),
    parentRunId: env.WAYBILL_RUN_ID || null,
    provenance: readProvenance(env),
    killAt: env.WAYBILL_KILL_AT || null,
    user: userName(),
    cwd,
    environment: Object.fromEntries(Object.entries(env).flatMap(([k, v]) => (v === undefined ? [] : [[k, v]]))),
    all: [
      homeSetting,
      store,
      machines,
      cacheMax,
      ...Object.values(keep),
      ...["WAYBILL_SOURCE", "WAYBILL_CLIENT", "WAYBILL_SESSION"].map((name) => provenanceSetting(env, name)),
      { name: "WAYBILL_SCOPE", value: scope, origin: env.WAYBILL_SCOPE ? "environment WAYBILL_SCOPE" : "default" },
    ],
  };
}

const REFERENCE = /^\$\{([A-Za-z_][A-Za-z0-9_]*)\}$/;

/**
 * A value of whoever calls Waybill. Configurations of callers may hold `${NAME}` unresolved: it is resolved here, and is
 * empty when there is no such variable, never recorded as it is written. Rule of the source (`RunEnvValue`).
 */
function callerValue(env: Environment, variable: string): string {
  const written = env[variable] ?? "";
  const name = REFERENCE.exec(written)?.[1];
  return name === undefined ? written : (env[name] ?? "");
}

const readProvenance = (env: Environment): Provenance => ({
  source: callerValue(env, "WAYBILL_SOURCE") || null,
  client: callerValue(env, "WAYBILL_CLIENT") || null,
  session: callerValue(env, "WAYBILL_SESSION") || null,
});

function provenanceSetting(env: Environment, name: string): Setting {
  return { name, value: callerValue(env, name), origin: env[name] ? `environment ${name}` : "default: not told" };
}

/** A dispatcher is started elsewhere, so a relative path must not depend on where. */
function absoluteStoreUrl(url: string, cwd: string): string {
  return url.startsWith("file:") && !url.startsWith("file://") ? `file:${resolve(cwd, url.slice(5))}` : url;
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A container may run a uid that has no name in its passwd file (os.userInfo throws ENOENT).
    return `uid:${process.getuid?.() ?? "unknown"}`;
  }
}
