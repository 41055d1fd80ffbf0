//! The plan for tracking: what a warehouse says of a package, remembered, and written once its shipment is posted.
//!
//! It never waits: a waiting head would have its own shipment parked behind it. Whoever posts a shipment asks, once
//! Dynamics has processed it, for everything that is known by then. All writing happens here, in the order's own lane:
//! the newest word about a package wins, whatever the order in which they came.

use super::{ShipmentLook, is_posted, is_voided, posting_of};
use crate::flows::answer::{Call, Decision, Done, Emit, KnownDocument, Past, Planned, Repeat};
use crate::flows::history::{History, SentOrder};
use crate::flows::keys;
use crate::flows::ledger::{Ledger, PackageTracking, PostedUpdate, kept};
use crate::flows::meant::order_meant;
use crate::gateways::TrackingRow;
use crate::message::{
    Body, Carrier, Envelope, FactKey, OrderRefs, Origin, Package, ShipmentConfirmed, TrackingUpdated,
};

pub(super) fn plan(message: &Envelope, body: &TrackingUpdated, look: &ShipmentLook, ledger: &Ledger) -> Decision {
    let (warehouse, shipment) = (&message.connection, &body.shipment_key);
    if is_voided(ledger, warehouse, shipment) {
        return Decision::NotOurs(format!("{warehouse} voided the shipment {shipment}; its tracking is not written."));
    }
    let history = History::of(ledger);
    let sent = match order_meant(message, &body.order, &look.environment, &history, None).map_err(|decision| *decision)
    {
        Ok(sent) => Some(sent),
        Err(Decision::Wait { .. }) => None,
        Err(decision) => return decision,
    };
    let posted = posting_of(ledger, warehouse, shipment);
    let known = Known::of(ledger, message, body);
    if let Some(failure) = ledger.refusal("write_tracking") {
        return Decision::Fail(failure.clone());
    }
    let posted = posted.filter(|posted| look.writes_tracking && is_posted(ledger, &posted.update_id));
    if let (Some(posted), Some(sent)) = (posted, sent) {
        let rows = known.unwritten(look, &posted, sent);
        if !rows.is_empty() {
            return Decision::Act(rows);
        }
    }
    Decision::Done(known.remembered(message, body))
}

/// What is known of a shipment's packages.
struct Known {
    /// What the warehouse said, in no order.
    said: Vec<PackageTracking>,
    /// What of it this message says first.
    news: Option<PackageTracking>,
    /// What Dynamics was told, oldest first.
    written: Vec<PackageTracking>,
}

impl Known {
    fn of(ledger: &Ledger, message: &Envelope, body: &TrackingUpdated) -> Self {
        let mine = |each: &PackageTracking| {
            each.shipment_key == body.shipment_key.as_str() && each.warehouse == message.connection
        };
        let of_act = |act| ledger.facts::<PackageTracking>(act).into_iter().filter(mine).collect();
        let mut known = Self { said: of_act("tracking"), news: None, written: of_act("write_tracking") };
        known.news = update(message, body).filter(|said| !ledger.has(&keys::tracking("tracking", said)));
        known.said.extend(known.news.clone());
        known
    }

    /// The rows that Dynamics does not hold yet: per package, the newest word, unless it was the last one written.
    fn unwritten(&self, look: &ShipmentLook, posted: &PostedUpdate, sent: &SentOrder) -> Vec<Planned> {
        let named = self.said.iter().filter_map(|said| said.package_key.as_ref());
        let mut packages: Vec<&String> = posted.packages.iter().chain(named).collect();
        packages.sort();
        packages.dedup();
        let newest = packages.into_iter().filter_map(|package| {
            let all_or_it = |said: &&PackageTracking| said.package_key.as_ref().is_none_or(|key| key == package);
            let of_package = self.said.iter().filter(all_or_it);
            // Two words of one instant: any order will do, as long as it is always the same.
            let newest =
                of_package.max_by_key(|said| (said.at, &said.tracking_number, &said.tracking_url, &said.carrier));
            newest.map(|said| PackageTracking { package_key: Some(package.clone()), ..said.clone() })
        });
        let last =
            |said: &PackageTracking| self.written.iter().rfind(|row| row.package_key == said.package_key).cloned();
        let news = newest.filter(|said| last(said).is_none_or(|row| !says_the_same(&row, said)));
        news.map(|said| write(look, posted, sent, &said)).collect()
    }

