-- patch: the jq filter by which a campaign corrects what it replays. approved_by: the second person, where one is needed.
ALTER TABLE campaigns ADD COLUMN patch TEXT;
ALTER TABLE campaigns ADD COLUMN approved_by TEXT;
ALTER TABLE campaigns ADD COLUMN approved_at INTEGER;

-- What a message was before each patch, its first form under revision 0.
CREATE TABLE message_revisions (
  message_id BLOB NOT NULL,
  flow TEXT NOT NULL,
  revision INTEGER NOT NULL,
  bytes BLOB NOT NULL,
  campaign BLOB NOT NULL,
  patch TEXT NOT NULL,
  patched_by TEXT NOT NULL,
  patched_at INTEGER NOT NULL,
  PRIMARY KEY (message_id, flow, revision)
);
