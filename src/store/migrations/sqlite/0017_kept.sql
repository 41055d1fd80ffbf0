-- What ended is kept for a while (store.kept_s), so that a person can have it run once more. A block holds what one
-- statement ended, compressed together.
CREATE TABLE kept_messages (
  id BLOB PRIMARY KEY,
  kept_at INTEGER NOT NULL,
  bytes BLOB NOT NULL
) STRICT;
CREATE INDEX kept_by_age ON kept_messages (kept_at);

-- In which block; nothing where nothing was kept. The block may be gone.
ALTER TABLE inbox ADD COLUMN kept BLOB;
