//! What this store does when a law is broken on purpose.

use uuid::Uuid;

use super::Sqlite;
use crate::message::Flow;
use crate::store::StoreError;

impl Sqlite {
    /// Who owns a partition, by a plain read.
    pub(crate) async fn epoch(&self, flow: Flow, partition: u16) -> Result<Option<i64>, StoreError> {
        let ask = "SELECT epoch FROM partitions WHERE flow = $1 AND partition = $2 AND owner IS NOT NULL";
        let ask = sqlx::query_as(ask).bind(flow.as_str()).bind(i64::from(partition));
        let epochs: Vec<(i64,)> = self.rows("asking who owns a partition", ask).await?;
        Ok(epochs.first().map(|(epoch,)| *epoch))
    }

    /// Forgets a parked message.
    pub(crate) async fn unpark(&self, message_id: Uuid) {
        let forget = sqlx::query("DELETE FROM parked WHERE message_id = $1").bind(message_id);
        // A law is being broken: how well does not matter.
        let _ = self.execute("forgetting a parked message", forget).await;
    }
}
