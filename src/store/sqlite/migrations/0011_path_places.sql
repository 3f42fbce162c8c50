-- Where those who run with paths, or wait for some, are found: at the place where each of their paths begins, and at every
-- place above it, so that whoever asks reads the nearest one before a task however many there are. A place is the segments
-- of a pattern before its first wildcard, at most 16 of them; `pattern` is what begins there, and empty where something
-- begins beneath. `rank` is the priority of who waits; those who run stand before all of them.
CREATE TABLE path_places (
  space   TEXT NOT NULL,
  place   TEXT NOT NULL,
  pattern TEXT NOT NULL,
  mode    TEXT NOT NULL CHECK (mode IN ('read', 'write')),
  rank    INTEGER NOT NULL,
  seq     INTEGER NOT NULL REFERENCES tasks (seq) ON DELETE CASCADE,
  PRIMARY KEY (space, place, pattern, mode, rank, seq DESC)
) STRICT, WITHOUT ROWID;
CREATE INDEX path_places_by_task ON path_places (seq);

INSERT OR IGNORE INTO path_places (space, place, pattern, mode, rank, seq)
  WITH RECURSIVE standing (seq, rank) AS (
    SELECT seq, 9007199254740991 FROM tasks WHERE has_paths = 1 AND state = 'running'
    UNION
    SELECT tasks.seq, tasks.priority FROM path_waits CROSS JOIN tasks ON tasks.seq = path_waits.seq
    WHERE tasks.state <> 'running'
  ),
  -- `rest` is what follows the place, with a `/` at its end.
  step (seq, rank, space, mode, pattern, place, depth, rest) AS (
    SELECT standing.seq, rank, space, mode, pattern, '', 0, pattern || '/'
    FROM standing CROSS JOIN task_paths ON task_paths.seq = standing.seq
    UNION ALL
    SELECT seq, rank, space, mode, pattern, substr(pattern, 1, length(place) + (depth > 0) + instr(rest, '/') - 1),
      depth + 1, substr(rest, instr(rest, '/') + 1)
    FROM step WHERE depth < 16 AND rest <> '' AND substr(rest, 1, instr(rest, '/')) NOT GLOB '*[*?]*'
  )
  SELECT space, place,
    CASE WHEN depth < 16 AND rest <> '' AND substr(rest, 1, instr(rest, '/')) NOT GLOB '*[*?]*' THEN '' ELSE pattern END,
    mode, rank, seq
  FROM step;

DROP INDEX tasks_holding_paths;

-- Those that wait for the paths of one task are called by priority, then age, some in each write.
ALTER TABLE path_waits ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;
UPDATE path_waits SET priority = (SELECT priority FROM tasks WHERE tasks.seq = path_waits.seq);
DROP INDEX path_waits_by_holder;
CREATE INDEX path_waits_by_holder ON path_waits (holder, priority DESC, seq) WHERE holder IS NOT NULL;
-- Tasks whose paths are free, while some that wait for them were not called yet: those after (priority, seq).
CREATE TABLE path_calls (
  holder   INTEGER PRIMARY KEY,
  priority INTEGER NOT NULL,
  seq      INTEGER NOT NULL
) STRICT;
