/** `tasks release`, `tasks handoff` and `tasks reclaim`: how a running task leaves its owner before it has ended. */
import { v7 } from "uuid";
import { durationMs } from "../../contracts/fields.js";
import type { ParsedInputOf } from "../../contracts/index.js";
import { toTaskView } from "../../contracts/task-views.js";
import type { Task } from "../../domain/task.js";
import { workerLeaseName } from "../../domain/worker.js";
import { livenessOf } from "../../machines/process-identity.js";
import type { WorkerRequest } from "../../store/worker-store.js";
import type { CallHandler } from "../context.js";
import { findTask } from "../tasks/find-task.js";
import { ownerByFence } from "../workers/present-owners.js";
import { agentIdOf } from "./caller.js";
import { claimHolder } from "./claim-holder.js";
import { endAttempt, ownAttempt, readAgain } from "./own-attempt.js";
import { Reaper } from "./reaper.js";
import { toClaimView } from "./to-claim-view.js";

export const releaseTask: CallHandler<"tasks.release"> = async (context, input) => {
  const author = agentIdOf(context.settings, input.agent);
  const { store, guard } = await ownAttempt(context, input);
  const { reason, delay } = input;
  const notice = reason === undefined ? {} : { notice: { author, text: `Released: ${reason}` } };
  const end = { state: "returned", reason: "released", delayMs: durationMs(delay), ...notice } as const;
  await endAttempt(store, { guard, end });
  return { task: toTaskView(await readAgain(store, guard.taskId)) };
};

export const handOffTask: CallHandler<"tasks.handoff"> = async (context, input) => {
  const by = agentIdOf(context.settings, input.agent);
  const { store, task, guard } = await ownAttempt(context, input);
  const to = toReceiver(input, task);
  const answer = await store.workers.handOff({ guard, to, by, reason: input.reason ?? null });
  if (!answer.granted) throw answer.error;
  return toClaimView(context, answer.value, to);
};

const toReceiver = (input: ParsedInputOf<"tasks.handoff">, { type }: Task): WorkerRequest => ({
  name: workerLeaseName(v7()),
  agentId: input.to,
  // That of the environment is the giver's.
  session: input.session ?? v7(),
  kind: "claim",
  types: [type],
  workspace: null,
  holder: claimHolder(input.pid),
  pid: input.pid ?? null,
  ttlMs: durationMs(input.lease) ?? 0,
});

export const reclaimTask: CallHandler<"tasks.reclaim"> = async (context, input) => {
  const by = agentIdOf(context.settings, input.agent);
  const store = await context.store();
  const task = await findTask(store, input.id);
  const owner = await ownerByFence(store, task.owner);
  const isDead = owner !== null && livenessOf(owner.lease.holder) === "dead";
  const { reason, force } = input;
  const wish = { taskId: task.id, by, reason, force, ...(isDead && { provedDeadOwner: owner.owner }) };
  const answer = await store.workers.reclaim(wish);
  if (!answer.granted) throw answer.error;
  // Whatever else a dead process left behind would wait for somebody's look.
  await new Reaper(store).reap();
  return { task: toTaskView(await readAgain(store, task.id)) };
};
