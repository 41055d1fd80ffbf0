-- What means what: versions with who, when and why, and rows that hold from one version on until another one ends them.

CREATE TABLE mapping_versions (
  version INTEGER PRIMARY KEY,
  made_by TEXT NOT NULL,
  reason TEXT NOT NULL,
  made_at INTEGER NOT NULL
) STRICT;

-- identity: what the row speaks of, with its scope. cells: JSON, the row's columns by name.
CREATE TABLE mapping_rows (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  identity TEXT NOT NULL,
  cells TEXT NOT NULL,
  added_in INTEGER NOT NULL,
  ended_in INTEGER
) STRICT;
CREATE UNIQUE INDEX mapping_rows_that_hold ON mapping_rows (identity) WHERE ended_in IS NULL;
CREATE INDEX mapping_rows_by_version ON mapping_rows (added_in);
CREATE INDEX mapping_rows_by_end ON mapping_rows (ended_in);
