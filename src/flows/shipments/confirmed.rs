//! The plan for a shipment that the warehouse confirmed.

use super::contents::{assign, contents, fingerprint};
use super::{ShipmentLook, is_posted, is_voided, posting_of, settled, tracking};
use crate::failure::{Code, Failure};
use crate::flows::answer::{Call, Decision, Done, Emit, KnownDocument, Planned, Repeat};
use crate::flows::history::{History, postings};
use crate::flows::keys;
use crate::flows::ledger::{CreatedOrder, Ledger, PackageTracking, PostedUpdate, kept};
use crate::flows::meant::order_meant;
use crate::flows::words;
use crate::message::{Envelope, ShipmentConfirmed};

pub(super) fn plan(message: &Envelope, body: &ShipmentConfirmed, look: &ShipmentLook, ledger: &Ledger) -> Decision {
    let (warehouse, shipment) = (&message.connection, &body.shipment_key);
    if is_voided(ledger, warehouse, shipment) {
        return Decision::NotOurs(format!("{warehouse} voided the shipment {shipment} before; nothing is posted."));
    }
    let history = History::of(ledger);
    let order = match order_meant(message, &body.order, &look.environment, &history, None) {
        Ok(sent) => &sent.created,
        Err(decision) => return *decision,
    };
    if let Some(posted) = posting_of(ledger, warehouse, shipment) {
        return again(message, body, look, &posted, ledger, order);
    }
    if contents(body).next().is_none() {
        return without_contents(message, body, order);
    }
    match assign(body, order, &postings(ledger)) {
        Ok(lines) => Decision::Act(vec![post(look, posted_update(message, body, look, order, lines))]),
        Err(failure) => Decision::Fail(failure),
    }
}

fn posted_update(
    message: &Envelope,
    body: &ShipmentConfirmed,
    look: &ShipmentLook,
    order: &CreatedOrder,
    lines: Vec<crate::flows::ledger::PostedLine>,
) -> PostedUpdate {
    let (warehouse, shipment) = (&message.connection, body.shipment_key.as_str());
    let update_id = keys::update_id(&look.environment, warehouse, shipment);
    PostedUpdate {
        shipment_key: shipment.to_owned(),
        warehouse: warehouse.clone(),
        sequence: sequence(message, body),
        digest: fingerprint(body, order),
        packing_slip: keys::packing_slip(&update_id, shipment),
        update_id,
        reference: order.reference.clone(),
        legal_entity: order.legal_entity.clone(),
        origin_id: order.origin_id.clone(),
        shipped_at: body.shipped_at.unwrap_or(message.occurred.at),
        lines,
        packages: body.packages.iter().map(|package| package.package_key.to_string()).collect(),
    }
}

fn post(look: &ShipmentLook, posted: PostedUpdate) -> Planned {
    Planned {
        key: keys::post_shipment(&look.environment, &posted.warehouse, &posted.shipment_key),
        act: "post_shipment",
        connection: look.environment.clone(),
        class: Repeat::Absorbs,
        call: Call::PostShipment(posted.update()),
        facts: kept(&posted),
    }
}

/// The shipment is handed over: by this very message just now, or before. Both leave the same behind, so that a crash
/// in between loses nothing.
fn again(
    message: &Envelope,
    body: &ShipmentConfirmed,
    look: &ShipmentLook,
    posted: &PostedUpdate,
    ledger: &Ledger,
    order: &CreatedOrder,
) -> Decision {
    let (warehouse, shipment) = (&message.connection, &body.shipment_key);
    if posted.digest == fingerprint(body, order) {
        return Decision::Done(handed_over(message, body, look, posted, ledger));
    }
    let older = matches!((sequence(message, body), posted.sequence), (Some(now), Some(then)) if now < then);
    if older {
        return Decision::NotOurs(format!("A later correction of the shipment {shipment} was posted before."));
    }
    let slip = &posted.packing_slip;
    Decision::Fail(Failure::new(
        Code::ShipmentDiffers,
        format!(
            "{warehouse} reports the shipment {shipment} of {} again with other contents, after it was posted as packing \
             slip {slip}. Ask {warehouse} what left; correct the packing slip in Dynamics if need be, then discard this.",
            posted.reference
        ),
    ))
}

