-- Workers: who executes a task outside of an engine, what each answered, what tasks wait for besides (paths, a person),
-- and what people and workers say about a task. Lists repeat the arrays of src/domain; a test compares them.

-- SQLite cannot alter a CHECK. The columns are made again in place, since other tables refer to their tables' rows.
DROP INDEX tasks_ready;
DROP INDEX tasks_key_holders;
DROP INDEX tasks_key_waiters;
ALTER TABLE tasks RENAME COLUMN gate TO old_gate;
ALTER TABLE tasks ADD COLUMN gate TEXT NOT NULL DEFAULT 'open'
  CHECK (gate IN ('open', 'key', 'dependencies', 'paths', 'answer', 'review'));
UPDATE tasks SET gate = old_gate WHERE old_gate <> 'open';
ALTER TABLE tasks DROP COLUMN old_gate;
CREATE INDEX tasks_ready ON tasks (type, priority DESC, seq) WHERE state = 'queued' AND gate = 'open';
CREATE INDEX tasks_key_holders ON tasks (type, concurrency_key)
  WHERE concurrency_key IS NOT NULL AND (state = 'running' OR (state = 'queued' AND gate = 'open'));
CREATE INDEX tasks_key_waiters ON tasks (type, concurrency_key, priority DESC, seq)
  WHERE state = 'queued' AND gate = 'key';

ALTER TABLE attempts RENAME COLUMN returned TO old_returned;
ALTER TABLE attempts ADD COLUMN returned TEXT CHECK (returned IN ('shutdown', 'snoozed', 'sleeping', 'needs_input',
  'review', 'released', 'handed_off', 'reclaimed'));
UPDATE attempts SET returned = old_returned WHERE old_returned IS NOT NULL;
ALTER TABLE attempts DROP COLUMN old_returned;

-- What names an engine is never taken again: of those that are no more nothing has to be kept.
DELETE FROM leases WHERE name GLOB 'engine/*' AND holder_host IS NULL;

-- The verdict of a worker, as it gave it; null for engines, whose results are their tasks'.
ALTER TABLE attempts ADD COLUMN result TEXT;

-- What a task that waits for a person wants to know.
ALTER TABLE tasks ADD COLUMN question TEXT;
-- Whether it has rows in task_paths, so that claims of the many that have none do not look.
ALTER TABLE tasks ADD COLUMN has_paths INTEGER NOT NULL DEFAULT 0 CHECK (has_paths IN (0, 1));
CREATE INDEX tasks_holding_paths ON tasks (seq) WHERE has_paths = 1 AND state = 'running';

ALTER TABLE task_signals RENAME COLUMN signal TO old_signal;
ALTER TABLE task_signals ADD COLUMN signal TEXT NOT NULL DEFAULT 'cancel'
  CHECK (signal IN ('cancel', 'removed', 'superseded'));
UPDATE task_signals SET signal = old_signal;
ALTER TABLE task_signals DROP COLUMN old_signal;

-- Who holds, or held, a lease of workers; `owner` is its fence. Engines have none: their leases say all.
CREATE TABLE workers (
  owner      INTEGER PRIMARY KEY,
  lease      TEXT NOT NULL,
  agent_id   TEXT NOT NULL,
  session    TEXT NOT NULL,
  kind       TEXT NOT NULL CHECK (kind IN ('work', 'claim', 'dispatch')),
  types      TEXT NOT NULL CHECK (json_valid(types)),
  workspace  TEXT,
  -- The process that people would signal; who proves it dead is the lease's holder, which may be another.
  pid        INTEGER,
  started_at INTEGER NOT NULL,
  -- When its lease was given back or taken from it.
  left_at    INTEGER
) STRICT;
CREATE INDEX workers_present ON workers (owner) WHERE left_at IS NULL;

