/** Starts detached dispatchers: the same program again, in a session of its own, its messages in a log file of its own. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import type { Settings } from "../config/settings.js";
import { type DispatchScope, scopeLeaseName } from "../dispatch/dispatch-scope.js";
import { provenanceVariables, withoutOwnVariables } from "../dispatch/program-environment.js";
import { isHeld, type Runtime } from "../dispatch/runtime.js";
import { WaybillError } from "../domain/errors.js";

/** How long a dispatcher that was just started is given to take its lease before another is tried. */
const START_MS = 3_000;

export class DispatcherSpawner {
  readonly #settings: Settings;
  readonly #command: readonly string[];
  readonly #startedAt = new Map<string, number>();

  constructor(settings: Settings, command: readonly string[]) {
    this.#settings = settings;
    this.#command = command;
  }

  /** Errors: `spawn_failed` when no process could be started. */
  async ensure(runtime: Runtime, scope: DispatchScope): Promise<void> {
    const name = scopeLeaseName(scope, runtime.holder);
    if (await isHeld(runtime, await runtime.store.leases.getLease(name))) return;
    const started = this.#startedAt.get(name);
    if (started !== undefined && runtime.clock() - started < START_MS) return;
    this.#startedAt.set(name, runtime.clock());
    try {
      await this.#spawn(scope);
    } catch (cause) {
      this.#startedAt.delete(name);
      throw new WaybillError("spawn_failed", `No dispatcher could be started: ${(cause as Error).message}.`, {
        hint: "What was recorded stays; any later `waybill` command that looks at it starts a dispatcher.",
        cause,
      });
    }
  }

  async #spawn(scope: DispatchScope): Promise<void> {
    const { home, storeUrl, inventoryFile, environment, provenance, cwd } = this.#settings;
    mkdirSync(home.dispatchers, { recursive: true, mode: 0o700 });
    const log = openSync(join(home.dispatchers, `${scope.kind}.log`), "a", 0o600);
    const [program, ...args] = this.#command;
    try {
      const child = spawn(program ?? process.execPath, [...args, "_dispatch", ...scopeArguments(scope)], {
        detached: true,
        stdio: ["ignore", log, log],
        cwd,
        env: {
          ...withoutOwnVariables(environment),
          ...provenanceVariables(provenance),
          WAYBILL_HOME: home.root,
          WAYBILL_STORE: storeUrl,
          ...(inventoryFile === null ? {} : { WAYBILL_MACHINES: inventoryFile }),
        },
      });
      child.unref();
      await once(child, "spawn");
    } finally {
      closeSync(log);
    }
  }
}

/** What `_dispatch` is called with; read back by `parseScope`. */
function scopeArguments(scope: DispatchScope): string[] {
  if (scope.kind === "batch") return ["batch", scope.batchId];
  return scope.kind === "run" ? ["run", scope.runId] : ["host"];
}

export function parseScope([kind, id]: readonly string[]): DispatchScope | null {
  if (kind === "host") return { kind };
  if (id === undefined) return null;
  if (kind === "batch") return { kind, batchId: id };
  return kind === "run" ? { kind, runId: id } : null;
}
