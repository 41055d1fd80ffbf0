-- Everything that attempts left behind, in one statement and one commit.
--
-- The fence comes first: the shared lock on the ownership rows makes a takeover wait for this commit, or this statement
-- for the takeover, and then see the new epoch. Every part below joins `mine`, so that no row of a lost partition goes in.
-- Rows that two partitions may both bring are inserted in the order of their keys: nobody waits in a circle.
WITH fence AS MATERIALIZED (
  SELECT p.flow, p.partition, p.epoch
  FROM unnest($1::text[], $2::bigint[], $3::bigint[]) AS claim (flow, partition, epoch)
  JOIN partitions p ON p.flow = claim.flow AND p.partition = claim.partition AND p.epoch = claim.epoch
  WHERE p.owner IS NOT NULL
  FOR SHARE OF p
),
mine AS MATERIALIZED (
  SELECT r.record, fence.flow, fence.partition, r.message_id, r.ending
  FROM unnest($4::bigint[], $5::text[], $6::bigint[], $7::bigint[], $8::uuid[], $9::bigint[])
    AS r (record, flow, partition, epoch, message_id, ending)
  JOIN fence ON fence.flow = r.flow AND fence.partition = r.partition AND fence.epoch = r.epoch
),
ended AS (
  INSERT INTO inbox (message_id, flow, ending, ended_at)
  SELECT message_id, flow, ending, store_now() FROM mine WHERE ending IS NOT NULL
  ON CONFLICT DO NOTHING
),
unparked AS (
  DELETE FROM parked p USING mine
  WHERE mine.ending IS NOT NULL AND p.message_id = mine.message_id AND p.flow = mine.flow
),
-- What ended is never parked again; what is parked keeps its place, unless it goes in front of what it stood behind.
parking AS MATERIALIZED (
  SELECT mine.flow, mine.partition, mine.message_id, w.*, old.position AS held
  FROM unnest(
      $10::bigint[], $11::text[], $12::text[], $13::text[], $14::text[], $15::bytea[], $16::bigint[], $17::bigint[],
      $18::bigint[], $19::bigint[], $20::bigint[], $21::text[], $22::text[], $23::bigint[], $24::bigint[], $25::bigint[],
      $26::text[], $27::text[], $28::text[], $29::text[], $30::bigint[], $31::text[], $70::bigint[])
    AS w (record, lane_key, ordering_key, kind, connection, bytes, place, anchor, nth, waits_for, delay, awaited, passes,
      attempts, parkings, revision, code, sentence, detail, unsure, deadline_at, asked_by, asked)
  JOIN mine ON mine.record = w.record
  LEFT JOIN parked old ON old.message_id = mine.message_id AND old.flow = mine.flow
  WHERE NOT EXISTS (SELECT FROM inbox i WHERE i.message_id = mine.message_id AND i.flow = mine.flow)
  ORDER BY w.record
),
placed AS (
  INSERT INTO parked (message_id, flow, partition, lane_key, ordering_key, kind, connection, bytes, position, waits_for,
    due_at, delay, awaited, passes, attempts, parkings, revision, code, sentence, detail, unsure, deadline_at, asked_by,
    asked, first_parked_at, last_parked_at)
  SELECT n.message_id, n.flow, n.partition, n.lane_key, n.ordering_key, n.kind, n.connection, n.bytes,
    CASE
      WHEN n.held IS NOT NULL AND (n.place <> 1 OR n.held < n.anchor) THEN n.held
      WHEN n.place = 1 THEN n.nth + 1 + coalesce(
        (SELECT max(f.position) FROM parked f
          WHERE f.flow = n.flow AND f.lane_key = n.lane_key AND f.position < n.anchor AND f.position > n.anchor - 1048576),
        n.anchor - 1048576)
      WHEN n.place = 2 THEN n.anchor
      ELSE nextval('parked_position') * 1048576
    END,
    n.waits_for,
    -- A deadline cuts the wait for a document short; who waits for a time waits for it.
    CASE WHEN n.waits_for = 2 THEN least(store_now() + n.delay, n.deadline_at) ELSE store_now() + n.delay END,
    n.delay, n.awaited, n.passes, n.attempts, n.parkings, n.revision, n.code, n.sentence, n.detail, n.unsure, n.deadline_at, n.asked_by, n.asked,
    store_now(), store_now()
  FROM (SELECT * FROM parking ORDER BY record) n
  ON CONFLICT (message_id, flow) DO UPDATE SET
    -- What was asked for since the attempt began stays due.
    partition = excluded.partition, position = excluded.position,
    waits_for = CASE WHEN parked.asked > excluded.asked THEN 0 ELSE excluded.waits_for END,
    due_at = CASE WHEN parked.asked > excluded.asked THEN NULL ELSE excluded.due_at END,
    attempts = CASE WHEN parked.asked > excluded.asked THEN 0 ELSE excluded.attempts END,
    deadline_at = CASE WHEN parked.asked > excluded.asked THEN NULL ELSE excluded.deadline_at END,
    delay = excluded.delay, awaited = excluded.awaited, passes = excluded.passes,
    parkings = excluded.parkings, code = excluded.code, sentence = excluded.sentence,
    detail = excluded.detail, unsure = excluded.unsure,
    asked_by = coalesce(excluded.asked_by, parked.asked_by), last_parked_at = excluded.last_parked_at,
    bytes = CASE WHEN excluded.revision > parked.revision THEN excluded.bytes ELSE parked.bytes END,
    revision = greatest(excluded.revision, parked.revision)
),
happened AS (
  INSERT INTO effects (key, document, act, connection, message_id, facts, recorded_at)
  SELECT e.key, e.document, e.act, e.connection, e.message_id, e.facts, store_now()
  FROM unnest($32::bigint[], $33::text[], $34::text[], $35::text[], $36::text[], $37::uuid[], $38::text[])
    WITH ORDINALITY AS e (record, key, document, act, connection, message_id, facts, line)
  JOIN mine ON mine.record = e.record
  ORDER BY e.line
  ON CONFLICT DO NOTHING
),
sent AS (
  INSERT INTO outbox (flow, purpose, ordering_key, message_id, kind, traceparent, bytes, code, sentence, detail, parking,
    created_at)
  SELECT o.flow, o.purpose, o.ordering_key, o.message_id, o.kind, o.traceparent, o.bytes, o.code, o.sentence, o.detail,
    o.parking, store_now()
  FROM unnest(
      $39::bigint[], $40::text[], $41::bigint[], $42::text[], $43::uuid[], $44::text[], $45::text[], $46::bytea[],
      $47::text[], $48::text[], $49::text[], $50::bigint[])
    WITH ORDINALITY AS o (record, flow, purpose, ordering_key, message_id, kind, traceparent, bytes, code, sentence, detail,
      parking, line)
  JOIN mine ON mine.record = o.record
  ORDER BY o.line
  ON CONFLICT DO NOTHING
),
known AS (
  INSERT INTO documents (key, kind, legal_entity, known_at)
  SELECT d.key, d.kind, d.legal_entity, store_now()
  FROM unnest($51::bigint[], $52::text[], $53::text[], $54::text[]) AS d (record, key, kind, legal_entity)
  JOIN mine ON mine.record = d.record
  ORDER BY d.key
  ON CONFLICT DO NOTHING
),
named AS (
  INSERT INTO document_names (name, label, document)
  SELECT n.name, n.label, n.document
  FROM unnest($55::bigint[], $56::text[], $57::text[], $58::text[]) AS n (record, name, label, document)
  JOIN mine ON mine.record = n.record
  ORDER BY n.name, n.label, n.document
  ON CONFLICT DO NOTHING
),
travelled AS (
  INSERT INTO journey (document, at, message_id, ordinal, digest, system, what, mode)
  SELECT s.document, s.at, s.message_id, s.ordinal, s.digest, s.system, s.what, s.mode
  FROM unnest(
      $59::bigint[], $60::text[], $61::bigint[], $62::uuid[], $63::bigint[], $64::bigint[], $65::text[], $66::text[],
      $67::text[])
    AS s (record, document, at, message_id, ordinal, digest, system, what, mode)
  JOIN mine ON mine.record = s.record
  ON CONFLICT DO NOTHING
),
settled AS (
  DELETE FROM journal j
  USING unnest($68::bigint[], $69::uuid[]) AS g (record, id), mine
  WHERE mine.record = g.record AND j.id = g.id AND j.flow = mine.flow AND j.partition = mine.partition
)
SELECT record FROM mine
