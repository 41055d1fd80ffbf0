//! What should have followed on documents and has not.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::{Sqlite, now, texts};
use crate::store::StoreError;
use crate::store::outstanding::{OutstandingColumns, OutstandingFilter, OutstandingTotal, OutstandingView};

/// What the documents' own rows tell; and the documents of goods that a warehouse told of and that are not handed over. Whatever
/// is among these is not among those. $1: states, as JSON.
const ENTRIES: &str = concat!(
    "
SELECT d.document, d.outstanding_since AS since, d.outstanding AS state, NULL AS told_by, d.value, d.currency FROM progress d
WHERE d.outstanding IN (SELECT value FROM json_each($1)) AND (d.outstanding_since, d.document) > ($2, $3)
  AND ($4 IS NULL OR d.outstanding_since <= ",
    now!(),
    " - $4) AND ($5 IS NULL OR d.warehouse = $5) AND ($6 IS NULL OR d.legal_entity = $6)
  AND NOT EXISTS (SELECT 1 FROM parked p
    WHERE p.ordering_key = d.document AND p.kind IN ('shipment_confirmed', 'return_received'))
UNION ALL
SELECT t.document, t.since, t.state, t.told_by, t.value, t.currency FROM (
  SELECT told.document, told.state, told.told_by, d.value, d.currency, d.legal_entity,
    iif(d.outstanding = told.state, min(told.since, d.outstanding_since), told.since) AS since
  FROM (
    SELECT p.ordering_key AS document, min(p.first_parked_at) AS since, min(p.connection) AS told_by,
      iif(p.kind = 'shipment_confirmed', 'shipped_not_posted', 'received_not_credited') AS state
    FROM parked p WHERE p.kind IN ('shipment_confirmed', 'return_received') GROUP BY p.ordering_key, p.kind) told
  LEFT JOIN progress d ON d.document = told.document) t
WHERE t.state IN (SELECT value FROM json_each($1)) AND (t.since, t.document) > ($2, $3)
  AND ($4 IS NULL OR t.since <= ",
    now!(),
    " - $4) AND ($5 IS NULL OR t.told_by = $5) AND ($6 IS NULL OR t.legal_entity = $6)"
);

const LISTED: &str = concat!(
    ", chosen AS (SELECT *,
  CASE state WHEN 'released_not_accepted' THEN 'orders' WHEN 'shipped_not_posted' THEN 'shipments' ELSE 'returns' END AS held_in
  FROM entries ORDER BY since, document LIMIT $7)
SELECT c.document, coalesce(d.kind, iif(c.state = 'received_not_credited', 'return_order', 'order')) AS kind, d.legal_entity,
  d.number, coalesce(c.told_by, d.warehouse) AS warehouse, c.state, d.state AS stands, c.since, ",
    now!(),
    " - c.since AS age, d.value, d.currency, x.message_id AS held_by, x.flow AS held_in, x.code, x.state AS work
FROM chosen c LEFT JOIN progress d ON d.document = c.document
LEFT JOIN exceptions x ON x.flow = c.held_in AND x.message_id = (
  SELECT e.message_id FROM exceptions e WHERE e.document = c.document AND e.ending IS NULL AND e.flow = c.held_in
  ORDER BY e.first_seen_at, e.message_id LIMIT 1)
ORDER BY c.since, c.document"
);

/// Money is a decimal, and this store adds up none: what is worth as much comes in one row.
const WORTH: &str = "
SELECT state, iif(value IS NULL, NULL, currency) AS currency, count(*) AS documents, value FROM entries GROUP BY 1, 2, 4";

impl Sqlite {
    pub(crate) async fn outstanding(&self, filter: &OutstandingFilter) -> Result<Vec<OutstandingView>, StoreError> {
        self.open_latest().await?;
        let listed = format!("WITH entries AS ({ENTRIES}) {LISTED}");
        let listed = sqlx::query_as(sqlx::AssertSqlSafe(listed));
        let wanted = filter.wanted();
        let listed = listed.bind(states(&wanted.states)).bind(wanted.after.0).bind(wanted.after.1);
        let listed = listed.bind(wanted.older_than).bind(wanted.warehouse).bind(wanted.legal_entity);
        let listed = listed.bind(i64::from(filter.limit));
        let rows: Vec<OutstandingColumns> = self.rows("listing what is outstanding", listed).await?;
        Ok(rows.into_iter().map(OutstandingView::from).collect())
    }

    pub(crate) async fn outstanding_totals(
        &self,
        filter: &OutstandingFilter,
    ) -> Result<Vec<OutstandingTotal>, StoreError> {
        let wanted = filter.wanted();
        let worth = sqlx::query_as(sqlx::AssertSqlSafe(format!("WITH entries AS ({ENTRIES}) {WORTH}")));
        let worth = worth.bind(states(&wanted.states)).bind(wanted.after.0).bind(wanted.after.1);
        let worth = worth.bind(wanted.older_than).bind(wanted.warehouse).bind(wanted.legal_entity);
        let rows: Vec<OutstandingTotal> = self.rows("adding up what is outstanding", worth).await?;
        Ok(added(rows))
    }
}

fn states(states: &[&'static str]) -> String {
    texts(&states.iter().map(|state| (*state).into()).collect::<Vec<_>>())
}

/// One row for each state and currency, and for what nobody knows the worth of.
fn added(rows: Vec<OutstandingTotal>) -> Vec<OutstandingTotal> {
    let mut totals: BTreeMap<(String, bool, Option<String>), (i64, Decimal)> = BTreeMap::new();
    for row in rows {
        let value = row.value.as_deref().and_then(|value| value.parse::<Decimal>().ok());
        let (documents, sum) = totals.entry((row.state, value.is_none(), row.currency)).or_default();
        *documents = documents.saturating_add(row.documents);
        *sum = sum.saturating_add(value.unwrap_or_default().saturating_mul(row.documents.into()));
    }
    let total = |((state, unknown, currency), (documents, sum)): ((String, bool, Option<String>), (i64, Decimal))| {
        OutstandingTotal { state, currency, documents, value: (!unknown).then(|| sum.to_string()) }
    };
    totals.into_iter().map(total).collect()
}
