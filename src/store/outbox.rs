//! The outbox: what waits to be sent, in its order.

use super::{OutboxRow, Purpose, Store, StoreError, Waiting, on};
use crate::message::Flow;

impl Store {
    /// Puts an accepted message into the outbox; `false` when `rows_max` rows wait already.
    pub async fn accept(&self, row: &OutboxRow, rows_max: u64) -> Result<bool, StoreError> {
        on!(self, store => store.accept(row, rows_max).await)
    }

    /// The first rows of a flow by id, whatever their purpose.
    pub async fn outbox(&self, flow: Flow, limit: u32) -> Result<Vec<OutboxRow>, StoreError> {
        on!(self, store => store.outbox(flow, None, &[], limit).await)
    }

    /// The first rows of a flow by id, dead letters only or all others, without those of the given ordering keys.
    pub async fn outbox_without(
        &self,
        flow: Flow,
        dead_letters: bool,
        keys: &[String],
        limit: u32,
    ) -> Result<Vec<OutboxRow>, StoreError> {
        on!(self, store => store.outbox(flow, Some(dead_letters), keys, limit).await)
    }

    /// Deletes what was delivered.
    pub async fn delivered(&self, ids: &[i64]) -> Result<(), StoreError> {
        on!(self, store => store.delivered(ids).await)
    }

    /// How much waits, of one flow and purpose or of all.
    pub async fn waiting(&self, flow: Option<Flow>, purpose: Option<Purpose>) -> Result<Waiting, StoreError> {
        on!(self, store => store.waiting(flow, purpose).await)
    }
}
