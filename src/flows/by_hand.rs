//! What a person did by hand at a far end, in the words of the ledger: later plans read it as if it had been looked up.

use serde_json::{Value, json};

use super::answer::Past;
use super::keys;
use super::ledger::{SettledUpdate, kept};
use crate::message::{CancelOutcomeCode, Connection};

/// What happened, when a call's business effect exists at the far end under a person's number: the effect itself, and what
/// follows from it. What stands in Dynamics' books already is posted: nobody waits for an update that was never handed over,
/// and nobody hands it over again.
#[must_use]
pub fn by_hand(call: Past, number: &str) -> Vec<Past> {
    let Past { key, act, connection, mut facts } = call;
    let update_id = facts.get("update_id").and_then(Value::as_str).map(str::to_owned);
    if let Value::Object(known) = &mut facts {
        match act.as_str() {
            "create_order" | "create_receipt" => known.insert("order_id".to_owned(), json!(number)),
            "cancel_order" | "cancel_receipt" | "change_order" => {
                known.insert("outcome".to_owned(), json!(CancelOutcomeCode::Confirmed.as_str()))
            }
            _ => None,
        };
        known.insert("by_hand".to_owned(), json!(number));
    } else {
        facts = json!({ "by_hand": number });
    }
    let posted = update_id.zip(Connection::new(&connection).ok()).map(|(update_id, environment)| Past {
        key: keys::posted(&environment, &update_id),
        act: "posted".to_owned(),
        connection: connection.clone(),
        facts: kept(&SettledUpdate { update_id }),
    });
    std::iter::once(Past { key, act, connection, facts }).chain(posted).collect()
}
