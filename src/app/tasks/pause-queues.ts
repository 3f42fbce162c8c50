import type { OutputOf } from "../../contracts/index.js";
import type { Store } from "../../store/store.js";
import type { AppContext, CallHandler } from "../context.js";

type Answer = OutputOf<"tasks.pause">;

async function setPaused(context: AppContext, types: readonly string[], paused: boolean): Promise<Answer> {
  const { queues } = await context.store();
  const set = await Promise.all(types.map((type) => queues.pauseQueue(type, paused)));
  return { queues: set.map(({ type, paused, concurrency }) => ({ type, paused, concurrency })) };
}

export const pauseQueues: CallHandler<"tasks.pause"> = (context, { type }) => setPaused(context, type, true);
export const resumeQueues: CallHandler<"tasks.resume"> = (context, { type }) => setPaused(context, type, false);

export const pausedTypes = async ({ queues }: Store): Promise<readonly string[]> =>
  (await queues.listQueues()).filter(({ paused }) => paused).map(({ type }) => type);
