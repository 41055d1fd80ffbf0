-- Everything that attempts left behind, in one statement and one commit.
--
-- The fence comes first: the shared lock on the ownership rows makes a takeover wait for this commit, or this statement
-- for the takeover, and then see the new epoch. Every part below joins `mine`, so that no row of a lost partition goes in.
-- Rows that two partitions may both bring are inserted in the order of their keys: nobody waits in a circle.
-- What grows is read by subqueries of one row and by lists of keys alone, so that no statistics can make a scan of it;
-- `flow || ''` keeps away from indexes that begin with the flow.
WITH fence AS MATERIALIZED (
  SELECT claim.number, p.flow, p.partition
  FROM unnest($1::text[], $2::bigint[], $3::bigint[]) WITH ORDINALITY AS claim (flow, partition, epoch, number)
  JOIN partitions p ON p.flow = claim.flow AND p.partition = claim.partition AND p.epoch = claim.epoch
  WHERE p.owner IS NOT NULL
  FOR SHARE OF p
),
mine AS MATERIALIZED (
  SELECT r.line - 1 AS record, fence.flow, fence.partition, r.message_id, r.ending, r.kept
  FROM unnest($4::bigint[], $5::uuid[], $6::bigint[], $102::uuid[]) WITH ORDINALITY
    AS r (claim, message_id, ending, kept, line)
  JOIN fence ON fence.number = r.claim
),
kept AS (
  INSERT INTO kept_messages (id, bytes, kept_at) SELECT $103::uuid, $104::bytea, store_now() WHERE $103::uuid IS NOT NULL
  ON CONFLICT DO NOTHING
),
ended AS (
  INSERT INTO inbox (message_id, flow, ending, ended_at, kept)
  SELECT message_id, flow, ending, store_now(), kept FROM mine WHERE ending IS NOT NULL
  ON CONFLICT DO NOTHING
),
unparked AS (
  DELETE FROM parked p
  WHERE p.message_id = ANY (ARRAY(SELECT message_id FROM mine WHERE ending IS NOT NULL))
    AND (SELECT mine.ending FROM mine WHERE mine.message_id = p.message_id AND mine.flow = p.flow || '' LIMIT 1) IS NOT NULL
  RETURNING p.message_id, p.flow, p.parkings
),
-- An exception ends with its message; of what never was one no attempts are kept.
closed AS (
  UPDATE exceptions e SET state = CASE mine.ending WHEN 3 THEN 'discarded' ELSE 'resolved' END, ending = mine.ending,
    ended_at = store_now()
  FROM mine
  WHERE e.message_id = ANY (ARRAY(SELECT message_id FROM unparked WHERE parkings > 0))
    AND e.ending IS NULL AND mine.message_id = e.message_id AND mine.flow = e.flow || '' AND mine.ending IS NOT NULL
),
forgotten AS (
  DELETE FROM attempts a
  WHERE a.message_id = ANY (ARRAY(SELECT message_id FROM unparked WHERE parkings = 0))
    AND (SELECT u.parkings FROM unparked u WHERE u.message_id = a.message_id AND u.flow = a.flow LIMIT 1) IS NOT NULL
),
failed AS (
  INSERT INTO attempts (id, message_id, flow, failed_at, code, sentence, detail, exchanges)
  SELECT a.id, mine.message_id, mine.flow, store_now(), a.code, a.sentence, a.detail, a.exchanges
  FROM unnest($94::bigint[], $95::uuid[], $96::text[], $97::text[], $98::text[], $99::text[])
    AS a (record, id, code, sentence, detail, exchanges)
  JOIN mine ON mine.record = a.record
  ON CONFLICT DO NOTHING
),
-- What ended is never parked again; what is parked keeps its place, unless it goes in front of what it stood behind.
parking AS MATERIALIZED (
  SELECT mine.flow, mine.partition, mine.message_id, w.*,
    (SELECT old.position FROM parked old WHERE old.message_id = mine.message_id AND old.flow || '' = mine.flow) AS held
  FROM unnest(
      $7::bigint[], $8::text[], $9::text[], $10::text[], $11::text[], $12::bytea[], $13::bigint[], $14::bigint[],
      $15::bigint[], $16::bigint[], $17::bigint[], $18::text[], $19::text[], $20::bigint[], $21::bigint[], $22::bigint[],
      $23::text[], $24::text[], $25::text[], $26::text[], $27::bigint[], $28::text[], $67::bigint[], $93::text[],
      $100::bigint[], $101::text[])
    AS w (record, lane_key, ordering_key, kind, connection, bytes, place, anchor, nth, waits_for, delay, awaited, passes,
      attempts, parkings, revision, code, sentence, detail, unsure, deadline_at, asked_by, asked, fingerprint,
      mapping_version, items)
  JOIN mine ON mine.record = w.record
  WHERE (SELECT i.ending FROM inbox i WHERE i.message_id = mine.message_id AND i.flow = mine.flow) IS NULL
  ORDER BY w.record
),
placed AS (
  INSERT INTO parked (message_id, flow, partition, lane_key, ordering_key, kind, connection, bytes, position, waits_for,
    due_at, delay, awaited, passes, attempts, parkings, revision, code, sentence, detail, unsure, deadline_at, asked_by,
    asked, first_parked_at, last_parked_at, fingerprint, mapping_version, items)
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
    store_now(), store_now(), n.fingerprint, n.mapping_version, n.items
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
    detail = excluded.detail, unsure = excluded.unsure, fingerprint = excluded.fingerprint,
    mapping_version = excluded.mapping_version,
    items = CASE WHEN excluded.items = '[]' THEN parked.items ELSE excluded.items END,
    asked_by = coalesce(excluded.asked_by, parked.asked_by), last_parked_at = excluded.last_parked_at,
    bytes = CASE WHEN excluded.revision > parked.revision THEN excluded.bytes ELSE parked.bytes END,
    revision = greatest(excluded.revision, parked.revision)
),
-- What ended while it ran may have done something: its document remembers, for whoever comes next.
outlived AS (
  INSERT INTO effects (key, document, act, connection, message_id, facts, recorded_at)
  SELECT 'unsure/' || mine.message_id || '/' || mine.flow || '/run', w.ordering_key, 'unsure', w.connection,
    mine.message_id, w.unsure, store_now()
  FROM unnest($7::bigint[], $9::text[], $11::text[], $26::text[]) AS w (record, ordering_key, connection, unsure)
  JOIN mine ON mine.record = w.record
  WHERE w.unsure <> '[]'
    AND (SELECT i.ending FROM inbox i WHERE i.message_id = mine.message_id AND i.flow = mine.flow) IS NOT NULL
  ON CONFLICT DO NOTHING
),
happened AS (
  INSERT INTO effects (key, document, act, connection, message_id, facts, recorded_at)
  SELECT e.key, e.document, e.act, e.connection, e.message_id, e.facts, store_now()
  FROM unnest($29::bigint[], $30::text[], $31::text[], $32::text[], $33::text[], $34::uuid[], $35::text[])
    WITH ORDINALITY AS e (record, key, document, act, connection, message_id, facts, line)
  JOIN mine ON mine.record = e.record
  ORDER BY e.line
  ON CONFLICT DO NOTHING
  RETURNING document, act
),
sent AS (
  INSERT INTO outbox (flow, purpose, ordering_key, message_id, kind, traceparent, bytes, code, sentence, detail, parking,
    created_at)
  SELECT o.flow, o.purpose, o.ordering_key, o.message_id, o.kind, o.traceparent, o.bytes, o.code, o.sentence, o.detail,
    o.parking, store_now()
  FROM unnest(
      $36::bigint[], $37::text[], $38::bigint[], $39::text[], $40::uuid[], $41::text[], $42::text[], $43::bytea[],
      $44::text[], $45::text[], $46::text[], $47::bigint[])
    WITH ORDINALITY AS o (record, flow, purpose, ordering_key, message_id, kind, traceparent, bytes, code, sentence, detail,
      parking, line)
  JOIN mine ON mine.record = o.record
  ORDER BY o.line
  ON CONFLICT DO NOTHING
),
-- What comes again and again keeps its one row: its telling rises, also where the clock stands.
known AS (
  INSERT INTO documents AS known (key, kind, legal_entity, known_at)
  SELECT DISTINCT ON (d.key COLLATE "C") d.key, d.kind, d.legal_entity, store_now()
  -- OFFSET 0: joined first, and then looked up. Planned the other way round, all were looked up for each record.
  FROM (
    SELECT d.key, d.kind, d.legal_entity
    FROM unnest($48::bigint[], $49::text[], $50::text[], $51::text[]) AS d (record, key, kind, legal_entity)
    JOIN mine ON mine.record = d.record OFFSET 0
  ) d
  -- Most are known: one step into the index is cheaper than being turned away as a conflict.
  WHERE d.kind IN ('item_stock', 'posting') OR (SELECT old.kind FROM documents old WHERE old.key = d.key) IS NULL
  ORDER BY d.key COLLATE "C"
  ON CONFLICT (key) DO UPDATE SET known_at = greatest(excluded.known_at, known.known_at + 1)
    WHERE excluded.kind IN ('item_stock', 'posting')
),
named AS (
  INSERT INTO document_names (name, label, document)
  SELECT n.name, n.label, n.document
  FROM (
    SELECT n.name, n.label, n.document
    FROM unnest($52::bigint[], $53::text[], $54::text[], $55::text[]) AS n (record, name, label, document)
    JOIN mine ON mine.record = n.record OFFSET 0
  ) n
  WHERE (SELECT known.label FROM document_names known
    WHERE known.name = n.name AND known.label = n.label AND known.document = n.document) IS NULL
  ORDER BY n.name COLLATE "C", n.label COLLATE "C", n.document COLLATE "C"
  ON CONFLICT DO NOTHING
),
told AS (
  INSERT INTO snapshot_parts (connection, snapshot, part, parts, taken_at, scope, message_id, line_count, lines,
    recorded_at)
  SELECT t.connection, t.snapshot, t.part, t.parts, t.taken_at, t.scope, mine.message_id, t.line_count, t.lines,
    store_now()
  FROM unnest(
      $68::bigint[], $69::text[], $70::text[], $71::bigint[], $72::bigint[], $73::bigint[], $74::text[], $75::bigint[],
      $76::text[])
    AS t (record, connection, snapshot, part, parts, taken_at, scope, line_count, lines)
  JOIN mine ON mine.record = t.record
  ORDER BY t.connection COLLATE "C", t.snapshot COLLATE "C", t.part
  ON CONFLICT DO NOTHING
),
-- What is known already stays, but for the stage and what the flow that posts counts anew: what was recorded before, and
-- what is by this statement. Nobody else records for the same documents and flow meanwhile.
advanced AS (
  INSERT INTO progress AS known (document, kind, legal_entity, number, warehouse, promised_at, value, currency, released_at,
    accepted_at, rejected_at, moved_at, stage, whole, open_since, moves, posts, owes, credits)
  SELECT p.document, p.kind, p.legal_entity, p.number, p.warehouse, p.promised_at, p.value,
    p.currency, p.released_at, p.accepted_at, p.rejected_at, p.moved_at, p.stage, p.whole, p.open_since,
    CASE WHEN p.counts THEN
      (SELECT coalesce(sum(CASE e.act WHEN 'undone' THEN -1 ELSE 1 END), 0) FROM effects e
        WHERE e.document = p.document AND e.act IN ('post_shipment', 'post_receipt', 'undone'))
      + (SELECT coalesce(sum(CASE h.act WHEN 'undone' THEN -1 ELSE 1 END), 0) FROM happened h
        WHERE h.document = p.document AND h.act IN ('post_shipment', 'post_receipt', 'undone')) END,
    CASE WHEN p.counts THEN
      (SELECT count(*) FROM effects e WHERE e.document = p.document AND e.act = 'posted')
      + (SELECT count(*) FROM happened h WHERE h.document = p.document AND h.act = 'posted') END,
    -- What is to be credited is asked of what came back alone.
    CASE WHEN p.counts AND p.kind = 'return_order' THEN
      (SELECT count(*) FROM effects e WHERE e.document = p.document AND e.act = 'owes_credit')
      + (SELECT count(*) FROM happened h WHERE h.document = p.document AND h.act = 'owes_credit') END,
    CASE WHEN p.counts AND p.kind = 'return_order' THEN
      (SELECT count(*) FROM effects e WHERE e.document = p.document AND e.act = 'credit_settled')
      + (SELECT count(*) FROM happened h WHERE h.document = p.document AND h.act = 'credit_settled') END
  FROM unnest(
      $77::bigint[], $78::text[], $79::text[], $80::text[], $81::text[], $82::text[], $83::bigint[], $84::text[],
      $85::text[], $86::bigint[], $87::bigint[], $88::bigint[], $89::bigint[], $90::bigint[], $91::bigint[],
      $92::boolean[], $105::bigint[])
    AS p (record, document, kind, legal_entity, number, warehouse, promised_at, value, currency, released_at, accepted_at,
      rejected_at, moved_at, stage, whole, counts, open_since)
  JOIN mine ON mine.record = p.record
  ORDER BY p.document COLLATE "C"
  ON CONFLICT (document) DO UPDATE SET
    legal_entity = coalesce(excluded.legal_entity, known.legal_entity), number = coalesce(excluded.number, known.number),
    warehouse = coalesce(excluded.warehouse, known.warehouse),
    promised_at = coalesce(excluded.promised_at, known.promised_at),
    value = coalesce(excluded.value, known.value), currency = coalesce(excluded.currency, known.currency),
    accepted_at = coalesce(known.accepted_at, excluded.accepted_at),
    rejected_at = coalesce(known.rejected_at, excluded.rejected_at),
    moved_at = coalesce(known.moved_at, excluded.moved_at), stage = coalesce(excluded.stage, known.stage),
    whole = coalesce(excluded.whole, known.whole), open_since = coalesce(excluded.open_since, known.open_since),
    moves = coalesce(excluded.moves, known.moves), posts = coalesce(excluded.posts, known.posts),
    owes = coalesce(excluded.owes, known.owes), credits = coalesce(excluded.credits, known.credits)
),
travelled AS (
  INSERT INTO journey (document, at, message_id, ordinal, digest, system, what, mode)
  SELECT s.document, s.at, s.message_id, s.ordinal, s.digest, s.system, s.what, s.mode
  FROM unnest(
      $56::bigint[], $57::text[], $58::bigint[], $59::uuid[], $60::bigint[], $61::bigint[], $62::text[], $63::text[],
      $64::text[])
    AS s (record, document, at, message_id, ordinal, digest, system, what, mode)
  JOIN mine ON mine.record = s.record
  ON CONFLICT DO NOTHING
),
settled AS (
  DELETE FROM journal j
  WHERE j.id = ANY ($66) AND EXISTS (
    SELECT FROM unnest($65::bigint[], $66::uuid[]) AS g (record, id) JOIN mine ON mine.record = g.record
    WHERE g.id = j.id AND mine.flow = j.flow AND mine.partition = j.partition)
)
SELECT record FROM mine
