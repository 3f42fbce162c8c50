-- Tasks and what executes them. Lists of states repeat the arrays of src/domain; a test compares them.
-- `seq` is age: ids may be the caller's own and do not sort. The running attempt is part of its task's row, so that one
-- compare-and-set on (id, fence) guards every write about it; `attempts` holds those that have ended.

CREATE TABLE tasks (
  seq                 INTEGER PRIMARY KEY,
  id                  TEXT NOT NULL UNIQUE,
  type                TEXT NOT NULL,
  state               TEXT NOT NULL
    CHECK (state IN ('queued', 'scheduled', 'running', 'completed', 'failed', 'cancelled')),
  gate                TEXT NOT NULL DEFAULT 'open' CHECK (gate IN ('open', 'key', 'dependencies')),
  priority            INTEGER NOT NULL DEFAULT 0,
  run                 INTEGER NOT NULL DEFAULT 1,
  attempt             INTEGER NOT NULL DEFAULT 0,
  failures            INTEGER NOT NULL DEFAULT 0,
  crashes             INTEGER NOT NULL DEFAULT 0,
  -- An owner of it has died: until it ends it is never claimed ahead of its turn, so that its next crash is surely its own.
  suspect             INTEGER NOT NULL DEFAULT 0 CHECK (suspect IN (0, 1)),
  max_attempts        INTEGER CHECK (max_attempts >= 1),
  timeout_ms          INTEGER CHECK (timeout_ms >= 1),
  deadline_at         INTEGER,
  run_at              INTEGER,
  submitted_at        INTEGER NOT NULL,
  started_at          INTEGER,
  ended_at            INTEGER,
  fence               INTEGER,
  owner               INTEGER,
  -- Whether the running attempt was given to a handler at once, or claimed ahead.
  begun               INTEGER NOT NULL DEFAULT 0 CHECK (begun IN (0, 1)),
  cancel_requested_at INTEGER,
  concurrency_key     TEXT,
  unique_key          TEXT,
  -- Has its place in the rate of its key, for when it is due.
  rate_reserved       INTEGER NOT NULL DEFAULT 0 CHECK (rate_reserved IN (0, 1)),
  parent_id           TEXT,
  schedule            TEXT,
  tags                TEXT,
  trace               TEXT,
  error_code          TEXT,
  error_name          TEXT,
  error_message       TEXT,
  progress            TEXT,
  params              TEXT NOT NULL,
  result              TEXT,
  CHECK ((state = 'running') = (fence IS NOT NULL)),
  CHECK ((state IN ('completed', 'failed', 'cancelled')) = (ended_at IS NOT NULL)),
  CHECK ((state = 'scheduled') = (run_at IS NOT NULL))
) STRICT;

-- What claims walk. What waits for a key or for other tasks is not in it, so that a claim never walks past it.
CREATE INDEX tasks_ready ON tasks (type, priority DESC, seq) WHERE state = 'queued' AND gate = 'open';
CREATE INDEX tasks_by_type ON tasks (type, state, seq);
CREATE INDEX tasks_due ON tasks (run_at) WHERE state = 'scheduled';
CREATE INDEX tasks_by_deadline ON tasks (deadline_at)
  WHERE deadline_at IS NOT NULL AND state IN ('queued', 'scheduled');
CREATE INDEX tasks_key_holders ON tasks (type, concurrency_key)
  WHERE concurrency_key IS NOT NULL AND (state = 'running' OR (state = 'queued' AND gate = 'open'));
CREATE INDEX tasks_key_waiters ON tasks (type, concurrency_key, priority DESC, seq)
  WHERE state = 'queued' AND gate = 'key';
CREATE INDEX tasks_by_unique_key ON tasks (type, unique_key, seq) WHERE unique_key IS NOT NULL;
CREATE INDEX tasks_live_unique_key ON tasks (type, unique_key, seq)
  WHERE unique_key IS NOT NULL AND state IN ('queued', 'scheduled', 'running');
CREATE INDEX tasks_by_parent ON tasks (parent_id, seq) WHERE parent_id IS NOT NULL;

