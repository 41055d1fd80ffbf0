//! How a shipment becomes updates: pure.
//!
//! The key of a lot or serial names the line and nothing more. So a shipment with several of a line is written as
//! several updates, *parts*: part 0 has our id and the first of every line, part 1 the second, and so on, under ids
//! derived from ours; each counts on from the one before. Versions that take several rows per line need one part.

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::fields as field;
use super::odata::Rows;
use crate::config::DimensionRows;
use crate::gateways::documents::{ShipmentUpdate, UpdateDimension, UpdateLine, UpdateState};
use crate::gateways::json::Members;
use crate::message::{Serial, record_id};

/// One update: a shipment, or the part of it that fits into one.
pub(super) struct Part<'a> {
    pub(super) update: &'a ShipmentUpdate,
    pub(super) id: String,
    pub(super) lines: Vec<PartLine<'a>>,
}

/// What a part says of a line.
pub(super) struct PartLine<'a> {
    line: &'a UpdateLine,
    pub(super) number: i64,
    shipped: Decimal,
    remaining: Decimal,
    pub(super) dimensions: &'a [UpdateDimension],
}

/// The id of a part; the first has the shipment's own. Golden vectors are in `tests/gateways/post_shipment.rs`.
pub(super) fn part_id(update_id: &str, index: usize) -> String {
    if index == 0 { update_id.to_owned() } else { record_id(&["part", update_id, &index.to_string()]) }
}

/// The parts of a shipment, or what does not fit Dynamics.
pub(super) fn parts(update: &ShipmentUpdate, rows: DimensionRows) -> Result<Vec<Part<'_>>, String> {
    let count = match rows {
        DimensionRows::SeveralPerLine => 1,
        DimensionRows::OnePerUpdate => update.lines.iter().map(|line| line.dimensions.len()).max().unwrap_or(1).max(1),
    };
    let whole = count == 1;
    let part = |index: usize| {
        let lines = update.lines.iter().filter_map(|line| part_line(line, if whole { None } else { Some(index) }));
        let lines: Result<Vec<_>, _> = lines.collect();
        Ok(Part { update, id: part_id(&update.update_id, index), lines: lines? })
    };
    (0..count).map(part).collect()
}

/// What a part says of a line: all of it, or what belongs to its place among the line's lots and serials.
fn part_line(line: &UpdateLine, index: Option<usize>) -> Option<Result<PartLine<'_>, String>> {
    let whole = (line.shipped, line.remaining, line.dimensions.as_slice());
    let (shipped, remaining, dimensions) = match index {
        None => whole,
        Some(0) if line.dimensions.is_empty() => whole,
        Some(index) => {
            let (own, later) = line.dimensions.get(index..)?.split_at_checked(1)?;
            let shipped = own.iter().map(|dimension| dimension.quantity).sum();
            let later: Decimal = later.iter().map(|dimension| dimension.quantity).sum();
            (shipped, line.remaining + later, own)
        }
    };
    let number = line.line_id.parse().map_err(|_| format!("{:?} is not a line number of Dynamics", line.line_id));
    Some(number.map(|number| PartLine { line, number, shipped, remaining, dimensions }))
}

impl Part<'_> {
    /// The header, or with another entity what belongs to it.
    pub(super) fn rows(&self, entity: &'static str) -> Rows<'static> {
        let rows = Rows::of(entity, &self.update.legal_entity);
        rows.with(field::UPDATE, &self.id).with(field::ORIGIN, &self.update.origin_id)
    }

    pub(super) fn header(&self, day: Timestamp) -> Members {
        self.key()
            .instant(field::SHIPPED_AT, self.update.shipped_at)
            .text(field::PACKING_SLIP, &self.update.packing_slip)
            .instant(field::PACKING_SLIP_DATE, day)
            .text(field::PROCESSING, field::RECEIVING)
    }

    pub(super) fn line(&self, line: &PartLine<'_>) -> Members {
        self.key()
            .integer(field::LINE, line.number)
            .decimal(field::ORDERED, line.line.ordered)
            .text(field::ORDERED_UNIT, line.line.unit.as_str())
            .decimal(field::TOTAL_PICKED, line.shipped)
            .decimal(field::TOTAL_SHIPPED, line.shipped)
            .decimal(field::REMAINING, line.remaining)
    }

    pub(super) fn dimension(&self, line: &PartLine<'_>, dimension: &UpdateDimension) -> Members {
        self.key()
            .integer(field::LINE, line.number)
            .text_if(field::LOT, dimension.lot.as_ref())
            .text_if(field::SERIAL, dimension.serial.as_ref().map(Serial::as_str))
            .text(field::UNIT, line.line.unit.as_str())
            .decimal(field::PICKED, dimension.quantity)
            .decimal(field::SHIPPED, dimension.quantity)
    }

    fn key(&self) -> Members {
        Members::default()
            .key(field::COMPANY, self.update.legal_entity.as_str())
            .key(field::UPDATE, &self.id)
            .key(field::ORIGIN, &self.update.origin_id)
    }
}

/// What becomes of a shipment when one part of it is in this state and the others are in that.
pub(super) fn together(others: UpdateState, part: UpdateState) -> UpdateState {
    match (others, part) {
        (failed @ UpdateState::Failed(_), _) | (_, failed @ UpdateState::Failed(_)) => failed,
        (pending @ UpdateState::Pending(_), _) | (_, pending @ UpdateState::Pending(_)) => pending,
        (UpdateState::Processed, _) | (_, UpdateState::Processed) => UpdateState::Processed,
        (UpdateState::Missing, UpdateState::Missing) => UpdateState::Missing,
    }
}
