-- Heads that are due. What waits for an instant is found by that instant. What waits for its head is due as soon as it
-- stands in front; it is found by stepping from lane to lane, so that a thousand followers of one head cost one step,
-- and beyond a hundred lanes of one partition by reading the index of all lanes once.
-- Chosen are those that have been due for longest; answered in the order of their places.
WITH RECURSIVE mine AS MATERIALIZED (
  SELECT p.flow, p.partition
  FROM unnest($1::text[], $2::bigint[], $3::bigint[]) AS claim (flow, partition, epoch)
  JOIN partitions p ON p.flow = claim.flow AND p.partition = claim.partition AND p.epoch = claim.epoch
  WHERE p.owner IS NOT NULL
),
lanes AS (
  SELECT 1 AS step, mine.flow, mine.partition,
    (SELECT min(p.lane_key) FROM parked p
      WHERE p.flow = mine.flow AND p.partition = mine.partition AND p.waits_for = 0) AS lane_key
  FROM mine
  UNION ALL
  SELECT step + 1, lanes.flow, lanes.partition,
    (SELECT min(p.lane_key) FROM parked p
      WHERE p.flow = lanes.flow AND p.partition = lanes.partition AND p.waits_for = 0 AND p.lane_key > lanes.lane_key)
  FROM lanes WHERE lanes.lane_key IS NOT NULL AND step < 100
),
stepped AS (
  SELECT h.*
  FROM lanes CROSS JOIN LATERAL (
    SELECT p.flow, p.message_id, p.waits_for, p.last_parked_at FROM parked p
    WHERE p.flow = lanes.flow AND p.lane_key = lanes.lane_key ORDER BY p.position, p.message_id LIMIT 1
  ) h
  WHERE (SELECT max(step) FROM lanes) < 100
),
read AS (
  SELECT mine.flow, h.message_id, h.waits_for, h.last_parked_at
  FROM mine CROSS JOIN LATERAL (
    SELECT DISTINCT ON (p.lane_key) p.message_id, p.waits_for, p.last_parked_at FROM parked p
    WHERE p.flow = mine.flow AND p.partition = mine.partition
    ORDER BY p.lane_key, p.position, p.message_id
  ) h
  WHERE (SELECT max(step) FROM lanes) >= 100
),
freed AS (
  SELECT flow, message_id, last_parked_at AS since
  FROM (SELECT * FROM stepped UNION ALL SELECT * FROM read) head
  WHERE waits_for = 0
  ORDER BY since LIMIT $4
),
timed AS (
  SELECT t.flow, t.message_id, t.since
  FROM mine CROSS JOIN LATERAL (
    SELECT p.flow, p.message_id, p.due_at AS since FROM parked p
    WHERE p.flow = mine.flow AND p.partition = mine.partition AND p.waits_for <> 0 AND p.due_at <= store_now()
      -- One step into the index of lanes for each. As a join it was planned, on a table of a page, to read a whole flow.
      AND p.message_id = (
        SELECT f.message_id FROM parked f
        WHERE f.flow = p.flow AND f.lane_key = p.lane_key ORDER BY f.position, f.message_id LIMIT 1)
    ORDER BY p.due_at LIMIT $4
  ) t
),
chosen AS (
  SELECT flow AS chosen_flow, message_id AS chosen_message
  FROM (SELECT * FROM freed UNION ALL SELECT * FROM timed) due
  ORDER BY since LIMIT $4
)
SELECT message_id, flow, partition, lane_key, ordering_key, kind, connection, bytes, position, waits_for, delay, awaited,
  passes, attempts, parkings, revision, code, sentence, detail, unsure, deadline_at, asked_by, asked, first_parked_at,
  last_parked_at, fingerprint
FROM parked
WHERE message_id = ANY (ARRAY(SELECT chosen_message FROM chosen))
  AND (SELECT chosen_flow FROM chosen WHERE chosen_message = message_id AND chosen_flow = flow || '' LIMIT 1) IS NOT NULL
ORDER BY position, message_id
