-- Values that can be made again. Clearing this table touches nothing else.

CREATE TABLE cache_entries (
  key        TEXT NOT NULL UNIQUE CHECK (key <> ''),
  value      BLOB NOT NULL,
  size_bytes INTEGER NOT NULL CHECK (size_bytes >= 0),
  created_at INTEGER NOT NULL,
  used_at    INTEGER NOT NULL,
  expires_at INTEGER
) STRICT;

CREATE INDEX cache_entries_by_use ON cache_entries (used_at, size_bytes);
CREATE INDEX cache_entries_by_expiry ON cache_entries (expires_at) WHERE expires_at IS NOT NULL;

-- The sum of all sizes, kept with every change, so that the cap costs no sum over the table.
INSERT INTO counters (name, value) VALUES ('cache_bytes', 0);
