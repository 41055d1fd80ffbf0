//! The trail of who did what.

use jiff::Timestamp;

use super::{Sqlite, fault, now};
use crate::store::StoreError;
use crate::store::trail::{
    HeadColumns, Newest, TrailColumns, TrailFilter, TrailHead, TrailLink, TrailRow, trail_columns,
};

/// Time never goes back in it, whatever the machine's clock does.
const HEAD: &str = concat!(
    "SELECT h.n, h.hash, max(",
    now!(),
    ", coalesce((SELECT t.at FROM trail t WHERE t.n = h.n), 0)) AS now FROM trail_head h"
);

const MOVE_HEAD: &str = "UPDATE trail_head SET n = $1, hash = $2 WHERE n = $1 - 1 AND hash = $3";

const WRITE: &str = concat!(
    "INSERT INTO trail (",
    trail_columns!(),
    ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
);

/// Row by row: whoever keeps a long trail keeps it in PostgreSQL.
const ABOUT: &str = "EXISTS (SELECT 1 FROM json_each(documents) d WHERE d.value = $5)";

const AFTER: &str = concat!("SELECT ", trail_columns!(), " FROM trail WHERE n > $1 ORDER BY n LIMIT $2");

impl Sqlite {
    pub(crate) async fn trail_head(&self) -> Result<(TrailHead, Timestamp), StoreError> {
        let row: HeadColumns = self.one("reading the end of the trail", sqlx::query_as(HEAD)).await?;
        Ok(row.head())
    }

    /// Whether it was the next one.
    pub(in crate::store) async fn trail_write(&self, row: &TrailColumns) -> Result<bool, StoreError> {
        let written = self.written(row).await;
        Ok(written.map_err(|error| fault::sort("adding to the trail", error))?)
    }

    async fn written(&self, row: &TrailColumns) -> Result<bool, sqlx::Error> {
        let mut transaction = self.begin().await?;
        let head = sqlx::query(MOVE_HEAD).bind(row.n).bind(&row.hash).bind(&row.previous);
        if head.execute(&mut *transaction).await?.rows_affected() == 0 {
            return Ok(false);
        }
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
        write.execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(true)
    }

    pub(crate) async fn trail(&self, filter: &TrailFilter, limit: u32) -> Result<Vec<TrailRow>, StoreError> {
        let mut ask = sqlx::query_as(sqlx::AssertSqlSafe(filter.statement(ABOUT, Newest::Number)));
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