    fn remembered(&self, message: &Envelope, body: &TrackingUpdated) -> Done {
        let warehouse = message.connection.to_string();
        let status = body.status.as_ref().map(|status| {
            let words = status.raw.clone().unwrap_or_else(|| status.code.as_str().to_owned());
            format!("Has {} of shipment {} at {words}.", package_words(body.package_key.as_ref()), body.shipment_key)
        });
        let mut steps: Vec<_> =
            self.news.iter().map(told).chain(status).map(|what| (warehouse.clone(), what)).collect();
        if message.origin == Origin::Emitted && !self.written.is_empty() {
            steps.push(("dynamics".to_owned(), format!("Holds the tracking of shipment {}.", body.shipment_key)));
        }
        let names = self.news.iter().map(|said| ("tracking_number".to_owned(), said.tracking_number.clone())).collect();
        let facts = self.news.iter().map(fact).collect();
        let documents = vec![KnownDocument { key: message.ordering_key.to_string(), kind: "order", names }];
        Done { facts, documents, steps, ..Done::default() }
    }
}

fn says_the_same(one: &PackageTracking, other: &PackageTracking) -> bool {
    let words =
        |said: &PackageTracking| (said.tracking_number.clone(), said.tracking_url.clone(), said.carrier.clone());
    words(one) == words(other)
}

fn write(look: &ShipmentLook, posted: &PostedUpdate, sent: &SentOrder, said: &PackageTracking) -> Planned {
    let created = &sent.created;
    let package_key = said.package_key.clone().unwrap_or_default();
    let row = TrackingRow {
        legal_entity: posted.legal_entity.clone(),
        row_id: keys::tracking_row(&look.environment, &said.warehouse, &said.shipment_key, &package_key),
        order_number: created.order_number.clone().unwrap_or_else(|| created.request_id.to_string()),
        packing_slip: posted.packing_slip.clone(),
        shipped_at: posted.moved_at,
        package_key,
        tracking_number: said.tracking_number.clone(),
        tracking_url: said.tracking_url.clone(),
        carrier: said.carrier.clone(),
    };
    Planned {
        key: keys::tracking("write_tracking", said),
        act: "write_tracking",
        connection: look.environment.clone(),
        class: Repeat::Absorbs,
        call: Call::WriteTracking(row),
        facts: kept(said),
    }
}

/// What a shipment says of its packages' tracking; those without a number are pending.
pub(super) fn said(message: &Envelope, body: &ShipmentConfirmed) -> Vec<PackageTracking> {
    let package = |package: &Package| {
        Some(PackageTracking {
            shipment_key: body.shipment_key.to_string(),
            warehouse: message.connection.clone(),
            package_key: Some(package.package_key.to_string()),
            tracking_number: package.tracking_number.clone()?,
            tracking_url: package.tracking_url.clone(),
            carrier: carrier(package.carrier.as_ref().or(body.carrier.as_ref())),
            at: message.occurred.at,
        })
    };
    body.packages.iter().filter_map(package).collect()
}

/// What an update says; a status alone says nothing of a number.
fn update(message: &Envelope, body: &TrackingUpdated) -> Option<PackageTracking> {
    Some(PackageTracking {
        shipment_key: body.shipment_key.to_string(),
        warehouse: message.connection.clone(),
        package_key: body.package_key.as_ref().map(ToString::to_string),
        tracking_number: body.tracking_number.clone()?,
        tracking_url: body.tracking_url.clone(),
        carrier: carrier(body.carrier.as_ref()),
        at: body.updated_at.unwrap_or(message.occurred.at),
    })
}

fn carrier(carrier: Option<&Carrier>) -> Option<String> {
    let carrier = carrier?;
    carrier.name.clone().or_else(|| carrier.raw.clone()).or_else(|| carrier.scac.clone())
}

/// What a warehouse said, to be remembered.
pub(super) fn fact(said: &PackageTracking) -> Past {
    Past {
        key: keys::tracking("tracking", said),
        act: "tracking".to_owned(),
        connection: said.warehouse.to_string(),
        facts: kept(said),
    }
}

/// What a warehouse said, for people.
pub(super) fn told(said: &PackageTracking) -> String {
    let package = package_words(said.package_key.as_ref());
    format!("Says that {package} of shipment {} travels as {}.", said.shipment_key, said.tracking_number)
}

fn package_words(package: Option<&impl std::fmt::Display>) -> String {
    package.map_or_else(|| "every package".to_owned(), |key| format!("package {key}"))
}

/// A message to ourselves: write what is known of a posted shipment's packages.
pub(super) fn write_what_is_known(message: &Envelope, posted: &PostedUpdate) -> Option<Emit> {
    let body = TrackingUpdated {
        shipment_key: FactKey::new(posted.shipment_key.clone()).ok()?,
        package_key: None,
        order: OrderRefs {
            reference: Some(posted.reference.to_string()),
            external_order_id: None,
            order_number: None,
            purchase_order: None,
        },
        tracking_number_old: None,
        tracking_number: None,
        tracking_url: None,
        carrier: None,
        status: None,
        updated_at: None,
    };
    // The message keeps the connection of its cause, which must be the warehouse for the shipment to be found.
    let emit = Emit { purpose: "tracking", ordinal: 0, body: Body::TrackingUpdated(body), about: None };
    (message.connection == posted.warehouse).then_some(emit)
}
