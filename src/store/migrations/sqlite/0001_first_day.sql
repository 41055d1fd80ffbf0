-- Everything that Drayline remembers. Times are microseconds since 1970; identifiers are 16 bytes; JSON is text.

CREATE TABLE workers (
  worker BLOB PRIMARY KEY,
  beaten_at INTEGER NOT NULL,
  -- Flows whose partitions it can take now, separated by commas.
  flows TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE partitions (
  flow TEXT NOT NULL,
  partition INTEGER NOT NULL,
  owner BLOB,
  epoch INTEGER NOT NULL,
  taken_at INTEGER NOT NULL,
  PRIMARY KEY (flow, partition)
) STRICT, WITHOUT ROWID;

CREATE TABLE inbox (
  message_id BLOB NOT NULL,
  flow TEXT NOT NULL,
  ending INTEGER NOT NULL,
  ended_at INTEGER NOT NULL,
  PRIMARY KEY (message_id, flow)
) STRICT, WITHOUT ROWID;

CREATE TABLE journal (
  id BLOB PRIMARY KEY,
  flow TEXT NOT NULL,
  partition INTEGER NOT NULL,
  entries TEXT NOT NULL,
  committed_at INTEGER NOT NULL
) STRICT;
CREATE INDEX journal_of_partition ON journal (flow, partition);

CREATE TABLE effects (
  ordinal INTEGER PRIMARY KEY AUTOINCREMENT,
  key TEXT NOT NULL UNIQUE,
  document TEXT NOT NULL,
  act TEXT NOT NULL,
  connection TEXT NOT NULL,
  message_id BLOB NOT NULL,
  facts TEXT NOT NULL,
  recorded_at INTEGER NOT NULL
) STRICT;
CREATE INDEX effects_of_document ON effects (document, ordinal);

-- The last place given behind everything. One row.
CREATE TABLE places (
  last INTEGER NOT NULL
) STRICT;
INSERT INTO places (last) VALUES (0);

-- waits_for: 0 head, 1 time, 2 document, 3 person, 4 far end, 5 flow (paused). due_at: when it is due by itself, if it stands at the front.
-- position: never so low that nothing could go in front any more.
CREATE TABLE parked (
  message_id BLOB NOT NULL,
  flow TEXT NOT NULL,
  partition INTEGER NOT NULL,
  lane_key TEXT NOT NULL,
  ordering_key TEXT NOT NULL,
  kind TEXT NOT NULL,
  connection TEXT NOT NULL,
  bytes BLOB NOT NULL,
  position INTEGER NOT NULL CHECK (position > -4611686018427387904),
  waits_for INTEGER NOT NULL,
  due_at INTEGER,
  delay INTEGER,
  awaited TEXT,
  passes TEXT,
  attempts INTEGER NOT NULL,
  parkings INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  code TEXT,
  sentence TEXT,
  detail TEXT,
  unsure TEXT NOT NULL,
  deadline_at INTEGER,
  asked_by TEXT,
  asked INTEGER NOT NULL DEFAULT 0,
  first_parked_at INTEGER NOT NULL,
  last_parked_at INTEGER NOT NULL,
  PRIMARY KEY (message_id, flow)
) STRICT;
CREATE INDEX parked_lanes ON parked (flow, lane_key, position, message_id);
CREATE INDEX parked_due ON parked (due_at) WHERE waits_for <> 0;
CREATE INDEX parked_followers ON parked (flow, partition, lane_key) WHERE waits_for = 0;
CREATE INDEX parked_awaited ON parked (awaited) WHERE waits_for = 2;
CREATE INDEX parked_stopped ON parked (waits_for, awaited, last_parked_at, flow, partition) WHERE waits_for > 3;
CREATE INDEX parked_counted ON parked (flow, waits_for);
CREATE INDEX parked_listed ON parked (first_parked_at);

-- parking tells the announcements of one message apart: how often it was parked for a person.
CREATE TABLE outbox (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  flow TEXT NOT NULL,
  purpose INTEGER NOT NULL,
  ordering_key TEXT NOT NULL,
  message_id BLOB NOT NULL,
  kind TEXT NOT NULL,
  traceparent TEXT,
  bytes BLOB NOT NULL,
  code TEXT,
  sentence TEXT,
  detail TEXT,
  parking INTEGER NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX outbox_once ON outbox (message_id, flow, purpose, parking);
CREATE INDEX outbox_waiting ON outbox (flow, id);
CREATE INDEX outbox_counted ON outbox (flow, purpose);

CREATE TABLE documents (
  key TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  legal_entity TEXT,
  known_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE document_names (
  name TEXT NOT NULL,
  label TEXT NOT NULL,
  document TEXT NOT NULL,
  PRIMARY KEY (name, label, document)
) STRICT, WITHOUT ROWID;
CREATE INDEX document_names_of ON document_names (document);

-- A step has no identity of its own; where it stood in its record and what it says tell it apart, so that a repeated
-- record adds nothing.
CREATE TABLE journey (
  document TEXT NOT NULL,
  at INTEGER NOT NULL,
  message_id BLOB NOT NULL,
  ordinal INTEGER NOT NULL,
  digest INTEGER NOT NULL,
  system TEXT NOT NULL,
  what TEXT NOT NULL,
  mode TEXT NOT NULL,
  PRIMARY KEY (document, at, message_id, ordinal, digest)
) STRICT, WITHOUT ROWID;

-- What people paused: calls to a connection, what a flow does, or what one flow wants of one connection; what is not named
-- is empty. A pause that ended stays, with who ended it and why.
CREATE TABLE pauses (
  id INTEGER PRIMARY KEY,
  connection TEXT NOT NULL,
  flow TEXT NOT NULL,
  reason TEXT NOT NULL,
  paused_by TEXT NOT NULL,
  paused_at INTEGER NOT NULL,
  resumed_by TEXT,
  resumed_at INTEGER,
  resumed_because TEXT
) STRICT;
CREATE UNIQUE INDEX pauses_that_hold ON pauses (connection, flow) WHERE resumed_at IS NULL;

-- How far periodic scans have read.
CREATE TABLE cursors (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL,
  moved_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What people work on: made from announcements, or from what is parked when one is missing; it outlives the parked row.
CREATE TABLE exceptions (
  message_id BLOB NOT NULL,
  flow TEXT NOT NULL,
  parking INTEGER NOT NULL,
  code TEXT NOT NULL,
  sentence TEXT NOT NULL,
  detail TEXT,
  kind TEXT NOT NULL,
  connection TEXT NOT NULL,
  document TEXT NOT NULL,
  first_seen_at INTEGER NOT NULL,
  last_seen_at INTEGER NOT NULL,
  ending INTEGER,
  ended_at INTEGER,
  PRIMARY KEY (message_id, flow)
) STRICT, WITHOUT ROWID;
CREATE INDEX exceptions_open ON exceptions (flow) WHERE ending IS NULL;
CREATE INDEX parked_for_people ON parked (message_id, flow) WHERE waits_for = 3;
