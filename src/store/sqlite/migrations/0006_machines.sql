-- What is known of machines beyond the inventory: the last contact, and who has taken one out of service.

CREATE TABLE machines (
  name            TEXT PRIMARY KEY,
  -- Which place the contact was with; another place under the same name starts anew.
  target_hash     TEXT,
  last_contact_at INTEGER,
  last_failure_at INTEGER,
  last_error_code TEXT,
  drained_at      INTEGER,
  drained_by      TEXT,
  drain_reason    TEXT,
  CHECK ((drained_at IS NULL) = (drained_by IS NULL))
) STRICT, WITHOUT ROWID;
