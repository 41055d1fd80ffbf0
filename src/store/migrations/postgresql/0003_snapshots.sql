-- What warehouses say that they hold: kept as it was told, part by part, to be explained later.
CREATE TABLE snapshot_parts (
  connection text COLLATE "C" NOT NULL,
  snapshot text COLLATE "C" NOT NULL,
  part bigint NOT NULL,
  parts bigint NOT NULL,
  -- When the stock was as told.
  taken_at bigint NOT NULL,
  scope text NOT NULL,
  message_id uuid NOT NULL,
  line_count bigint NOT NULL,
  -- A JSON list.
  lines text NOT NULL,
  recorded_at bigint NOT NULL,
  PRIMARY KEY (connection, snapshot, part)
);
