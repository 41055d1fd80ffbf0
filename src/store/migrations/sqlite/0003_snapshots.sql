-- What warehouses say that they hold: kept as it was told, part by part, to be explained later.
CREATE TABLE snapshot_parts (
  connection TEXT NOT NULL,
  snapshot TEXT NOT NULL,
  part INTEGER NOT NULL,
  parts INTEGER NOT NULL,
  -- When the stock was as told.
  taken_at INTEGER NOT NULL,
  scope TEXT NOT NULL,
  message_id BLOB NOT NULL,
  line_count INTEGER NOT NULL,
  -- A JSON list.
  lines TEXT NOT NULL,
  recorded_at INTEGER NOT NULL,
  PRIMARY KEY (connection, snapshot, part)
) STRICT, WITHOUT ROWID;
