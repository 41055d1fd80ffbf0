//! How far documents are.

use super::{Postgresql, column};
use crate::store::StoreError;
use crate::store::columns::clean;
use crate::store::progress::{ProgressColumns, ProgressFilter, ProgressView, State, StateCount};

/// State by state, so that each is a walk along the index from its oldest document on, however many there are in others.
const LISTED: &str = "
SELECT p.document, p.kind, p.legal_entity, p.number, p.warehouse, p.state, p.released_at,
  store_now() - p.released_at AS age, p.promised_at, p.value, p.currency
FROM (
  SELECT p.document, p.released_at FROM unnest($1::text[]) AS wanted (state) CROSS JOIN LATERAL (
    SELECT p.document, p.released_at FROM progress p
    WHERE p.state = wanted.state AND (p.released_at, p.document) > ($2, $3)
      AND p.released_at >= $4 AND p.released_at < $5 AND p.released_at <= coalesce((SELECT store_now()) - $6::bigint, 9223372036854775807)
      AND ($7::text IS NULL OR p.warehouse = $7)
    ORDER BY p.released_at, p.document LIMIT $8) p
  ORDER BY p.released_at, p.document LIMIT $8) chosen
JOIN progress p ON p.document = chosen.document
ORDER BY p.released_at, p.document";

const COUNTED: &str = "
SELECT CAST(coalesce(sum(p.documents), 0) AS bigint) FROM unnest($1::text[]) AS wanted (state) CROSS JOIN LATERAL (
  SELECT count(*) AS documents FROM progress p
  WHERE p.state = wanted.state AND (p.released_at, p.document) > ($2, $3)
    AND p.released_at >= $4 AND p.released_at < $5 AND p.released_at <= coalesce((SELECT store_now()) - $6::bigint, 9223372036854775807)
    AND ($7::text IS NULL OR p.warehouse = $7)) p";

const BECAME: &str = "
SELECT p.kind, wanted.state, p.documents, p.accepted, p.rejected
FROM unnest($1::text[]) AS wanted (state) CROSS JOIN LATERAL (
  SELECT p.kind, count(*) AS documents,
    CAST(sum(CASE WHEN p.accepted_at IS NULL AND p.moved_at IS NULL THEN 0 ELSE 1 END) AS bigint) AS accepted,
    CAST(sum(CASE WHEN p.rejected_at IS NULL THEN 0 ELSE 1 END) AS bigint) AS rejected
  FROM progress p
  WHERE p.state = wanted.state AND p.released_at >= $2 AND p.released_at < $3
  GROUP BY p.kind) p
ORDER BY p.kind, wanted.state";

impl Postgresql {
    pub(crate) async fn progress(&self, filter: &ProgressFilter) -> Result<(u64, Vec<ProgressView>), StoreError> {
        const DOING: &str = "listing documents";
        let (states, bounds) = (column(&filter.states, |state| state.as_str()), filter.bounds());
        let (after, warehouse) = (clean(bounds.after.1), filter.warehouse.as_deref().map(clean));
        macro_rules! bound {
            ($text:expr) => {
                sqlx::query_as($text)
                    .bind(&states)
                    .bind(bounds.after.0)
                    .bind(after.as_ref())
                    .bind(bounds.from)
                    .bind(bounds.before)
                    .bind(bounds.older_than)
                    .bind(warehouse.as_deref())
            };
        }
        let (total,): (i64,) = self.one(DOING, bound!(COUNTED)).await?;
        let rows: Vec<ProgressColumns> = self.rows(DOING, bound!(LISTED).bind(i64::from(filter.limit))).await?;
        Ok((u64::try_from(total).unwrap_or_default(), rows.into_iter().map(ProgressView::from).collect()))
    }

    pub(crate) async fn became(&self, from: i64, before: i64) -> Result<Vec<StateCount>, StoreError> {
        let states = State::ALL.map(State::as_str).to_vec();
        Ok(self.rows("counting a day's documents", sqlx::query_as(BECAME).bind(states).bind(from).bind(before)).await?)
    }
}
