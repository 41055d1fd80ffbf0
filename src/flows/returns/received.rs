//! The plan for goods that came back: counted as a receipt is, with what becomes of each piece.
//!
//! The disposition of a piece is what the mapping says of its disposition and condition. Where a line was credited before,
//! was credited without goods, or is exchanged, it is what the mapping says of the same with `/CREDITED` behind it: stock and
//! disposition alone. Which of the two holds for a line follows from what Dynamics shows and from what we posted, so that a
//! later report reads an earlier one in the same way.

use rust_decimal::Decimal;

use super::credited::{Asked, sum};
use super::matched::{goes_on, named, never_arrived, remember, without_rma};
use super::uncredited;
use crate::config::UndeliverableCredit;
use crate::failure::{Code, Failure};
use crate::flows::answer::Decision;
use crate::flows::goods_received::{CameBack, Condition as Dressed, ReceiptLook, count};
use crate::flows::history::{History, SentOrder, postings};
use crate::flows::keys;
use crate::flows::ledger::{Ledger, OrderedLine, PostedUpdate};
use crate::flows::reading::{Problem, Reading};
use crate::gateways::Receiving;
use crate::mapping::Mapping;
use crate::message::{
    Condition, DisposedQuantity, Disposition, DispositionCode, Envelope, FactKey, GoodsReceived, Kind, OrderRefs,
    OrderingKey, Quantity, QuantityBasisCode, ReceiptStateCode, ReceivedLine, ReturnReceived, ReturnedLine,
    StockStatusCode,
};
use crate::rehearsal::{Variant, broken};

/// What is said of what was credited before, behind its words.
const CREDITED: &str = "/CREDITED";

pub(in crate::flows) fn plan(
    (message, body): (&Envelope, &ReturnReceived),
    look: &ReceiptLook,
    mapping: &Mapping,
    ledger: &Ledger,
) -> Decision {
    let Some(rma) = named(body) else { return without_rma((message, body), ledger) };
    let document = OrderingKey::rma(&look.order.environment, rma);
    if document != message.ordering_key {
        // A person named the RMA of what came without one.
        let mut done = goes_on((message, body), rma, document.clone());
        remember(&mut done, (message, body), &document, ledger);
        return Decision::Done(done);
    }
    let history = History::of(ledger);
    let sent = match meant(message, body, rma, &history) {
        Ok(sent) => sent,
        Err(decision) => return *decision,
    };
    let Some((receipt, places)) = as_receipt(body) else { return Decision::Fail(more_than_came(message, body)) };
    let postings = postings(ledger);
    let came = Came { body, places: &places, look, postings: &postings };
    let conditions = |place: usize, line: &OrderedLine, reading: &Reading<'_>| came.condition(place, line, reading);
    let came_back = CameBack { body, conditions: &conditions };
    match count((message, &receipt), (look, sent), mapping, ledger, Some(&came_back)) {
        Decision::Done(done) => Decision::Done(uncredited::ask((message, body), (look, &sent.created), ledger, done)),
        decision => decision,
    }
}

/// The return that was announced to this warehouse under the RMA.
fn meant<'h>(
    message: &Envelope,
    body: &ReturnReceived,
    rma: &str,
    history: &'h History,
) -> Result<&'h SentOrder, Box<Decision>> {
    let warehouse = &message.connection;
    let latest = history.latest();
    if let Some(sent) = latest.filter(|latest| latest.created.warehouse == *warehouse) {
        return Ok(history.find_by_order_id(warehouse, body.return_key.as_str()).unwrap_or(sent));
    }
    let elsewhere = latest.map(|latest| format!(" It was announced to {}.", latest.created.warehouse));
    let sentence = format!(
        "{warehouse} reports the return {} with the RMA {rma}, which was not announced to them.{} {}",
        body.return_key,
        elsewhere.clone().unwrap_or_default(),
        Code::ReturnUnknown.next_step()
    );
    let failure = Failure::new(Code::ReturnUnknown, sentence);
    Err(Box::new(if elsewhere.is_some() {
        Decision::Fail(failure)
    } else {
        // It may still be on its way.
        let (document, passes) = (message.ordering_key.to_string(), Some(Kind::ReturnAuthorised));
        Decision::Wait { document, passes, failure }
    }))
}

