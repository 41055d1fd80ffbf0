//! What a person says of calls to a far end.

use uuid::Uuid;

use super::Postgresql;
use crate::message::digest;
use crate::store::StoreError;
use crate::store::by_hand::ByHand;
use crate::store::columns::clean;
use crate::store::rows::{Effect, Parked};

const RESOLVE: &str = "
WITH resolved AS (
  UPDATE parked p
  SET attempts = 0, asked = p.asked + 1, asked_by = $3, waits_for = 0, due_at = NULL, delay = NULL, awaited = NULL,
    passes = NULL, deadline_at = NULL
  WHERE p.message_id = $1 AND p.flow || '' = $2 AND p.waits_for = 3 AND p.due_at IS NULL AND p.asked = $4
    AND p.parkings = $5 AND p.message_id = (
      SELECT h.message_id FROM parked h WHERE h.flow = p.flow AND h.lane_key = p.lane_key
      ORDER BY h.position, h.message_id LIMIT 1)
  RETURNING p.message_id, p.flow, p.ordering_key
),
entered AS (
  INSERT INTO effects (key, document, act, connection, message_id, facts, recorded_at)
  SELECT $6, $7, $8, $9, message_id, $10, store_now() FROM resolved ON CONFLICT DO NOTHING
),
taken_up AS (
  UPDATE exceptions e SET state = 'replaying' FROM resolved r
  WHERE e.message_id = r.message_id AND e.flow = r.flow AND e.ending IS NULL
),
acted AS (
  INSERT INTO exception_acts (id, message_id, flow, acted_at, acted_by, act, what)
  SELECT gen_random_uuid(), message_id, flow, store_now(), $3, 'resolved', $11 FROM resolved
),
told AS (
  INSERT INTO journey (document, at, message_id, ordinal, digest, system, what, mode)
  SELECT ordering_key, store_now(), message_id, 0, $12, 'drayline', $13, 'live' FROM resolved ON CONFLICT DO NOTHING
)
SELECT (SELECT message_id FROM resolved)";

impl Postgresql {
    pub(crate) async fn resolve(&self, seen: &Parked, said: &ByHand, effect: &Effect) -> Result<bool, StoreError> {
        let told = said.told();
        let resolve = sqlx::query_as(RESOLVE)
            .bind(seen.message_id)
            .bind(seen.flow.as_str())
            .bind(clean(&said.by))
            .bind(i64::from(seen.asked))
            .bind(i64::from(seen.parkings))
            .bind(clean(&effect.key))
            .bind(clean(&effect.document))
            .bind(clean(&effect.act))
            .bind(clean(&effect.connection))
            .bind(effect.facts.to_string())
            .bind(said.what())
            .bind(digest(&[&told]).cast_signed())
            .bind(told);
        let (resolved,): (Option<Uuid>,) = self.one("entering what was done by hand", resolve).await?;
        Ok(resolved.is_some())
    }
}
