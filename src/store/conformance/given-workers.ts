/** Builders for tests of workers. */
import { v7 as uuidv7 } from "uuid";
import { LEASE_TTL_MS } from "../../domain/lease.js";
import { workerLeaseName } from "../../domain/worker.js";
import type { EndRequest } from "../attempt-store.js";
import type { Granted } from "../granted.js";
import type { Store } from "../store.js";
import type { WorkerClaim, WorkerClaimRequest, WorkerRequest } from "../worker-store.js";
import { given } from "./given.js";
import { guardOf } from "./given-tasks.js";

export const worker = (over: Partial<WorkerRequest> = {}): WorkerRequest => ({
  name: workerLeaseName(uuidv7()),
  agentId: "ann@host",
  session: "s1",
  kind: "claim",
  types: [],
  workspace: "/src/app",
  holder: given.process({ pid: 300 }),
  pid: 301,
  ttlMs: LEASE_TTL_MS,
  ...over,
});

/** What was granted; throws what it was refused with. */
export function had<T>(answer: Granted<T>): T {
  if (!answer.granted) throw answer.error;
  return answer.value;
}

export const refusalOf = <T>(answer: Granted<T>): string => (answer.granted ? "granted" : answer.error.code);

export const claimAs = async (
  store: Store,
  over: Partial<WorkerRequest> = {},
  request: Omit<WorkerClaimRequest, "worker"> = {},
): Promise<WorkerClaim> => had(await store.workers.claimForWorker({ worker: worker(over), ...request }));

/** Ends the attempt of a claim. */
export async function endClaim(store: Store, { task }: WorkerClaim, ended: Omit<EndRequest, "guard">) {
  const [answer] = await store.attempts.endAttempts([{ guard: guardOf(task), ...ended }]);
  if (answer === undefined) throw new Error("no answer");
  return answer;
}
