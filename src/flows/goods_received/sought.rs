//! Which inbound order a receipt is of that does not name our reference: by the order's number, then by its items.
//!
//! Warehouses split inbound orders, or know them by the purchase order alone. Meant is what was announced to this very
//! warehouse under a number that the report names, and, where that is several, the one that has every item of the report. The report
//! then goes on in its order's lane, as a message that names our reference. It refuses to choose between orders that fit alike.

use rust_decimal::Decimal;

use crate::failure::{Code, Failure};
use crate::flows::answer::{About, Decision, Done, Emit};
use crate::flows::history::{History, SentOrder};
use crate::flows::ledger::Ledger;
use crate::flows::meant;
use crate::flows::reading::Reading;
use crate::flows::slots::{self, Slot};
use crate::mapping::{At, Mapping};
use crate::message::{Body, Envelope, FOUND_ITS_ORDER, GoodsReceived, OrderingKey, Reference};

/// An order that may be meant.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Its document.
    pub document: OrderingKey,
    /// What happened to it.
    pub ledger: Ledger,
}

/// The numbers by which its inbound order is sought; none of a message that names its document.
#[must_use]
pub fn sought(message: &Envelope) -> Vec<String> {
    let Body::GoodsReceived(body) = &message.body else { return Vec::new() };
    if !message.ordering_key.stands_alone() {
        return Vec::new();
    }
    let order = &body.inbound_order;
    // A warehouse may say its number where ours belongs.
    let numbers = [&order.order_number, &order.purchase_order, &order.external_order_id, &order.reference];
    let mut sought: Vec<String> = Vec::new();
    for number in numbers.into_iter().flatten() {
        if !sought.contains(number) {
            sought.push(number.clone());
        }
    }
    sought
}

/// Decides which of the candidates is meant.
#[must_use]
pub fn plan(message: &Envelope, candidates: &[Candidate], mapping: &Mapping) -> Decision {
    let numbers = sought(message);
    let (Body::GoodsReceived(body), Some(number)) = (&message.body, numbers.first()) else {
        return Decision::Fail(unknown(message, "(without a number)"));
    };
    let mut expected: Vec<Expected<'_>> = candidates.iter().filter_map(|each| Expected::at(message, each)).collect();
    if expected.is_empty() {
        // Its announcement may still be on its way.
        return meant::waits(number.clone(), None, unknown(message, number));
    }
    // What has ended is meant only where nothing else can be: goods do come for orders that were given up.
    if expected.iter().any(|each| each.order.end.is_none()) {
        expected.retain(|each| each.order.end.is_none());
    }
    let by_number = expected.len() == 1;
    if !by_number {
        expected.retain(|each| each.has_every_item(message, body, mapping));
    }
    match expected.as_slice() {
        [meant] => Decision::Done(meant.goes_on(body, number, by_number)),
        [] | [_, _, ..] => Decision::Fail(ambiguous(message, candidates, number)),
    }
}

/// An order that this warehouse was told to expect.
struct Expected<'a> {
    document: &'a OrderingKey,
    order: SentOrder,
}

impl<'a> Expected<'a> {
    fn at(message: &Envelope, candidate: &'a Candidate) -> Option<Self> {
        let order = History::of(&candidate.ledger).latest()?.clone();
        (order.created.warehouse == message.connection).then_some(Self { document: &candidate.document, order })
    }

    fn has_every_item(&self, message: &Envelope, body: &GoodsReceived, mapping: &Mapping) -> bool {
        let environment = message.environment.as_ref().unwrap_or(&message.connection);
        let legal_entity = Some(&self.order.created.legal_entity);
        let meanings = mapping.at(At { environment, legal_entity, connection: &message.connection });
        let reading = Reading::new(meanings, Code::ReceiptUnitDiffers);
        let slots: Vec<Slot<'_>> = self.order.created.lines.iter().map(|line| Slot::of(line, Decimal::ZERO)).collect();
        let fits = |line| slots::fitting(None, line, &slots, &reading).is_ok();
        !body.lines.is_empty() && body.lines.iter().all(|line| fits(&line.item.sku))
    }

    /// The report goes on as one that names our reference.
    fn goes_on(&self, body: &GoodsReceived, number: &str, by_number: bool) -> Done {
        let created = &self.order.created;
        let reference = &created.reference;
        let how = if by_number { String::new() } else { " and by its items".to_owned() };
        let found =
            format!("The receipt {} is of {reference}: found by the number {number}{how}.", body.receipt_key.as_str());
        let mut named = body.clone();
        named.inbound_order.reference = Some(reference.to_string());
        let mut named = Body::GoodsReceived(named);
        if created.adopted.is_some() {
            // The warehouse numbers its lines as the former integration did.
            named.forget_lines();
        }
        let emit = Emit {
            purpose: FOUND_ITS_ORDER,
            ordinal: 0,
            body: named,
            about: Some(About {
                document: self.document.clone(),
                legal_entity: Some(created.legal_entity.clone()),
                connection: created.warehouse.clone(),
            }),
        };
        Done { emits: vec![emit], steps: vec![("drayline".to_owned(), found)], ..Done::default() }
    }
}

fn unknown(message: &Envelope, number: &str) -> Failure {
    let warehouse = &message.connection;
    let sentence = format!(
        "{warehouse} reports a receipt of the inbound order {number}, which is none of our references, and nothing of that \
         number was announced to {warehouse}. {}",
        Code::InboundUnknown.next_step()
    );
    Failure::new(Code::InboundUnknown, sentence)
}

fn ambiguous(message: &Envelope, candidates: &[Candidate], number: &str) -> Failure {
    let warehouse = &message.connection;
    let expected = candidates.iter().filter_map(|each| Expected::at(message, each));
    let references: Vec<Reference> = expected.map(|each| each.order.created.reference).collect();
    let named: Vec<String> = references.iter().map(ToString::to_string).collect();
    let sentence = format!(
        "{warehouse} reports a receipt of the inbound order {number}, which is none of our references. It expects {} under \
         that number, and the items of the receipt do not tell which is meant. {}",
        named.join(" and "),
        Code::InboundAmbiguous.next_step()
    );
    Failure::new(Code::InboundAmbiguous, sentence)
}
