//! PostgreSQL.

/// The server store.
#[derive(Clone)]
pub struct Postgresql;
