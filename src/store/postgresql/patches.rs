//! Campaigns that patch what they release.

use sqlx::Transaction;
use uuid::Uuid;

use super::{Postgresql, fault};
use crate::store::columns::clean;
use crate::store::patches::{
    DUE, REVISED, REVISIONS, Release, Revision, RevisionColumns, TAKEN_UP, TO_PATCH, ToPatch, approve, before, refused,
    released, told,
};
use crate::store::{Campaign, StoreError};

const APPROVE: &str = approve!("store_now()");
const BEFORE: &str = before!(" FOR UPDATE", "store_now()");
const REFUSED: &str = refused!("store_now()");
const TOLD: &str = told!("gen_random_uuid()", "store_now()");
const RELEASED: &str = released!("store_now()");

/// Whoever stops the campaign waits for this, or this sees it stopped.
const HELD: &str = "SELECT 1 FROM campaigns WHERE id = $1 AND state = 'running' AND holder = $2 FOR SHARE";

impl Postgresql {
    pub(crate) async fn to_patch(&self, id: Uuid, wave: i64, limit: u32) -> Result<Vec<ToPatch>, StoreError> {
        let ask = sqlx::query_as(TO_PATCH).bind(id).bind(wave).bind(i64::from(limit));
        Ok(self.rows("reading messages to patch", ask).await?)
    }

    pub(crate) async fn approve_campaign(&self, id: Uuid, by: &str) -> Result<bool, StoreError> {
        Ok(self.execute("approving a campaign", sqlx::query(APPROVE).bind(id).bind(clean(by))).await? > 0)
    }

    pub(crate) async fn revisions(&self, message_id: Uuid) -> Result<Vec<Revision>, StoreError> {
        let ask = sqlx::query_as(REVISIONS).bind(message_id);
        let rows: Vec<RevisionColumns> = self.rows("reading revisions", ask).await?;
        Ok(rows.into_iter().map(Revision::from).collect())
    }

    pub(crate) async fn release_patched(
        &self,
        campaign: &Campaign,
        holder: Uuid,
        messages: &[(ToPatch, Release)],
    ) -> Result<(), StoreError> {
        let released = self.try_release_patched(campaign, holder, messages).await;
        Ok(released.map_err(|error| fault::sort("releasing messages of a campaign", error))?)
    }

    async fn try_release_patched(
        &self,
        campaign: &Campaign,
        holder: Uuid,
        messages: &[(ToPatch, Release)],
    ) -> Result<(), sqlx::Error> {
        let by = clean(campaign.changed_by.as_deref().unwrap_or(&campaign.created_by));
        let patch = campaign.patch.as_deref().unwrap_or_default();
        let mut transaction = self.pool.begin().await?;
        let held = sqlx::query(HELD).bind(campaign.id).bind(holder);
        if held.fetch_optional(&mut *transaction).await?.is_none() {
            return Ok(());
        }
        for (message, release) in messages {
            let name = (&message.message_id, message.flow.as_str());
            match release {
                Release::Refused(why) => {
                    let refused = sqlx::query(REFUSED).bind(campaign.id).bind(name.0).bind(name.1).bind(clean(why));
                    refused.execute(&mut *transaction).await?;
                    continue;
                }
                Release::Patched(bytes) => {
                    let before = sqlx::query(BEFORE).bind(name.0).bind(name.1).bind(message.revision);
                    let before = before.bind(campaign.id).bind(patch).bind(by.as_ref()).execute(&mut *transaction);
                    // Whatever became of it meanwhile, it is not what was patched: it runs as it is, or has ended.
                    if before.await?.rows_affected() > 0 {
                        let revised = sqlx::query(REVISED).bind(name.0).bind(name.1).bind(bytes);
                        revised.execute(&mut *transaction).await?;
                        self.make_due(&mut transaction, name, &by, ("patched", patch)).await?;
                    }
                }
                Release::AsItIs => self.make_due(&mut transaction, name, &by, ("replayed", "")).await?,
                Release::Gone => {}
            }
            let released = sqlx::query(RELEASED).bind(campaign.id).bind(name.0).bind(name.1);
            released.execute(&mut *transaction).await?;
        }
        transaction.commit().await
    }

    /// Makes a message due, if it stands in front, and says who did.
    async fn make_due(
        &self,
        transaction: &mut Transaction<'static, sqlx::Postgres>,
        (message_id, flow): (&Uuid, &str),
        by: &str,
        (act, what): (&str, &str),
    ) -> Result<(), sqlx::Error> {
        let due = sqlx::query(DUE).bind(message_id).bind(flow).bind(by);
        if due.execute(&mut **transaction).await?.rows_affected() > 0 {
            sqlx::query(TAKEN_UP).bind(message_id).bind(flow).execute(&mut **transaction).await?;
            let told = sqlx::query(TOLD).bind(message_id).bind(flow).bind(by);
            told.bind(act).bind(clean(what)).execute(&mut **transaction).await?;
        }
        Ok(())
    }
}