fn more_than_came(message: &Envelope, body: &ReturnReceived) -> Failure {
    let sentence = format!(
        "{} says of the return {} what became of more than came. {}",
        message.connection,
        body.return_key,
        Code::ReceiptDiffers.next_step()
    );
    Failure::new(Code::ReceiptDiffers, sentence)
}

/// The return as a receipt: each decided piece is a line of it, and for each line its place among lines and pieces. What
/// is not decided yet is nobody's; nothing where more was decided than came.
fn as_receipt(body: &ReturnReceived) -> Option<(GoodsReceived, Vec<(usize, usize)>)> {
    let (mut lines, mut places) = (Vec::new(), Vec::new());
    for (line_place, line) in body.lines.iter().enumerate() {
        let decided = line.dispositions.iter().map(|piece| piece.quantity.value).sum::<Decimal>();
        if decided > line.received.value {
            return None;
        }
        // A line of which nothing is decided says so: earlier totals of it are taken back.
        lines.push(piece_of(line, &Quantity { value: Decimal::ZERO, ..line.received.clone() }, None));
        places.push((line_place, usize::MAX));
        let pieces = line.dispositions.iter().enumerate();
        for (place, piece) in pieces.filter(|(_, piece)| piece.disposition.code != DispositionCode::Pending) {
            lines.push(piece_of(line, &piece.quantity, Some(piece)));
            places.push((line_place, place));
        }
    }
    let state = if body.is_final { ReceiptStateCode::Complete } else { ReceiptStateCode::Partial };
    let receipt = GoodsReceived {
        receipt_key: FactKey::new(keys::returned(&body.return_key)).ok()?,
        inbound_order: OrderRefs { reference: None, external_order_id: None, order_number: None, purchase_order: None },
        warehouse: None,
        state: state.into(),
        arrived_at: None,
        completed_at: body.received_at,
        quantity_basis: QuantityBasisCode::Cumulative.into(),
        lines,
        is_final: body.is_final,
        sequence: body.sequence,
    };
    Some((receipt, places))
}

fn piece_of(line: &ReturnedLine, quantity: &Quantity, piece: Option<&DisposedQuantity>) -> ReceivedLine {
    ReceivedLine {
        line: line.line.clone(),
        item: line.item.clone(),
        expected: line.expected.clone(),
        received: quantity.clone(),
        damaged: None,
        lots: piece.and_then(|piece| piece.lot.clone()).into_iter().collect(),
        serials: piece.map(|piece| piece.serials.clone()).unwrap_or_default(),
        stock_status: None,
        unexpected: line.unexpected,
        discrepancy: None,
    }
}

/// A return that came, and what it takes to say what becomes of its pieces.
struct Came<'a> {
    body: &'a ReturnReceived,
    places: &'a [(usize, usize)],
    look: &'a ReceiptLook,
    postings: &'a [PostedUpdate],
}

