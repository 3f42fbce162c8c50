/** `tasks claim`: the next task, or a named one, under a lease that outlives this process. */
import { v7 } from "uuid";
import { durationMs } from "../../contracts/fields.js";
import type { ParsedInputOf } from "../../contracts/index.js";
import { WaybillError } from "../../domain/errors.js";
import { isEndedTask } from "../../domain/task.js";
import { workerLeaseName } from "../../domain/worker.js";
import type { Granted } from "../../store/granted.js";
import type { Store } from "../../store/store.js";
import type { WorkerClaim, WorkerRequest } from "../../store/worker-store.js";
import type { AppContext, CallHandler } from "../context.js";
import { findTask } from "../tasks/find-task.js";
import { toPaths } from "../tasks/to-paths.js";
import { agentIdOf, sessionOf } from "./caller.js";
import { claimHolder } from "./claim-holder.js";
import { Reaper } from "./reaper.js";
import { toClaimView } from "./to-claim-view.js";

type Input = ParsedInputOf<"tasks.claim">;

/** A look without any hint that something has changed; milliseconds. */
const LOOK_MS = 1_000;

export const claimTask: CallHandler<"tasks.claim"> = async (context, input, { signal }) => {
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
  const claim = () => store.workers.claimForWorker(wanted);
  const granted = input.wait ? await claimInTime(store, claim, input, id, signal) : await claimNow(store, claim);
  if (!granted.granted) throw granted.error;
  return toClaimView(context, granted.value, worker);
};

type Claim = () => Promise<Granted<WorkerClaim>>;

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
    ttlMs: durationMs(input.lease) ?? 0,
  };
}

async function claimNow(store: Store, claim: Claim): Promise<Granted<WorkerClaim>> {
  await new Reaper(store).reap();
  return await claim();
}

/** Errors: `timeout`; what the signal aborted with. */
async function claimInTime(
  store: Store,
  claim: Claim,
  input: Input,
  id: string | undefined,
  signal: AbortSignal | undefined,
): Promise<Granted<WorkerClaim>> {
  const limitMs = durationMs(input.wait_timeout);
  const signals = [signal, limitMs === null ? undefined : AbortSignal.timeout(limitMs)];
  const over = AbortSignal.any(signals.filter((one) => one !== undefined));
  const reaper = new Reaper(store);
  for (;;) {
    await reaper.reap();
    const answer = await claim();
    if (answer.granted || !(await mayComeYet(store, answer.error, id))) return answer;
    signal?.throwIfAborted();
    if (over.aborted) {
      throw new WaybillError("timeout", `There was nothing to claim within ${input.wait_timeout}.`, {
        hint: id === undefined ? "`waybill tasks ready` lists what could be claimed." : `See \`waybill why ${id}\`.`,
        details: { refusal: answer.error.code },
      });
    }
    await store.events.waitForChange(LOOK_MS, over);
  }
}

/** What has ended does not wait to be claimed any more. */
async function mayComeYet(store: Store, { code }: WaybillError, id: string | undefined): Promise<boolean> {
  if (code === "nothing_to_claim" || code === "paths_conflict") return true;
  if (code !== "invalid_state" || id === undefined) return false;
  const task = await store.tasks.getTask(id);
  return task !== null && !isEndedTask(task.state);
}
