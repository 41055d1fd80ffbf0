//! What effects and awaited documents are called: pure functions of business facts, never of message ids.
//!
//! One fact arrives under several ids (as webhook, as poll, from two endpoints); its effect has one key. Golden vectors
//! are in `tests/flows/keys.rs`: changing a key is a breaking change, because an effect would happen twice.

use jiff::Timestamp;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::ledger::PackageTracking;
use super::reports::CountedReceipt;
use crate::gateways::Direction;
use crate::message::{self, Connection, FactKey, LegalEntity, OrderingKey, Reference, RequestId, record_id};

/// The longest packing slip number that Dynamics takes.
const PACKING_SLIP_LENGTH_MAX: usize = 20;

/// What tells a warehouse's key of a return from one of a receipt.
const RETURNED: &str = "return/";

/// The act that creates an order at a warehouse.
pub(super) fn creating(direction: Direction) -> &'static str {
    match direction {
        Direction::Outbound => "create_order",
        Direction::Inbound => "create_receipt",
        Direction::Returned => "announce_return",
    }
}

/// The act that cancels an order at a warehouse.
pub(super) fn cancelling(direction: Direction) -> &'static str {
    match direction {
        Direction::Outbound => "cancel_order",
        Direction::Inbound => "cancel_receipt",
        Direction::Returned => "cancel_return",
    }
}

/// What tells a receipt's key from that of an order: both may have the same reference.
fn mark(direction: Direction) -> &'static str {
    match direction {
        Direction::Outbound => "",
        Direction::Inbound => "receipt/",
        Direction::Returned => "return/",
    }
}

pub(super) fn create_order(direction: Direction, warehouse: &Connection, reference: &Reference) -> String {
    format!("{}/{warehouse}/{reference}", creating(direction))
}

pub(super) fn burn_reference(direction: Direction, warehouse: &Connection, reference: &Reference) -> String {
    format!("burn_reference/{}{warehouse}/{reference}", mark(direction))
}

pub(super) fn cancel_order(direction: Direction, warehouse: &Connection, reference: &Reference) -> String {
    format!("{}/{warehouse}/{reference}", cancelling(direction))
}

/// A change of an order that stays where it is; `number` counts them, so that A, then B, then A again is three.
pub(super) fn change_order(warehouse: &Connection, reference: &Reference, number: u32) -> String {
    format!("change_order/{warehouse}/{reference}/{number}")
}

/// A cancellation may be answered twice: first that it is refused, later that it happened after all.
pub(super) fn cancel_resolved(
    direction: Direction,
    warehouse: &Connection,
    reference: &Reference,
    outcome: &str,
) -> String {
    format!("cancel_resolved/{}{warehouse}/{reference}/{outcome}", mark(direction))
}

pub(super) fn accept_order(warehouse: &Connection, reference: &Reference) -> String {
    format!("accept_order/{warehouse}/{reference}")
}

pub(super) fn reject_order(warehouse: &Connection, reference: &Reference) -> String {
    format!("reject_order/{warehouse}/{reference}")
}

pub(super) fn order_status(warehouse: &Connection, reference: &Reference, code: &str, at: Timestamp) -> String {
    format!("order_status/{warehouse}/{reference}/{code}/{at}")
}

/// What Dynamics was told about a document; `verdict` names the reference, and the version where it matters.
pub(super) fn write_status(
    environment: &Connection,
    legal_entity: &LegalEntity,
    request: &RequestId,
    verdict: &str,
) -> String {
    format!("write_status/{environment}/{legal_entity}/{request}/{verdict}")
}

pub(super) fn post_shipment(environment: &Connection, warehouse: &Connection, shipment: &str) -> String {
    format!("post_shipment/{environment}/{warehouse}/{shipment}")
}

/// What makes a posted receipt one effect: whose it is, which turn of it, and what is posted of every piece then.
pub(super) struct ReceiptFacts<'a> {
    pub(super) environment: &'a Connection,
    pub(super) warehouse: &'a Connection,
    pub(super) receipt: &'a str,
    /// The number of the correction, or, where a receipt adds, the sender's own id of the fact.
    pub(super) turn: &'a str,
    /// Line, piece and total of each.
    pub(super) reached: &'a [String],
}

impl ReceiptFacts<'_> {
    pub(super) fn post_receipt(&self) -> String {
        let Self { environment, warehouse, receipt, turn, .. } = self;
        format!("post_receipt/{environment}/{warehouse}/{receipt}/{turn}/{}", self.totals())
    }

    /// Our id of the update in Dynamics that posts it.
    pub(super) fn update_id(&self) -> String {
        let Self { environment, warehouse, receipt, turn, .. } = self;
        let facts = ["post_receipt", environment.as_str(), warehouse.as_str(), receipt, turn, &self.totals()];
        record_id(&facts)
    }

    fn totals(&self) -> String {
        record_id(&self.reached.iter().map(String::as_str).collect::<Vec<_>>())
    }
}

