-- Who may do what through the API, what was answered, and the trail of who did what.

-- Of a token only its SHA-256 is kept. role: 0 viewer, 1 operator, 2 approver, 3 administrator. flows and connections:
-- JSON, what it is limited to; NULL is no limit.
CREATE TABLE api_tokens (
  id BLOB PRIMARY KEY,
  digest TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  role INTEGER NOT NULL,
  flows TEXT,
  connections TEXT,
  made_by TEXT NOT NULL,
  made_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  revoked_by TEXT,
  revoked_at INTEGER
) STRICT;

-- Links by which the first administrator comes in, each once.
CREATE TABLE api_first_links (
  digest TEXT PRIMARY KEY,
  expires_at INTEGER NOT NULL,
  used_at INTEGER
) STRICT;

-- What was answered under an idempotency key. scope: whose key. key, request: SHA-256. answer: sealed, nobody reads it
-- without the key and the token; NULL while nobody knows how it ended.
CREATE TABLE api_answers (
  scope TEXT NOT NULL,
  key TEXT NOT NULL,
  request TEXT NOT NULL,
  status INTEGER,
  answer BLOB,
  begun_at INTEGER NOT NULL,
  PRIMARY KEY (scope, key)
) STRICT;
CREATE INDEX api_answers_by_age ON api_answers (begun_at);

-- Append-only. outcome: NULL in the row that is written before the act, and in the row behind it that names the first one
-- (begun) done, refused or unsure. documents, fields: JSON, names. hash: of the row with the hash of the one before.
CREATE TABLE trail (
  n INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  who TEXT NOT NULL,
  role TEXT NOT NULL,
  action TEXT NOT NULL,
  begun INTEGER,
  outcome TEXT,
  flow TEXT,
  connection TEXT,
  documents TEXT NOT NULL,
  fields TEXT NOT NULL,
  previous TEXT NOT NULL,
  hash TEXT NOT NULL
) STRICT;

-- The last row, so that a missing end is noticed.
CREATE TABLE trail_head (
  n INTEGER NOT NULL,
  hash TEXT NOT NULL
) STRICT;
INSERT INTO trail_head (n, hash) VALUES (0, '');
