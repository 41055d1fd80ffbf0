-- Documents from before go-live are a state of their own, beside the road. SQLite changes no generated column: the table is made
-- anew.
CREATE TABLE progress_anew (
  document TEXT PRIMARY KEY,
  -- order, inbound_order
  kind TEXT NOT NULL,
  legal_entity TEXT,
  -- The number that people use.
  number TEXT,
  warehouse TEXT,
  promised_at INTEGER,
  value TEXT,
  currency TEXT,
  -- When each was first so.
  released_at INTEGER NOT NULL,
  accepted_at INTEGER,
  rejected_at INTEGER,
  moved_at INTEGER,
  -- Of the order at the warehouse: 0 not sent, 1 sent, 2 accepted, 3 rejected, 4 cancelled, 5 from before go-live.
  stage INTEGER,
  -- Updates handed over to Dynamics, and how many of them it has posted.
  moves INTEGER,
  posts INTEGER,
  -- Whether nothing more is to move: 0, 1.
  whole INTEGER,
  state TEXT NOT NULL GENERATED ALWAYS AS (CASE
    WHEN whole = 1 AND coalesce(posts, 0) >= coalesce(moves, 0) THEN 'posted'
    WHEN whole = 1 THEN CASE kind WHEN 'order' THEN 'shipped' ELSE 'received' END
    WHEN stage = 4 THEN 'cancelled'
    WHEN coalesce(moves, 0) > 0 THEN CASE kind WHEN 'order' THEN 'part_shipped' ELSE 'part_received' END
    WHEN stage = 5 THEN 'before_go_live'
    WHEN stage = 3 THEN 'rejected'
    WHEN stage = 2 THEN 'accepted'
    WHEN stage = 1 THEN 'sent'
    ELSE 'released'
  END) STORED
) STRICT;
INSERT INTO progress_anew (document, kind, legal_entity, number, warehouse, promised_at, value, currency, released_at, accepted_at, rejected_at,
  moved_at, stage, moves, posts, whole)
SELECT document, kind, legal_entity, number, warehouse, promised_at, value, currency, released_at, accepted_at, rejected_at,
  moved_at, stage, moves, posts, whole FROM progress;
DROP TABLE progress;
ALTER TABLE progress_anew RENAME TO progress;
CREATE INDEX progress_by_state ON progress (state, released_at, document);
