//! Messages that ended, and run once more.

use std::time::Duration;

use uuid::Uuid;

use super::{Postgresql, fault};
use crate::message::digest;
use crate::store::StoreError;
use crate::store::columns::{clean, micros};
use crate::store::kept::{Again, ENDED, Ended, EndedRow, UNDO, ended, parked_again, was};
use crate::store::patches::told;

const PARKED: &str = parked_again!("nextval('parked_position') * 1048576", "store_now()");
const WAS: &str = was!("store_now()");
const TOLD: &str = told!("gen_random_uuid()", "store_now()");

const TELL: &str = "
INSERT INTO journey (document, at, message_id, ordinal, digest, system, what, mode)
VALUES ($1, store_now(), $2, 0, $3, 'drayline', $4, 'live') ON CONFLICT DO NOTHING";

const FORGET: &str = "
DELETE FROM kept_messages WHERE id = ANY(ARRAY(
  SELECT id FROM kept_messages WHERE kept_at < store_now() - $1::bigint ORDER BY kept_at LIMIT $2))";

impl Postgresql {
    pub(crate) async fn ended(&self, message_id: Uuid) -> Result<Option<Ended>, StoreError> {
        let rows: Vec<EndedRow> =
            self.rows("asking how a message ended", sqlx::query_as(ENDED).bind(message_id)).await?;
        rows.into_iter().next().map(|row| ended(message_id, row)).transpose()
    }

    pub(crate) async fn run_again(&self, again: &Again<'_>) -> Result<bool, StoreError> {
        let done = self.try_run_again(again).await;
        Ok(done.map_err(|error| fault::sort("having a message run again", error))?)
    }

    async fn try_run_again(&self, again: &Again<'_>) -> Result<bool, sqlx::Error> {
        let Ended { message_id, flow, kept, .. } = again.ended;
        let Some((block, kept)) = kept else { return Ok(false) };
        let by = clean(again.by);
        let mut transaction = self.pool.begin().await?;
        let undo = sqlx::query(UNDO).bind(message_id).bind(flow.as_str()).bind(block);
        if undo.execute(&mut *transaction).await?.rows_affected() == 0 {
            return Ok(false);
        }
        let parked = sqlx::query(PARKED).bind(message_id).bind(flow.as_str()).bind(i64::from(kept.partition));
        let parked = parked.bind(&kept.lane_key).bind(&kept.ordering_key).bind(&kept.kind).bind(&kept.connection);
        let parked = parked.bind(again.bytes).bind(i64::from(kept.parkings)).bind(i64::from(kept.revision) + 1);
        parked.bind(by.as_ref()).execute(&mut *transaction).await?;
        let was = sqlx::query(WAS).bind(message_id).bind(flow.as_str()).bind(i64::from(kept.revision));
        let was = was.bind(&kept.bytes).bind(Uuid::nil()).bind(again.patch).bind(by.as_ref());
        was.execute(&mut *transaction).await?;
        let told = sqlx::query(TOLD).bind(message_id).bind(flow.as_str()).bind(by.as_ref());
        told.bind("replayed").bind(again.patch).execute(&mut *transaction).await?;
        let what = again.sentence();
        let tell = sqlx::query(TELL).bind(&kept.ordering_key).bind(message_id).bind(digest(&[&what]).cast_signed());
        tell.bind(clean(&what)).execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(true)
    }

    pub(crate) async fn forget_kept(&self, older_than: Duration, limit: u32) -> Result<u64, StoreError> {
        let forget = sqlx::query(FORGET).bind(micros(older_than)).bind(i64::from(limit));
        self.execute("forgetting old messages", forget).await
    }
}
