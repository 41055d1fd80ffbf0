-- Heads that are due. What waits for an instant is found by that instant. What waits for its head is due as soon as it
-- stands in front; it is found by stepping from lane to lane, so that a thousand followers of one head cost one step.
-- Chosen are those that have been due for longest; answered in the order of their places.
WITH RECURSIVE mine AS MATERIALIZED (
  SELECT p.flow, p.partition
  FROM json_each($1) claim
  JOIN partitions p ON p.flow = claim.value ->> 0 AND p.partition = claim.value ->> 1 AND p.epoch = claim.value ->> 2
  WHERE p.owner IS NOT NULL
),
lanes AS (
  SELECT mine.flow, mine.partition,
    (SELECT min(p.lane_key) FROM parked p
      WHERE p.flow = mine.flow AND p.partition = mine.partition AND p.waits_for = 0) AS lane_key
  FROM mine
  UNION ALL
  SELECT lanes.flow, lanes.partition,
    (SELECT min(p.lane_key) FROM parked p
      WHERE p.flow = lanes.flow AND p.partition = lanes.partition AND p.waits_for = 0 AND p.lane_key > lanes.lane_key)
  FROM lanes WHERE lanes.lane_key IS NOT NULL
),
freed AS (
  SELECT h.rowid AS place, h.last_parked_at AS since
  FROM lanes JOIN parked h ON h.rowid = (
    SELECT p.rowid FROM parked p
    WHERE p.flow = lanes.flow AND p.lane_key = lanes.lane_key ORDER BY p.position, p.message_id LIMIT 1)
  WHERE h.waits_for = 0
  ORDER BY since LIMIT $2
),
timed AS (
  SELECT p.rowid AS place, p.due_at AS since
  FROM parked p INDEXED BY parked_due
  WHERE p.waits_for <> 0 AND p.due_at <= (SELECT at FROM now)
    AND (p.flow, p.partition) IN (SELECT flow, partition FROM mine)
    AND NOT EXISTS (
      SELECT 1 FROM parked f
      WHERE f.flow = p.flow AND f.lane_key = p.lane_key AND (f.position, f.message_id) < (p.position, p.message_id))
  ORDER BY p.due_at LIMIT $2
),
chosen AS (
  SELECT place FROM (SELECT place, since FROM freed UNION ALL SELECT place, since FROM timed) ORDER BY since LIMIT $2
)
SELECT message_id, flow, partition, lane_key, ordering_key, kind, connection, bytes, position, waits_for, delay, awaited,
  passes, attempts, parkings, revision, code, sentence, detail, unsure, deadline_at, asked_by, asked, first_parked_at,
  last_parked_at, fingerprint
FROM parked WHERE rowid IN (SELECT place FROM chosen)
ORDER BY position, message_id
