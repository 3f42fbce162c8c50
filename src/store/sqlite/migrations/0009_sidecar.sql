-- What a sidecar needs: readiness gates that survive it, who submitted a task, and a place for a write that proves that
-- writing is possible.

CREATE TABLE readiness_gates (
  name        TEXT PRIMARY KEY,
  held_at     INTEGER,
  released_at INTEGER,
  decided_by  TEXT,
  reason      TEXT,
  CHECK (held_at IS NOT NULL OR released_at IS NOT NULL)
) STRICT, WITHOUT ROWID;

ALTER TABLE tasks ADD COLUMN created_by TEXT;

INSERT INTO counters (name, value) VALUES ('probe', 0);
