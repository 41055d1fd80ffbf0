//! By which names people find the document of a message, also where nothing could be done about it yet.
//!
//! An order that cannot be sent, a receipt of an order that nobody knows, a return that this release does not handle: exactly
//! these are looked for, by whatever number is on the paper. Once something is done, the flow itself says by which names
//! the document is known, and messages wait for those; for these here nobody waits.

use super::Look;
use super::orders::OrderLook;
use crate::message::{Body, Envelope, OrderRefs, Package};

/// A name that is longer is no name that anybody would type, and could not stand in an index.
const LENGTH_MAX: usize = 200;

/// Labelled names: what the message names itself, and what the document that it names says of itself.
#[must_use]
pub fn names(message: &Envelope, look: Option<&Look>) -> Vec<(String, String)> {
    let mut names = Names::default();
    if let Some(order) = message.body.order() {
        names.order(order);
    }
    names.body(&message.body);
    if let Some(Look::Order(OrderLook { released: Some(released), .. })) = look {
        names.add("request", Some(released.request_id.as_str()));
        names.add("origin", Some(&released.origin_id));
        names.add("order_number", released.order_number.as_deref());
        names.add("purchase_order", released.purchase_order.as_deref());
    }
    names.0
}

#[derive(Default)]
struct Names(Vec<(String, String)>);

impl Names {
    fn add(&mut self, label: &str, name: Option<&str>) {
        let name = name.map(str::trim).filter(|name| !name.is_empty() && name.len() <= LENGTH_MAX);
        let known = |name: &str| self.0.iter().any(|(known, of)| known == label && of == name);
        if let Some(name) = name.filter(|name| !known(name)) {
            self.0.push((label.to_owned(), name.to_owned()));
        }
    }

    fn order(&mut self, order: &OrderRefs) {
        self.add("reference", order.reference.as_deref());
        self.add("warehouse_order", order.external_order_id.as_deref());
        self.add("order_number", order.order_number.as_deref());
        self.add("purchase_order", order.purchase_order.as_deref());
    }

    fn document(&mut self, request: &str, order_number: Option<&str>) {
        self.add("request", Some(request));
        self.add("order_number", order_number);
    }

    fn body(&mut self, body: &Body) {
        match body {
            Body::OrderReleased(body) => {
                self.document(body.document.request_id.as_str(), body.document.order_number.as_deref());
            }
            Body::OrderChanged(body) => {
                self.document(body.document.request_id.as_str(), body.document.order_number.as_deref());
            }
            Body::OrderCancelled(body) => {
                self.document(body.document.request_id.as_str(), body.document.order_number.as_deref());
            }
            Body::ReceiptAnnounced(body) => self.document(body.request_id.as_str(), body.order_number.as_deref()),
            Body::ShipmentConfirmed(body) => {
                self.add("shipment", Some(body.shipment_key.as_str()));
                body.packages.iter().for_each(|package| self.package(package));
            }
            Body::TrackingUpdated(body) => {
                self.add("shipment", Some(body.shipment_key.as_str()));
                self.add("tracking_number", body.tracking_number.as_deref());
            }
            Body::ShipmentVoided(body) => {
                self.add("shipment", Some(body.shipment_key.as_str()));
                self.add("tracking_number", body.tracking_number.as_deref());
            }
            Body::GoodsReceived(body) => self.add("receipt", Some(body.receipt_key.as_str())),
            Body::StockAdjusted(body) => {
                self.add("sku", Some(body.item.sku.as_str()));
                self.add("adjustment", Some(body.adjustment_key.as_str()));
            }
            Body::ReturnRequested(body) => {
                self.add("return_request", Some(body.request_key.as_str()));
                self.order(&body.order);
            }
            Body::ReturnAuthorised(body) => {
                self.add("return_order", Some(body.return_order_number.as_str()));
                self.add("rma", body.rma.as_deref());
            }
            Body::ReturnStatusChanged(body) => {
                self.add("return", Some(body.return_key.as_str()));
                self.add("rma", body.rma.as_deref());
            }
            Body::ReturnReceived(body) => {
                self.add("return", Some(body.return_key.as_str()));
                self.add("rma", body.rma.as_deref());
                body.tracking_numbers.iter().for_each(|number| self.add("tracking_number", Some(number)));
            }
            Body::OrderAccepted(_)
            | Body::OrderRejected(_)
            | Body::OrderStatusChanged(_)
            | Body::OrderCancelResolved(_)
            | Body::StockSnapshotTaken(_)
            | Body::PostingSettled(_)
            | Body::ItemChanged(_)
            | Body::Unreadable(_) => {}
        }
    }

    fn package(&mut self, package: &Package) {
        self.add("tracking_number", package.tracking_number.as_deref());
        self.add("sscc", package.sscc.as_deref());
    }
}
