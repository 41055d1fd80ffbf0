//! The kinds of rows there are.

use std::fmt;
use std::str::FromStr;

/// What a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RowKind {
    /// What a warehouse calls an item.
    Sku,
    /// Of what a SKU consists that is shipped in parts.
    Kit,
    /// In which unit a warehouse counts, and what that is in Dynamics' units.
    Unit,
    /// Which facility a Dynamics warehouse is.
    Location,
    /// How a warehouse names a carrier and its service.
    Carrier,
    /// Which journal or adjustment type a reason goes to.
    AdjustmentReason,
    /// Which disposition a condition of returned goods is.
    Disposition,
    /// What a warehouse's reason for a rejection is in Dynamics.
    RejectionReason,
    /// Until which day a company's periods are closed.
    ClosedUntil,
}

impl RowKind {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::Sku,
        Self::Kit,
        Self::Unit,
        Self::Location,
        Self::Carrier,
        Self::AdjustmentReason,
        Self::Disposition,
        Self::RejectionReason,
        Self::ClosedUntil,
    ];

    /// The name in files and commands.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sku => "sku",
            Self::Kit => "kit",
            Self::Unit => "unit",
            Self::Location => "location",
            Self::Carrier => "carrier",
            Self::AdjustmentReason => "adjustment_reason",
            Self::Disposition => "disposition",
            Self::RejectionReason => "rejection_reason",
            Self::ClosedUntil => "closed_until",
        }
    }
}

impl fmt::Display for RowKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for RowKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or_else(|| {
            let all: Vec<_> = Self::ALL.iter().map(|kind| kind.as_str()).collect();
            format!("{text:?} is no kind of row; there are {}", all.join(", "))
        })
    }
}
