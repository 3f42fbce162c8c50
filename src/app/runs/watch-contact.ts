/** Tells whoever follows a run how it fares with its machine: contact lost, contact back, gone to another machine. */
import type { ContactChange } from "../../contracts/contact-change.js";
import type { EventType, WaybillEvent } from "../../domain/event.js";
import type { Run } from "../../domain/run.js";
import type { Store } from "../../store/store.js";
import type { AppContext, CallOptions } from "../context.js";

type Tell = (change: ContactChange) => void | Promise<void>;

const TYPES: readonly EventType[] = ["run.unreachable", "run.reachable", "run.moved", "run.original_returned"];
const PAGE = 100;
/** Upper bound between two looks; news in the store wakes it at once. */
const LOOK_MS = 1_000;

/** Passes `pieces` on, and tells of contact meanwhile. Errors: those of `pieces`, then those of the store. */
export async function* tellingContact<T>(
  context: AppContext,
  runId: string,
  { onProgress }: CallOptions,
  pieces: AsyncGenerator<T, void>,
): AsyncGenerator<T, void> {
  if (onProgress === undefined) {
    yield* pieces;
    return;
  }
  const over = new AbortController();
  let failure: unknown;
  const telling = watchContact(context, runId, (change) => onProgress({ type: "contact", change }), over.signal).catch(
    (error: unknown) => {
      failure = error;
    },
  );
  try {
    yield* pieces;
  } finally {
    over.abort();
    await telling;
  }
  if (failure !== undefined) throw failure;
}

/** Begins with a loss that lasts already; what is written until `over` is told. */
async function watchContact(context: AppContext, runId: string, tell: Tell, over: AbortSignal): Promise<void> {
  const store = await context.store();
  let cursor = await store.events.lastSequence();
  const first = await store.runs.getRun(runId);
  let isLost = first !== null && first.unreachableSince !== null;
  if (first !== null && isLost) await tell(await describeLoss(store, first));
  for (;;) {
    const isLast = over.aborted;
    for (const event of await store.events.readEvents(cursor, { subject: runId, types: TYPES }, PAGE)) {
      cursor = event.sequence;
      // A loss between the look at the feed's end and that at the run was told of already.
      if (event.type === "run.unreachable" && isLost) continue;
      isLost = event.type === "run.unreachable";
      const run = isLost ? await store.runs.getRun(runId) : null;
      await tell(run === null ? describe(event) : await describeLoss(store, run));
    }
    if (isLast) return;
    await store.events.waitForChange(LOOK_MS, over);
  }
}

/** Why is what the last question to the machine came to. */
export async function describeLoss(store: Store, run: Run): Promise<ContactChange> {
  const note = (await store.machines.listMachineNotes()).find(({ name }) => name === run.machine);
  const isAsked = run.startAskedAt !== null || run.pid !== null;
  return { type: "lost", machine: run.machine, code: note?.lastErrorCode ?? "machine_unreachable", isAsked };
}

function describe({ type, at, data }: WaybillEvent): ContactChange {
  if (type === "run.moved") {
    return { type: "moved", from: String(data.from), to: String(data.to), reason: String(data.reason) };
  }
  if (type === "run.original_returned") return { type: "returned" };
  return { type: "back", machine: String(data.machine), afterMs: Math.max(0, at - Number(data.since)) };
}
