//! Messages that ended, and run once more.

use std::time::Duration;

use uuid::Uuid;

use super::parked::{ACTED, TELL};
use super::{Sqlite, fault, now};
use crate::message::digest;
use crate::store::StoreError;
use crate::store::columns::{STRIDE, clean, micros};
use crate::store::kept::{Again, ENDED, Ended, EndedRow, UNDO, ended, parked_again, was};

const PARKED: &str = parked_again!("$12", now!());
const WAS: &str = was!(now!());

const FORGET: &str = concat!(
    "DELETE FROM kept_messages WHERE id IN (SELECT id FROM kept_messages WHERE kept_at < ",
    now!(),
    " - $1 ORDER BY kept_at LIMIT $2)"
);

impl Sqlite {
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
        let mut transaction = self.begin().await?;
        let undo = sqlx::query(UNDO).bind(message_id).bind(flow.as_str()).bind(block);
        if undo.execute(&mut *transaction).await?.rows_affected() == 0 {
            return Ok(false);
        }
        let place = "UPDATE places SET last = last + 1 RETURNING last";
        let (last,): (i64,) = sqlx::query_as(place).fetch_one(&mut *transaction).await?;
        let parked = sqlx::query(PARKED).bind(message_id).bind(flow.as_str()).bind(i64::from(kept.partition));
        let parked = parked.bind(&kept.lane_key).bind(&kept.ordering_key).bind(&kept.kind).bind(&kept.connection);
        let parked = parked.bind(again.bytes).bind(i64::from(kept.parkings)).bind(i64::from(kept.revision) + 1);
        parked.bind(by.as_ref()).bind(last.saturating_mul(STRIDE)).execute(&mut *transaction).await?;
        let was = sqlx::query(WAS).bind(message_id).bind(flow.as_str()).bind(i64::from(kept.revision));
        let was = was.bind(&kept.bytes).bind(Uuid::nil()).bind(again.patch).bind(by.as_ref());
        was.execute(&mut *transaction).await?;
        let acted = sqlx::query(ACTED).bind(message_id).bind(self.clock.identifier()).bind(by.as_ref());
        acted.bind("replayed").bind(again.patch).execute(&mut *transaction).await?;
        let what = again.sentence();
        let tell = sqlx::query(TELL).bind(message_id).bind(digest(&[&what]).cast_signed()).bind(clean(&what));
        tell.execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(true)
    }

    pub(crate) async fn forget_kept(&self, older_than: Duration, limit: u32) -> Result<u64, StoreError> {
        let forget = sqlx::query(FORGET).bind(micros(older_than)).bind(i64::from(limit));
        self.execute("forgetting old messages", forget).await
    }
}
