-- Scopes have no rows: a scope is the id of a run (its parent is the parent run's), `root`, or any other name.

CREATE TABLE variables (
  scope      TEXT NOT NULL CHECK (scope <> ''),
  key        TEXT NOT NULL CHECK (key <> ''),
  value      TEXT NOT NULL,
  format     TEXT NOT NULL CHECK (format IN ('text', 'json')),
  revision   INTEGER NOT NULL UNIQUE,
  -- A tombstone: the key is hidden here, whatever an ancestor says.
  removed    INTEGER NOT NULL CHECK (removed IN (0, 1)),
  updated_at INTEGER NOT NULL,
  expires_at INTEGER
) STRICT;

CREATE UNIQUE INDEX variables_by_key ON variables (scope, key);
CREATE INDEX variables_by_expiry ON variables (expires_at) WHERE expires_at IS NOT NULL;

CREATE INDEX runs_by_parent ON runs (parent_run_id) WHERE parent_run_id IS NOT NULL;

INSERT INTO counters (name, value) VALUES ('revision', 0);
