//! What a store does when a law is broken on purpose (`rehearsal::Variant`); nobody calls it otherwise.

use uuid::Uuid;

use super::{Record, Store, StoreError, Written};
use crate::message::Flow;

impl Store {
    /// Looks who owns the partitions, and writes later, whoever owns them by then.
    pub(super) async fn record_after_a_look(&self, records: &[Record]) -> Result<Vec<Written>, StoreError> {
        let mut owned = Vec::new();
        for record in records {
            owned.push(self.epoch(record.owner.flow, record.owner.partition).await? == Some(record.owner.epoch));
        }
        let mut rows = records.to_vec();
        let written = match self {
            Self::Sqlite(store) => {
                let write = async {
                    for row in &mut rows {
                        let epoch = store.epoch(row.owner.flow, row.owner.partition).await?;
                        row.owner.epoch = epoch.unwrap_or_default();
                    }
                    store.record(&rows).await
                };
                store.clock.step("record", write).await?
            }
            Self::Postgresql(store) => store.record(&rows).await?,
        };
        let answer = |(written, owned): (Written, bool)| if owned { written } else { Written::NotOwner };
        Ok(written.into_iter().zip(owned).map(answer).collect())
    }

    async fn epoch(&self, flow: Flow, partition: u16) -> Result<Option<i64>, StoreError> {
        match self {
            Self::Sqlite(store) => store.clock.outside(store.epoch(flow, partition)).await,
            Self::Postgresql(_) => Ok(None),
        }
    }

    /// Forgets a parked message.
    pub(crate) async fn unpark(&self, message_id: Uuid) {
        if let Self::Sqlite(store) = self {
            store.clock.step("unpark", store.unpark(message_id)).await;
        }
    }
}
