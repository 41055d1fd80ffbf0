-- What means what: versions with who, when and why, and rows that hold from one version on until another one ends them.

CREATE TABLE mapping_versions (
  version bigint PRIMARY KEY,
  made_by text NOT NULL,
  reason text NOT NULL,
  made_at bigint NOT NULL
);

-- identity: what the row speaks of, with its scope. cells: JSON, the row's columns by name.
CREATE TABLE mapping_rows (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  identity text COLLATE "C" NOT NULL,
  cells text NOT NULL,
  added_in bigint NOT NULL,
  ended_in bigint
);
CREATE UNIQUE INDEX mapping_rows_that_hold ON mapping_rows (identity) WHERE ended_in IS NULL;
CREATE INDEX mapping_rows_by_version ON mapping_rows (added_in);
CREATE INDEX mapping_rows_by_end ON mapping_rows (ended_in);
