/**
 * The rows that Waybill changes for a task, changed by bare prepared statements without deciding anything: a row at a
 * time, in transactions as large as the caller's groups. What no engine on SQLite with these tables can do better by much.
 */
import { join } from "node:path";
import Database from "better-sqlite3";
import { v7 } from "uuid";

const { openStore } = await import("../../../dist/index.js");

/** As many tasks as Waybill claims ahead at most, and submits in a savepoint. */
const GROUP = 500;
const READY = `SELECT seq, id, params FROM tasks WHERE type = 'noop' AND state = 'queued' AND gate = 'open'
  ORDER BY priority DESC, seq LIMIT ${GROUP}`;

function statements(database) {
  const event = (type) => `INSERT INTO events (at, type, subject, data) VALUES ($at, '${type}', $id, $data)`;
  return {
    insert: database.prepare(`INSERT INTO tasks (id, type, state, priority, submitted_at, params)
      VALUES ($id, 'noop', 'queued', 0, $at, $params)`),
    submitted: database.prepare(event("task.submitted")),
    ready: database.prepare(READY),
    fence: database.prepare("UPDATE counters SET value = value + 1 WHERE name = 'fence' RETURNING value"),
    start:
      database.prepare(`UPDATE tasks SET state = 'running', attempt = 1, fence = $fence, owner = 1, started_at = $at,
      begun = 1 WHERE seq = $seq`),
    started: database.prepare(event("task.started")),
    attempt: database.prepare(`INSERT INTO attempts (seq, attempt, run, fence, owner, state, started_at, ended_at)
      VALUES ($seq, 1, 1, $fence, 1, 'succeeded', $at, $at)`),
    complete: database.prepare(`UPDATE tasks SET state = 'completed', fence = NULL, owner = NULL, ended_at = $at,
      result = 'null' WHERE id = $id AND fence = $fence`),
    finished: database.prepare(event("task.finished")),
  };
}

export async function open({ dir, onStart, onDone }) {
  const path = join(dir, "raw.db");
  await (await openStore(`file:${path}`)).close();
  const database = new Database(path);
  database.pragma("synchronous = FULL");
  const sql = statements(database);
  const insert = database.transaction((payloads) => {
    for (const payload of payloads) {
      const id = v7();
      const at = Date.now();
      sql.insert.run({ id, at, params: JSON.stringify(payload) });
      sql.submitted.run({ id, at, data: '{"type":"noop"}' });
    }
  });
  const claim = database.transaction((at) =>
    sql.ready.all().map(({ seq, id }) => {
      const fence = sql.fence.get().value;
      sql.start.run({ seq, fence, at });
      sql.started.run({ id, at, data: `{"attempt":1,"fence":${fence},"owner":1}` });
      return { seq, id, fence };
    }),
  );
  const end = database.transaction((tasks, at) => {
    for (const { seq, id, fence } of tasks) {
      sql.attempt.run({ seq, fence, at });
      sql.complete.run({ id, fence, at });
      sql.finished.run({ id, at, data: `{"attempt":1,"fence":${fence},"state":"completed"}` });
    }
  });
  const submitMany = (payloads) => {
    for (let at = 0; at < payloads.length; at += GROUP) insert.immediate(payloads.slice(at, at + GROUP));
  };
  return {
    submit: (payload) => insert.immediate([payload]),
    submitTogether: (payloads) => insert.immediate(payloads),
    submitMany,
    work: () => {
      for (let tasks = claim.immediate(Date.now()); tasks.length > 0; tasks = claim.immediate(Date.now())) {
        tasks.forEach(onStart);
        end.immediate(tasks, Date.now());
        tasks.forEach(onDone);
      }
    },
    stop: () => undefined,
    close: () => database.close(),
  };
}
