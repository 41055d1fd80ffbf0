//! What is wrong with a configuration in the eyes of the doors: words that only they know the meaning of.

use secrecy::ExposeSecret as _;

use super::signature::key_problem;
use crate::config::{Config, Finding};
use crate::translation::{configurable, is_member};
use crate::transport::MESSAGE_BYTES_MAX;

/// A message holds its body twice, as it came and as it was understood, and some facts beside it.
const BODY_BYTES_MAX: usize = MESSAGE_BYTES_MAX / 2 - 64 * 1024;

/// Checks sizes, names of kinds and forms of signing secrets. Nothing that is found here repeats a secret.
#[must_use]
pub fn check(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    if config.ingest.body_bytes_max > BODY_BYTES_MAX {
        let problem = "is more than what fits into one message";
        let remedy = format!("give at most {BODY_BYTES_MAX}");
        findings.push(Finding::error("ingest.body_bytes_max", problem, &remedy));
    }
    for (name, dynamics) in &config.dynamics {
        for (index, secret) in dynamics.secrets.iter().enumerate() {
            let fits = |letter: char| letter.is_ascii_alphanumeric() || "-._~".contains(letter);
            if secret.value().is_ok_and(|value| !value.expose_secret().chars().all(fits)) {
                let place = format!("dynamics.{name}.secrets[{index}]");
                let problem = "holds characters that cannot stand in an address as they are";
                findings.push(Finding::error(place, problem, "use letters, digits, -, ., _ and ~ only"));
            }
        }
        for (event, kind) in dynamics.events.iter().filter(|(_, kind)| !configurable(kind)) {
            let place = format!("dynamics.{name}.events.{event}");
            let problem = format!("{kind:?} is not a kind of message that Dynamics sends");
            let remedy = "use order_released, order_changed, order_cancelled, receipt_announced, posting_settled, \
                          return_authorised or item_changed";
            findings.push(Finding::error(place, &problem, remedy));
        }
    }
    for (name, dynamics) in &config.dynamics {
        for (member, own) in dynamics.event_members.iter().filter(|(member, own)| !is_member(member) || own.is_empty())
        {
            let place = format!("dynamics.{name}.event_members.{member}");
            let problem = format!("{member:?} = {own:?} renames no member of an event that is read");
            let remedy = "give our name of the member, like OutboundShipmentOrderRequestId, and the name that your event \
                          catalog has for it";
            findings.push(Finding::error(place, &problem, remedy));
        }
    }
    for (name, warehouse) in config.warehouses.iter().filter(|(_, warehouse)| warehouse.connector == "standard") {
        for (index, secret) in warehouse.secrets.iter().enumerate() {
            let value = secret.value().ok();
            if let Some(problem) = value.and_then(|value| key_problem(value.expose_secret())) {
                let place = format!("warehouses.{name}.secrets[{index}]");
                let remedy = "give whsec_ and base64 of 24 to 64 bytes, or whpk_ and base64 of an Ed25519 public key";
                findings.push(Finding::error(place, problem, remedy));
            }
        }
    }
    findings
}
