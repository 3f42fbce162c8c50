/** `tasks dispatch parent`: claims one task, has a worker's process do it, and records what came of it. */
import { resolve } from "node:path";
import { v7 } from "uuid";
import { durationMs } from "../../contracts/fields.js";
import type { OutputOf, ParsedInputOf } from "../../contracts/index.js";
import type { AttemptGuard } from "../../domain/attempt.js";
import type { Lease } from "../../domain/lease.js";
import { isEndedTask } from "../../domain/task.js";
import { workerLeaseName } from "../../domain/worker.js";
import type { WorkerRequest } from "../../store/worker-store.js";
import { agentIdOf, presentedFence, sessionOf } from "../claims/caller.js";
import { guardOf, mustBeWritten } from "../claims/own-attempt.js";
import { Reaper } from "../claims/reaper.js";
import type { AppContext, CallHandler } from "../context.js";
import { mustBeDirectory } from "../runs/record-command.js";
import { findTask } from "../tasks/find-task.js";
import { openWorkerPost } from "../workers/worker-post.js";
import { attendWorker } from "./attend-worker.js";
import type { Dispatch } from "./dispatch.js";
import { DispatchClaim } from "./dispatch-claim.js";
import { concludeDispatch } from "./dispatch-end.js";
import { viewOfEnded } from "./dispatch-view.js";
import { commandLineOf, type WorkerCommandLine, type WorkerOrder, WorkerProcess } from "./worker-process.js";

type Input = ParsedInputOf<"tasks.dispatch.parent">;

export const dispatchParent: CallHandler<"tasks.dispatch.parent"> = async (context, input, { signal }) => {
  const { settings } = context;
  const store = await context.store();
  const task = await findTask(store, input.task_id);
  const order = await orderOf(context, input);
  const { line, workerAgentId } = commandLineOf(order, task, settings.environment);
  if (isEndedTask(task.state)) return await viewOfEnded(store, task, workerAgentId);
  const session = sessionOf(settings, input.session) ?? v7();
  const graceMs = durationMs(input.grace) ?? 0;
  const leaseMs = durationMs(input.lease) ?? 0;
  const post = await openWorkerPost(context, { workerId: v7(), agentId: workerAgentId, session, graceMs, leaseMs });
  try {
    const { log, onStep } = await context.runtime();
    const toParent = (): WorkerRequest => ({
      name: workerLeaseName(v7()),
      agentId: order.parentAgentId,
      session,
      kind: "dispatch",
      types: [task.type],
      workspace: order.cwd,
      holder: post.warden.identity,
      pid: process.pid,
      ttlMs: leaseMs,
    });
    const timeoutMs = durationMs(input.timeout) ?? task.timeoutMs;
    const dispatch = { store, post, task, order, workerAgentId, toParent, graceMs, timeoutMs, log, onStep, signal };
    return await carryOut(dispatch, line, presentedFence(settings, task.id, input.fence));
  } finally {
    await post.close();
  }
};

async function orderOf({ settings }: AppContext, input: Input): Promise<WorkerOrder> {
  const cwd = resolve(settings.cwd, input.cwd ?? ".");
  await mustBeDirectory(cwd, "--cwd names the directory in which the worker runs.");
  return {
    bin: input.worker_bin ?? null,
    parentAgentId: agentIdOf(settings, input.agent),
    cwd,
    result: input.worker_result,
    summary: input.worker_summary,
    handOff: input.worker_claim_handoff,
  };
}

interface Held {
  readonly guard: AttemptGuard;
  readonly lease: Pick<Lease, "name" | "fence">;
}

/** Errors: `stale_write` for a fence that is not the running attempt's; those of `claimForWorker`. */
async function hold({ store, task, toParent }: Dispatch, fence: number | null): Promise<Held> {
  if (fence !== null) {
    const guard = guardOf(task, fence);
    const beat = { taskId: task.id, fence, ttlMs: toParent().ttlMs };
    return { guard, lease: mustBeWritten(guard, await store.workers.heartbeat(beat)) };
  }
  await new Reaper(store).reap();
  const answer = await store.workers.claimForWorker({ worker: toParent(), id: task.id });
  if (!answer.granted) throw answer.error;
  const { lease, task: claimed } = answer.value;
  return { guard: guardOf({ ...task, attempt: claimed.attempt }, claimed.fence), lease };
}

async function carryOut(
  dispatch: Dispatch,
  line: WorkerCommandLine,
  fence: number | null,
): Promise<OutputOf<"tasks.dispatch.parent">> {
  const { store, post, task, order, toParent, log, onStep } = dispatch;
  const workerLease = workerLeaseName(v7());
  const { guard, lease } = await hold(dispatch, fence);
  const claim = new DispatchClaim({ store, ttlMs: toParent().ttlMs, workerLease }, guard, lease);
  try {
    onStep("dispatch.claimed", task.id);
    const worker = await WorkerProcess.start({ store, post, line, cwd: order.cwd, guard, workerLease, log });
    try {
      onStep("dispatch.worker_started", task.id);
      const stop = await attendWorker(dispatch, claim, worker);
      return await concludeDispatch(dispatch, claim, worker, stop);
    } finally {
      await worker.remove();
    }
  } finally {
    await claim.close();
  }
}
