-- What ended is kept for a while (store.kept_s), so that a person can have it run once more. A block holds what one
-- statement ended, compressed together.
CREATE TABLE kept_messages (
  id uuid PRIMARY KEY,
  kept_at bigint NOT NULL,
  bytes bytea NOT NULL
);
-- They are compressed already.
ALTER TABLE kept_messages ALTER COLUMN bytes SET STORAGE EXTERNAL;
CREATE INDEX kept_by_age ON kept_messages (kept_at);

-- In which block; nothing where nothing was kept. The block may be gone.
ALTER TABLE inbox ADD COLUMN kept uuid;
