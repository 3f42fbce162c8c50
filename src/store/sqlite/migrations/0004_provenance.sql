-- Who had a run executed (WAYBILL_SOURCE, WAYBILL_CLIENT, WAYBILL_SESSION), what keeps it, and how large its log is.

ALTER TABLE runs ADD COLUMN source TEXT;
ALTER TABLE runs ADD COLUMN client TEXT;
ALTER TABLE runs ADD COLUMN session TEXT;
ALTER TABLE runs ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0 CHECK (pinned IN (0, 1));
ALTER TABLE runs ADD COLUMN log_bytes INTEGER;

CREATE INDEX runs_by_source ON runs (source, id) WHERE source IS NOT NULL;
CREATE INDEX runs_by_session ON runs (session, id) WHERE session IS NOT NULL;
