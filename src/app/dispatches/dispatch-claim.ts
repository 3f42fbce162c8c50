/**
 * The claim under which a dispatch stands: the parent's own, or, once it was handed over, its worker's.
 *
 * Which of them it is now is read off the task's record: by the fences of attempts and the names of their leases, both of
 * which are nobody else's.
 */
import type { Attempt, AttemptGuard } from "../../domain/attempt.js";
import { type Lease, renewalMs } from "../../domain/lease.js";
import type { Task } from "../../domain/task.js";
import type { Granted } from "../../store/granted.js";
import type { LeaseKeeping } from "../../store/lease-store.js";
import type { Store } from "../../store/store.js";
import type { WorkerClaim, WorkerRequest } from "../../store/worker-store.js";

/** How a dispatch stands: its claim runs, its worker has recorded a result by itself, or the task is not its own any more. */
export type Standing =
  | { readonly kind: "held"; readonly task: Task }
  | { readonly kind: "answered"; readonly attempt: Attempt }
  | { readonly kind: "lost" };

export interface DispatchClaimOptions {
  readonly store: Store;
  readonly ttlMs: number;
  /** The name of the lease under which the worker takes the claim over, if it does; unique for ever. */
  readonly workerLease: string;
}

/** Ends by which whoever holds the fence has said something; anything else was done to it. */
const OWN_RETURNS: readonly Attempt["returned"][] = [null, "needs_input", "review", "released"];
const saysSomething = ({ state, returned }: Attempt): boolean => state !== "lost" && OWN_RETURNS.includes(returned);

export class DispatchClaim {
  readonly #options: DispatchClaimOptions;
  #guard: AttemptGuard;
  #isWorkers = false;
  #keeping: LeaseKeeping;

  constructor(options: DispatchClaimOptions, guard: AttemptGuard, lease: Pick<Lease, "name" | "fence">) {
    this.#options = options;
    this.#guard = guard;
    this.#keeping = this.#keep(lease);
  }

  /** Of the attempt that runs, as far as it is known. */
  get guard(): AttemptGuard {
    return this.#guard;
  }

  /** Whether the worker has taken it over. */
  get isWorkers(): boolean {
    return this.#isWorkers;
  }

  /** Reads how it stands; a claim that the worker has taken over is looked after from then on. */
  async look(): Promise<Standing> {
    const { store } = this.#options;
    const { taskId, fence } = this.#guard;
    const task = await store.tasks.getTask(taskId);
    if (task === null) return { kind: "lost" };
    if (task.fence === fence) return { kind: "held", task };
    const attempts = await store.attempts.listAttempts(taskId);
    const own = attempts.find((attempt) => attempt.fence === fence);
    if (own === undefined) return { kind: "lost" };
    if (own.returned !== "handed_off")
      return saysSomething(own) ? { kind: "answered", attempt: own } : { kind: "lost" };
    const next = await this.#workersAttempt(attempts);
    if (next === null) return { kind: "lost" };
    if (next.state !== "running") return saysSomething(next) ? { kind: "answered", attempt: next } : { kind: "lost" };
    await this.#follow(task, next);
    return { kind: "held", task };
  }

  async #workersAttempt(attempts: readonly Attempt[]): Promise<Attempt | null> {
    const { store, workerLease } = this.#options;
    const owners = await store.workers.workersByOwner(attempts.map(({ owner }) => owner));
    return attempts.find(({ owner }) => owners.get(owner)?.lease === workerLease) ?? null;
  }

  async #follow({ id: taskId, sequence }: Task, { attempt, fence, owner }: Attempt): Promise<void> {
    await this.#keeping.stop();
    this.#guard = { taskId, sequence, attempt, fence };
    this.#isWorkers = true;
    this.#keeping = this.#keep({ name: this.#options.workerLease, fence: owner });
  }

  /**
   * Takes the claim back from a worker that has ended without a word, in one write. To be called when none of its
   * processes runs any more.
   */
  async takeBack(to: WorkerRequest): Promise<Granted<WorkerClaim>> {
    const reason = "Its worker ended without a result.";
    const answer = await this.#options.store.workers.handOff({ guard: this.#guard, to, by: to.agentId, reason });
    if (!answer.granted) return answer;
    const { task, lease } = answer.value;
    await this.#keeping.stop();
    this.#guard = { taskId: task.id, sequence: task.sequence, attempt: task.attempt, fence: task.fence };
    this.#isWorkers = false;
    this.#keeping = this.#keep(lease);
    return answer;
  }

  /** Renews no more. */
  async close(): Promise<void> {
    await this.#keeping.stop();
  }

  #keep(lease: Pick<Lease, "name" | "fence">): LeaseKeeping {
    const { store, ttlMs } = this.#options;
    // Whatever becomes of the lease, the next look at the task tells.
    return store.leases.keepLease(lease, { ttlMs, everyMs: renewalMs(ttlMs), onLost: nothing, onError: nothing });
  }
}

const nothing = (): void => undefined;
