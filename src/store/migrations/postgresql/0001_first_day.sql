-- Everything that Drayline remembers. Times are microseconds since 1970 by this server's clock; JSON is text, because
-- far ends may say things that jsonb refuses. Keys compare by bytes: faster, and the same on every machine.

-- The statement's own time, so that it may stand in an index condition.
CREATE FUNCTION store_now() RETURNS bigint LANGUAGE sql STABLE AS
  $$ SELECT (extract(epoch FROM statement_timestamp()) * 1000000)::bigint $$;

CREATE TABLE workers (
  worker uuid PRIMARY KEY,
  beaten_at bigint NOT NULL,
  -- Flows whose partitions it can take now, separated by commas.
  flows text NOT NULL
);

-- Changes only on hand-over, so that the fence of every commit never meets a heartbeat.
CREATE TABLE partitions (
  flow text COLLATE "C" NOT NULL,
  partition bigint NOT NULL,
  owner uuid,
  epoch bigint NOT NULL,
  taken_at bigint NOT NULL,
  PRIMARY KEY (flow, partition)
);

CREATE TABLE inbox (
  message_id uuid NOT NULL,
  flow text COLLATE "C" NOT NULL,
  ending bigint NOT NULL,
  ended_at bigint NOT NULL,
  PRIMARY KEY (message_id, flow)
);

CREATE TABLE journal (
  id uuid PRIMARY KEY,
  flow text COLLATE "C" NOT NULL,
  partition bigint NOT NULL,
  entries text NOT NULL,
  committed_at bigint NOT NULL
);
CREATE INDEX journal_of_partition ON journal (flow, partition);

CREATE TABLE effects (
  key text COLLATE "C" PRIMARY KEY,
  document text COLLATE "C" NOT NULL,
  act text NOT NULL,
  connection text NOT NULL,
  message_id uuid NOT NULL,
  facts text NOT NULL,
  recorded_at bigint NOT NULL,
  ordinal bigint GENERATED ALWAYS AS IDENTITY
);
CREATE INDEX effects_of_document ON effects (document, ordinal);

CREATE SEQUENCE parked_position;

-- waits_for: 0 head, 1 time, 2 document, 3 person, 4 far end, 5 flow (paused). due_at: when it is due by itself, if it stands at the front.
-- position: never so low that nothing could go in front any more.
CREATE TABLE parked (
  message_id uuid NOT NULL,
  flow text COLLATE "C" NOT NULL,
  partition bigint NOT NULL,
  lane_key text COLLATE "C" NOT NULL,
  ordering_key text NOT NULL,
  kind text NOT NULL,
  connection text NOT NULL,
  bytes bytea NOT NULL,
  position bigint NOT NULL CHECK (position > -4611686018427387904),
  waits_for bigint NOT NULL,
  due_at bigint,
  delay bigint,
  awaited text COLLATE "C",
  passes text,
  attempts bigint NOT NULL,
  parkings bigint NOT NULL,
  revision bigint NOT NULL,
  code text,
  sentence text,
  detail text,
  unsure text NOT NULL,
  deadline_at bigint,
  asked_by text,
  asked bigint NOT NULL DEFAULT 0,
  first_parked_at bigint NOT NULL,
  last_parked_at bigint NOT NULL,
  PRIMARY KEY (message_id, flow)
);
CREATE INDEX parked_lanes ON parked (flow, lane_key, position, message_id);
CREATE INDEX parked_order ON parked (flow, partition, lane_key, position, message_id) INCLUDE (waits_for, last_parked_at);
CREATE INDEX parked_due ON parked (flow, partition, due_at) WHERE waits_for <> 0;
CREATE INDEX parked_followers ON parked (flow, partition, lane_key) WHERE waits_for = 0;
CREATE INDEX parked_awaited ON parked (awaited) WHERE waits_for = 2;
CREATE INDEX parked_stopped ON parked (flow, partition, waits_for, awaited, last_parked_at) WHERE waits_for > 3;
CREATE INDEX parked_counted ON parked (flow, waits_for);
CREATE INDEX parked_listed ON parked (first_parked_at);

-- parking tells the announcements of one message apart: how often it was parked for a person.
CREATE TABLE outbox (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  flow text COLLATE "C" NOT NULL,
  purpose bigint NOT NULL,
  ordering_key text NOT NULL,
  message_id uuid NOT NULL,
  kind text NOT NULL,
  traceparent text,
  bytes bytea NOT NULL,
  code text,
  sentence text,
  detail text,
  parking bigint NOT NULL,
  created_at bigint NOT NULL
);
CREATE UNIQUE INDEX outbox_once ON outbox (message_id, flow, purpose, parking);
CREATE INDEX outbox_waiting ON outbox (flow, id);
CREATE INDEX outbox_counted ON outbox (flow, purpose);

CREATE TABLE documents (
  key text COLLATE "C" PRIMARY KEY,
  kind text NOT NULL,
  legal_entity text,
  known_at bigint NOT NULL
);

CREATE TABLE document_names (
  name text COLLATE "C" NOT NULL,
  label text COLLATE "C" NOT NULL,
  document text COLLATE "C" NOT NULL,
  PRIMARY KEY (name, label, document)
);
CREATE INDEX document_names_of ON document_names (document);

-- A step has no identity of its own; where it stood in its record and what it says tell it apart, so that a repeated
-- record adds nothing.
CREATE TABLE journey (
  document text COLLATE "C" NOT NULL,
  at bigint NOT NULL,
  message_id uuid NOT NULL,
  ordinal bigint NOT NULL,
  digest bigint NOT NULL,
  system text NOT NULL,
  what text NOT NULL,
  mode text NOT NULL,
  PRIMARY KEY (document, at, message_id, ordinal, digest)
);

-- What people paused: calls to a connection, what a flow does, or what one flow wants of one connection; what is not named
-- is empty. A pause that ended stays, with who ended it and why.
CREATE TABLE pauses (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  connection text COLLATE "C" NOT NULL,
  flow text COLLATE "C" NOT NULL,
  reason text NOT NULL,
  paused_by text NOT NULL,
  paused_at bigint NOT NULL,
  resumed_by text,
  resumed_at bigint,
  resumed_because text
);
CREATE UNIQUE INDEX pauses_that_hold ON pauses (connection, flow) WHERE resumed_at IS NULL;

-- How far periodic scans have read.
CREATE TABLE cursors (
  name text COLLATE "C" PRIMARY KEY,
  value text NOT NULL,
  moved_at bigint NOT NULL
);

-- What people work on: made from announcements, or from what is parked when one is missing; it outlives the parked row.
CREATE TABLE exceptions (
  message_id uuid NOT NULL,
  flow text COLLATE "C" NOT NULL,
  parking bigint NOT NULL,
  code text NOT NULL,
  sentence text NOT NULL,
  detail text,
  kind text NOT NULL,
  connection text NOT NULL,
  document text NOT NULL,
  first_seen_at bigint NOT NULL,
  last_seen_at bigint NOT NULL,
  ending bigint,
  ended_at bigint,
  PRIMARY KEY (message_id, flow)
);
CREATE INDEX exceptions_open ON exceptions (flow) WHERE ending IS NULL;
CREATE INDEX parked_for_people ON parked (message_id, flow) WHERE waits_for = 3;
