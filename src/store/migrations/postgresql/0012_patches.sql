-- patch: the jq filter by which a campaign corrects what it replays. approved_by: the second person, where one is needed.
ALTER TABLE campaigns ADD COLUMN patch text;
ALTER TABLE campaigns ADD COLUMN approved_by text;
ALTER TABLE campaigns ADD COLUMN approved_at bigint;

-- What a message was before each patch, its first form under revision 0.
CREATE TABLE message_revisions (
  message_id uuid NOT NULL,
  flow text NOT NULL,
  revision bigint NOT NULL,
  bytes bytea NOT NULL,
  campaign uuid NOT NULL,
  patch text NOT NULL,
  patched_by text NOT NULL,
  patched_at bigint NOT NULL,
  PRIMARY KEY (message_id, flow, revision)
);
