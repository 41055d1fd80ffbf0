//! The plan for a parcel without an RMA whose order is known: a return order is made for what it holds, once, and the report
//! goes on under its RMA.
//!
//! It refuses to take in more than was shipped and is not back, or another thing: that is a person's.

use rust_decimal::Decimal;

use super::matched::{blind, goes_on, named, without_rma};
use super::requested::{self, authorise};
use super::{MadeFrom, MadeLine, ParcelLook};
use crate::failure::{Code, Failure};
use crate::flows::answer::{About, Decision, Done, Emit, KnownDocument};
use crate::flows::history::{History, moved, postings};
use crate::flows::keys;
use crate::flows::ledger::{CreatedOrder, Ledger, OrderedLine, PostedDimension};
use crate::flows::reading::{Measure, Problem, Reading};
use crate::flows::slots::{self, Slot};
use crate::mapping::{At, Mapping};
use crate::message::{
    Body, Envelope, FOUND_ITS_ORDER, FactKey, Item, LineRef, OrderRefs, OrderingKey, Quantity, RequestedReturnLine,
    ReturnReceived, ReturnRequested, ReturnedLine,
};
use crate::rehearsal::{Variant, broken};

pub(in crate::flows) fn plan(
    (message, body): (&Envelope, &ReturnReceived),
    look: &ParcelLook,
    mapping: &Mapping,
    ledger: &Ledger,
) -> Decision {
    if let Some(rma) = named(body) {
        let document = OrderingKey::rma(&look.wish.environment, rma);
        return Decision::Done(goes_on((message, body), rma, document));
    }
    if body.matched_order.as_ref().is_some_and(|order| *order != message.ordering_key) {
        return without_rma((message, body), ledger);
    }
    let history = History::of(ledger);
    let Some(sent) = history.latest() else { return Decision::Fail(blind(message, body)) };
    let parcel = Parcel { message, body, look, order: &sent.created, ledger };
    if parcel.came().is_zero() {
        return Decision::NotOurs(format!("Nothing of the parcel {} is counted yet.", body.return_key));
    }
    parcel.made(mapping).map_or_else(|decision| *decision, |made| parcel.goes_on(&made))
}

/// A parcel that came back of an order that we know.
struct Parcel<'a> {
    message: &'a Envelope,
    body: &'a ReturnReceived,
    look: &'a ParcelLook,
    order: &'a CreatedOrder,
    ledger: &'a Ledger,
}

