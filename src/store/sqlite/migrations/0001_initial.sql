-- Lists of states repeat the arrays of src/domain; a test compares them.
-- Times are epoch milliseconds. Ids are UUIDv7 and therefore sort by age: lists page by id and need no other order.
-- JSON columns hold the domain's records as they are; nothing queries inside them.

CREATE TABLE counters (
  name  TEXT PRIMARY KEY,
  value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- One counter for the fences of leases and of run attempts: a fence is never given twice, whatever is deleted.
INSERT INTO counters (name, value) VALUES ('fence', 0), ('stale_writes', 0);

CREATE TABLE batches (
  id                  TEXT PRIMARY KEY,
  plan_hash           TEXT NOT NULL,
  staging             TEXT NOT NULL,
  created_by          TEXT NOT NULL,
  source              TEXT NOT NULL,
  created_at          INTEGER NOT NULL,
  expected_count      INTEGER NOT NULL CHECK (expected_count >= 0),
  cancel_requested_at INTEGER,
  UNIQUE (plan_hash, staging)
) STRICT;

CREATE INDEX batches_by_staging ON batches (staging, id);
CREATE INDEX batches_by_plan ON batches (plan_hash, id);
CREATE INDEX batches_by_age ON batches (created_at);

CREATE TABLE batch_items (
  batch_id   TEXT NOT NULL REFERENCES batches (id) ON DELETE CASCADE,
  position   INTEGER NOT NULL,
  name       TEXT NOT NULL,
  dir        TEXT NOT NULL,
  selector   TEXT NOT NULL,
  state      TEXT NOT NULL CHECK (state IN ('queued', 'dispatched', 'skipped')),
  run_id     TEXT,
  machine    TEXT,
  error_code TEXT,
  error_msg  TEXT,
  spec       TEXT NOT NULL CHECK (json_valid(spec)),
  PRIMARY KEY (batch_id, position),
  UNIQUE (batch_id, name),
  CHECK ((state = 'dispatched') = (run_id IS NOT NULL)),
  CHECK ((state = 'skipped') = (error_code IS NOT NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX batch_items_queued ON batch_items (batch_id) WHERE state = 'queued';

CREATE TABLE runs (
  id                  TEXT PRIMARY KEY,
  kind                TEXT NOT NULL CHECK (kind IN ('directory', 'command', 'external')),
  ref                 TEXT NOT NULL,
  machine             TEXT NOT NULL,
  test_dir            TEXT NOT NULL,
  test_dir_hash       TEXT NOT NULL,
  work_hash           TEXT NOT NULL,
  request             TEXT NOT NULL CHECK (json_valid(request)),
  created_by          TEXT NOT NULL,
  detached            INTEGER NOT NULL CHECK (detached IN (0, 1)),
  batch_id            TEXT REFERENCES batches (id),
  plan_entry          TEXT,
  parent_run_id       TEXT,
  labels              TEXT NOT NULL CHECK (json_valid(labels)),
  status              TEXT NOT NULL
    CHECK (status IN ('pending', 'running', 'completed', 'failed', 'interrupted', 'timeout')),
  slot                INTEGER CHECK (slot >= 1),
  attempt             INTEGER NOT NULL CHECK (attempt >= 1),
  fence               INTEGER NOT NULL CHECK (fence >= 1),
  created_at          INTEGER NOT NULL,
  started_at          INTEGER,
  ended_at            INTEGER,
  exit_code           INTEGER,
  signal              INTEGER,
  error_code          TEXT,
  error_msg           TEXT,
  pid                 INTEGER,
  unreachable_since   INTEGER,
  cancel_requested_at INTEGER,
  artifact_state      TEXT NOT NULL CHECK (artifact_state IN ('none', 'pending', 'collected', 'failed')),
  artifact_error      TEXT,
  artifacts_path      TEXT,
  logs_path           TEXT,
  evidence            TEXT CHECK (json_valid(evidence)),
  CHECK ((ended_at IS NOT NULL) = (status IN ('completed', 'failed', 'interrupted', 'timeout'))),
  CHECK (status <> 'running' OR started_at IS NOT NULL),
  CHECK (status <> 'completed' OR exit_code IS 0),
  CHECK (ended_at IS NULL OR (slot IS NULL AND unreachable_since IS NULL)),
  CHECK (kind <> 'directory' OR status <> 'running' OR slot IS NOT NULL),
  CHECK ((batch_id IS NULL) = (plan_entry IS NULL))
) STRICT;

-- What must never be true of two runs at once.
CREATE UNIQUE INDEX runs_slot ON runs (machine, slot) WHERE slot IS NOT NULL;
CREATE UNIQUE INDEX runs_entry ON runs (batch_id, plan_entry) WHERE batch_id IS NOT NULL;
CREATE UNIQUE INDEX runs_active_work ON runs (machine, work_hash) WHERE status IN ('pending', 'running');

CREATE INDEX runs_waiting ON runs (machine, id) WHERE status = 'pending' AND slot IS NULL;
CREATE INDEX runs_completed_work ON runs (machine, work_hash, id) WHERE status = 'completed';
CREATE INDEX runs_durations ON runs (ref, id, started_at, ended_at) WHERE status = 'completed';
CREATE INDEX runs_by_status ON runs (status, id);
CREATE INDEX runs_by_machine ON runs (machine, id);
CREATE INDEX runs_by_batch ON runs (batch_id, id) WHERE batch_id IS NOT NULL;
CREATE INDEX runs_by_ref ON runs (ref, id);
CREATE INDEX runs_by_kind ON runs (kind, id);
CREATE INDEX runs_by_tree ON runs (test_dir_hash, id);
CREATE INDEX runs_by_creator ON runs (created_by, id);
CREATE INDEX runs_by_end ON runs (ended_at, id) WHERE ended_at IS NOT NULL;

-- The row stays when a lease is released, so that a late writer finds a fence that is not its own.
CREATE TABLE leases (
  name             TEXT PRIMARY KEY,
  fence            INTEGER NOT NULL UNIQUE,
  holder_host      TEXT,
  holder_boot      TEXT,
  holder_pid       INTEGER,
  holder_pid_start TEXT,
  purpose          TEXT NOT NULL,
  acquired_at      INTEGER NOT NULL,
  expires_at       INTEGER NOT NULL,
  CHECK ((holder_host IS NULL) = (holder_boot IS NULL)),
  CHECK ((holder_host IS NULL) = (holder_pid IS NULL)),
  CHECK ((holder_host IS NULL) = (holder_pid_start IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX leases_by_holder ON leases (holder_host, holder_boot, holder_pid, holder_pid_start)
  WHERE holder_host IS NOT NULL;
CREATE INDEX leases_held ON leases (name) WHERE holder_host IS NOT NULL;

-- AUTOINCREMENT: a sequence that readers have as their cursor must not come back after the newest events were removed.
CREATE TABLE events (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  at       INTEGER NOT NULL,
  type     TEXT NOT NULL,
  subject  TEXT NOT NULL,
  batch_id TEXT,
  data     TEXT NOT NULL CHECK (json_valid(data))
) STRICT;

CREATE INDEX events_by_subject ON events (subject, sequence);
CREATE INDEX events_by_batch ON events (batch_id, sequence) WHERE batch_id IS NOT NULL;