impl Came<'_> {
    /// Inventory status and disposition code of a piece.
    fn condition(&self, place: usize, line: &OrderedLine, reading: &Reading<'_>) -> Result<Dressed, Problem> {
        let (line_place, piece_place) = self.places.get(place).copied().unwrap_or_default();
        let told = self.body.lines.get(line_place).and_then(|line| line.dispositions.get(piece_place));
        let Some(piece) = told else { return Ok((None, None)) };
        let receiving = &self.look.receiving;
        let credits = self.credits(line)?;
        let words = words(&piece.disposition, piece.condition.as_ref(), if credits { "" } else { CREDITED });
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let code = reading.disposition(&words)?.to_owned();
        let plain = receiving.without_credit.iter().any(|each| each.eq_ignore_ascii_case(&code));
        if !credits && !plain {
            let why = if self.is_nobodys_to_credit() {
                format!("never reached the customer, and the disposition {code} would credit it by itself.")
            } else {
                format!("was credited without its goods, and the disposition {code} would credit it again.")
            };
            let what = format!("line {} ({}) {why}", line.line_id, line.sku);
            return Err((Code::ReturnCreditsTwice, what).into());
        }
        Ok((status(line, piece, receiving)?, Some(code)))
    }

    /// Whether it never reached the customer, and its disposition does not decide about the money.
    fn is_nobodys_to_credit(&self) -> bool {
        never_arrived(self.body)
            && self.look.receiving.undeliverable_credit != UndeliverableCredit::Dynamics
            && !broken(Variant::UndeliveredCredited)
    }

    /// Whether the receipt of a line is to be credited.
    fn credits(&self, line: &OrderedLine) -> Result<bool, Problem> {
        if self.is_nobodys_to_credit() {
            return Ok(false);
        }
        let Some(released) = &self.look.order.released else { return Ok(true) };
        let receiving = &self.look.receiving;
        let now = released.lines.iter().find(|each| each.line_id == line.line_id);
        let preset = now.and_then(|now| now.disposition.as_deref()).unwrap_or_default();
        let elsewhere = receiving.credited_elsewhere.iter().any(|each| each.eq_ignore_ascii_case(preset));
        if elsewhere && !broken(Variant::ExchangeCredited) {
            return Ok(false);
        }
        let ours = Asked::of(&line.line_id, self.postings, &receiving.without_credit);
        let elsewhere = sum(&released.credits, &line.line_id) - ours.now();
        if elsewhere <= Decimal::ZERO || ours.is_all_of(&released.credits) || broken(Variant::RefundForgotten) {
            return Ok(true);
        }
        if elsewhere >= line.quantity {
            return Ok(false);
        }
        let what = format!(
            "{} of the {} of line {} ({}) were credited without their goods, and nobody can tell which.",
            elsewhere.normalize(),
            line.quantity.normalize(),
            line.line_id,
            line.sku
        );
        Err((Code::ReturnPartlyCredited, what).into())
    }
}

/// By which words the mapping is asked what a piece becomes: disposition and condition, then the disposition alone; the
/// warehouse's own words before ours.
fn words(disposition: &Disposition, condition: Option<&Condition>, behind: &str) -> Vec<String> {
    let of =
        |code: &str, raw: Option<&str>| -> Vec<String> { raw.into_iter().chain([code]).map(str::to_owned).collect() };
    let dispositions = of(disposition.code.as_str(), disposition.raw.as_deref());
    let conditions = condition.map(|each| of(each.code.as_str(), each.raw.as_deref())).unwrap_or_default();
    let both = dispositions.iter().flat_map(|one| conditions.iter().map(move |other| format!("{one}/{other}")));
    let mut words: Vec<String> = both.chain(dispositions.iter().cloned()).map(|word| word + behind).collect();
    words.dedup();
    words
}

/// The inventory status in which a piece lies from now on. What is not sold is never taken for what is.
fn status(line: &OrderedLine, piece: &DisposedQuantity, receiving: &Receiving) -> Result<Option<String>, Problem> {
    let by_disposition = match piece.disposition.code {
        DispositionCode::Quarantine => Some(StockStatusCode::Quarantine),
        DispositionCode::Refurbish => Some(StockStatusCode::OnHold),
        _ => None,
    };
    let said = piece.stock_status.as_ref().map(|status| (status.code, status.raw.as_deref()));
    let Some((code, raw)) = said.or(by_disposition.map(|code| (code, None))) else { return Ok(None) };
    let named = receiving.statuses.named(code.as_str(), raw).map(str::to_owned);
    if named.is_none() && code != StockStatusCode::Available {
        let name = raw.unwrap_or(code.as_str());
        let what = format!(
            "{} lies {name}, and nobody said which inventory status that is. Name it under dynamics.NAME.statuses.",
            line.sku
        );
        return Err((Code::ReceiptStatusUnmapped, what).into());
    }
    Ok(named)
}
