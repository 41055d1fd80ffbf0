-- What people do about exceptions, and every attempt that failed.
-- fingerprint: the same for the same cause. awaited of what waits for a person: the named thing that is missing.
ALTER TABLE parked ADD COLUMN fingerprint text COLLATE "C";
-- What was parked lately may not have been announced yet. Its condition is spelled so that no other statement can take
-- this index for all that waits for a person.
CREATE INDEX parked_lately ON parked (last_parked_at) WHERE waits_for + 0 = 3;
DROP INDEX parked_awaited;
CREATE INDEX parked_awaited ON parked (awaited) WHERE waits_for IN (2, 3);

-- state: open, investigating, waiting, replaying, resolved, discarded. Of these a person sets investigating alone.
ALTER TABLE exceptions
  ADD COLUMN state text COLLATE "C" NOT NULL DEFAULT 'open',
  ADD COLUMN fingerprint text COLLATE "C" NOT NULL DEFAULT '',
  ADD COLUMN awaited text COLLATE "C",
  -- How often it failed again after it was resolved.
  ADD COLUMN reopened bigint NOT NULL DEFAULT 0,
  -- Whoever is named before the team of its code.
  ADD COLUMN owner text COLLATE "C",
  -- A JSON list.
  ADD COLUMN tags text NOT NULL DEFAULT '[]',
  ADD COLUMN due_at bigint,
  -- What its document promised and is worth, as Dynamics says.
  ADD COLUMN promised_at bigint,
  ADD COLUMN value text,
  ADD COLUMN currency text,
  -- The order in which people should work: the smaller, the sooner.
  ADD COLUMN priority bigint NOT NULL DEFAULT 0;
DROP INDEX exceptions_open;
CREATE INDEX exceptions_open ON exceptions (message_id, flow) WHERE ending IS NULL;
CREATE INDEX exceptions_by_state ON exceptions (state, priority, message_id, flow);
CREATE INDEX exceptions_by_fingerprint ON exceptions (fingerprint, state);
CREATE INDEX exceptions_of_document ON exceptions (document);

-- What each attempt that failed was told, and what it had sent: kept as long as its exception.
CREATE TABLE attempts (
  id uuid PRIMARY KEY,
  message_id uuid NOT NULL,
  flow text COLLATE "C" NOT NULL,
  failed_at bigint NOT NULL,
  code text NOT NULL,
  sentence text NOT NULL,
  detail text,
  -- A JSON list of calls: what was sent and answered, masked.
  exchanges text NOT NULL
);
CREATE INDEX attempts_of_message ON attempts (message_id, failed_at);

-- What people did about an exception, oldest first; nothing in it is ever changed.
CREATE TABLE exception_acts (
  id uuid PRIMARY KEY,
  message_id uuid NOT NULL,
  flow text COLLATE "C" NOT NULL,
  acted_at bigint NOT NULL,
  acted_by text NOT NULL,
  -- assigned, noted, tagged, untagged, due, investigating, replayed, discarded, resolved, patched
  act text NOT NULL,
  what text NOT NULL
);
CREATE INDEX acts_of_exception ON exception_acts (message_id, acted_at);
