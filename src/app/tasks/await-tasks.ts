/** Waits for tasks that engines execute, in whatever process. */
import { durationMs } from "../../contracts/fields.js";
import { WaybillError } from "../../domain/errors.js";
import type { Task } from "../../domain/task.js";
import type { Store } from "../../store/store.js";
import { withinLimit } from "../time-limit.js";

/** A look without any hint that something has changed; milliseconds. */
const LOOK_MS = 1_000;

export interface AwaitOptions {
  /** One of them is enough. */
  readonly any: boolean;
  /** As `90s`; without it there is no limit. */
  readonly limit: string | undefined;
  /** Stops waiting, without an error. */
  readonly signal: AbortSignal | undefined;
  /** Done before each look. */
  readonly before?: () => Promise<void>;
}

/**
 * Resolves with the tasks once they have ended (or were removed), or at the abort with how they stand.
 *
 * Errors: `timeout`.
 */
export async function awaitTasks(
  store: Store,
  ids: readonly string[],
  options: AwaitOptions,
): Promise<readonly Task[]> {
  const over = withinLimit(durationMs(options.limit), options.signal);
  for (;;) {
    await options.before?.();
    const ended = new Set(await store.tasks.endedAmong(ids));
    const enough = options.any ? ended.size > 0 : ids.every((id) => ended.has(id));
    if (enough || options.signal?.aborted === true) return await inOrder(store, ids);
    if (over.aborted) {
      throw new WaybillError("timeout", `Not ended after ${options.limit}: the tasks go on.`, {
        hint: `\`waybill why ${ids.find((id) => !ended.has(id))}\` says what it waits for.`,
        details: { ids },
      });
    }
    await store.events.waitForChange(LOOK_MS, over);
  }
}

async function inOrder(store: Store, ids: readonly string[]): Promise<readonly Task[]> {
  const found = await store.tasks.getTasks(ids);
  return ids.flatMap((id) => found.get(id) ?? []);
}
