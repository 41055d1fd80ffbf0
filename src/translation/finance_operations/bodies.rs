//! From an event's meaning and members to a body. Which member holds what stands in one table, because the customer's
//! event catalog decides the names.

use super::meanings::Meaning;
use super::members::{Members, fold};
use super::{COMPANY, Problem};
use crate::config::Dynamics;
use crate::message::{
    Body, Connection, FactKey, Flow, ItemChanged, LegalEntity, OrderCancelled, OrderChanged, OrderReleased,
    OrderingKey, PlaceCode, PostingOutcome, PostingOutcomeCode, PostingSettled, ReceiptAnnounced, Reference,
    ReleasedDocument, RequestId, ReturnAuthorised,
};

/// Candidates for each member, best first.
mod names {
    pub(super) const OUTBOUND_REQUEST: &[&str] =
        &["OutboundShipmentOrderRequestId", "ShipmentOrderRequestId", "OutboundShipmentRequestId", "RequestId"];
    pub(super) const INBOUND_REQUEST: &[&str] = &[
        "InboundShipmentOrderRequestId",
        "ShipmentOrderRequestId",
        "InboundShipmentRequestId",
        "RequestId",
        "PurchaseOrderNumber",
        "TransferOrderNumber",
    ];
    pub(super) const OUTBOUND_UPDATE: &[&str] = &["OutboundShipmentOrderUpdateId"];
    pub(super) const INBOUND_UPDATE: &[&str] = &["InboundShipmentOrderUpdateId"];
    pub(super) const UPDATE: &[&str] = &["ShipmentOrderUpdateId", "UpdateId"];
    pub(super) const UPDATE_STATUS: &[&str] = &[
        "ProcessingStatus",
        "OutboundShipmentOrderUpdateStatus",
        "InboundShipmentOrderUpdateStatus",
        "UpdateStatus",
        "NewStatus",
        "Status",
    ];
    pub(super) const WORDS: &[&str] = &["ProcessingMessage", "ResponseMessage", "ErrorMessage", "Message"];
    pub(super) const REASON: &[&str] = &["CancelReason", "CancellationReason", "Reason"];
    pub(super) const SHIP_FROM: &[&str] = &["ShipFromWarehouseId", "WarehouseId", "Warehouse", "InventLocationId"];
    pub(super) const RECEIVE_AT: &[&str] = &["ReceivingWarehouseId", "WarehouseId", "Warehouse", "InventLocationId"];
    pub(super) const ORDER: &[&str] = &["SalesOrderNumber", "SalesId", "OrderNumber"];
    pub(super) const INBOUND_ORDER: &[&str] = &["PurchaseOrderNumber", "TransferOrderNumber", "OrderNumber"];
    pub(super) const RETURN_ORDER: &[&str] = &["ReturnOrderNumber", "ReturnOrderId", "SalesOrderNumber"];
    pub(super) const RMA: &[&str] = &["RMANumber", "RMA", "ReturnItemNumber"];
    pub(super) const ITEM: &[&str] = &["ItemNumber", "ItemId", "ProductNumber"];
    pub(super) const VARIANT: &[&str] = &["ProductVariantNumber", "VariantNumber"];

    /// All of them: any can be spelled otherwise in the configuration.
    pub(super) const ALL: [&[&str]; 16] = [
        OUTBOUND_REQUEST,
        INBOUND_REQUEST,
        OUTBOUND_UPDATE,
        INBOUND_UPDATE,
        UPDATE,
        UPDATE_STATUS,
        WORDS,
        REASON,
        SHIP_FROM,
        RECEIVE_AT,
        ORDER,
        INBOUND_ORDER,
        RETURN_ORDER,
        RMA,
        ITEM,
        VARIANT,
    ];
}

/// Whether a member that is known by this name can be spelled otherwise in `[dynamics.NAME.event_members]`.
#[must_use]
pub fn is_member(name: &str) -> bool {
    names::ALL.iter().chain([&COMPANY]).flat_map(|candidates| candidates.iter()).any(|known| fold(known) == fold(name))
}