-- Which tasks a worker was given: it is remembered as long as one of them is.
CREATE TABLE worker_tasks (
  owner INTEGER NOT NULL,
  seq   INTEGER NOT NULL REFERENCES tasks (seq) ON DELETE CASCADE,
  PRIMARY KEY (owner, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX worker_tasks_by_task ON worker_tasks (seq);

-- What a task reads or writes, held while an attempt of it runs.
CREATE TABLE task_paths (
  seq     INTEGER NOT NULL REFERENCES tasks (seq) ON DELETE CASCADE,
  mode    TEXT NOT NULL CHECK (mode IN ('read', 'write')),
  space   TEXT NOT NULL,
  pattern TEXT NOT NULL,
  PRIMARY KEY (seq, mode, space, pattern)
) STRICT, WITHOUT ROWID;

-- The line of those that wait for paths. One with the gate `paths` has a `holder`, the task whose paths it waits for. Once
-- that is over, it has its turn: until `turn_until` nothing that comes after it is given paths that overlap its own.
CREATE TABLE path_waits (
  seq        INTEGER PRIMARY KEY REFERENCES tasks (seq) ON DELETE CASCADE,
  holder     INTEGER,
  turn_until INTEGER,
  CHECK ((holder IS NULL) = (turn_until IS NOT NULL))
) STRICT;
CREATE INDEX path_waits_by_holder ON path_waits (holder, seq) WHERE holder IS NOT NULL;
CREATE INDEX path_waits_by_turn ON path_waits (turn_until) WHERE turn_until IS NOT NULL;

-- The ready tasks of each tag, as `tasks_ready` has those of each type: whoever claims by tags walks past no others. Tasks
-- become ready and stop being so in many places; triggers follow them all, and cost a task without tags nothing but a look.
CREATE TABLE ready_tags (
  tag      TEXT NOT NULL,
  type     TEXT NOT NULL,
  priority INTEGER NOT NULL,
  seq      INTEGER NOT NULL,
  PRIMARY KEY (tag, type, priority DESC, seq)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER ready_tags_follow_tasks AFTER UPDATE OF state, gate ON tasks WHEN NEW.tags IS NOT NULL
BEGIN
  DELETE FROM ready_tags WHERE (tag, type, priority, seq) IN
    (SELECT tag, OLD.type, OLD.priority, seq FROM task_tags WHERE seq = OLD.seq);
  INSERT INTO ready_tags (tag, type, priority, seq)
    SELECT tag, NEW.type, NEW.priority, seq FROM task_tags
    WHERE seq = NEW.seq AND NEW.state = 'queued' AND NEW.gate = 'open';
END;
CREATE TRIGGER ready_tags_follow_tags AFTER INSERT ON task_tags
BEGIN
  INSERT INTO ready_tags (tag, type, priority, seq)
    SELECT NEW.tag, type, priority, seq FROM tasks WHERE seq = NEW.seq AND state = 'queued' AND gate = 'open';
END;
CREATE TRIGGER ready_tags_forget_tasks BEFORE DELETE ON tasks WHEN OLD.tags IS NOT NULL
BEGIN
  DELETE FROM ready_tags WHERE (tag, type, priority, seq) IN
    (SELECT tag, OLD.type, OLD.priority, seq FROM task_tags WHERE seq = OLD.seq);
END;
INSERT INTO ready_tags (tag, type, priority, seq)
  SELECT tag, type, priority, tasks.seq FROM task_tags CROSS JOIN tasks ON tasks.seq = task_tags.seq
  WHERE state = 'queued' AND gate = 'open';

CREATE TABLE task_notes (
  number  INTEGER PRIMARY KEY,
  seq     INTEGER NOT NULL REFERENCES tasks (seq) ON DELETE CASCADE,
  attempt INTEGER,
  at      INTEGER NOT NULL,
  author  TEXT NOT NULL,
  kind    TEXT NOT NULL CHECK (kind IN ('note', 'question', 'answer', 'notice')),
  text    TEXT NOT NULL
) STRICT;
CREATE INDEX task_notes_by_task ON task_notes (seq, number);

-- Links that hold nothing back; those that do are task_dependencies.
CREATE TABLE task_links (
  seq      INTEGER NOT NULL REFERENCES tasks (seq) ON DELETE CASCADE,
  other_id TEXT NOT NULL,
  kind     TEXT NOT NULL CHECK (kind IN ('discovered_from')),
  PRIMARY KEY (seq, other_id, kind)
) STRICT, WITHOUT ROWID;
CREATE INDEX task_links_by_other ON task_links (other_id, seq);
-- The links of a task are shown from both of its sides, also those that hold nothing back any more.
DROP INDEX task_dependencies_waiting;
CREATE INDEX task_dependencies_by_other ON task_dependencies (on_id, resolved, seq);