fn handed_over(
    message: &Envelope,
    body: &ShipmentConfirmed,
    look: &ShipmentLook,
    posted: &PostedUpdate,
    ledger: &Ledger,
) -> Done {
    let warehouse = message.connection.to_string();
    let key = &posted.shipment_key;
    let said = tracking::said(message, body);
    let news: Vec<_> = said.iter().filter(|said| !ledger.has(&keys::tracking("tracking", said))).collect();
    let pieces: Vec<_> = posted
        .lines
        .iter()
        .map(|line| format!("{} {} of line {}", line.shipped.normalize(), line.unit, line.line_id))
        .collect();
    let mut steps = vec![(warehouse.clone(), format!("Shipped {} as {key}.", pieces.join(", ")))];
    steps.extend(
        said.iter().map(|said| {
            (warehouse.clone(), format!("Package {} travels as {}.", said.package_key, said.tracking_number))
        }),
    );
    steps.extend(shorts(body).map(|what| (warehouse.clone(), what)));
    let slip = &posted.packing_slip;
    let handed = format!("Was handed packing slip {slip} (update {}) to post.", posted.update_id);
    steps.push(("dynamics".to_owned(), handed));
    Done {
        facts: news.iter().map(|said| tracking::fact("tracking", said, &message.connection)).collect(),
        emits: emits(message, look, posted, ledger, !news.is_empty()),
        documents: documents(message, posted, &said),
        steps,
    }
}

/// What follows: looking whether Dynamics posted it, or, where it has, writing tracking that is new.
fn emits(
    message: &Envelope,
    look: &ShipmentLook,
    posted: &PostedUpdate,
    ledger: &Ledger,
    new_tracking: bool,
) -> Vec<Emit> {
    let emit = match (is_posted(ledger, &posted.update_id), new_tracking && look.writes_tracking) {
        (false, _) => settled::poll(posted),
        (true, true) => tracking::write_what_is_known(message, posted),
        (true, false) => None,
    };
    emit.into_iter().collect()
}

fn documents(message: &Envelope, posted: &PostedUpdate, said: &[PackageTracking]) -> Vec<KnownDocument> {
    let warehouse = &message.connection;
    let mut names = vec![
        ("shipment".to_owned(), posted.shipment_key.clone()),
        ("packing_slip".to_owned(), posted.packing_slip.clone()),
    ];
    names.extend(said.iter().map(|said| ("tracking_number".to_owned(), said.tracking_number.clone())));
    let shipment = keys::shipment_name(warehouse, &posted.shipment_key);
    vec![
        KnownDocument { key: message.ordering_key.to_string(), kind: "order", names },
        KnownDocument { key: shipment, kind: "shipment", names: Vec::new() },
    ]
}

fn shorts(body: &ShipmentConfirmed) -> impl Iterator<Item = String> {
    body.shorts.iter().map(|short| {
        let reason = short.reason.as_ref().map(|reason| format!(" ({})", words::reason(reason)));
        let quantity = short.quantity.value.normalize();
        format!("Will not ship {quantity} of {}{}.", short.item.sku, reason.unwrap_or_default())
    })
}

/// A shipment that ships nothing says what will not come; without even that, nobody knows what left.
fn without_contents(message: &Envelope, body: &ShipmentConfirmed, order: &CreatedOrder) -> Decision {
    let (warehouse, shipment) = (&message.connection, &body.shipment_key);
    if body.shorts.is_empty() {
        return Decision::Fail(Failure::new(
            Code::ShipmentLineUnknown,
            format!(
                "{warehouse} confirms the shipment {shipment} of {} and does not say what it holds. Ask them, and post it \
                 by hand in Dynamics.",
                order.reference
            ),
        ));
    }
    let steps = shorts(body).map(|what| (warehouse.to_string(), what)).collect();
    Decision::Done(Done { steps, ..Done::default() })
}

fn sequence(message: &Envelope, body: &ShipmentConfirmed) -> Option<u64> {
    body.sequence.or(message.sequence)
}
