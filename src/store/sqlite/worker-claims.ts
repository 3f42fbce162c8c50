/** Claims of one task each, under a lease that is made with them. */
import { WaybillError } from "../../domain/errors.js";
import type { Lease } from "../../domain/lease.js";
import type { ClaimedTask, Owner } from "../attempt-store.js";
import { type Granted, granted, refused } from "../granted.js";
import type { WorkerClaim, WorkerClaimRequest } from "../worker-store.js";
import { readHeldBack } from "./held-back.js";
import { readPaths } from "./path-places.js";
import type { Session, SqlScope } from "./session.js";
import { advanceTime, claimInTurns, claimRow, claimUnder, hasWork, type Wanted } from "./task-claim.js";
import { callEarly } from "./task-gates.js";
import { holdersInTheWay, refusePaths, takePaths } from "./task-paths.js";
import { MOST_WALKS, typesIn } from "./task-queries.js";
import { readTaskRow, type TaskRow } from "./task-rows.js";
import { enrolWorker, limitLease } from "./worker-records.js";

/** See `WorkerStore.claimForWorker`. Asked for whatever is next, it looks before it writes, as engines do. */
export async function claimForWorker(session: Session, request: WorkerClaimRequest): Promise<Granted<WorkerClaim>> {
  const { id } = request;
  if (id !== undefined) return await session.write(() => claimById(session, request, id));
  const found = await session.snapshot(() => hasWork(session, wantedBy(session, request), session.now()));
  if (!found) return refused(nothingToClaim(request));
  return (await claimInTurns(session, () => claimNext(session, request))).answer;
}

/** The lease is taken for what was found, and for nothing else. */
function under(
  scope: SqlScope,
  request: WorkerClaimRequest,
  claim: (ownerOf: () => Owner) => ClaimedTask | null,
): WorkerClaim | null {
  let lease: Lease | null = null;
  const task = claim(() => {
    lease = enrolWorker(scope, request.worker);
    return lease;
  });
  if (task === null || lease === null) return null;
  takePaths(scope, task.sequence, request.addPaths ?? []);
  return {
    task: { ...task, paths: readPaths(scope, task.sequence) },
    lease: limitLease(scope, request.worker, lease, task),
  };
}

/** Why the paths that are asked for besides cannot be had; null when they can. */
function takenPaths(scope: SqlScope, { addPaths = [], worker }: WorkerClaimRequest, row: TaskRow | null) {
  const holders = holdersInTheWay(scope, row, addPaths);
  return holders.length === 0 ? null : refusePaths(worker.agentId, holders);
}

function wantedBy(scope: SqlScope, { types = typesIn(scope), tags = [] }: WorkerClaimRequest): Wanted {
  if (types.length <= MOST_WALKS) {
    return { types: types.map((type) => ({ type, limit: 1 })), tags, begin: 1, ahead: 0 };
  }
  throw new WaybillError(
    "invalid_input",
    `The next task of ${types.length} types was asked for; expected at most ${MOST_WALKS}.`,
    {
      hint: "Name the types that are to be taken.",
    },
  );
}

interface Answer {
  readonly answer: Granted<WorkerClaim>;
  readonly more: boolean;
}

function claimNext(scope: SqlScope, request: WorkerClaimRequest): Answer {
  const wanted = wantedBy(scope, request);
  const taken = takenPaths(scope, request, null);
  if (taken !== null) return { answer: refused(taken), more: false };
  let more = false;
  const claim = under(scope, request, (ownerOf) => {
    const found = claimUnder(scope, wanted, ownerOf);
    more = found.more;
    return found.tasks[0] ?? null;
  });
  return { answer: claim === null ? refused(nothingToClaim(request)) : granted(claim), more };
}

function nothingToClaim({ types, tags = [] }: WorkerClaimRequest): WaybillError {
  const ofTypes = types === undefined ? "" : ` of ${types.join(", ")}`;
  const tagged = tags.length === 0 ? "" : ` with the tags ${tags.join(", ")}`;
  return new WaybillError("nothing_to_claim", `No task${ofTypes}${tagged} can be claimed now.`, {
    hint: "Wait for one, or see what the waiting ones wait for.",
    details: { types: types ?? null, tags },
  });
}

function claimById(scope: SqlScope, request: WorkerClaimRequest, id: string): Granted<WorkerClaim> {
  advanceTime(scope, scope.now());
  callEarly(scope, id);
  const row = readTaskRow(scope, id);
  if (row === null) return refused(new WaybillError("task_not_found", `There is no task ${id}.`, { details: { id } }));
  const taken = isOpen(row) ? takenPaths(scope, request, row) : null;
  if (taken !== null) return refused(taken);
  const claim = isOpen(row) ? under(scope, request, (ownerOf) => claimRow(scope, row, ownerOf)) : null;
  return claim === null ? refused(readHeldBack(scope, id)) : granted(claim);
}

const isOpen = ({ state, gate }: TaskRow): boolean => state === "queued" && gate === "open";
