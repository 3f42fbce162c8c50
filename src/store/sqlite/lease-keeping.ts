import type { Worker } from "node:worker_threads";
import type { Lease } from "../../domain/lease.js";
import type { LeaseKeeping, LeaseKeepingOptions } from "../lease-store.js";
import type { Session } from "./session.js";
import { MEMORY } from "./store-file.js";

interface Told {
  readonly lost?: true;
  readonly failed?: string;
}

/** How long the thread waits for other writers in one renewal, as a share of the time between two. */
const PATIENCE = 0.9;

/** Renews in a thread with a connection of its own; and on this connection besides, which never has to wait for this process's own writes. */
export function keepLease(
  session: Session,
  sql: string,
  lease: Pick<Lease, "name" | "fence">,
  options: LeaseKeepingOptions,
): LeaseKeeping {
  const { name, fence } = lease;
  const { ttlMs, everyMs, onLost, onError } = options;
  let over = false;
  const lose = (): void => {
    if (over) return;
    over = true;
    stop();
    onLost();
  };
  const timer = setInterval(() => {
    session
      .write(() => session.sql(sql).get({ name, fence, expires_at: session.now() + ttlMs }) !== undefined)
      .then(
        (kept) => {
          if (!kept) lose();
        },
        (error: Error) => {
          if (!over) onError(error.message);
        },
      );
  }, everyMs);
  timer.unref();
  const thread = session.path === MEMORY ? null : startThread(session.path, sql, lease, options);
  const stop = (): void => {
    clearInterval(timer);
    // A thread that did not start has been told of already, and needs no end.
    thread?.then((started) => started.postMessage("stop")).catch(() => undefined);
  };
  thread
    ?.then((started) => {
      started.on("message", ({ lost, failed }: Told) => {
        if (lost === true) lose();
        else if (failed !== undefined && !over) onError(failed);
      });
      started.on("error", (error) => onError(error.message));
    })
    // The timer goes on alone: the lease then lasts as long as the event loop is free.
    .catch((error: Error) => onError(error.message));
  return {
    stop: () => {
      over = true;
      stop();
    },
  };
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
  const patienceMs = Math.floor(everyMs * PATIENCE);
  const workerData = { path, sql, name, fence, ttlMs, everyMs, patienceMs };
  const thread = new Worker(new URL("./lease-thread.cjs", import.meta.url), { workerData });
  thread.unref();
  return thread;
}
