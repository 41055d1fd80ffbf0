//! What the mapping cannot say: the failure of whoever needed it.

use std::fmt::Write as _;

use super::kind::RowKind;
use super::meanings::At;
use super::row::assigned;
use crate::failure::{Code, Failure};

/// What the mapping cannot say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmapped {
    /// What it is called.
    pub code: Code,
    /// What is missing or wrong, and what to do: sentences that follow a colon.
    pub what: String,
}

impl Unmapped {
    pub(super) fn new(code: Code, what: String) -> Self {
        Self { code, what }
    }

    /// A row is missing: what nobody says, and the command that says it.
    pub(super) fn missing(what: &str, kind: RowKind, at: &At<'_>, cells: &[(&str, &str)]) -> Self {
        let mut command = format!("drayline mapping set {kind} connection={}", at.connection);
        for (column, cell) in cells {
            let _ = write!(command, " {}", assigned(column, cell));
        }
        Self::new(Code::MappingMissing, format!("{what}. Say it with `{command} --reason TEXT`, then replay."))
    }

    /// The failure of what needed it: `of` says what does not happen. It names the version that was looked into.
    #[must_use]
    pub fn failure(self, of: &str, version: u64) -> Failure {
        Failure::new(self.code, format!("{of}: {} (Mapping version {version}.)", self.what))
    }
}
