//! SQLite.

/// The embedded store.
#[derive(Clone)]
pub struct Sqlite;
