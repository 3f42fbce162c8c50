/** `tasks dispatch worker`: the worker's side. It does no work of its own; it takes the claim over, and answers. */
import { v7 } from "uuid";
import { durationMs } from "../../contracts/fields.js";
import type { ParsedInputOf } from "../../contracts/index.js";
import { toTaskView } from "../../contracts/task-views.js";
import { WaybillError } from "../../domain/errors.js";
import type { ProcessIdentity } from "../../domain/lease.js";
import type { WorkerResult } from "../../domain/result.js";
import type { Task } from "../../domain/task.js";
import { workerLeaseName } from "../../domain/worker.js";
import { identityOf, thisProcess } from "../../machines/process-identity.js";
import type { Store } from "../../store/store.js";
import type { WorkerClaim } from "../../store/worker-store.js";
import { formatResult } from "../../workers/result-codec.js";
import { presentedFence, sessionOf } from "../claims/caller.js";
import { endAttempt, guardOf, mustBeWritten, readAgain } from "../claims/own-attempt.js";
import { endOfResult } from "../claims/result-end.js";
import { toldResult } from "../claims/told-result.js";
import type { AppContext, CallHandler } from "../context.js";
import { findTask } from "../tasks/find-task.js";
import { toPaths } from "../tasks/to-paths.js";
import { HANDOFF_HOLDER, HANDOFF_LEASE } from "./worker-process.js";

type Input = ParsedInputOf<"tasks.dispatch.worker">;

export const dispatchWorker: CallHandler<"tasks.dispatch.worker"> = async (context, input) => {
  const result = resultOf(input);
  const store = await context.store();
  const task = await findTask(store, input.task_id);
  mustBeItsThread(task, input.task_thread);
  const said = { worker_agent_id: input.worker_agent_id, result, line: formatResult(result) };
  if (input.claim_from_agent_id === undefined) {
    return { outcome: "answered", task: toTaskView(task), fence: null, ...said };
  }
  const { onStep } = await context.runtime();
  const claimed = await takeOver(context, store, task, input, input.claim_from_agent_id);
  onStep("dispatch.handed_over", task.id);
  await record(store, { ...task, ...claimed.task }, input, result);
  onStep("dispatch.answered", task.id);
  return { outcome: "recorded", task: toTaskView(await readAgain(store, task.id)), fence: claimed.task.fence, ...said };
};

const resultOf = ({ result: kind, summary, branch, rev }: Input): WorkerResult =>
  toldResult({ kind, summary, ...(branch === undefined ? {} : { branch }), ...(rev === undefined ? {} : { rev }) });

function mustBeItsThread({ id }: Task, thread: string): void {
  if (id.startsWith(thread.toLowerCase())) return;
  throw new WaybillError(
    "invalid_input",
    `--task-thread is ${JSON.stringify(thread)}; expected the task's id, ${id}.`,
    {
      hint: "The thread of a task is its own.",
    },
  );
}

/** In one write. The name tells whether the right one is asked for its claim; that it still has it is told by the fence. */
async function takeOver(
  context: AppContext,
  store: Store,
  task: Task,
  input: Input,
  from: string,
): Promise<WorkerClaim> {
  const { settings } = context;
  const { environment } = settings;
  const owners = await store.workers.workersByOwner(task.owner === null ? [] : [task.owner]);
  const owner = task.owner === null ? undefined : owners.get(task.owner);
  if (task.fence === null || owner?.agentId !== from) throw notTheirs(task, from, owner?.agentId);
  const answer = await store.workers.handOff({
    guard: guardOf(task, presentedFence(settings, task.id, input.fence) ?? task.fence),
    to: {
      name: environment[HANDOFF_LEASE] ?? workerLeaseName(v7()),
      agentId: input.worker_agent_id,
      session: sessionOf(settings, undefined) ?? v7(),
      kind: "dispatch",
      types: [task.type],
      workspace: settings.cwd,
      holder: holderOf(environment[HANDOFF_HOLDER]),
      pid: process.pid,
      ttlMs: durationMs(input.handoff_ttl) ?? 0,
    },
    by: input.worker_agent_id,
    reason: null,
    addPaths: toPaths(input),
  });
  if (!answer.granted) throw answer.error;
  return answer.value;
}

function notTheirs({ id, state }: Task, from: string, found: string | undefined): WaybillError {
  const who = state !== "running" ? `is ${state}` : `is executed by ${found ?? "an engine"}`;
  return new WaybillError("invalid_state", `Task ${id} ${who}; expected a claim of ${from} to take over.`, {
    hint: "Nothing was changed.",
    details: { id, state, agent_id: found ?? null },
  });
}

/** Errors: `lost` when whoever looks after this process is gone. */
function holderOf(pid: string | undefined): ProcessIdentity {
  if (pid === undefined) return thisProcess();
  const identity = identityOf(Number(pid));
  if (identity !== null) return identity;
  throw new WaybillError("lost", `The process ${pid}, which looks after this worker, is gone.`, {
    hint: "Its parent has died; the task is given to somebody else.",
  });
}

async function record(store: Store, task: Task & { readonly fence: number }, input: Input, result: WorkerResult) {
  const author = input.worker_agent_id;
  const guard = guardOf(task, task.fence);
  const text = `Worker started: ${author}`;
  mustBeWritten(guard, await store.notes.addNote({ taskId: task.id, author, kind: "notice", text, guard }));
  const end = endOfResult(result, task, author, Math.random());
  await endAttempt(store, { guard, end, verdict: JSON.stringify(result) });
}
