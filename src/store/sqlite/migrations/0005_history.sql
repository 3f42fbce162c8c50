-- What questions about the past need: labels by value, clients, runs that were detached, ends by ref.

CREATE TABLE run_labels (
  run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  key    TEXT NOT NULL,
  value  TEXT NOT NULL,
  PRIMARY KEY (run_id, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX run_labels_by_value ON run_labels (key, value, run_id);

INSERT INTO run_labels (run_id, key, value)
  SELECT runs.id, label.key, label.value FROM runs, json_each(runs.labels) AS label;

CREATE INDEX runs_by_client ON runs (client, id) WHERE client IS NOT NULL;
CREATE INDEX runs_by_ref_status ON runs (ref, status, id);
CREATE INDEX runs_detached ON runs (id) WHERE detached = 1;
CREATE INDEX runs_pinned ON runs (id) WHERE pinned = 1;
-- The sum of what logs take is read from the index alone.
CREATE INDEX runs_by_log ON runs (ended_at, id, log_bytes) WHERE log_bytes IS NOT NULL;

INSERT INTO counters (name, value) VALUES ('sweep', 0);
