//! What should have followed on documents and has not.

use super::Postgresql;
use crate::store::StoreError;
use crate::store::outstanding::{OutstandingColumns, OutstandingFilter, OutstandingTotal, OutstandingView};

/// State by state along the index, from what is so for longest on; and the documents of goods that a warehouse told of and that
/// are not handed over. Whatever is among these is not among those.
macro_rules! entries {
    ($page:literal) => {
        concat!(
            "
SELECT o.document, o.since, o.state, CAST(NULL AS text) AS told_by, o.value, o.currency
FROM unnest($1::text[]) AS wanted (state) CROSS JOIN LATERAL (
  SELECT d.document, d.outstanding_since AS since, d.outstanding AS state, d.value, d.currency FROM progress d
  WHERE d.outstanding = wanted.state AND (d.outstanding_since, d.document) > ($2::bigint, $3::text)
    AND d.outstanding_since <= coalesce((SELECT store_now()) - $4::bigint, 9223372036854775807)
    AND ($5::text IS NULL OR d.warehouse = $5) AND ($6::text IS NULL OR d.legal_entity = $6)
    AND NOT EXISTS (SELECT FROM parked p
      WHERE p.ordering_key COLLATE \"C\" = d.document AND p.kind IN ('shipment_confirmed', 'return_received'))
  ",
            $page,
            ") o
UNION ALL
SELECT t.document, t.since, t.state, t.told_by, t.value, t.currency FROM (
  SELECT told.document, told.state, told.told_by, d.value, d.currency, d.legal_entity,
    least(told.since, CASE WHEN d.outstanding = told.state THEN d.outstanding_since END) AS since
  FROM (
    SELECT p.ordering_key COLLATE \"C\" AS document, min(p.first_parked_at) AS since, min(p.connection) AS told_by,
      CASE p.kind WHEN 'shipment_confirmed' THEN 'shipped_not_posted' ELSE 'received_not_credited' END AS state
    FROM parked p WHERE p.kind IN ('shipment_confirmed', 'return_received') GROUP BY p.ordering_key COLLATE \"C\", p.kind) told
  LEFT JOIN progress d ON d.document = told.document) t
WHERE t.state = ANY($1) AND (t.since, t.document) > ($2, $3)
  AND t.since <= coalesce((SELECT store_now()) - $4, 9223372036854775807)
  AND ($5 IS NULL OR t.told_by = $5) AND ($6 IS NULL OR t.legal_entity = $6)"
        )
    };
}

const LISTED: &str = concat!(
    "WITH chosen AS (SELECT * FROM (",
    entries!("ORDER BY d.outstanding_since, d.document LIMIT $7"),
    ") e ORDER BY e.since, e.document LIMIT $7)
SELECT c.document, coalesce(d.kind, CASE c.state WHEN 'received_not_credited' THEN 'return_order' ELSE 'order' END) AS kind,
  d.legal_entity, d.number, coalesce(c.told_by, d.warehouse) AS warehouse, c.state, d.state AS stands, c.since,
  store_now() - c.since AS age, d.value, d.currency, x.message_id AS held_by, x.flow AS held_in, x.code, x.state AS work
FROM chosen c LEFT JOIN progress d ON d.document = c.document LEFT JOIN LATERAL (
  SELECT e.message_id, e.flow, e.code, e.state FROM exceptions e
  WHERE e.document = c.document COLLATE \"default\" AND e.ending IS NULL
    AND e.flow = CASE c.state WHEN 'released_not_accepted' THEN 'orders' WHEN 'shipped_not_posted' THEN 'shipments' ELSE 'returns' END
  ORDER BY e.first_seen_at, e.message_id LIMIT 1) x ON true
ORDER BY c.since, c.document"
);

const TOTALS: &str = concat!(
    "SELECT e.state, CASE WHEN e.value IS NOT NULL THEN e.currency END AS currency, count(*) AS documents,
  CAST(sum(CAST(e.value AS numeric)) AS text) AS value FROM (",
    entries!(""),
    ") e
GROUP BY e.state, e.value IS NULL, CASE WHEN e.value IS NOT NULL THEN e.currency END ORDER BY e.state, e.value IS NULL, 2"
);

impl Postgresql {
    pub(crate) async fn outstanding(&self, filter: &OutstandingFilter) -> Result<Vec<OutstandingView>, StoreError> {
        self.open_latest().await?;
        let wanted = filter.wanted();
        let listed = sqlx::query_as(LISTED).bind(&wanted.states).bind(wanted.after.0).bind(&wanted.after.1);
        let listed = listed.bind(wanted.older_than).bind(&wanted.warehouse).bind(&wanted.legal_entity);
        let listed = listed.bind(i64::from(filter.limit));
        let rows: Vec<OutstandingColumns> = self.rows("listing what is outstanding", listed).await?;
        Ok(rows.into_iter().map(OutstandingView::from).collect())
    }

    pub(crate) async fn outstanding_totals(
        &self,
        filter: &OutstandingFilter,
    ) -> Result<Vec<OutstandingTotal>, StoreError> {
        let wanted = filter.wanted();
        let totals = sqlx::query_as(TOTALS).bind(&wanted.states).bind(wanted.after.0).bind(&wanted.after.1);
        let totals = totals.bind(wanted.older_than).bind(&wanted.warehouse).bind(&wanted.legal_entity);
        Ok(self.rows("adding up what is outstanding", totals).await?)
    }
}
