//! The trail of who did what.

use jiff::Timestamp;

use super::Postgresql;
use crate::store::StoreError;
use crate::store::trail::{
    HeadColumns, Newest, TrailColumns, TrailFilter, TrailHead, TrailLink, TrailRow, trail_columns,
};

/// Time never goes back in it, whatever the server's clock does.
const HEAD: &str = "
SELECT h.n, h.hash, greatest(store_now(), (SELECT t.at FROM trail t WHERE t.n = h.n)) AS now FROM trail_head h";

/// Whoever moves the head holds its row to the end of the statement: of two, one moves it.
const WRITE: &str = concat!(
    "WITH head AS (
  UPDATE trail_head SET n = $1, hash = $13 WHERE n = $1 - 1 AND hash = $12 RETURNING n
)
INSERT INTO trail (",
    trail_columns!(),
    ") SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13 FROM head"
);

/// Its rows are looked up first, by the index `trail_about`, which knows no order: asked for row by row in theirs, the server
/// would rather read the whole trail.
const ABOUT: &str = "n = ANY (ARRAY(SELECT t.n FROM trail t WHERE t.documents::jsonb @> jsonb_build_array($5::text)))";

const AFTER: &str = concat!("SELECT ", trail_columns!(), " FROM trail WHERE n > $1 ORDER BY n LIMIT $2");

impl Postgresql {
    pub(crate) async fn trail_head(&self) -> Result<(TrailHead, Timestamp), StoreError> {
        let row: HeadColumns = self.one("reading the end of the trail", sqlx::query_as(HEAD)).await?;
        Ok(row.head())
    }

    /// Whether it was the next one.
    pub(in crate::store) async fn trail_write(&self, row: &TrailColumns) -> Result<bool, StoreError> {
        let write = sqlx::query(WRITE)
            .bind(row.n)
            .bind(row.at)
            .bind(&row.who)
            .bind(&row.role)
            .bind(&row.action)
            .bind(row.begun)
            .bind(&row.outcome)
            .bind(&row.flow)
            .bind(&row.connection)
            .bind(&row.documents)
            .bind(&row.fields)
            .bind(&row.previous)
            .bind(&row.hash);
        Ok(self.execute("adding to the trail", write).await? > 0)
    }

    pub(crate) async fn trail(&self, filter: &TrailFilter, limit: u32) -> Result<Vec<TrailRow>, StoreError> {
        let mut ask = sqlx::query_as(sqlx::AssertSqlSafe(filter.statement(ABOUT, Newest::Turned)));
        for text in filter.texts() {
            ask = ask.bind(text);
        }
        for micros in filter.micros() {
            ask = ask.bind(micros);
        }
        let ask = ask.bind(filter.before.map(u64::cast_signed)).bind(i64::from(limit));
        let rows: Vec<TrailColumns> = self.rows("reading the trail", ask).await?;
        rows.into_iter().map(TrailColumns::row).collect()
    }

    pub(crate) async fn trail_links(&self, after: i64, limit: u32) -> Result<Vec<TrailLink>, StoreError> {
        let ask = sqlx::query_as(AFTER).bind(after).bind(i64::from(limit));
        let rows: Vec<TrailColumns> = self.rows("reading the trail", ask).await?;
        Ok(rows.into_iter().map(TrailColumns::link).collect())
    }
}
