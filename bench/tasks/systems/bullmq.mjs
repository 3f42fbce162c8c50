/** BullMQ on Redis, its defaults; `appendfsync` is the server's. */
import { Queue, Worker } from "bullmq";

export async function open({ place, name, concurrency, onStart, onDone }) {
  const connection = { host: "127.0.0.1", port: place.port, maxRetriesPerRequest: null };
  const queue = new Queue(name, { connection });
  await queue.waitUntilReady();
  let worker = null;
  return {
    submit: (payload) => queue.add("noop", payload),
    submitMany: (payloads) => queue.addBulk(payloads.map((data) => ({ name: "noop", data }))),
    work: () => {
      worker = new Worker(name, async () => onStart(), { connection, concurrency });
      // Emitted once Redis has answered that the job is completed.
      worker.on("completed", onDone);
      return worker.waitUntilReady();
    },
    stop: () => worker?.close(true),
    close: () => queue.close(),
  };
}
