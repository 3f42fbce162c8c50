import { isEndedTask } from "../../domain/task.js";
import type { StreamHandler } from "../context.js";
import { COMMAND, newestRunOf } from "./command-runs.js";
import { findTask } from "./find-task.js";
import { toLogLineView } from "./show-task.js";

/** Lines that one look at a followed log brings at most: what came in a second or less. */
const PAGE = 10_000;

export const taskLogs: StreamHandler<"tasks.logs"> = async function* (context, input, options) {
  const store = await context.store();
  const { id, type } = await findTask(store, input.id);
  let isTold = type !== COMMAND;
  const following = (): boolean => input.follow && options.signal?.aborted !== true;
  let cursor = 0;
  let limit = input.tail;
  for (;;) {
    // Asked before the lines are read, so that those which came before its end are among them.
    const task = await store.tasks.getTask(id);
    const lines = limit === 0 ? [] : await store.steps.readTaskLog(id, limit, cursor);
    const runId = isTold ? null : await newestRunOf(store, id);
    if (runId !== null) await options.onProgress?.({ type: "output", runId });
    isTold ||= runId !== null;
    for (const line of lines) yield toLogLineView(line);
    cursor = lines.at(-1)?.number ?? cursor;
    limit = PAGE;
    if (!following() || task === null || isEndedTask(task.state)) return;
    await store.events.waitForChange(1_000, options.signal);
  }
};
