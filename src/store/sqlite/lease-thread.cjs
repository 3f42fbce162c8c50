/**
 * The thread that renews one lease on a connection of its own, so that an event loop which is blocked keeps what it holds.
 * Plain CommonJS: it is started from its file, in the sources and in `dist/` alike.
 */
"use strict";
const { parentPort, workerData } = require("node:worker_threads");
const Database = require("better-sqlite3");

const { path, sql, name, fence, ttlMs, everyMs, patienceMs } = workerData;

// Waiting inside SQLite blocks this thread only. A renewal need not be durable: after a power cut nobody holds anything.
const database = new Database(path, { timeout: patienceMs });
database.pragma("synchronous = NORMAL");
const renew = database.prepare(sql);

function tick() {
  try {
    const kept = renew.get({ name, fence, expires_at: Date.now() + ttlMs }) !== undefined;
    if (!kept) parentPort.postMessage({ lost: true });
  } catch (error) {
    parentPort.postMessage({ failed: error instanceof Error ? error.message : String(error) });
  }
}

const timer = setInterval(tick, everyMs);
parentPort.once("message", () => {
  clearInterval(timer);
  database.close();
  parentPort.close();
});
