/** A store in a directory of its own, engines over it, and everything that a test started is over when it ends. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { Engine } from "../../src/engine/engine.js";
import { type EngineOptions, openEngine } from "../../src/engine/open-engine.js";
import type { TaskDefinition } from "../../src/engine/task-definition.js";
import type { SmallDisk } from "../../src/machines/conformance/small-disk.js";
import { type OpenStoreOptions, openStore } from "../../src/store/open-store.js";
import type { Store } from "../../src/store/store.js";

export interface Workshop {
  readonly dir: string;
  readonly path: string;
  readonly store: Store;
  /** An engine over the store, not started. */
  engine(tasks: readonly TaskDefinition[], options?: Partial<EngineOptions>): Promise<Engine>;
  dispose(): Promise<void>;
}

export const freshDir = (): string => mkdtempSync(join(tmpdir(), "waybill-engine-"));

/** @param options of the store; `disk` is where it lies, and goes with it. Default: a directory of its own. */
export async function createWorkshop(
  options: OpenStoreOptions & { readonly disk?: Pick<SmallDisk, "path" | "unmount"> } = {},
): Promise<Workshop> {
  const dir = options.disk?.path ?? freshDir();
  const path = join(dir, "waybill.db");
  const store = await openStore(`file:${path}`, options);
  const engines: Engine[] = [];
  return {
    dir,
    path,
    store,
    engine: async (tasks, changes = {}) => {
      const engine = await openEngine({ store, tasks, abortGraceMs: 50, ...changes });
      engines.push(engine);
      return engine;
    },
    dispose: async () => {
      await Promise.all(engines.map((engine) => engine.close({ graceMs: 0 })));
      await store.close();
      options.disk?.unmount();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** A schema that takes everything, as a Standard Schema without a library. */
export const anything: StandardSchemaV1<unknown, unknown> = {
  "~standard": { version: 1, vendor: "test", validate: (value) => ({ value }) },
};

/** A promise and what settles it. */
export function latch<T = void>(): { readonly promise: Promise<T>; readonly open: (value: T) => void } {
  let open: (value: T) => void = () => undefined;
  const promise = new Promise<T>((resolve) => {
    open = resolve;
  });
  return { promise, open };
}
