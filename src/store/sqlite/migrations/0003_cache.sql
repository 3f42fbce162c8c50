-- Values that can be made again. Clearing these tables touches nothing else.
-- What is known of a value lies apart from it, so that listing, touching and evicting read no value.

CREATE TABLE cache_entries (
  id         INTEGER PRIMARY KEY,
  key        TEXT NOT NULL UNIQUE CHECK (key <> ''),
  size_bytes INTEGER NOT NULL CHECK (size_bytes >= 0),
  created_at INTEGER NOT NULL,
  used_at    INTEGER NOT NULL,
  expires_at INTEGER
) STRICT;

CREATE INDEX cache_entries_by_use ON cache_entries (used_at, size_bytes);
CREATE INDEX cache_entries_by_expiry ON cache_entries (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE cache_values (
  entry_id INTEGER PRIMARY KEY REFERENCES cache_entries (id) ON DELETE CASCADE,
  value    BLOB NOT NULL
) STRICT;

-- The sum of all sizes, kept with every change, so that the cap costs no sum over the table.
INSERT INTO counters (name, value) VALUES ('cache_bytes', 0);
