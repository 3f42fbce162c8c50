-- When a machine was first asked to start an attempt: before that, the run can go to another machine without a thought.
ALTER TABLE runs ADD COLUMN start_asked_at INTEGER;

-- Attempts that were left behind on a machine out of reach when another machine took their run over. What the machine says of
-- them when it is back is kept until the run's driver has acted on it; then the row goes.
CREATE TABLE stray_attempts (
  run_id  TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  attempt INTEGER NOT NULL CHECK (attempt >= 1),
  target  TEXT NOT NULL CHECK (json_valid(target)),
  left_at INTEGER NOT NULL,
  outcome TEXT CHECK (json_valid(outcome)),
  PRIMARY KEY (run_id, attempt)
) STRICT, WITHOUT ROWID;
