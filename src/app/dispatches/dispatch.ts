/** What a dispatch works with, from its claim to its end. */
import type { Task } from "../../domain/task.js";
import type { Log } from "../../observe/log.js";
import type { OnStep } from "../../observe/steps.js";
import type { Store } from "../../store/store.js";
import type { WorkerRequest } from "../../store/worker-store.js";
import type { WorkerPost } from "../workers/worker-post.js";
import type { WorkerOrder } from "./worker-process.js";

export interface Dispatch {
  readonly store: Store;
  readonly post: WorkerPost;
  /** As it was found. */
  readonly task: Task;
  readonly order: WorkerOrder;
  readonly workerAgentId: string;
  /** A lease of the parent's own, of another name each time. */
  readonly toParent: () => WorkerRequest;
  /** Between asking the worker to end and killing it; milliseconds. */
  readonly graceMs: number;
  /** How long the worker may take; milliseconds, null for any time. */
  readonly timeoutMs: number | null;
  readonly log: Log;
  readonly onStep: OnStep;
  /** The caller leaves: the worker is ended and the task given back. */
  readonly signal: AbortSignal | undefined;
}

/** Why a worker was told to end: its time or the task's is over, somebody asked for it, the caller leaves, or the claim is another's. */
export type Stop = "timeout" | "deadline" | "cancel" | "leave" | "lost";
