import type { Worker } from "node:worker_threads";
import type { Lease } from "../../domain/lease.js";
import { LONGEST_TIMER_MS } from "../../domain/longest-timer.js";
import type { LeaseKeeping, LeaseKeepingOptions } from "../lease-store.js";
import type { Session } from "./session.js";
import { MEMORY } from "./store-file.js";

interface Told {
  readonly lost?: true;
  readonly failed?: string;
}

/** How long the thread waits for other writers in one renewal: a part of the time between two, and at most a second, which its end may have to wait for. */
const PATIENCE = 0.9;
const MOST_PATIENCE_MS = 1_000;

/** Renews in a thread with a connection of its own; and on this connection besides, which never has to wait for this process's own writes. */
export function keepLease(
  session: Session,
  sql: string,
  lease: Pick<Lease, "name" | "fence">,
  wanted: LeaseKeepingOptions,
): LeaseKeeping {
  const { name, fence } = lease;
  const options = { ...wanted, everyMs: Math.min(wanted.everyMs, LONGEST_TIMER_MS) };
  const { ttlMs, everyMs, onLost, onError } = options;
  let over = false;
  const thread = session.path === MEMORY ? null : startThread(session.path, sql, lease, options);
  const stop = async (): Promise<void> => {
    over = true;
    clearInterval(timer);
    // A thread that did not start has been told of already, and needs no end.
    await thread?.then(endThread).catch(() => undefined);
  };
  const lose = (): void => {
    if (over) return;
    void stop();
    onLost();
  };
  const fail = (message: string): void => {
    if (!over) onError(message);
  };
  const renew = (): boolean => {
    return session.sql(sql).get({ name, fence, expires_at: session.now() + ttlMs }) !== undefined;
  };
  const timer = setInterval(() => {
    session.write(renew).then(
      (kept) => {
        if (!kept) lose();
      },
      (error: Error) => fail(error.message),
    );
  }, everyMs);
  timer.unref();
  thread
    ?.then((started) => {
      started.on("message", ({ lost, failed }: Told) => {
        if (lost === true) lose();
        else if (failed !== undefined) fail(failed);
      });
      started.on("error", (error) => fail(error.message));
    })
    // The timer goes on alone: the lease then lasts as long as the event loop is free.
    .catch((error: Error) => fail(error.message));
  return { stop };
}

/** Resolves when the thread has closed its connection: until then it may touch the store's files. */
async function endThread(thread: Worker): Promise<void> {
  if (thread.threadId < 0) return; // It is over already (https://nodejs.org/api/worker_threads.html#workerthreadid).
  thread.ref();
  const gone = new Promise<void>((resolve) => thread.once("exit", () => resolve()));
  thread.postMessage("stop");
  await gone;
}

async function startThread(
  path: string,
  sql: string,
  lease: Pick<Lease, "name" | "fence">,
  options: LeaseKeepingOptions,
): Promise<Worker> {
  // Loaded here, so that commands which keep no lease start without it.
  const { Worker } = await import("node:worker_threads");
  const { name, fence } = lease;
  const { ttlMs, everyMs } = options;
  const patienceMs = Math.min(MOST_PATIENCE_MS, Math.floor(everyMs * PATIENCE));
  const workerData = { path, sql, name, fence, ttlMs, everyMs, patienceMs };
  const thread = new Worker(new URL("./lease-thread.cjs", import.meta.url), { workerData });
  thread.unref();
  return thread;
}