impl Parcel<'_> {
    fn came(&self) -> Decimal {
        self.body.lines.iter().map(|line| line.received.value).sum()
    }

    /// The return order of the parcel; what is to be done where it is not there.
    fn made(&self, mapping: &Mapping) -> Result<MadeFrom, Box<Decision>> {
        let environment = &self.look.wish.environment;
        let request_key = FactKey::new(keys::parcel(&self.message.connection, &self.body.return_key))
            .map_err(|invalid| Box::new(self.unfit(&format!("its key cannot name a return order: {invalid}."))))?;
        let key = keys::create_return(environment, &self.order.legal_entity, &request_key);
        if let Some(made) = self.ledger.kept::<MadeFrom>(&key) {
            return Ok(made);
        }
        let at = At { environment, legal_entity: Some(&self.order.legal_entity), connection: &self.message.connection };
        let reading = Reading::new(mapping.at(at), Code::ReceiptUnitDiffers);
        let lines = self.lines(&reading).map_err(|problem| {
            let next_step = problem.code.next_step();
            Box::new(Decision::Fail(problem.failure(|what| self.sentence(what, next_step))))
        })?;
        let order = self.look.order.as_ref();
        let wish = ReturnRequested {
            request_key,
            order: OrderRefs {
                reference: Some(self.order.reference.to_string()),
                external_order_id: None,
                order_number: self.order.order_number.clone(),
                purchase_order: None,
            },
            kind: self.body.kind.clone(),
            customer_account: order.and_then(|order| order.customer_account.clone()),
            lines,
            requested_at: None,
            note: None,
        };
        requested::make((&self.order.legal_entity, &wish), &self.look.wish, self.ledger)
    }

    /// What the parcel holds, by the lines of the order that it left under.
    fn lines(&self, reading: &Reading<'_>) -> Result<Vec<RequestedReturnLine>, Problem> {
        let away = self.away();
        let mut slots: Vec<Slot<'_>> = away.iter().map(|line| Slot::of(line, Decimal::ZERO)).collect();
        for line in self.body.lines.iter().filter(|line| !line.received.value.is_zero()) {
            share_out(line, &mut slots, reading)?;
        }
        slots.iter().filter(|slot| !slot.here().is_zero()).map(|slot| wished(slot.line, slot.here())).collect()
    }

    /// The lines of the order with what of each was shipped and did not come back.
    fn away(&self) -> Vec<OrderedLine> {
        let shipments = postings(self.ledger);
        let mut made = self.ledger.facts::<MadeFrom>("create_return");
        made.retain(|_| !broken(Variant::BackForgotten));
        let back = |line_id: &str| -> Decimal {
            let lines = made.iter().flat_map(|made| &made.lines).filter(|line| line.line_id == line_id);
            lines.map(|line| line.quantity).sum()
        };
        let away = |line: &OrderedLine| OrderedLine {
            quantity: moved(&shipments, &line.line_id) - back(&line.line_id),
            over_percent: Decimal::ZERO,
            ..line.clone()
        };
        self.order.lines.iter().map(away).collect()
    }

    /// It is announced under its RMA as every return is, and what came is counted there.
    fn goes_on(&self, made: &MadeFrom) -> Decision {
        let legal_entity = Some(&self.order.legal_entity);
        let Some(authorised) = authorise(&self.look.wish.environment, legal_entity, made) else {
            return self.unfit("Dynamics gave its return order no number.");
        };
        // The lines of the return order are others than those under which it left: the items tell which are meant.
        let mut named = Body::ReturnReceived(ReturnReceived { rma: Some(made.rma.clone()), ..self.body.clone() });
        named.forget_lines();
        let report = Emit {
            purpose: FOUND_ITS_ORDER,
            ordinal: 0,
            body: named,
            about: Some(About {
                document: OrderingKey::rma(&self.look.wish.environment, &made.rma),
                legal_entity: legal_entity.cloned(),
                connection: self.message.connection.clone(),
            }),
        };
        let key = &self.body.return_key;
        let names =
            [("return", key.to_string()), ("return_order", made.return_order.clone()), ("rma", made.rma.clone())];
        let order = KnownDocument {
            key: self.message.ordering_key.to_string(),
            kind: "order",
            names: names.map(|(label, name)| (label.to_owned(), name)).to_vec(),
        };
        let step = format!(
            "The parcel {key} came back: it is taken in by the return order {} with the RMA {}.",
            made.return_order, made.rma
        );
        Decision::Done(Done {
            emits: vec![authorised, report],
            documents: vec![order],
            steps: vec![("dynamics".to_owned(), step)],
            ..Done::default()
        })
    }

    fn unfit(&self, what: &str) -> Decision {
        let sentence = self.sentence(what, Code::ReturnParcelUnfit.next_step());
        Decision::Fail(Failure::new(Code::ReturnParcelUnfit, sentence))
    }

    fn sentence(&self, what: &str, next_step: &str) -> String {
        let (warehouse, key, reference) = (&self.message.connection, &self.body.return_key, &self.order.reference);
        format!(
            "{warehouse} has the parcel {key} of {reference} back, and no return order is made for it: {what} {next_step}"
        )
    }
}

/// Gives what was counted of an item to the lines that it left under.
fn share_out(line: &ReturnedLine, slots: &mut [Slot<'_>], reading: &Reading<'_>) -> Result<(), Problem> {
    let sku = &line.item.sku;
    let unfit = |what: String| Problem::from((Code::ReturnParcelUnfit, what));
    let fits = slots::fitting(line.line.as_ref(), sku, slots, reading).map_err(unfit)?;
    let ordered = slots::one_unit(sku, slots, &fits).map_err(unfit)?;
    let quantity = match Measure::of(&line.received, ordered) {
        Measure::Same(quantity) => quantity,
        Measure::Other(unit) => reading.converted(ordered, line.received.value, &unit)?,
    };
    let unit = ordered.unit.clone();
    let left = slots::fill(slots, &fits, &PostedDimension { quantity, ..PostedDimension::default() });
    if left.is_zero() {
        return Ok(());
    }
    let what = format!(
        "it holds {} {unit} of {sku}, and {} of them were not shipped or are back already.",
        quantity.normalize(),
        left.normalize()
    );
    Err(unfit(what))
}

fn wished(line: &OrderedLine, quantity: Decimal) -> Result<RequestedReturnLine, Problem> {
    if let Some(variant) = &line.variant {
        let what = format!("{} is of the variant {variant}, which a return order of ours cannot name.", line.sku);
        return Err((Code::ReturnParcelUnfit, what).into());
    }
    Ok(RequestedReturnLine {
        line: Some(LineRef { order_line_id: Some(line.line_id.clone()), external_line_id: None }),
        item: Item {
            sku: line.sku.clone(),
            external_item_id: None,
            gtin: None,
            qualifier: None,
            item_number: Some(line.sku.to_string()),
            variant: None,
            description: None,
        },
        quantity: Quantity { value: quantity, unit: Some(line.unit.clone()), base_value: None, base_unit: None },
        reason: None,
        serials: Vec::new(),
    })
}

/// What was wished of the lines of an order.
pub(super) fn made_lines(wish: &ReturnRequested) -> Vec<MadeLine> {
    let of = |line: &RequestedReturnLine| {
        let line_id = line.line.as_ref()?.order_line_id.clone()?;
        Some(MadeLine { line_id, quantity: line.quantity.value })
    };
    wish.lines.iter().filter_map(of).collect()
}
