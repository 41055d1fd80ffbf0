-- What Dynamics says of its items, by company: facts that hold from one version of the mapping on until another one ends
-- them, and when each company was scanned.

-- identity: what the fact speaks of. fact: JSON.
CREATE TABLE catalogue_facts (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  environment text COLLATE "C" NOT NULL,
  legal_entity text COLLATE "C" NOT NULL,
  identity text COLLATE "C" NOT NULL,
  fact text NOT NULL,
  added_in bigint NOT NULL,
  ended_in bigint
);
CREATE UNIQUE INDEX catalogue_facts_that_hold ON catalogue_facts (environment, legal_entity, identity)
  WHERE ended_in IS NULL;

CREATE TABLE catalogue_scans (
  environment text COLLATE "C" NOT NULL,
  legal_entity text COLLATE "C" NOT NULL,
  -- Nobody else begins a scan before.
  due_at bigint NOT NULL,
  -- When the last one ended well.
  scanned_at bigint,
  -- A JSON list: what the last one could not read.
  lacks text NOT NULL,
  PRIMARY KEY (environment, legal_entity)
);
