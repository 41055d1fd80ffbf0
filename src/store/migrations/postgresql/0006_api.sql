-- Who may do what through the API, what was answered, and the trail of who did what.

-- Of a token only its SHA-256 is kept. role: 0 viewer, 1 operator, 2 approver, 3 administrator. flows and connections:
-- JSON, what it is limited to; NULL is no limit.
CREATE TABLE api_tokens (
  id uuid PRIMARY KEY,
  digest text COLLATE "C" NOT NULL UNIQUE,
  name text NOT NULL,
  role bigint NOT NULL,
  flows text,
  connections text,
  made_by text NOT NULL,
  made_at bigint NOT NULL,
  expires_at bigint NOT NULL,
  revoked_by text,
  revoked_at bigint
);

-- Links by which the first administrator comes in, each once.
CREATE TABLE api_first_links (
  digest text COLLATE "C" PRIMARY KEY,
  expires_at bigint NOT NULL,
  used_at bigint
);

-- What was answered under an idempotency key. scope: whose key. key, request: SHA-256. answer: sealed, nobody reads it
-- without the key and the token; NULL while nobody knows how it ended.
CREATE TABLE api_answers (
  scope text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL,
  request text NOT NULL,
  status bigint,
  answer bytea,
  begun_at bigint NOT NULL,
  PRIMARY KEY (scope, key)
);
CREATE INDEX api_answers_by_age ON api_answers (begun_at);

-- Append-only. outcome: NULL in the row that is written before the act, and in the row behind it that names the first one
-- (begun) done, refused or unsure. documents, fields: JSON, names. hash: of the row with the hash of the one before.
CREATE TABLE trail (
  n bigint PRIMARY KEY,
  at bigint NOT NULL,
  who text NOT NULL,
  role text NOT NULL,
  action text NOT NULL,
  begun bigint,
  outcome text,
  flow text,
  connection text,
  documents text NOT NULL,
  fields text NOT NULL,
  previous text NOT NULL,
  hash text NOT NULL
);

-- The last row, so that a missing end is noticed.
CREATE TABLE trail_head (
  n bigint NOT NULL,
  hash text NOT NULL
);
INSERT INTO trail_head (n, hash) VALUES (0, '');
