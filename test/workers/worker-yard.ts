/** `waybill work` in processes of its own, beside a client that submits and looks. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Engine } from "../../src/engine/engine.js";
import { openEngine } from "../../src/engine/open-engine.js";
import type { SubmitOptions } from "../../src/engine/submission.js";
import { defineTask } from "../../src/engine/task-definition.js";
import { openStore } from "../../src/store/open-store.js";
import type { Store } from "../../src/store/store.js";
import { anything } from "../engine/workshop.js";
import { builtCli } from "../harness/built-cli.js";
import type { CliOptions, LiveCli } from "../harness/cli-process.js";
import { createSandbox, type Sandbox } from "../harness/sandbox.js";
import { DEADLINE_MS, until } from "../harness/until.js";

export interface WorkerYard {
  readonly box: Sandbox;
  readonly store: Store;
  readonly client: Engine;
  /** Submits a task of the type `t` unless another is given. @returns its id */
  submit(params?: unknown, options?: SubmitOptions & { readonly type?: string }): Promise<string>;
  /** Starts a worker for the type `t` whose command is `script` in the language of sh. */
  worker(script: string, flags?: readonly string[], options?: CliOptions): LiveCli;
  /** Resolves with the task once it is in the state. */
  inState(
    id: string,
    state: string,
    deadlineMs?: number,
  ): Promise<NonNullable<Awaited<ReturnType<Store["tasks"]["getTask"]>>>>;
  log(id: string): Promise<readonly string[]>;
  /** What a script wrote into a file of the sandbox, once it ends with a line end. */
  said(name: string): Promise<string>;
  dispose(): Promise<void>;
}

const typed = (type: string) => defineTask({ type, params: anything, run: () => null });

export async function openYard(): Promise<WorkerYard> {
  const box = createSandbox();
  const store = await openStore(`file:${join(box.home, "waybill.db")}`);
  const client = await openEngine({ store, tasks: [] });
  return {
    box,
    store,
    client,
    submit: async (params = {}, { type = "t", ...options } = {}) =>
      (await client.tasks.submit(typed(type), params, options)).id,
    worker: (script, flags = [], options = {}) =>
      box.spawnCli(["work", "--types", "t", ...flags, "--", "sh", "-c", script], {
        ...options,
        // For commands that speak to Waybill themselves.
        env: { NODE: process.execPath, CLI: builtCli(), ...options.env },
      }),
    inState: (id, state, deadlineMs = DEADLINE_MS) =>
      until(
        `task ${id} is ${state}`,
        async () => {
          const task = await store.tasks.getTask(id);
          return task?.state === state ? task : null;
        },
        deadlineMs,
      ),
    log: async (id) => (await client.tasks.log(id)).map(({ line }) => line),
    said: (name) =>
      until(`${name} is written`, () => {
        const text = existsSync(box.path(name)) ? readFileSync(box.path(name), "utf8") : "";
        return text.endsWith("\n") ? text.trim() : null;
      }),
    dispose: async () => {
      await client.close();
      await store.close();
      await box.dispose();
    },
  };
}
