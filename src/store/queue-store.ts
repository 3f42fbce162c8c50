import type { RateLimit } from "../domain/rate-limit.js";

/** The tasks of a type that wait, and what holds for all engines that take from them. */
export interface Queue {
  readonly type: string;
  readonly paused: boolean;
  /** How many of its tasks run at once, over all engines; null: any number. */
  readonly concurrency: number | null;
  /** The same for the tasks that share a concurrency key; 1 unless set. */
  readonly keyConcurrency: number;
  /** How often its attempts begin, over all engines. */
  readonly rate: RateLimit | null;
  /** The same for the tasks that share a concurrency key. */
  readonly keyRate: RateLimit | null;
}

export type QueueLimits = Omit<Queue, "paused">;

export interface QueueState extends Queue {
  /** When its rate lets the next attempt begin; null when that is at once. Epoch milliseconds. */
  readonly nextStartAt: number | null;
}

export interface QueueStore {
  /** Sets limits; writes nothing when they are set already. A larger `keyConcurrency` lets waiting tasks through. */
  setQueueLimits(limits: readonly QueueLimits[]): Promise<void>;
  /** Paused, a queue takes submissions and gives no tasks; what runs goes on. */
  pauseQueue(type: string, paused: boolean): Promise<Queue>;
  /** Queues of which something is set, by type. */
  listQueues(): Promise<readonly QueueState[]>;
}
