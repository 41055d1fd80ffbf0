//! Rows of the store with nothing in them, for tests to fill in what they are about.

use drayline::message::Flow;
use drayline::store::{Parked, Place, WaitsFor};
use uuid::Uuid;

/// A message that waits behind everything of its lane.
pub fn parked(message_id: Uuid, lane: &str, waits_for: WaitsFor) -> Parked {
    Parked {
        message_id,
        flow: Flow::Orders,
        partition: 0,
        lane_key: lane.to_owned(),
        ordering_key: lane.to_owned(),
        kind: "order_released".to_owned(),
        connection: "contoso".to_owned(),
        bytes: message_id.as_bytes().to_vec(),
        place: Place::Behind,
        waits_for,
        attempts: 0,
        parkings: 0,
        revision: 0,
        failure: None,
        fingerprint: None,
        unsure: Vec::new(),
        deadline_at: None,
        asked_by: None,
        asked: 0,
        first_parked_at: None,
        last_parked_at: None,
    }
}
