/** Builders for tests of tasks, and an engine's part in them without an engine. */
import { v7 as uuidv7 } from "uuid";
import { engineLeaseName, LEASE_TTL_MS, type Lease } from "../../domain/lease.js";
import type { Task } from "../../domain/task.js";
import type { AttemptEnd, ClaimedTask, ClaimRequest, EndRequest } from "../attempt-store.js";
import type { Store } from "../store.js";
import type { NewTask } from "../task-store.js";
import { given } from "./given.js";

export const newTask = (over: Partial<NewTask> = {}): NewTask => ({
  id: uuidv7(),
  ownId: false,
  type: "mail",
  params: '{"to":"a"}',
  priority: 0,
  runAt: null,
  delayMs: null,
  deadlineMs: null,
  maxAttempts: null,
  timeoutMs: null,
  concurrencyKey: null,
  unique: null,
  dependsOn: [],
  tags: [],
  paths: [],
  parentId: null,
  discoveredFrom: null,
  schedule: null,
  createdBy: null,
  trace: null,
  retryEnded: false,
  ...over,
});

/** Submits one task and reads it back. */
export async function submit(store: Store, over: Partial<NewTask> = {}): Promise<Task> {
  const [answer] = await store.tasks.submitTasks([newTask(over)]);
  if (answer === undefined || answer.outcome === "refused") throw answer?.error ?? new Error("no answer");
  const task = await store.tasks.getTask(answer.id);
  if (task === null) throw new Error(`the task ${answer.id} is not there`);
  return task;
}

export async function engineLease(store: Store, pid = 100): Promise<Lease> {
  const name = engineLeaseName(uuidv7());
  const holder = given.process({ pid });
  const { lease } = await store.leases.acquireLease({ name, holder, purpose: "engine", ttlMs: LEASE_TTL_MS });
  return lease;
}

export async function claim(
  store: Store,
  lease: Lease,
  over: Partial<ClaimRequest> = {},
): Promise<readonly ClaimedTask[]> {
  const types = [{ type: "mail", limit: 1_000 }];
  return (await store.attempts.claimTasks({ owner: lease, types, begin: 10, ahead: 0, ...over })).tasks;
}

/** Claims exactly one task. */
export async function claimOne(store: Store, lease: Lease): Promise<ClaimedTask> {
  const [task] = await claim(store, lease, { begin: 1 });
  if (task === undefined) throw new Error("there was nothing to claim");
  return task;
}

export const guardOf = ({ id, sequence, attempt, fence }: ClaimedTask): EndRequest["guard"] => ({
  taskId: id,
  sequence,
  attempt,
  fence,
});

export async function end(store: Store, task: ClaimedTask, how: AttemptEnd = succeeded()) {
  const [answer] = await store.attempts.endAttempts([{ guard: guardOf(task), end: how }]);
  if (answer === undefined) throw new Error("no answer");
  return answer;
}

export const succeeded = (result: string | null = null): AttemptEnd => ({ state: "succeeded", result });
export const failed = (retryMs: number | null = null): AttemptEnd => ({
  state: "failed",
  failure: { code: "task_failed", name: "Error", message: "no" },
  retryMs,
});
export const returned = (delayMs: number | null = null): AttemptEnd => ({
  state: "returned",
  reason: "shutdown",
  delayMs,
});
