//! What a report is about: the lines that goods may be received for, and the fact where it tells what was added.

use crate::failure::{Code, Failure};
use crate::flows::history::SentOrder;
use crate::flows::ledger::OrderedLine;
use crate::flows::orders::ordered;
use crate::gateways::{Direction, ReleasedOrder};
use crate::mapping::Meanings;
use crate::message::{Envelope, GoodsReceived, QuantityBasisCode};

/// The lines that goods may be received for: as they were announced, and as Dynamics has them now. Dynamics may show what
/// is outstanding, so that only more than was announced counts.
pub(super) fn lines(
    sent: &SentOrder,
    (direction, released): (Direction, Option<&ReleasedOrder>),
    meanings: &Meanings<'_>,
) -> Vec<OrderedLine> {
    let now = released.into_iter().flat_map(|released| &released.lines);
    let now: Vec<_> = now.map(|line| ordered(line, direction, meanings)).collect();
    let mut lines = sent.created.lines.clone();
    for line in &mut lines {
        let same =
            |each: &&OrderedLine| each.line_id == line.line_id && each.sku == line.sku && each.unit.same(&line.unit);
        if let Some(now) = now.iter().find(same) {
            line.quantity = line.quantity.max(now.quantity);
            (line.over_percent, line.under_percent) = (now.over_percent, now.under_percent);
        }
    }
    let known: Vec<String> = lines.iter().map(|line| line.line_id.clone()).collect();
    lines.extend(now.into_iter().filter(|line| !known.contains(&line.line_id)));
    lines
}

/// The sender's own id of the fact, where quantities are what is added.
pub(super) fn fact(message: &Envelope, body: &GoodsReceived) -> Result<Option<String>, Failure> {
    match body.quantity_basis.code {
        QuantityBasisCode::Cumulative => Ok(None),
        QuantityBasisCode::Delta => {
            let number = body.sequence.or(message.sequence).map(|sequence| sequence.to_string());
            let named = number.or_else(|| message.external_event_id.clone());
            // One that is numbered nowhere is the only one of its receipt.
            Ok(Some(named.unwrap_or_else(|| "only".to_owned())))
        }
        QuantityBasisCode::Other => {
            let (warehouse, receipt) = (&message.connection, &body.receipt_key);
            let raw = body.quantity_basis.raw.as_deref().unwrap_or("nothing");
            let sentence = format!(
                "{warehouse} reports the receipt {receipt} and does not say whether its quantities are totals (it says {raw}). Ask \
                 them what they have, and post the difference in Dynamics by hand."
            );
            Err(Failure::new(Code::ReceiptDiffers, sentence))
        }
    }
}