/// The return order that was made because somebody asked for it.
pub(super) fn create_return(environment: &Connection, legal_entity: &LegalEntity, request: &FactKey) -> String {
    format!("create_return/{environment}/{legal_entity}/{request}")
}

/// Our key of a return order in Dynamics, by which it is found again.
pub(super) fn return_reference(environment: &Connection, legal_entity: &LegalEntity, request: &FactKey) -> String {
    record_id(&["create_return", environment.as_str(), legal_entity.as_str(), request.as_str()])
}

/// The name of a parcel that came back without an RMA, as a wish for its return order.
pub(super) fn parcel(warehouse: &Connection, return_key: &FactKey) -> String {
    format!("parcel/{warehouse}/{return_key}")
}

/// That a person named the document of a parcel without an RMA.
pub(super) fn match_return(warehouse: &Connection, return_key: &FactKey, document: &OrderingKey) -> String {
    format!("match_return/{warehouse}/{return_key}/{document}")
}

/// That a person was asked who credits a parcel that never reached the customer.
pub(super) fn ask_for_credit(
    environment: &Connection,
    reference: &Reference,
    return_key: &FactKey,
    decided_before: usize,
) -> String {
    let again = if decided_before == 0 { String::new() } else { format!("/{}", decided_before + 1) };
    format!("ask_for_credit/{environment}/{reference}/{return_key}{again}")
}

/// That nothing was left to be credited of so much that had come of a parcel.
pub(super) fn credit_decided(
    environment: &Connection,
    reference: &Reference,
    return_key: &str,
    came: Decimal,
) -> String {
    format!("credit_decided/{environment}/{reference}/{return_key}/{}", came.normalize())
}

/// That what came back was credited, by which notes.
pub(super) fn credited(environment: &Connection, reference: &Reference, notes: &[&str]) -> String {
    format!("credited/{environment}/{reference}/{}", record_id(notes))
}

/// That what an update posts of a return is to be credited; and that Dynamics owes nothing of it any more.
pub(super) fn owes_credit(environment: &Connection, update_id: &str) -> String {
    format!("owes_credit/{environment}/{update_id}")
}

pub(super) fn credit_settled(environment: &Connection, update_id: &str) -> String {
    format!("credit_settled/{environment}/{update_id}")
}

/// A return's own name among the receipts of its warehouse.
pub(super) fn returned(return_key: &FactKey) -> String {
    format!("{RETURNED}{return_key}")
}

/// The warehouse's own key of a receipt, or of a return.
pub(super) fn bare(receipt: &str) -> &str {
    receipt.strip_prefix(RETURNED).unwrap_or(receipt)
}

/// A report of a receipt that was worked on.
pub(super) fn count_receipt(counted: &CountedReceipt) -> String {
    let CountedReceipt { receipt_key, warehouse, reported, fact, lines, .. } = counted;
    let number = reported.sequence.map_or_else(|| reported.at.to_string(), |sequence| sequence.to_string());
    let lines = record_id(&lines.iter().map(String::as_str).collect::<Vec<_>>());
    format!("count_receipt/{warehouse}/{receipt_key}/{}/{number}/{lines}", fact.as_deref().unwrap_or_default())
}

/// That a person was asked for what is missing of an inbound order.
pub(super) fn short_receipt(warehouse: &Connection, reference: &Reference, missing: &[String]) -> String {
    let missing = record_id(&missing.iter().map(String::as_str).collect::<Vec<_>>());
    format!("short_receipt/{warehouse}/{reference}/{missing}")
}

/// That a document from before go-live is not sent.
pub(super) fn set_aside(direction: Direction, warehouse: &Connection, reference: &Reference) -> String {
    format!("set_aside/{}{warehouse}/{reference}", mark(direction))
}

/// That a document from before go-live is left for a decision.
pub(super) fn before_go_live(direction: Direction, environment: &Connection, reference: &Reference) -> String {
    format!("before_go_live/{}{environment}/{reference}", mark(direction))
}

/// That a person was asked about a change that came too late for who receives the goods, after so many questions had ended.
pub(super) fn change_too_late(
    (warehouse, reference): (&Connection, &Reference),
    version: u32,
    settled: usize,
    why: &str,
) -> String {
    format!("change_too_late/{warehouse}/{reference}/{version}/{settled}/{}", record_id(&[why]))
}

