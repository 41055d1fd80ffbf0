//! What SQLite's errors mean for us: ask again, a row that cannot be held, or nothing goes any more.

use sqlx::Error;

use crate::store::StoreError;
use crate::store::parts::Fault;

/// Sorts an error by its primary result code. What is not known to be lasting is asked again.
pub(super) fn sort(doing: &'static str, error: Error) -> Fault {
    match primary_code(&error) {
        // Too big, constraint, mismatch of type.
        Some(18..=20) => Fault::Rows(error.to_string()),
        // An error in the statement, no rights, read-only, damaged, a changed schema, no database at all.
        Some(1 | 3 | 8 | 11 | 17 | 23 | 26) => Fault::Store(StoreError::Unusable {
            problem: format!("SQLite refuses {doing}: {error}"),
            remedy: "Check the rights of store.db in the data folder; when it is damaged, restore it from a backup"
                .to_owned(),
        }),
        _ => Fault::Store(StoreError::Away { doing, source: Box::new(error) }),
    }
}

/// Whether somebody else holds a lock that we wait for.
pub(super) fn is_busy(error: &Error) -> bool {
    matches!(primary_code(error), Some(5 | 6))
}

/// The lowest byte of an extended result code.
fn primary_code(error: &Error) -> Option<u32> {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code)?;
    code.parse::<u32>().ok().map(|code| code & 0xff)
}
