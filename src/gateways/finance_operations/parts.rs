//! How a shipment, or a receipt, becomes updates: pure.
//!
//! The key of a lot or serial names the line and nothing more. So what has several of a line is written as
//! several updates, *parts*: part 0 has our id and the first of every line, part 1 the second, and so on, under ids
//! derived from ours; each counts on from the one before. Versions that take several rows per line need one part.

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::fields::{self as field, Names};
use super::rows::Rows;
use crate::config::DimensionRows;
use crate::gateways::documents::{ShipmentUpdate, UpdateDimension, UpdateLine, UpdateState};
use crate::gateways::json::Members;
use crate::message::{Serial, record_id};

/// One update: what moved, or the part of it that fits into one.
pub(super) struct Part<'a> {
    pub(super) update: &'a ShipmentUpdate,
    pub(super) id: String,
    pub(super) lines: Vec<PartLine<'a>>,
}

/// What a part says of a line.
pub(super) struct PartLine<'a> {
    line: &'a UpdateLine,
    pub(super) number: i64,
    moved: Decimal,
    remaining: Decimal,
    pub(super) dimensions: &'a [UpdateDimension],
}

/// The id of a part; the first has the update's own. Golden vectors are in `tests/gateways/post_shipment.rs`.
pub(super) fn part_id(update_id: &str, index: usize) -> String {
    if index == 0 { update_id.to_owned() } else { record_id(&["part", update_id, &index.to_string()]) }
}

/// The parts of an update, or what does not fit Dynamics.
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
    let whole = (line.moved, line.remaining, line.dimensions.as_slice());
    let (moved, remaining, dimensions) = match index {
        None => whole,
        Some(0) if line.dimensions.is_empty() => whole,
        Some(index) => {
            let (own, later) = line.dimensions.get(index..)?.split_at_checked(1)?;
            let moved = own.iter().map(|dimension| dimension.quantity).sum();
            let later: Decimal = later.iter().map(|dimension| dimension.quantity).sum();
            (moved, line.remaining + later, own)
        }
    };
    let number = line.line_id.parse().map_err(|_| format!("{:?} is not a line number of Dynamics", line.line_id));
    Some(number.map(|number| PartLine { line, number, moved, remaining, dimensions }))
}

impl Part<'_> {
    /// The header, or with another entity what belongs to it.
    pub(super) fn rows(&self, entity: &'static str) -> Rows<'static> {
        let names = self.names();
        let rows = Rows::of(entity, &self.update.legal_entity);
        rows.with(names.update, &self.id).with(names.origin, &self.update.origin_id)
    }

    pub(super) fn header(&self, day: Timestamp) -> Members {
        let names = self.names();
        self.key()
            .instant(names.moved_at, self.update.moved_at)
            .text(names.slip, &self.update.packing_slip)
            .instant(names.slip_date, day)
            .text(field::PROCESSING, field::RECEIVING)
    }

    pub(super) fn line(&self, line: &PartLine<'_>) -> Members {
        let members = self
            .key()
            .integer(field::LINE, line.number)
            .decimal(field::ORDERED, line.line.ordered)
            .text(field::ORDERED_UNIT, line.line.unit.as_str())
            .decimal(field::REMAINING, line.remaining);
        self.names().moved.iter().fold(members, |members, name| members.decimal(name, line.moved))
    }

    pub(super) fn dimension(&self, line: &PartLine<'_>, dimension: &UpdateDimension) -> Members {
        let members = self
            .key()
            .integer(field::LINE, line.number)
            .text_if(field::LOT, dimension.lot.as_ref())
            .text_if(field::SERIAL, dimension.serial.as_ref().map(Serial::as_str))
            .text_if(field::ORDERED_STATUS, dimension.status.as_ref())
            .text_if(field::DISPOSITION, dimension.disposition.as_ref())
            .text(field::UNIT, line.line.unit.as_str());
        self.names().dimension_moved.iter().fold(members, |members, name| members.decimal(name, dimension.quantity))
    }

    fn key(&self) -> Members {
        let names = self.names();
        Members::default()
            .key(field::COMPANY, self.update.legal_entity.as_str())
            .key(names.update, &self.id)
            .key(names.origin, &self.update.origin_id)
    }

    pub(super) fn names(&self) -> &'static Names {
        field::names(self.update.direction)
    }
}

/// What becomes of an update when one part of it is in this state and the others are in that.
pub(super) fn together(others: UpdateState, part: UpdateState) -> UpdateState {
    match (others, part) {
        (failed @ UpdateState::Failed(_), _) | (_, failed @ UpdateState::Failed(_)) => failed,
        (pending @ UpdateState::Pending(_), _) | (_, pending @ UpdateState::Pending(_)) => pending,
        (UpdateState::Processed, _) | (_, UpdateState::Processed) => UpdateState::Processed,
        (UpdateState::Missing, UpdateState::Missing) => UpdateState::Missing,
    }
}
