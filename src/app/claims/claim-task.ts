/** `tasks claim`: the next task, or a named one, under a lease that outlives this process. */
import { v7 } from "uuid";
import { durationMs } from "../../contracts/fields.js";
import type { ParsedInputOf } from "../../contracts/index.js";
import { WaybillError } from "../../domain/errors.js";
import { isEndedTask } from "../../domain/task.js";
import { workerLeaseName } from "../../domain/worker.js";
import type { Granted } from "../../store/granted.js";
import type { Store } from "../../store/store.js";
import type { WorkerClaim, WorkerClaimRequest, WorkerRequest } from "../../store/worker-store.js";
import type { AppContext, CallHandler, CallOptions } from "../context.js";
import { findTask } from "../tasks/find-task.js";
import { toPaths } from "../tasks/to-paths.js";
import { withinLimit } from "../time-limit.js";
import { agentIdOf, sessionOf } from "./caller.js";
import { claimHolder } from "./claim-holder.js";
import { Reaper } from "./reaper.js";
import { toClaimView } from "./to-claim-view.js";

type Input = ParsedInputOf<"tasks.claim">;

/** A look without any hint that something has changed; milliseconds. */
const LOOK_MS = 1_000;

export const claimTask: CallHandler<"tasks.claim"> = async (context, input, options) => {
  if (input.wait_timeout !== undefined && !input.wait) {
    throw new WaybillError("invalid_input", "--wait-timeout says how long to wait; expected --wait with it.");
  }
  const store = await context.store();
  const id = input.id === undefined ? undefined : (await findTask(store, input.id)).id;
  const worker = toWorker(context, input);
  const wanted = {
    worker,
    ...(id === undefined ? {} : { id }),
    ...(input.type.length === 0 ? {} : { types: input.type }),
    tags: input.tag,
    addPaths: toPaths(input),
  };
  const granted = input.wait
    ? await claimInTime(store, wanted, input.wait_timeout, options)
    : await claimNow(store, wanted);
  if (!granted.granted) throw granted.error;
  return toClaimView(context, granted.value, worker);
};

function toWorker(context: AppContext, input: Input): WorkerRequest {
  const { settings } = context;
  return {
    name: workerLeaseName(v7()),
    agentId: agentIdOf(settings, input.agent),
    session: sessionOf(settings, input.session) ?? v7(),
    kind: "claim",
    types: input.type,
    workspace: input.workspace ?? settings.cwd,
    holder: claimHolder(input.pid),
    pid: input.pid ?? null,
    ttlMs: durationMs(input.lease) ?? 0,
  };
}

async function claimNow(store: Store, wanted: WorkerClaimRequest): Promise<Granted<WorkerClaim>> {
  await new Reaper(store).reap();
  return await store.workers.claimForWorker(wanted);
}

/** Errors: `timeout`; what the signal aborted with. */
async function claimInTime(
  store: Store,
  wanted: WorkerClaimRequest,
  limit: string | undefined,
  { signal, onProgress }: CallOptions,
): Promise<Granted<WorkerClaim>> {
  const over = withinLimit(durationMs(limit), signal);
  const reaper = new Reaper(store);
  let told = false;
  for (;;) {
    await reaper.reap();
    const answer = await store.workers.claimForWorker(wanted);
    if (answer.granted || !(await mayComeYet(store, answer.error, wanted.id))) return answer;
    signal?.throwIfAborted();
    if (over.aborted) throw tooLate(wanted.id, limit, answer.error);
    if (!told) await onProgress?.({ type: "waiting", why: answer.error.message });
    told = true;
    await store.events.waitForChange(LOOK_MS, over);
  }
}

const tooLate = (id: string | undefined, limit: string | undefined, refusal: WaybillError): WaybillError =>
  new WaybillError("timeout", `There was nothing to claim within ${limit}: ${refusal.message}`, {
    hint: id === undefined ? "`waybill tasks ready` lists what could be claimed." : `See \`waybill why ${id}\`.`,
    details: { refusal: refusal.code },
  });

/** What has ended does not wait to be claimed any more. */
async function mayComeYet(store: Store, { code }: WaybillError, id: string | undefined): Promise<boolean> {
  if (code === "nothing_to_claim" || code === "paths_conflict") return true;
  if (code !== "invalid_state" || id === undefined) return false;
  const task = await store.tasks.getTask(id);
  return task !== null && !isEndedTask(task.state);
}
