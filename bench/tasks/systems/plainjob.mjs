/** plainjob on SQLite, made as durable as Waybill; one of its workers for each place of the concurrency. */
import { join } from "node:path";
import Database from "better-sqlite3";
import { better, defineQueue, defineWorker } from "plainjob";

const silent = () => undefined;
const logger = { error: console.error, warn: silent, info: silent, debug: silent };

export async function open({ dir, concurrency, onStart, onDone }) {
  const database = new Database(join(dir, "plainjob.db"));
  const queue = defineQueue({ connection: better(database), logger });
  // It sets NORMAL, with which a job that was acknowledged is lost when the power fails.
  database.pragma("synchronous = FULL");
  const options = { queue, logger, onCompleted: onDone };
  const workers = Array.from({ length: concurrency }, () => defineWorker("noop", async () => onStart(), options));
  return {
    submit: async (payload) => queue.add("noop", payload),
    submitMany: async (payloads) => queue.addMany("noop", payloads),
    work: () => {
      for (const worker of workers) void worker.start();
    },
    stop: () => Promise.all(workers.map((worker) => worker.stop())),
    close: () => queue.close(),
  };
}
