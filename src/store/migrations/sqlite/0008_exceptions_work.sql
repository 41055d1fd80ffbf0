-- What people do about exceptions, and every attempt that failed.
-- fingerprint: the same for the same cause. awaited of what waits for a person: the named thing that is missing.
ALTER TABLE parked ADD COLUMN fingerprint TEXT;
-- What was parked lately may not have been announced yet.
CREATE INDEX parked_lately ON parked (last_parked_at) WHERE waits_for = 3;
DROP INDEX parked_awaited;
CREATE INDEX parked_awaited ON parked (awaited) WHERE waits_for IN (2, 3);

-- state: open, investigating, waiting, replaying, resolved, discarded. Of these a person sets investigating alone.
ALTER TABLE exceptions ADD COLUMN state TEXT NOT NULL DEFAULT 'open';
ALTER TABLE exceptions ADD COLUMN fingerprint TEXT NOT NULL DEFAULT '';
ALTER TABLE exceptions ADD COLUMN awaited TEXT;
-- How often it failed again after it was resolved.
ALTER TABLE exceptions ADD COLUMN reopened INTEGER NOT NULL DEFAULT 0;
-- Whoever is named before the team of its code.
ALTER TABLE exceptions ADD COLUMN owner TEXT;
-- A JSON list.
ALTER TABLE exceptions ADD COLUMN tags TEXT NOT NULL DEFAULT '[]';
ALTER TABLE exceptions ADD COLUMN due_at INTEGER;
-- What its document promised and is worth, as Dynamics says.
ALTER TABLE exceptions ADD COLUMN promised_at INTEGER;
ALTER TABLE exceptions ADD COLUMN value TEXT;
ALTER TABLE exceptions ADD COLUMN currency TEXT;
-- The order in which people should work: the smaller, the sooner.
ALTER TABLE exceptions ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;
DROP INDEX exceptions_open;
CREATE INDEX exceptions_open ON exceptions (message_id, flow) WHERE ending IS NULL;
CREATE INDEX exceptions_by_state ON exceptions (state, priority, message_id, flow);
CREATE INDEX exceptions_by_fingerprint ON exceptions (fingerprint, state);
CREATE INDEX exceptions_of_document ON exceptions (document);

-- What each attempt that failed was told, and what it had sent: kept as long as its exception.
CREATE TABLE attempts (
  id BLOB PRIMARY KEY NOT NULL,
  message_id BLOB NOT NULL,
  flow TEXT NOT NULL,
  failed_at INTEGER NOT NULL,
  code TEXT NOT NULL,
  sentence TEXT NOT NULL,
  detail TEXT,
  -- A JSON list of calls: what was sent and answered, masked.
  exchanges TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX attempts_of_message ON attempts (message_id, failed_at);

-- What people did about an exception, oldest first; nothing in it is ever changed.
CREATE TABLE exception_acts (
  id BLOB PRIMARY KEY NOT NULL,
  message_id BLOB NOT NULL,
  flow TEXT NOT NULL,
  acted_at INTEGER NOT NULL,
  acted_by TEXT NOT NULL,
  -- assigned, noted, tagged, untagged, due, investigating, replayed, discarded, resolved, patched
  act TEXT NOT NULL,
  what TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX acts_of_exception ON exception_acts (message_id, acted_at);
