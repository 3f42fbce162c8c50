/** Operations on what tasks wait for, and on what could be worked on now. */
import * as z from "zod";
import { DEPENDENCY_OUTCOMES } from "../domain/dependency.js";
import { LINK_KINDS } from "../domain/task-links.js";
import { limit, taskId } from "./fields.js";
import { linkView } from "./link-view.js";
import { operation } from "./operation.js";
import { taskView } from "./task-views.js";
import { tags, types } from "./worker-fields.js";

export const readyTasks = operation({
  name: "tasks.ready",
  command: "tasks ready",
  summary: "List what could be claimed now, in the order in which it would be",
  effect: "read",
  input: () => z.object({ type: types, tag: tags, limit }),
  output: () => z.object({ tasks: z.array(taskView()) }),
  errors: [],
  examples: [["tasks ready --tag frontend", "what waits for nothing but a worker"]],
});

const kind = z
  .enum(LINK_KINDS)
  .default("blocks")
  .describe("blocks: `to` waits for the end of `from`; discovered_from: `to` was found while working on `from`");
const from = taskId.describe("task that comes first; any unique prefix of its id");
const to = taskId.describe("task that waits, or was found; any unique prefix of its id");

export const linkTasks = operation({
  name: "tasks.link",
  command: "tasks link",
  summary: "Let a task wait for another, or note that it was found while working on the other",
  effect: "write",
  positional: ["from", "to"],
  input: () =>
    z.object({
      from,
      to,
      kind,
      outcome: z.enum(DEPENDENCY_OUTCOMES).optional().describe("of blocks: which end counts (default: completed)"),
    }),
  output: () => z.object({ link: linkView(), changed: z.boolean().describe("false: it was there already") }),
  errors: ["task_not_found", "ambiguous_id", "invalid_input", "invalid_state", "dependency_cycle"],
  examples: [["tasks link 0199a3 0199b7 --outcome ended", "0199b7 begins when 0199a3 has ended, however"]],
});

export const unlinkTasks = operation({
  name: "tasks.unlink",
  command: "tasks unlink",
  summary: "Take a link between two tasks away; what waited for nothing else is queued",
  effect: "write",
  positional: ["from", "to"],
  input: () => z.object({ from, to, kind }),
  output: () => z.object({ changed: z.boolean().describe("false: there was no such link") }),
  errors: ["task_not_found", "ambiguous_id"],
  examples: [["tasks unlink 0199a3 0199b7", "0199b7 need not wait for 0199a3"]],
});
