//! Parcels without an RMA: whose they are, as far as that can be told.
//!
//! What never reached the customer bears the label under which it left: it is of the one order that was shipped under its
//! tracking number, or under our reference. Everything else is a person's, whose word is remembered, so that later reports
//! of the same parcel follow it. It refuses to choose between orders.

use serde::{Deserialize, Serialize};

use crate::failure::{Code, Failure};
use crate::flows::answer::{About, Decision, Done, Emit, Past};
use crate::flows::goods_received::Candidate;
use crate::flows::history::{History, postings};
use crate::flows::keys;
use crate::flows::ledger::{Ledger, PackageTracking, kept};
use crate::message::{
    Body, Connection, Envelope, FOUND_ITS_ORDER, OrderingKey, Reference, ReturnKindCode, ReturnReceived,
};

/// Facts of `match_return`: a person named the document of a parcel that came without an RMA.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MatchedReturn {
    /// The warehouse's key of the parcel.
    pub return_key: String,
    /// Whose key it is.
    pub warehouse: Connection,
    /// The document.
    pub document: String,
    /// The RMA, where the document is a return.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rma: Option<String>,
}

/// An order under which a parcel left.
pub(in crate::flows) struct Sent {
    document: OrderingKey,
    how: String,
}

/// The RMA that a report names.
pub(super) fn named(body: &ReturnReceived) -> Option<&str> {
    body.rma.as_deref().filter(|rma| !rma.trim().is_empty())
}

/// Whether the carrier brought it back because nobody took it.
pub(super) fn never_arrived(body: &ReturnReceived) -> bool {
    let kind = body.kind.as_ref().map(|kind| kind.code);
    matches!(kind, Some(ReturnKindCode::Undeliverable | ReturnKindCode::Refused))
}

/// The names by which the order is sought of what never reached the customer.
pub(in crate::flows) fn sought(message: &Envelope, body: &ReturnReceived) -> Vec<String> {
    let is_told = named(body).is_some() || body.matched_order.is_some() || message.ordering_key.is_order();
    if is_told || !never_arrived(body) {
        return Vec::new();
    }
    let mut names = body.tracking_numbers.clone();
    names.extend(reference(body).map(|reference| reference.to_string()));
    names
}

fn reference(body: &ReturnReceived) -> Option<Reference> {
    body.order.as_ref()?.reference.as_deref()?.parse().ok()
}

/// The one order under whose tracking number or reference the parcel left; nothing where that is none, or several.
pub(in crate::flows) fn sent_as(body: &ReturnReceived, candidates: &[Candidate]) -> Option<Sent> {
    let of = |each: &Candidate| Some(Sent { how: how(body, &each.ledger)?, document: each.document.clone() });
    let mut sent = candidates.iter().filter_map(of);
    let first = sent.next()?;
    sent.next().is_none().then_some(first)
}

fn how(body: &ReturnReceived, ledger: &Ledger) -> Option<String> {
    let shipments = postings(ledger);
    let is_on_it = |said: &PackageTracking| {
        let left = |shipment: &str| shipments.iter().any(|posted| posted.shipment_key == shipment);
        body.tracking_numbers.contains(&said.tracking_number) && left(&said.shipment_key)
    };
    let tracked = ledger.facts::<PackageTracking>("tracking").into_iter().find(is_on_it);
    let tracked = tracked.map(|said| format!("it left under the tracking number {}", said.tracking_number));
    tracked.or_else(|| {
        let reference = reference(body).filter(|_| !shipments.is_empty())?;
        History::of(ledger).find(&reference).map(|_| format!("it names our reference {reference}"))
    })
}

/// Where a parcel goes on whose order was sought.
pub(in crate::flows) fn plan_sought(
    (message, body): (&Envelope, &ReturnReceived),
    candidates: &[Candidate],
    ledger: &Ledger,
) -> Decision {
    match (chosen(message, body, ledger), sent_as(body, candidates)) {
        (None, Some(Sent { document, how })) => {
            let found =
                format!("The parcel {} never reached the customer and is of {document}: {how}.", body.return_key);
            Decision::Done(goes_to((message, body), document, found))
        }
        _ => without_rma((message, body), ledger),
    }
}

