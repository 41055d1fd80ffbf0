-- What Dynamics says of its items, by company: facts that hold from one version of the mapping on until another one ends
-- them, and when each company was scanned.

-- identity: what the fact speaks of. fact: JSON.
CREATE TABLE catalogue_facts (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  environment TEXT NOT NULL,
  legal_entity TEXT NOT NULL,
  identity TEXT NOT NULL,
  fact TEXT NOT NULL,
  added_in INTEGER NOT NULL,
  ended_in INTEGER
) STRICT;
CREATE UNIQUE INDEX catalogue_facts_that_hold ON catalogue_facts (environment, legal_entity, identity)
  WHERE ended_in IS NULL;

CREATE TABLE catalogue_scans (
  environment TEXT NOT NULL,
  legal_entity TEXT NOT NULL,
  -- Nobody else begins a scan before.
  due_at INTEGER NOT NULL,
  -- When the last one ended well.
  scanned_at INTEGER,
  -- A JSON list: what the last one could not read.
  lacks TEXT NOT NULL,
  PRIMARY KEY (environment, legal_entity)
) STRICT, WITHOUT ROWID;
