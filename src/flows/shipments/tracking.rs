//! The plan for tracking: what a warehouse says of a package, remembered, and written once its shipment is posted.
//!
//! All writing happens here, in the order's own lane, from everything that is known: the newest word about a package
//! wins, whatever the order in which they came.

use super::{ShipmentLook, is_posted, is_voided, posting_of};
use crate::failure::{Code, Failure};
use crate::flows::answer::{Call, Decision, Done, Emit, KnownDocument, Past, Planned, Repeat};
use crate::flows::history::{History, SentOrder};
use crate::flows::keys;
use crate::flows::ledger::{Ledger, PackageTracking, PostedUpdate, kept};
use crate::flows::meant::order_meant;
use crate::gateways::TrackingRow;
use crate::message::{Body, Carrier, Envelope, Kind, OrderRefs, ShipmentConfirmed, TrackingUpdated};

pub(super) fn plan(message: &Envelope, body: &TrackingUpdated, look: &ShipmentLook, ledger: &Ledger) -> Decision {
    let (warehouse, shipment) = (&message.connection, &body.shipment_key);
    if is_voided(ledger, warehouse, shipment) {
        return Decision::NotOurs(format!("{warehouse} voided the shipment {shipment}; its tracking is not written."));
    }
    let history = History::of(ledger);
    let sent = match order_meant(message, &body.order, &look.environment, &history, None) {
        Ok(sent) => sent,
        Err(decision) => return *decision,
    };
    let Some(posted) = posting_of(ledger, warehouse, shipment) else { return wait(message, body) };
    let mut known = Known::of(ledger, &posted);
    let news = known.learn(updates(message, body, &posted));
    if let Some(failure) = ledger.refusal("write_tracking") {
        return Decision::Fail(failure.clone());
    }
    if look.writes_tracking && is_posted(ledger, &posted.update_id) {
        let rows = known.unwritten(look, &posted, sent);
        if !rows.is_empty() {
            return Decision::Act(rows);
        }
    }
    let written = known.written.iter().map(|row| format!("{} travels as {}", row.package_key, row.tracking_number));
    let mut steps: Vec<_> =
        written.map(|what| ("dynamics".to_owned(), format!("Knows that package {what}."))).collect();
    steps.extend(told(body).map(|what| (warehouse.to_string(), what)));
    let numbers = news.iter().map(|said| ("tracking_number".to_owned(), said.tracking_number.clone())).collect();
    let documents = vec![KnownDocument { key: message.ordering_key.to_string(), kind: "order", names: numbers }];
    let facts = news.iter().map(fact).collect();
    Decision::Done(Done { facts, emits: Vec::new(), documents, steps })
}

/// What is known of a shipment's packages.
struct Known {
    /// What warehouses said, in no order.
    said: Vec<PackageTracking>,
    /// What Dynamics was told, oldest first.
    written: Vec<PackageTracking>,
}

impl Known {
    fn of(ledger: &Ledger, posted: &PostedUpdate) -> Self {
        let mine =
            |each: &PackageTracking| each.shipment_key == posted.shipment_key && each.warehouse == posted.warehouse;
        let of_act = |act| ledger.facts::<PackageTracking>(act).into_iter().filter(mine).collect();
        Self { said: of_act("tracking"), written: of_act("write_tracking") }
    }

    /// Adds what was just said; what of it is new.
    fn learn(&mut self, said: Vec<PackageTracking>) -> Vec<PackageTracking> {
        let news: Vec<_> = said.into_iter().filter(|said| !self.said.contains(said)).collect();
        self.said.extend(news.iter().cloned());
        news
    }

    /// The rows that Dynamics does not hold yet: per package, the newest word, unless it was the last one written.
    fn unwritten(&self, look: &ShipmentLook, posted: &PostedUpdate, sent: &SentOrder) -> Vec<Planned> {
        let mut packages: Vec<&String> = self.said.iter().map(|said| &said.package_key).collect();
        packages.sort();
        packages.dedup();
        let newest = packages.into_iter().filter_map(|package| {
            let of_package = self.said.iter().filter(|said| said.package_key == *package);
            // Two words of one instant: any order will do, as long as it is always the same.
            of_package.max_by_key(|said| (said.at, &said.tracking_number, &said.tracking_url, &said.carrier))
        });
        let last = |package: &str| self.written.iter().rfind(|row| row.package_key == package);
        let news = newest.filter(|said| last(&said.package_key).is_none_or(|row| !says_the_same(row, said)));
        news.map(|said| write(look, posted, sent, said)).collect()
    }
}

