//! What the mapping cannot say: the failure of whoever needed it.

use std::fmt::Write as _;

use super::awaited::awaited_row;
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
    /// The name of what is missing.
    pub awaits: Option<Box<str>>,
}

impl Unmapped {
    pub(super) fn new(code: Code, what: String) -> Self {
        Self { code, what, awaits: None }
    }

    /// With the row that is missing: of which kind, and of what it speaks.
    pub(super) fn awaiting(mut self, kind: RowKind, at: &At<'_>, word: &str) -> Self {
        self.awaits = Some(awaited_row(kind, at.connection, word));
        self
    }

    /// A row is missing: what nobody says, the command that says it; its first cell is of what the row speaks.
    pub(super) fn missing(what: &str, kind: RowKind, at: &At<'_>, cells: &[(&str, &str)]) -> Self {
        let mut command = format!("drayline mapping set {kind} connection={}", at.connection);
        for (column, cell) in cells {
            let _ = write!(command, " {}", assigned(column, cell));
        }
        let word = cells.first().map_or("", |(_, cell)| cell);
        Self::new(
            Code::MappingMissing,
            format!("{what}. Say it with `{command} --reason TEXT`; it then goes on by itself."),
        )
        .awaiting(kind, at, word)
    }

    /// The failure of what needed it: `of` says what does not happen. It names the version that was looked into.
    #[must_use]
    pub fn failure(self, of: &str, version: u64) -> Failure {
        let failure = Failure::new(self.code, format!("{of}: {} (Mapping version {version}.)", self.what));
        match self.awaits {
            Some(name) => failure.awaiting(name),
            None => failure,
        }
    }
}