/// That such a question ended by itself.
pub(super) fn change_settled(warehouse: &Connection, reference: &Reference, question: Uuid) -> String {
    format!("change_settled/{warehouse}/{reference}/{question}")
}

pub(super) fn restore_posting(environment: &Connection, update_id: &str) -> String {
    format!("restore_posting/{environment}/{update_id}")
}

/// That an update which takes goods back is looked after, and what rises waits for it.
pub(super) fn goes_first(environment: &Connection, update_id: &str) -> String {
    format!("goes_first/{environment}/{update_id}")
}

pub(super) fn posted(environment: &Connection, update_id: &str) -> String {
    format!("posted/{environment}/{update_id}")
}

/// That an update which was handed over and not posted never will be.
pub(super) fn undone(environment: &Connection, update_id: &str) -> String {
    format!("undone/{environment}/{update_id}")
}

pub(super) fn void_shipment(warehouse: &Connection, shipment: &str) -> String {
    format!("void_shipment/{warehouse}/{shipment}")
}

/// `act` is `tracking` or `write_tracking`. The instant belongs to the key: A, then B, then A again is three facts.
pub(super) fn tracking(act: &str, said: &PackageTracking) -> String {
    let PackageTracking { warehouse, shipment_key, package_key, tracking_number, at, .. } = said;
    let words = [said.tracking_url.as_deref().unwrap_or_default(), said.carrier.as_deref().unwrap_or_default()];
    let fingerprint = record_id(&[tracking_number, words[0], words[1]]);
    let package = package_key.as_deref().unwrap_or("*");
    format!("{act}/{warehouse}/{shipment_key}/{package}/{fingerprint}/{at}")
}

pub(super) fn adjust_stock(environment: &Connection, warehouse: &Connection, adjustment: &FactKey) -> String {
    format!("adjust_stock/{environment}/{warehouse}/{adjustment}")
}

/// Our id of a row of an adjustment in Dynamics.
pub(super) fn adjustment_row((environment, warehouse): (&str, &str), adjustment: &str, index: usize) -> String {
    record_id(&["adjust_stock", environment, warehouse, adjustment, &index.to_string()])
}

/// What an adjustment waits for that takes more than there is: stock of the item that comes in. Its document is of the kind
/// `item_stock`, which is told again each time.
pub(super) fn stock_name(environment: &Connection, item_number: &str) -> String {
    format!("stock/{environment}/{item_number}")
}

/// Our id of the update in Dynamics that posts a shipment.
pub(super) fn update_id(environment: &Connection, warehouse: &Connection, shipment: &str) -> String {
    record_id(&["post_shipment", environment.as_str(), warehouse.as_str(), shipment])
}

/// Our id of the row that holds a package's tracking.
pub(super) fn tracking_row(environment: &Connection, warehouse: &Connection, shipment: &str, package: &str) -> String {
    record_id(&["write_tracking", environment.as_str(), warehouse.as_str(), shipment, package])
}

/// The packing slip number: the warehouse's own key where that can be read in it, and what makes it unique.
pub(super) fn packing_slip(update_id: &str, shipment: &str) -> String {
    let unique = &update_id[..update_id.len().min(9)];
    let room = PACKING_SLIP_LENGTH_MAX - unique.len() - 1;
    let plain = shipment.len() <= room && shipment.bytes().all(|each| each.is_ascii_alphanumeric() || each == b'-');
    if plain { format!("{shipment}-{unique}") } else { update_id.to_owned() }
}

/// What messages about an order wait for when it is not there yet: the very reference they name, not the document,
/// which is known from its first revision on.
pub(super) fn order_name(direction: Direction, environment: &Connection, reference: &Reference) -> String {
    match direction {
        Direction::Outbound => format!("order/{environment}/{reference}"),
        Direction::Inbound => format!("inbound/{environment}/{reference}"),
        Direction::Returned => format!("return/{environment}/{reference}"),
    }
}

/// What messages wait for when the warehouse has not said yet how a cancellation ends.
pub(super) fn cancel_name(direction: Direction, environment: &Connection, reference: &Reference) -> String {
    format!("cancel/{}{environment}/{reference}", mark(direction))
}

/// What tracking waits for when its shipment is not there yet.
pub(super) fn shipment_name(warehouse: &Connection, shipment: &str) -> String {
    format!("shipment/{warehouse}/{shipment}")
}

/// What a receipt that takes goods back waits for when it was not told yet that they came.
pub(super) fn receipt_name(warehouse: &Connection, receipt: &str) -> String {
    format!("receipt/{warehouse}/{receipt}")
}

/// What wakes whoever waits for Dynamics to process an update.
pub(super) fn posting_name(environment: &Connection, update_id: &str) -> String {
    message::posting_name(environment, update_id)
}
