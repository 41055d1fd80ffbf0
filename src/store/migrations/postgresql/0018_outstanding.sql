-- What should have followed on a document and has not: received and not credited, shipped and not posted, released and not
-- accepted. It is told by what the document's row knows anyway, so that nothing is kept twice.
ALTER TABLE progress
  -- When the first moved of what is handed over and not posted; of what came back, of what is to be credited and is not.
  ADD COLUMN open_since bigint,
  -- Updates of a return of which something is to be credited, and of how many of them it is.
  ADD COLUMN owes bigint,
  ADD COLUMN credits bigint;
-- Warehouses do not answer an announcement, so that only orders are accepted.
ALTER TABLE progress
  ADD COLUMN outstanding text COLLATE "C" GENERATED ALWAYS AS (CASE
    WHEN kind = 'order' AND posts < moves THEN 'shipped_not_posted'
    WHEN kind = 'return_order' AND credits < owes THEN 'received_not_credited'
    WHEN kind = 'order' AND coalesce(moves, 0) = 0 AND coalesce(whole, 0) = 0 AND coalesce(stage, 0) IN (0, 1, 3) THEN 'released_not_accepted'
  END) STORED,
  ADD COLUMN outstanding_since bigint GENERATED ALWAYS AS (CASE
    WHEN posts < moves OR credits < owes THEN coalesce(open_since, moved_at, released_at)
    ELSE released_at
  END) STORED;
CREATE INDEX progress_outstanding ON progress (outstanding, outstanding_since, document) WHERE outstanding IS NOT NULL;

-- Goods of which a warehouse told and which are not handed over yet, by their document.
CREATE INDEX parked_goods ON parked (ordering_key COLLATE "C", kind, first_parked_at, connection)
  WHERE kind IN ('shipment_confirmed', 'return_received');