fn says_the_same(one: &PackageTracking, other: &PackageTracking) -> bool {
    let words =
        |said: &PackageTracking| (said.tracking_number.clone(), said.tracking_url.clone(), said.carrier.clone());
    words(one) == words(other)
}

fn write(look: &ShipmentLook, posted: &PostedUpdate, sent: &SentOrder, said: &PackageTracking) -> Planned {
    let created = &sent.created;
    let row = TrackingRow {
        legal_entity: posted.legal_entity.clone(),
        row_id: keys::tracking_row(&look.environment, &said.warehouse, &said.shipment_key, &said.package_key),
        order_number: created.order_number.clone().unwrap_or_else(|| created.request_id.to_string()),
        packing_slip: posted.packing_slip.clone(),
        shipped_at: posted.shipped_at,
        package_key: said.package_key.clone(),
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
    let package = |package: &crate::message::Package| {
        Some(PackageTracking {
            shipment_key: body.shipment_key.to_string(),
            warehouse: message.connection.clone(),
            package_key: package.package_key.to_string(),
            tracking_number: package.tracking_number.clone()?,
            tracking_url: package.tracking_url.clone(),
            carrier: carrier(package.carrier.as_ref().or(body.carrier.as_ref())),
            at: message.occurred.at,
        })
    };
    body.packages.iter().filter_map(package).collect()
}

/// What an update says: of one package, or of all of the shipment's.
fn updates(message: &Envelope, body: &TrackingUpdated, posted: &PostedUpdate) -> Vec<PackageTracking> {
    let Some(number) = &body.tracking_number else { return Vec::new() };
    let named = body.package_key.as_ref().map(ToString::to_string);
    let packages = named.map_or_else(|| posted.packages.clone(), |package| vec![package]);
    let package = |package_key: String| PackageTracking {
        shipment_key: body.shipment_key.to_string(),
        warehouse: message.connection.clone(),
        package_key,
        tracking_number: number.clone(),
        tracking_url: body.tracking_url.clone(),
        carrier: carrier(body.carrier.as_ref()),
        at: body.updated_at.unwrap_or(message.occurred.at),
    };
    packages.into_iter().map(package).collect()
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

/// A message to ourselves: write what is known of a posted shipment's packages.
pub(super) fn write_what_is_known(message: &Envelope, posted: &PostedUpdate) -> Option<Emit> {
    let body = TrackingUpdated {
        shipment_key: crate::message::FactKey::new(posted.shipment_key.clone()).ok()?,
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
    (message.connection == posted.warehouse).then_some(Emit {
        purpose: "tracking",
        ordinal: 0,
        body: Body::TrackingUpdated(body),
    })
}

/// Tracking that is ahead of its shipment waits for it.
fn wait(message: &Envelope, body: &TrackingUpdated) -> Decision {
    let (warehouse, shipment) = (&message.connection, &body.shipment_key);
    Decision::Wait {
        document: keys::shipment_name(warehouse, shipment.as_str()),
        passes: Some(Kind::ShipmentConfirmed),
        failure: Failure::new(
            Code::OrderUnknown,
            format!(
                "{warehouse} sent tracking for the shipment {shipment}, which it never confirmed. Ask them to confirm it, \
                 then replay this; discard it if nothing left."
            ),
        ),
    }
}

/// What people see of an update beside the numbers.
fn told(body: &TrackingUpdated) -> impl Iterator<Item = String> {
    let package = body.package_key.as_ref().map_or_else(|| "the shipment".to_owned(), |key| format!("package {key}"));
    let status = body.status.as_ref().map(|status| {
        let words = status.raw.clone().unwrap_or_else(|| status.code.as_str().to_owned());
        format!("Has {package} of {} at {words}.", body.shipment_key)
    });
    let number = body.tracking_number.as_ref().map(|number| {
        format!(
            "Says that {} of {} travels as {number}.",
            body.package_key.as_ref().map_or("all", |key| key.as_str()),
            body.shipment_key
        )
    });
    number.into_iter().chain(status)
}
