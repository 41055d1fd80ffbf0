//! A message corrected by a person: what it says may change, what tells it apart may not. Pure.
//!
//! Whatever makes the message id, the ordering key or an effect key stays: changed, the same fact would be another one, and
//! happen twice. Most of these stand in the envelope, which stays as a whole; those that stand in a body are named here.

use serde_json::Value;

use super::envelope::Envelope;
use super::kind::Kind;
use super::wire::Invalid;

/// One member that changed.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Change {
    /// `shipmentConfirmed.packages[0].contents[0].item.sku`
    pub place: String,
    /// Null where there was nothing.
    pub from: Value,
    /// Null where there is nothing now.
    pub to: Value,
}

/// Members whose value tells facts apart, wherever in the body of a kind they stand.
fn fixed(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::OrderReleased | Kind::OrderChanged | Kind::OrderCancelled => &["document"],
        Kind::OrderAccepted | Kind::OrderRejected => &["order"],
        Kind::OrderStatusChanged => &["order", "status", "changedAt"],
        Kind::OrderCancelResolved => &["order", "outcome"],
        // A package's tracking is a fact of its own, with its carrier and the instant of the shipment.
        Kind::ShipmentConfirmed => {
            &["shipmentKey", "order", "packageKey", "trackingNumber", "trackingUrl", "carrier", "shippedAt", "sequence"]
        }
        Kind::TrackingUpdated => &[
            "shipmentKey",
            "packageKey",
            "order",
            "trackingNumberOld",
            "trackingNumber",
            "trackingUrl",
            "carrier",
            "updatedAt",
        ],
        Kind::ShipmentVoided => &["shipmentKey", "order", "replacedBy"],
        Kind::ReceiptAnnounced => &["requestId", "orderNumber"],
        // What was reached of every piece is in the key.
        Kind::GoodsReceived => &[
            "receiptKey",
            "inboundOrder",
            "quantityBasis",
            "sequence",
            "line",
            "received",
            "damaged",
            "lots",
            "serials",
            "stockStatus",
        ],
        Kind::StockAdjusted => &["adjustmentKey", "sku", "warehouse", "sequence"],
        // Nothing of these is acted on yet, or it is not what they say that counts: they stay as they came.
        Kind::StockSnapshotTaken
        | Kind::ItemChanged
        | Kind::PostingSettled
        | Kind::Unreadable
        | Kind::ReturnRequested
        | Kind::ReturnAuthorised
        | Kind::ReturnStatusChanged => &[""],
        // Whoever has it names the RMA of what came without one.
        Kind::ReturnReceived => &["returnKey", "sequence", "line", "received", "quantity", "lot", "serials"],
    }
}

impl Envelope {
    /// The message as this JSON says it, if it is the same message and one by the schema; with what changed.
    ///
    /// # Errors
    /// [`Invalid`] names the member and why it cannot be.
    pub fn revised(&self, json: &Value) -> Result<(Self, Vec<Change>), Invalid> {
        let before = self.to_json();
        let revised = Self::from_json(json.clone()).map_err(|invalid| {
            // Whoever reads JSON does not always say where it is wrong: it is where it was changed.
            let mut wrong = Vec::new();
            differences(String::new(), &before, json, &mut wrong);
            wrong.first().map_or(invalid.clone(), |wrong| invalid.within(&wrong.place))
        })?;
        let after = revised.to_json();
        let mut lost = Vec::new();
        differences(String::new(), json, &after, &mut lost);
        if let Some(lost) = lost.into_iter().find(|lost| !is_nothing(&lost.from) && lost.to.is_null()) {
            return Err(Invalid::new("is no member of this message").within(&lost.place));
        }
        let changes = self.changes(&revised);
        let body = camel(self.kind().as_str());
        let stays = fixed(self.kind());
        for change in &changes {
            let mut names = change.place.split('.').map(|name| name.split('[').next().unwrap_or_default());
            if names.next() != Some(body.as_str()) || names.any(|name| stays.contains(&name) || stays.contains(&"")) {
                let problem = "tells this message, its document or its effect apart from others, and cannot be changed";
                return Err(Invalid::new(problem).within(&change.place));
            }
        }
        Ok((revised, changes))
    }
}

impl Envelope {
    /// Every member that another has otherwise.
    #[must_use]
    pub fn changes(&self, to: &Self) -> Vec<Change> {
        let mut changes = Vec::new();
        differences(String::new(), &self.to_json(), &to.to_json(), &mut changes);
        changes
    }
}

/// Every leaf that differs.
fn differences(place: String, from: &Value, to: &Value, found: &mut Vec<Change>) {
    let null = Value::Null;
    match (from, to) {
        _ if from == to => {}
        (Value::Object(_) | Value::Null, Value::Object(_)) | (Value::Object(_), Value::Null) => {
            let members =
                |value: &Value| value.as_object().map(|map| map.keys().cloned().collect()).unwrap_or_default();
            let mut names: Vec<String> = members(from);
            names.extend(members(to).into_iter().filter(|name: &String| from.get(name).is_none()));
            for name in names {
                let dot = if place.is_empty() { "" } else { "." };
                let (before, after) = (from.get(&name).unwrap_or(&null), to.get(&name).unwrap_or(&null));
                differences(format!("{place}{dot}{name}"), before, after, found);
            }
        }
        (Value::Array(_) | Value::Null, Value::Array(_)) | (Value::Array(_), Value::Null) => {
            let length = |value: &Value| value.as_array().map_or(0, Vec::len);
            for index in 0..length(from).max(length(to)) {
                let (before, after) = (from.get(index).unwrap_or(&null), to.get(index).unwrap_or(&null));
                differences(format!("{place}[{index}]"), before, after, found);
            }
        }
        _ => found.push(Change { place, from: from.clone(), to: to.clone() }),
    }
}

/// What the JSON of a message leaves out: it says the same as nothing.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(said) => !said,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(elements) => elements.is_empty(),
        Value::Object(members) => members.is_empty(),
    }
}

/// `shipment_confirmed`, or `ShipmentConfirmed`, as JSON names it.
fn camel(name: &str) -> String {
    let mut camel = String::with_capacity(name.len());
    for (number, word) in name.split('_').enumerate() {
        let mut letters = word.chars();
        let first = letters
            .next()
            .map(|first| if number == 0 { first.to_ascii_lowercase() } else { first.to_ascii_uppercase() });
        camel.extend(first);
        camel.extend(letters);
    }
    camel
}
