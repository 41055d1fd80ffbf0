//! How far documents are.

use super::{Sqlite, now, texts};
use crate::store::StoreError;
use crate::store::columns::clean;
use crate::store::progress::{ProgressColumns, ProgressFilter, ProgressView, State, StateCount};

/// $1: states, as JSON.
const WANTED: &str = concat!(
    "FROM progress p
WHERE p.state IN (SELECT value FROM json_each($1)) AND (p.released_at, p.document) > ($2, $3)
  AND p.released_at >= $4 AND p.released_at < $5 AND ($6 IS NULL OR p.released_at <= ",
    now!(),
    " - $6)
  AND ($7 IS NULL OR p.warehouse = $7)"
);

const LISTED: &str = concat!(
    "SELECT p.document, p.kind, p.legal_entity, p.number, p.warehouse, p.state, p.released_at, ",
    now!(),
    " - p.released_at AS age, p.promised_at, p.value, p.currency "
);

/// $1: states, as JSON.
const BECAME: &str = "
SELECT kind, state, count(*) AS documents,
  sum(CASE WHEN accepted_at IS NULL AND moved_at IS NULL THEN 0 ELSE 1 END) AS accepted,
  sum(CASE WHEN rejected_at IS NULL THEN 0 ELSE 1 END) AS rejected
FROM progress WHERE state IN (SELECT value FROM json_each($1)) AND released_at >= $2 AND released_at < $3
GROUP BY kind, state ORDER BY kind, state";

impl Sqlite {
    pub(crate) async fn progress(&self, filter: &ProgressFilter) -> Result<(u64, Vec<ProgressView>), StoreError> {
        const DOING: &str = "listing documents";
        let states: Vec<_> = filter.states.iter().map(|state| state.as_str().into()).collect();
        let (states, bounds) = (texts(&states), filter.bounds());
        let after = clean(bounds.after.1).into_owned();
        let warehouse = filter.warehouse.as_deref().map(|name| clean(name).into_owned());
        let count = format!("SELECT count(*) {WANTED}");
        let listed = format!("{LISTED} {WANTED} ORDER BY p.released_at, p.document LIMIT $8");
        macro_rules! bound {
            ($text:expr) => {
                sqlx::query_as(sqlx::AssertSqlSafe($text))
                    .bind(&states)
                    .bind(bounds.after.0)
                    .bind(&after)
                    .bind(bounds.from)
                    .bind(bounds.before)
                    .bind(bounds.older_than)
                    .bind(&warehouse)
            };
        }
        let (total,): (i64,) = self.one(DOING, bound!(count)).await?;
        let rows: Vec<ProgressColumns> = self.rows(DOING, bound!(listed).bind(i64::from(filter.limit))).await?;
        Ok((u64::try_from(total).unwrap_or_default(), rows.into_iter().map(ProgressView::from).collect()))
    }

    pub(crate) async fn became(&self, from: i64, before: i64) -> Result<Vec<StateCount>, StoreError> {
        let states = texts(&State::ALL.map(|state| std::borrow::Cow::from(state.as_str())));
        self.rows("counting a day's documents", sqlx::query_as(BECAME).bind(states).bind(from).bind(before)).await
    }
}