/// Where a parcel goes on that names no RMA.
pub(super) fn without_rma((message, body): (&Envelope, &ReturnReceived), ledger: &Ledger) -> Decision {
    let Some((document, rma)) = chosen(message, body, ledger) else { return Decision::Fail(blind(message, body)) };
    let mut done = if let Some(rma) = rma {
        goes_on((message, body), &rma, document.clone())
    } else {
        let found = format!("The parcel {} is of {document}, as a person said.", body.return_key);
        goes_to((message, body), document.clone(), found)
    };
    remember(&mut done, (message, body), &document, ledger);
    Decision::Done(done)
}

/// What a person said of this parcel: now, else before. An order, or a return with its RMA.
fn chosen(message: &Envelope, body: &ReturnReceived, ledger: &Ledger) -> Option<(OrderingKey, Option<String>)> {
    if let Some(order) = &body.matched_order {
        return order.is_order().then(|| (order.clone(), None));
    }
    let mut before = ledger.facts::<MatchedReturn>("match_return").into_iter();
    let same =
        |known: &MatchedReturn| known.warehouse == message.connection && known.return_key == body.return_key.as_str();
    let matched = before.rfind(same)?;
    Some((matched.document.parse().ok()?, matched.rma))
}

/// A person's word holds for every later report of the parcel.
pub(super) fn remember(
    done: &mut Done,
    (message, body): (&Envelope, &ReturnReceived),
    document: &OrderingKey,
    ledger: &Ledger,
) {
    let key = keys::match_return(&message.connection, &body.return_key, document);
    if ledger.has(&key) {
        return;
    }
    let matched = MatchedReturn {
        return_key: body.return_key.to_string(),
        warehouse: message.connection.clone(),
        document: document.to_string(),
        rma: named(body).map(str::to_owned),
    };
    done.facts.push(Past {
        key,
        act: "match_return".to_owned(),
        connection: message.connection.to_string(),
        facts: kept(&matched),
    });
}

/// The RMA is known: it goes on in the lane of its return.
pub(super) fn goes_on((message, body): (&Envelope, &ReturnReceived), rma: &str, document: OrderingKey) -> Done {
    let step = format!("The return {} is of the RMA {rma}.", body.return_key);
    goes_to((message, &ReturnReceived { rma: Some(rma.to_owned()), ..body.clone() }), document, step)
}

fn goes_to((message, body): (&Envelope, &ReturnReceived), document: OrderingKey, step: String) -> Done {
    let emit = Emit {
        purpose: FOUND_ITS_ORDER,
        ordinal: 0,
        body: Body::ReturnReceived(body.clone()),
        about: Some(About {
            document,
            legal_entity: message.legal_entity.clone(),
            connection: message.connection.clone(),
        }),
    };
    Done { emits: vec![emit], steps: vec![("drayline".to_owned(), step)], ..Done::default() }
}

pub(super) fn blind(message: &Envelope, body: &ReturnReceived) -> Failure {
    let order = body.order.as_ref();
    let numbers = order.into_iter().flat_map(|order| [&order.order_number, &order.reference]).flatten();
    let said: Vec<_> = body.tracking_numbers.iter().chain(numbers).map(String::as_str).collect();
    let said = if said.is_empty() { "nothing else".to_owned() } else { said.join(", ") };
    let items: Vec<_> =
        body.lines.iter().map(|line| format!("{} of {}", line.received.value.normalize(), line.item.sku)).collect();
    let what = if never_arrived(body) {
        "without an RMA, as undeliverable, and nothing that we know left under what it names"
    } else {
        "without an RMA"
    };
    let sentence = format!(
        "{} reports the return {} {what} ({}; it names {said}). {}",
        message.connection,
        body.return_key,
        items.join(", "),
        Code::ReturnBlind.next_step()
    );
    Failure::new(Code::ReturnBlind, sentence)
}
