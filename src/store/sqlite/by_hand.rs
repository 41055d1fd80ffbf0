//! What a person says of calls to a far end.

use super::parked::{ACTED, TAKEN_UP, TELL};
use super::{Sqlite, fault, now};
use crate::message::digest;
use crate::store::StoreError;
use crate::store::by_hand::ByHand;
use crate::store::columns::clean;
use crate::store::rows::{Effect, Parked};

const RESOLVE: &str = "
UPDATE parked
SET attempts = 0, asked = asked + 1, asked_by = $3, waits_for = 0, due_at = NULL, delay = NULL, awaited = NULL, passes = NULL,
  deadline_at = NULL
WHERE message_id = $1 AND flow = $2 AND waits_for = 3 AND due_at IS NULL AND asked = $4 AND parkings = $5 AND message_id = (
  SELECT h.message_id FROM parked h WHERE h.flow = parked.flow AND h.lane_key = parked.lane_key
  ORDER BY h.position, h.message_id LIMIT 1)";

const ENTER: &str = concat!(
    "INSERT INTO effects (key, document, act, connection, message_id, facts, recorded_at) VALUES ($1, $2, $3, $4, $5, $6, ",
    now!(),
    ") ON CONFLICT DO NOTHING"
);

impl Sqlite {
    pub(crate) async fn resolve(&self, seen: &Parked, said: &ByHand, effect: &Effect) -> Result<bool, StoreError> {
        let resolved = self.try_resolve(seen, said, effect).await;
        Ok(resolved.map_err(|error| fault::sort("entering what was done by hand", error))?)
    }

    async fn try_resolve(&self, seen: &Parked, said: &ByHand, effect: &Effect) -> Result<bool, sqlx::Error> {
        let (told, by) = (said.told(), clean(&said.by));
        let mut transaction = self.begin().await?;
        let resolve = sqlx::query(RESOLVE).bind(seen.message_id).bind(seen.flow.as_str()).bind(by.as_ref());
        let resolve = resolve.bind(seen.asked).bind(seen.parkings);
        if resolve.execute(&mut *transaction).await?.rows_affected() == 0 {
            return Ok(false);
        }
        let enter = sqlx::query(ENTER).bind(clean(&effect.key)).bind(clean(&effect.document)).bind(clean(&effect.act));
        let enter = enter.bind(clean(&effect.connection)).bind(effect.message_id).bind(effect.facts.to_string());
        enter.execute(&mut *transaction).await?;
        let taken_up = sqlx::query(TAKEN_UP).bind(seen.message_id).bind(seen.flow.as_str());
        taken_up.execute(&mut *transaction).await?;
        let acted = sqlx::query(ACTED).bind(seen.message_id).bind(self.clock.identifier()).bind(by.as_ref());
        acted.bind("resolved").bind(said.what()).execute(&mut *transaction).await?;
        let tell = sqlx::query(TELL).bind(seen.message_id).bind(digest(&[&told]).cast_signed()).bind(&told);
        tell.execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(true)
    }
}
