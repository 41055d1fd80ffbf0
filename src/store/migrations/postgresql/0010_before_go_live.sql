-- Documents from before go-live are a state of their own, beside the road.
ALTER TABLE progress DROP COLUMN state;
ALTER TABLE progress ADD COLUMN state text COLLATE "C" NOT NULL GENERATED ALWAYS AS (CASE
    WHEN whole = 1 AND coalesce(posts, 0) >= coalesce(moves, 0) THEN 'posted'
    WHEN whole = 1 THEN CASE kind WHEN 'order' THEN 'shipped' ELSE 'received' END
    WHEN stage = 4 THEN 'cancelled'
    WHEN coalesce(moves, 0) > 0 THEN CASE kind WHEN 'order' THEN 'part_shipped' ELSE 'part_received' END
    WHEN stage = 5 THEN 'before_go_live'
    WHEN stage = 3 THEN 'rejected'
    WHEN stage = 2 THEN 'accepted'
    WHEN stage = 1 THEN 'sent'
    ELSE 'released'
  END) STORED;
CREATE INDEX progress_by_state ON progress (state, released_at, document);
