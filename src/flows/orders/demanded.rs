//! Lots and serials that an order must name before it leaves: of items that Dynamics tells apart when they go out, where the
//! warehouse does not choose them itself.

use crate::failure::{Code, Failure};
use crate::gateways::{Demands, Direction, ReleasedOrder};
use crate::mapping::{Meanings, awaited_item, lacking};
use crate::message::Connection;

/// What keeps an order from leaving.
pub(super) enum Lacking {
    /// Lines that lack a lot or a serial, in words.
    Named(Vec<String>),
    /// An item of which nothing is known, so that nobody can tell.
    Unknown(String),
}

/// Whether every line names what it must.
///
/// # Errors
/// With what is lacking.
pub(super) fn demanded(demands: Demands, released: &ReleasedOrder, meanings: &Meanings<'_>) -> Result<(), Lacking> {
    // What comes in is told apart when it is counted.
    if released.direction != Direction::Outbound || demands == Demands::default() {
        return Ok(());
    }
    let mut lines = Vec::new();
    for line in &released.lines {
        let known = meanings.catalogue().and_then(|catalogue| catalogue.item(&line.item_number));
        let Some(item) = known else { return Err(Lacking::Unknown(line.item_number.clone())) };
        let tracking = item.tracking.unwrap_or_default();
        let lot = demands.lots && tracking.lots.issue && line.lot.is_none();
        let serial = demands.serials && tracking.serials.issue && line.serial.is_none();
        let words = |what| format!("line {} ({}) names {what}", line.line_id, line.item_number);
        lines.extend(lacking(lot, serial).map(words));
    }
    if lines.is_empty() { Ok(()) } else { Err(Lacking::Named(lines)) }
}

impl Lacking {
    /// The failure of the order: `of` says what does not happen.
    pub fn failure(self, of: &str, warehouse: &Connection) -> Failure {
        match self {
            Self::Named(lines) => Failure::new(
                Code::OrderTrackingMissing,
                format!(
                    "{of}: {}, and {warehouse} does not choose them. Reserve them in Dynamics and release the order again, \
                     which resolves this by itself.",
                    lines.join("; ")
                ),
            ),
            Self::Unknown(item) => Failure::new(
                Code::MappingItemUnknown,
                format!(
                    "{of}: nothing is known of the item {item}, so that nobody can tell whether {warehouse} must be told a lot \
                     or a serial of it. `drayline mapping check` scans Dynamics; it is tried again by itself."
                ),
            )
            .awaiting(awaited_item(warehouse, &item)),
        }
    }
}
