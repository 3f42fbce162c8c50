/**
 * graphile-worker on PostgreSQL: its defaults, or with its local queue and batched completion (`place.localQueue`), which
 * a crash leaves locked for hours.
 */
import { EventEmitter } from "node:events";
import { setImmediate as turn } from "node:timers/promises";
import { Logger, makeWorkerUtils, run } from "graphile-worker";
import pg from "pg";

const logger = new Logger(() => () => undefined);
const CONNECTIONS = 10;
const TUNED = { localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 };

export async function open({ place, name, concurrency, onStart, onDone }) {
  const schema = name.replaceAll("-", "_");
  const pgPool = new pg.Pool({ connectionString: place.url, max: CONNECTIONS });
  const tell = (error) => console.error(error.message);
  pgPool.on("error", tell).on("connect", (client) => client.on("error", tell));
  const jobs = await makeWorkerUtils({ pgPool, schema, logger });
  await jobs.migrate();
  const events = new EventEmitter();
  events.on("job:complete", onDone);
  const worker = { concurrentJobs: concurrency, schema, ...(place.localQueue ? TUNED : {}) };
  let runner = null;
  return {
    submit: (payload) => jobs.addJob("noop", payload),
    submitMany: (payloads) => jobs.addJobs(payloads.map((payload) => ({ identifier: "noop", payload }))),
    work: async () => {
      const taskList = { noop: async () => onStart() };
      runner = await run({ pgPool, taskList, logger, events, noHandleSignals: true, preset: { worker } });
    },
    /** It tells of a job's end before it has written it; ended jobs are deleted. */
    settled: async () => {
      const left = `SELECT 1 FROM ${schema}._private_jobs LIMIT 1`;
      while ((await pgPool.query(left)).rowCount > 0) await turn();
    },
    stop: () => runner?.stop(),
    /** The pool is left to the end of the process: what ended last may not be written yet after `stop`. */
    close: () => jobs.release(),
  };
}
