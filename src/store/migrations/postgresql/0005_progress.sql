-- How far each document is: one row, to which every flow adds what it knows. What is said of it (promise, value) is
-- Dynamics' and only carried.
CREATE TABLE progress (
  document text COLLATE "C" PRIMARY KEY,
  -- order, inbound_order
  kind text NOT NULL,
  legal_entity text,
  -- The number that people use.
  number text,
  warehouse text,
  promised_at bigint,
  value text,
  currency text,
  -- When each was first so.
  released_at bigint NOT NULL,
  accepted_at bigint,
  rejected_at bigint,
  moved_at bigint,
  -- Of the order at the warehouse: 0 not sent, 1 sent, 2 accepted, 3 rejected, 4 cancelled.
  stage bigint,
  -- Updates handed over to Dynamics, and how many of them it has posted.
  moves bigint,
  posts bigint,
  -- Whether nothing more is to move: 0, 1.
  whole bigint,
  state text COLLATE "C" NOT NULL GENERATED ALWAYS AS (CASE
    WHEN whole = 1 AND coalesce(posts, 0) >= coalesce(moves, 0) THEN 'posted'
    WHEN whole = 1 THEN CASE kind WHEN 'order' THEN 'shipped' ELSE 'received' END
    WHEN stage = 4 THEN 'cancelled'
    WHEN coalesce(moves, 0) > 0 THEN CASE kind WHEN 'order' THEN 'part_shipped' ELSE 'part_received' END
    WHEN stage = 3 THEN 'rejected'
    WHEN stage = 2 THEN 'accepted'
    WHEN stage = 1 THEN 'sent'
    ELSE 'released'
  END) STORED
);
-- The only one by which lists are read: of two, a server that knows nothing yet may take the wrong one.
CREATE INDEX progress_by_state ON progress (state, released_at, document);
