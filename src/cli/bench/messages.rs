//! What is sent: business events of Finance & Operations as its business events framework writes them, one document each.

use std::time::Duration;

use serde_json::json;

use super::Failed;
use crate::clock::Clock;
use crate::config::{self, Config};

use crate::message::{Connection, Envelope, LegalEntity, Reference, RequestId};
use crate::store::{Document, Effect, Outcome, Ownership, Record, Store, Written};
use crate::translation::{Received, translate_finance_operations};

/// The names of the connections of a bench.
pub(super) const DYNAMICS: &str = "bench_dynamics";
pub(super) const WAREHOUSE: &str = "bench_warehouse";

/// Records of one commit while the ground is prepared.
const SEEDED_AT_ONCE: usize = 256;

/// Says "document number N was taken back", about as long as such events are.
pub(super) fn body(number: u64) -> Vec<u8> {
    format!(
        "{{\"BusinessEventId\":\"DraylineOrderCancelledBusinessEvent\",\"BusinessEventLegalEntity\":\"USMF\",\
         \"ContextRecordSubject\":\"\",\"ControlNumber\":{},\"EventId\":\"A1B2C3D4-0001-4000-8000-{number:012X}\",\
         \"EventTime\":\"/Date(1764345600000)/\",\"EventTimeIso8601\":\"2025-11-28T16:00:00.1234567Z\",\
         \"InitiatingUserAADObjectId\":\"{{5F3C9E1A-7B52-4D0C-9B6A-0D7E8F1A2B3C}}\",\"LegalEntity\":\"USMF\",\
         \"MajorVersion\":0,\"MinorVersion\":0,\"OutboundShipmentOrderRequestId\":\"{}\",\
         \"ParentContextRecordSubjects\":null,\"WarehouseId\":\"24\"}}",
        5_637_144_576 + number,
        request(number),
    )
    .into_bytes()
}

/// The document's number in Dynamics.
fn request(number: u64) -> String {
    format!("SHP{number:09}")
}

/// The number of the document that a reference of ours stands for.
pub(super) fn numbered(reference: &str) -> Option<u64> {
    reference.split('-').find_map(|part| part.strip_prefix("SHP")?.parse().ok())
}

/// Translates a verified body into the message that the doors would publish.
pub(super) fn translated(bytes: &[u8], sender: &Sender<'_>) -> Result<Envelope, Failed> {
    let received = Received {
        connection: sender.connection,
        bytes,
        media_type: Some("application/json"),
        header_id: None,
        at: sender.clock.now(),
        traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        json_depth_max: sender.config.ingest.json_depth_max,
        retry_window_s: sender.config.ingest.retry_window_s,
    };
    let message = translate_finance_operations(&received, sender.dynamics).pop();
    message.ok_or_else(|| Failed::Work("An event of the bench was not understood.".to_owned()))
}

/// Who sends.
#[derive(Clone, Copy)]
pub(super) struct Sender<'a> {
    pub(super) connection: &'a Connection,
    pub(super) dynamics: &'a config::Dynamics,
    pub(super) config: &'a Config,
    pub(super) clock: &'a Clock,
}

/// A partition that nobody works on, nor relays: whoever prepares owns it for the moment.
const NOBODYS: u16 = u16::MAX - 1;

/// Remembers of each document that it was sent to the warehouse, as the attempt that sent it did.
pub(super) async fn remember_as_sent(
    store: &Store,
    clock: &Clock,
    numbers: std::ops::Range<u64>,
    messages: &[Envelope],
) -> Result<(), Failed> {
    let flow = messages.first().map_or(crate::message::Flow::Orders, Envelope::flow);
    let owner = store.take(clock.identifier(), flow, NOBODYS, Duration::from_secs(1)).await?;
    let owner = owner.ok_or_else(|| Failed::Work("Another bench prepares its ground.".to_owned()))?;
    let mut records = Vec::with_capacity(SEEDED_AT_ONCE);
    for (number, message) in numbers.zip(messages) {
        records.push(sent(owner, clock, number, message)?);
        if records.len() == SEEDED_AT_ONCE {
            write(store, &mut records).await?;
        }
    }
    write(store, &mut records).await?;
    store.give_up(owner).await?;
    Ok(())
}

async fn write(store: &Store, records: &mut Vec<Record>) -> Result<(), Failed> {
    let written = store.record(records).await?;
    records.clear();
    match written.into_iter().find(|each| *each != Written::Yes) {
        None => Ok(()),
        Some(other) => Err(Failed::Work(format!("The ground could not be prepared: {other:?}"))),
    }
}

fn sent(owner: Ownership, clock: &Clock, number: u64, message: &Envelope) -> Result<Record, Failed> {
    let unnamed = |invalid: crate::message::Invalid| Failed::Work(invalid.to_string());
    let request_id = RequestId::new(request(number)).map_err(unnamed)?;
    let legal_entity = LegalEntity::new("usmf").map_err(unnamed)?;
    let reference = Reference::of(&legal_entity, &request_id);
    let line = |number: u32| {
        json!({ "line_id": number.to_string(), "sku": format!("D{number:04}"), "quantity": "4", "unit": "ea",
                "lot": null, "serial": null, "over_percent": "0" })
    };
    let order_id = format!("wo-{number}");
    let facts = json!({
        "reference": reference, "warehouse": WAREHOUSE, "order_id": order_id, "legal_entity": legal_entity,
        "request_id": request_id, "order_number": format!("SO-{number:09}"), "version": 1,
        "origin_id": format!("ORIGIN-{number:09}"), "digest": "facility=0f1e2d3c4b5a recipient=5a4b3c2d1e0f",
        "lines": [line(1), line(2)],
    });
    let document = message.ordering_key.to_string();
    let names = [
        ("reference", reference.to_string()),
        ("awaited_as", format!("order/{DYNAMICS}/{reference}")),
        ("warehouse_order", order_id),
        ("request", request_id.to_string()),
        ("origin", format!("ORIGIN-{number:09}")),
        ("order_number", format!("SO-{number:09}")),
    ];
    Ok(Record {
        effects: vec![Effect {
            key: format!("create_order/{WAREHOUSE}/{reference}"),
            document: document.clone(),
            act: "create_order".to_owned(),
            connection: WAREHOUSE.to_owned(),
            message_id: clock.identifier(),
            facts,
        }],
        documents: vec![Document {
            key: document,
            kind: "order".to_owned(),
            legal_entity: Some(legal_entity.to_string()),
            names: names.map(|(label, name)| (label.to_owned(), name)).to_vec(),
        }],
        ..Record::new(owner, clock.identifier(), Outcome::Unchanged)
    })
}