/// The body, or which member is missing.
pub(super) fn body(meaning: Meaning, members: &Members<'_>, dynamics: &Dynamics) -> Result<Body, Problem> {
    match meaning {
        Meaning::Released => Ok(Body::OrderReleased(OrderReleased { document: document(members)? })),
        Meaning::Changed => Ok(Body::OrderChanged(OrderChanged { document: document(members)? })),
        Meaning::Cancelled => {
            let reason = members.text(names::REASON);
            Ok(Body::OrderCancelled(OrderCancelled { document: document(members)?, reason }))
        }
        Meaning::ReceiptAnnounced => Ok(Body::ReceiptAnnounced(ReceiptAnnounced {
            request_id: required(members, names::INBOUND_REQUEST, RequestId::new)?,
            warehouse: place(members, names::RECEIVE_AT),
            order_number: members.text(names::INBOUND_ORDER),
        })),
        Meaning::PostingSettled(flow) => settled(flow, members, dynamics),
        Meaning::ReturnAuthorised => Ok(Body::ReturnAuthorised(ReturnAuthorised {
            return_order_number: required(members, names::RETURN_ORDER, FactKey::new)?,
            rma: members.text(names::RMA),
            warehouse: place(members, names::RECEIVE_AT),
        })),
        Meaning::ItemChanged => Ok(Body::ItemChanged(ItemChanged {
            item_number: required(members, names::ITEM, FactKey::new)?,
            variant: members.text(names::VARIANT),
        })),
    }
}

/// The document that the event names.
pub(super) fn ordering_key(
    body: &Body,
    environment: &Connection,
    company: Option<&LegalEntity>,
) -> Result<OrderingKey, Problem> {
    let document = |request: &RequestId| {
        let company = company.ok_or("BusinessEventLegalEntity: is required, or LegalEntity")?;
        Ok::<_, Problem>(Reference::of(company, request))
    };
    match body {
        Body::OrderReleased(OrderReleased { document: named })
        | Body::OrderChanged(OrderChanged { document: named })
        | Body::OrderCancelled(OrderCancelled { document: named, .. }) => {
            document(&named.request_id).map(|reference| OrderingKey::order(environment, reference.document()))
        }
        Body::ReceiptAnnounced(named) => {
            document(&named.request_id).map(|reference| OrderingKey::inbound_order(environment, reference.document()))
        }
        Body::ReturnAuthorised(named) => {
            let rma = named.rma.as_deref().unwrap_or(named.return_order_number.as_str());
            Ok(OrderingKey::rma(environment, rma))
        }
        Body::PostingSettled(settled) => Ok(OrderingKey::alone(environment, settled.update_id.as_str())),
        Body::ItemChanged(item) => Ok(OrderingKey::alone(environment, item.item_number.as_str())),
        other => Err(format!("{} is nothing that Dynamics says", other.kind())),
    }
}

fn document(members: &Members<'_>) -> Result<ReleasedDocument, Problem> {
    Ok(ReleasedDocument {
        request_id: required(members, names::OUTBOUND_REQUEST, RequestId::new)?,
        warehouse: place(members, names::SHIP_FROM),
        order_number: members.text(names::ORDER),
    })
}

/// What an update's state means is configured; one that is not final only says "look".
fn settled(flow: Option<Flow>, members: &Members<'_>, dynamics: &Dynamics) -> Result<Body, Problem> {
    let outbound = members.name(names::OUTBOUND_UPDATE);
    let inbound = members.name(names::INBOUND_UPDATE);
    let told_by_name = if outbound.is_none() && inbound.is_some() { Flow::GoodsReceived } else { Flow::Shipments };
    let update = outbound.or(inbound).or_else(|| members.name(names::UPDATE));
    let update =
        update.ok_or_else(|| missing(&[names::OUTBOUND_UPDATE, names::INBOUND_UPDATE, names::UPDATE].concat()))?;
    let status = members.state(names::UPDATE_STATUS);
    let among = |states: &[String]| {
        status.as_deref().is_some_and(|status| states.iter().any(|each| each.eq_ignore_ascii_case(status)))
    };
    let code = if among(&dynamics.outbound.processed_states) {
        PostingOutcomeCode::Processed
    } else if among(&dynamics.outbound.failed_states) {
        PostingOutcomeCode::Failed
    } else {
        PostingOutcomeCode::Pending
    };
    Ok(Body::PostingSettled(PostingSettled {
        update_id: FactKey::new(update).map_err(|invalid| invalid.within("UpdateId").to_string())?,
        flow: flow.unwrap_or(told_by_name),
        outcome: PostingOutcome { code, raw: status },
        text: members.text(names::WORDS),
    }))
}

fn place(members: &Members<'_>, candidates: &[&str]) -> Option<PlaceCode> {
    members.text(candidates).and_then(|code| PlaceCode::new(code).ok())
}

fn required<T, E: std::fmt::Display>(
    members: &Members<'_>,
    candidates: &[&str],
    read: impl FnOnce(String) -> Result<T, E>,
) -> Result<T, Problem> {
    let text = members.name(candidates).ok_or_else(|| missing(candidates))?;
    read(text).map_err(|invalid| format!("{}: {invalid}", candidates.first().unwrap_or(&"")))
}

fn missing(candidates: &[&str]) -> Problem {
    format!("the event does not name its document: none of {} is there", candidates.join(", "))
}
