//! What PostgreSQL's errors mean for us: ask again, a row that cannot be held, or nothing goes any more.

use sqlx::Error;

use crate::store::StoreError;
use crate::store::parts::Fault;

/// Sorts an error by its SQLSTATE. What is not known to be lasting is asked again.
pub(super) fn sort(doing: &'static str, error: Error) -> Fault {
    let Some(code) = code(&error) else { return Fault::Store(StoreError::Away { doing, source: Box::new(error) }) };
    match code.get(..2).unwrap_or_default() {
        // Data, constraints, more than an index entry holds, one key twice in a statement.
        "22" | "23" | "54" | "21" => Fault::Rows(said(&error)),
        // Who we are, which database, what we may do, what is missing in the schema.
        "28" | "3D" | "42" | "3F" | "0A" => Fault::Store(StoreError::Unusable {
            problem: format!("PostgreSQL refuses {doing}: {}", said(&error)),
            remedy: "Check the user, database and rights in store.url, and that no other program changes the tables"
                .to_owned(),
        }),
        _ => Fault::Store(StoreError::Away { doing, source: Box::new(error) }),
    }
}

/// Whether nobody knows what is still on its way on the connection.
pub(super) fn is_lost(error: &Error) -> bool {
    match error {
        Error::Database(refusal) => refusal.code().is_some_and(|code| code.starts_with("57P")),
        Error::RowNotFound | Error::ColumnDecode { .. } | Error::ColumnNotFound(_) => false,
        _ => true,
    }
}

pub(super) fn code(error: &Error) -> Option<String> {
    error.as_database_error().and_then(sqlx::error::DatabaseError::code).map(std::borrow::Cow::into_owned)
}

fn said(error: &Error) -> String {
    error.as_database_error().map_or_else(|| error.to_string(), |refusal| refusal.message().to_owned())
}