CREATE TABLE task_tags (
  tag TEXT NOT NULL,
  seq INTEGER NOT NULL REFERENCES tasks (seq) ON DELETE CASCADE,
  PRIMARY KEY (tag, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX task_tags_by_task ON task_tags (seq);

-- One row for each task that is waited for, by its id: it may be removed before it is waited for no longer.
CREATE TABLE task_dependencies (
  seq      INTEGER NOT NULL REFERENCES tasks (seq) ON DELETE CASCADE,
  on_id    TEXT NOT NULL,
  outcome  TEXT NOT NULL CHECK (outcome IN ('completed', 'failed', 'ended')),
  resolved INTEGER NOT NULL CHECK (resolved IN (0, 1)),
  PRIMARY KEY (seq, on_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX task_dependencies_waiting ON task_dependencies (on_id, seq) WHERE resolved = 0;
CREATE INDEX task_dependencies_unresolved ON task_dependencies (seq) WHERE resolved = 0;

CREATE TABLE attempts (
  seq           INTEGER NOT NULL REFERENCES tasks (seq) ON DELETE CASCADE,
  attempt       INTEGER NOT NULL,
  run           INTEGER NOT NULL,
  fence         INTEGER NOT NULL,
  owner         INTEGER NOT NULL,
  state         TEXT NOT NULL CHECK (state IN ('succeeded', 'failed', 'timed_out', 'cancelled', 'lost')),
  started_at    INTEGER NOT NULL,
  ended_at      INTEGER NOT NULL,
  returned      TEXT CHECK (returned IN ('shutdown', 'snoozed', 'sleeping')),
  error_code    TEXT,
  error_name    TEXT,
  error_message TEXT,
  PRIMARY KEY (seq, attempt)
) STRICT, WITHOUT ROWID;

-- A step has a result, or a time at which it is over (a sleep), or the ids of the tasks that it spawned as its result.
CREATE TABLE task_steps (
  number     INTEGER PRIMARY KEY,
  seq        INTEGER NOT NULL REFERENCES tasks (seq) ON DELETE CASCADE,
  run        INTEGER NOT NULL,
  name       TEXT NOT NULL,
  attempt    INTEGER NOT NULL,
  kind       TEXT NOT NULL CHECK (kind IN ('step', 'sleep', 'spawn')),
  started_at INTEGER NOT NULL,
  ended_at   INTEGER NOT NULL,
  result     TEXT NOT NULL,
  UNIQUE (seq, run, name)
) STRICT;

CREATE TABLE task_logs (
  number  INTEGER PRIMARY KEY,
  seq     INTEGER NOT NULL REFERENCES tasks (seq) ON DELETE CASCADE,
  attempt INTEGER NOT NULL,
  at      INTEGER NOT NULL,
  line    TEXT NOT NULL
) STRICT;
CREATE INDEX task_logs_by_task ON task_logs (seq, number);

-- What the owner of a running attempt is to be told; it looks here, and the row goes with the attempt.
CREATE TABLE task_signals (
  fence  INTEGER PRIMARY KEY,
  owner  INTEGER NOT NULL,
  signal TEXT NOT NULL CHECK (signal IN ('cancel', 'removed'))
) STRICT;
CREATE INDEX task_signals_by_owner ON task_signals (owner);

-- What is set for a type: a row only where something is.
CREATE TABLE queues (
  type            TEXT PRIMARY KEY,
  paused          INTEGER NOT NULL DEFAULT 0 CHECK (paused IN (0, 1)),
  concurrency     INTEGER CHECK (concurrency >= 1),
  key_concurrency INTEGER NOT NULL DEFAULT 1 CHECK (key_concurrency >= 1),
  rate_max        INTEGER CHECK (rate_max >= 1),
  rate_per_ms     INTEGER,
  rate_filled_at  REAL NOT NULL DEFAULT 0,
  key_rate_max    INTEGER CHECK (key_rate_max >= 1),
  key_rate_per_ms INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE key_rates (
  type      TEXT NOT NULL,
  key       TEXT NOT NULL,
  filled_at REAL NOT NULL,
  PRIMARY KEY (type, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX key_rates_by_age ON key_rates (filled_at);

CREATE TABLE schedules (
  name         TEXT PRIMARY KEY,
  type         TEXT NOT NULL,
  params       TEXT NOT NULL,
  rhythm       TEXT NOT NULL CHECK (json_valid(rhythm)),
  catch_up     TEXT NOT NULL CHECK (catch_up IN ('none', 'latest', 'all')),
  overlap      TEXT NOT NULL CHECK (overlap IN ('allow', 'skip', 'queue')),
  paused       INTEGER NOT NULL DEFAULT 0 CHECK (paused IN (0, 1)),
  next_at      INTEGER,
  last_at      INTEGER,
  last_task_id TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX schedules_due ON schedules (next_at) WHERE next_at IS NOT NULL AND paused = 0;
