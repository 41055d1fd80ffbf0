//! What an adjustment moves: quantities with their sign, per status and piece. Pure.

use rust_decimal::Decimal;

use crate::failure::{Code, Failure};
use crate::message::{AdjustmentKindCode, Quantity, Serial, StockAdjusted, StockStatus, Unit};

/// A quantity that comes to one status, or leaves it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Movement<'a> {
    /// Signed.
    pub quantity: Decimal,
    pub unit: Option<&'a Unit>,
    pub status: Option<&'a StockStatus>,
    pub serial: Option<&'a Serial>,
}

/// Everything that an adjustment moves; empty when nothing changed.
pub(super) fn movements(body: &StockAdjusted) -> Result<Vec<Movement<'_>>, Failure> {
    let (whole, sides) = match body.kind.code {
        AdjustmentKindCode::Delta | AdjustmentKindCode::Absolute => {
            let status = body.to_status.as_ref().or(body.from_status.as_ref());
            (difference(body)?, vec![(Decimal::ONE, status)])
        }
        AdjustmentKindCode::StatusChange => {
            let (Some(from), Some(to)) = (&body.from_status, &body.to_status) else {
                return Err(unclear(body, "does not say from which status to which the stock went"));
            };
            let moved = body.delta.as_ref().ok_or_else(|| unclear(body, "does not say how much changed its status"))?;
            // The two statuses say the direction; the sign only how the sender counts.
            let whole = Whole { quantity: moved.value.abs(), unit: moved.unit.as_ref() };
            (whole, vec![(Decimal::NEGATIVE_ONE, Some(from)), (Decimal::ONE, Some(to))])
        }
        AdjustmentKindCode::Other => {
            return Err(unclear(body, "is of a kind that this release does not know"));
        }
    };
    if whole.quantity.is_zero() {
        return Ok(Vec::new());
    }
    let pieces = pieces(body, whole.quantity)?;
    let sides = sides.iter().flat_map(|(sign, status)| {
        pieces.iter().map(move |(quantity, serial)| Movement {
            quantity: *sign * *quantity,
            unit: whole.unit,
            status: *status,
            serial: *serial,
        })
    });
    Ok(sides.collect())
}

/// All that moves, with its unit.
struct Whole<'a> {
    quantity: Decimal,
    unit: Option<&'a Unit>,
}

/// What changed: as it is said, else by the levels before and after.
fn difference(body: &StockAdjusted) -> Result<Whole<'_>, Failure> {
    let said = |quantity: &'_ Quantity| quantity.value;
    let absolute = body.kind.code == AdjustmentKindCode::Absolute;
    match (&body.delta, &body.level_before, &body.level_after) {
        (Some(delta), _, _) if !absolute => Ok(Whole { quantity: delta.value, unit: delta.unit.as_ref() }),
        (_, Some(before), Some(after)) => {
            let same = match (&before.unit, &after.unit) {
                (Some(before), Some(after)) => before.same(after),
                (None, None) => true,
                _ => false,
            };
            if same {
                Ok(Whole { quantity: said(after) - said(before), unit: after.unit.as_ref() })
            } else {
                Err(unclear(body, "counts before and after in different units"))
            }
        }
        (Some(delta), _, _) => Ok(Whole { quantity: delta.value, unit: delta.unit.as_ref() }),
        (None, _, Some(_)) => Err(unclear(
            body,
            "says what was counted and not what its book said before, so that nobody can tell it from what is still under \
             way",
        )),
        (None, _, None) => Err(unclear(body, "does not say how much changed")),
    }
}

/// The pieces of a quantity: one for each serial number, all with its sign; the whole where there are none.
fn pieces(body: &StockAdjusted, quantity: Decimal) -> Result<Vec<(Decimal, Option<&Serial>)>, Failure> {
    if body.serials.is_empty() {
        return Ok(vec![(quantity, None)]);
    }
    let count = Decimal::from(body.serials.len());
    if quantity.abs() != count {
        let problem = format!("names {count} serial numbers for a quantity of {}", quantity.normalize());
        return Err(unclear(body, &problem));
    }
    let sign = if quantity.is_sign_negative() { Decimal::NEGATIVE_ONE } else { Decimal::ONE };
    Ok(body.serials.iter().map(|serial| (sign, Some(serial))).collect())
}

pub(super) fn unclear(body: &StockAdjusted, problem: &str) -> Failure {
    let sentence = format!(
        "The adjustment {} of {} {problem}. Ask the warehouse what changed; post it in Dynamics by hand and discard this, or \
         have it sent again.",
        body.adjustment_key, body.item.sku
    );
    Failure::new(Code::AdjustmentUnclear, sentence)
}
