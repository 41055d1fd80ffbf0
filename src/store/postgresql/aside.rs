//! A schema of its own beside the configured tables, for measurements: it comes and goes whole.

use std::time::Duration;

use sqlx::{Connection as _, PgConnection};

use super::{fault, options, unusable};
use crate::config::{Config, address};
use crate::store::StoreError;
use crate::store::columns::micros;

const DOING: &str = "making room for a measurement";

/// Makes an empty schema of this name, in the place of one that an earlier run left; what is opened with the answered
/// configuration sees nothing else.
pub(in crate::store) async fn set(config: &Config, name: &str) -> Result<Config, StoreError> {
    remove(config, name).await?;
    run(config, &format!("CREATE SCHEMA {}", plain(name)?)).await?;
    let mut aside = config.clone();
    let url = address(&config.store.url).map_err(|error| unusable(&error, "set store.url, or what it names"))?;
    let separator = if url.contains('?') { '&' } else { '?' };
    aside.store.url = format!("{url}{separator}options=-csearch_path%3D{name}");
    Ok(aside)
}

/// Removes it with everything in it.
pub(in crate::store) async fn remove(config: &Config, name: &str) -> Result<(), StoreError> {
    run(config, &format!("DROP SCHEMA IF EXISTS {} CASCADE", plain(name)?)).await
}

/// How many workers of the configured store have said within this time that they live; none where nobody ever worked.
pub(in crate::store) async fn workers(config: &Config, within: Duration) -> Result<u64, StoreError> {
    let mut connection = connect(config).await?;
    let away = |error| StoreError::from(fault::sort(DOING, error));
    let there: (bool,) =
        sqlx::query_as("SELECT to_regclass('workers') IS NOT NULL").fetch_one(&mut connection).await.map_err(away)?;
    let mut alive = (0_i64,);
    if there.0 {
        let ask = "SELECT count(*) FROM workers
                   WHERE beaten_at > (extract(epoch FROM statement_timestamp()) * 1000000)::bigint - $1";
        alive = sqlx::query_as(ask).bind(micros(within)).fetch_one(&mut connection).await.map_err(away)?;
    }
    let _ = connection.close().await;
    Ok(alive.0.cast_unsigned())
}

async fn run(config: &Config, statement: &str) -> Result<(), StoreError> {
    let mut connection = connect(config).await?;
    let away = |error| StoreError::from(fault::sort(DOING, error));
    sqlx::query("SET client_min_messages = warning").execute(&mut connection).await.map_err(away)?;
    sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&mut connection).await.map_err(away)?;
    let _ = connection.close().await;
    Ok(())
}

async fn connect(config: &Config) -> Result<PgConnection, StoreError> {
    let options = options(config)?.application_name("drayline bench");
    PgConnection::connect_with(&options).await.map_err(|error| fault::sort(DOING, error).into())
}

fn plain(name: &str) -> Result<&str, StoreError> {
    let allowed = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
    let usable = !name.is_empty() && name.len() < 64 && name.chars().all(allowed);
    if usable { Ok(name) } else { Err(unusable(&format!("{name:?} cannot name a schema"), "Use a-z, 0-9 and _")) }
}
