/** `waybill why` of a task that waits for paths, or for a person. */

import type { PersonGate, Task } from "../../domain/task.js";
import { showLabel } from "../../domain/worker.js";
import type { Store } from "../../store/store.js";
import type { PathHolder } from "../../store/task-store.js";
import { type Reason, reason } from "./reason.js";

const CALLED_SOON = "Its paths are free again; one of the next claims queues it.";

export async function explainPaths(store: Store, { id }: Task): Promise<Reason> {
  const holders = await store.tasks.pathHolders(id);
  const [first] = holders;
  // Where many waited for the same task, its end calls some of them, and the claims after that the others.
  if (first === undefined) return reason("paths_held", CALLED_SOON, [], null);
  const message = "Others have paths that it wants, or want them before it; it is queued again when they have ended.";
  return reason("paths_held", message, holders.map(holderName), `\`waybill why ${first.taskId}\` goes on from there.`);
}

/** `0199a3… of ann, running: write src/**`. */
function holderName({ taskId, agentId, state, path: { mode, space, pattern } }: PathHolder): string {
  const who = agentId === null ? "" : ` of ${showLabel(agentId)}`;
  return `${taskId}${who}, ${state}: ${mode} ${space === "" ? "" : `${space}:`}${pattern}`;
}

export function explainPerson({ id, question }: Task, gate: PersonGate): Reason {
  const said = question === null || question === "" ? "" : `: ${question}`;
  const thread = `\`waybill tasks notes ${id}\` has the whole thread.`;
  if (gate === "answer") {
    const hint = `\`waybill tasks answer ${id} TEXT\` lets it go on. ${thread}`;
    return reason("waits_for_answer", `It asks a person${said}`, [], hint);
  }
  const hint = `\`waybill tasks answer ${id} --accept\` completes it, \`waybill tasks answer ${id} TEXT\` sends it back. ${thread}`;
  return reason("waits_for_review", `It was done, and a person is to look at it${said}`, [], hint);
}
