//! Somebody who looks at a sandbox that runs, and turns its switches.

use serde_json::{Value, json};

use super::faults::Faults;
use super::ledger::LedgerLine;
use super::running::client;

/// Looks at a sandbox and turns its switches, over HTTP.
#[derive(Clone, Debug)]
pub struct Visitor {
    client: reqwest::Client,
    url: String,
}

impl Visitor {
    /// A visitor of the sandbox at this address, without a slash at the end.
    pub fn of(url: &str) -> Result<Self, reqwest::Error> {
        Ok(Self { client: client()?, url: url.to_owned() })
    }

    /// Plain counts by stage.
    pub async fn progress(&self) -> Result<Value, reqwest::Error> {
        self.client.get(self.at("progress")).send().await?.error_for_status()?.json().await
    }

    /// Everything there is.
    pub async fn state(&self) -> Result<Value, reqwest::Error> {
        self.client.get(self.at("state")).send().await?.error_for_status()?.json().await
    }

    /// The lines of its ledger after this number.
    pub async fn ledger(&self, after: u64) -> Result<Vec<LedgerLine>, reqwest::Error> {
        let answer = self.client.get(self.at("ledger")).query(&[("after", after)]).send().await?;
        let text = answer.error_for_status()?.text().await?;
        // A line that this release does not know is nothing to look at.
        Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
    }

    /// Releases orders (Dynamics only); answers their ids.
    pub async fn release(&self, count: u64, seed: u64) -> Result<Value, reqwest::Error> {
        self.post("orders", &json!({ "count": count, "seed": seed })).await
    }

    /// Releases one order of these very lines: each with `item`, `quantity` and `unit` (Dynamics only).
    pub async fn release_lines(&self, lines: &Value) -> Result<Value, reqwest::Error> {
        self.post("orders", &json!({ "count": 1, "lines": lines })).await
    }

    /// The same, but the events about them are lost (Dynamics only).
    pub async fn release_silently(&self, count: u64) -> Result<Value, reqwest::Error> {
        self.post("orders", &json!({ "count": count, "silent": true })).await
    }

    /// Releases orders in whatever way the call takes (Dynamics only); answers their ids.
    pub async fn release_as(&self, how: &Value) -> Result<Value, reqwest::Error> {
        self.post("orders", how).await
    }

    /// Has somebody do something with an order, and tell of it in these very words (warehouse only): with `reference`, the
    /// `stage` at which it is from then on, and what to `tell`, each with its `kind` and `data`.
    pub async fn do_and_tell(&self, how: &Value) -> Result<Value, reqwest::Error> {
        self.post("orders", how).await
    }

    /// Changes (`change`), takes back (`cancel`) or takes away (`withdraw`) a released order (Dynamics only).
    pub async fn order(&self, id: &str, what: &str, how: &Value) -> Result<Value, reqwest::Error> {
        self.post(&format!("orders/{id}/{what}"), how).await
    }

    /// Lets goods be expected (Dynamics only); answers the ids of the inbound documents.
    pub async fn expect(&self, count: u64, seed: u64) -> Result<Value, reqwest::Error> {
        self.post("receipts", &json!({ "count": count, "seed": seed })).await
    }

    /// Has return orders made by somebody in Dynamics, in whatever way the call takes (Dynamics only); answers their ids.
    pub async fn send_back(&self, how: &Value) -> Result<Value, reqwest::Error> {
        self.post("returns", how).await
    }

    /// Changes (`change`) or takes back (`cancel`) what is expected (Dynamics only).
    pub async fn receipt(&self, id: &str, what: &str, how: &Value) -> Result<Value, reqwest::Error> {
        self.post(&format!("receipts/{id}/{what}"), how).await
    }

    /// Has stock adjusted, as somebody in the warehouse would (warehouse only); answers the keys of the adjustments.
    pub async fn adjust(&self, how: &Value) -> Result<Value, reqwest::Error> {
        self.post("adjustments", how).await
    }

    /// Has what is named of an order leave, or all that is left of it (warehouse only): with `lines` of `line` and `quantity`, and
    /// `last` when nothing more will leave.
    pub async fn ship(&self, reference: &str, how: &Value) -> Result<Value, reqwest::Error> {
        self.post(&format!("orders/{reference}/ship"), how).await
    }

    /// Says which items it knows from now on, and which it does not (warehouse only): with `known` and `unknown`.
    pub async fn items(&self, how: &Value) -> Result<Value, reqwest::Error> {
        self.post("items", how).await
    }

    /// Has a snapshot of stock taken and told (warehouse only).
    pub async fn take_snapshot(&self, how: &Value) -> Result<Value, reqwest::Error> {
        self.post("snapshots", how).await
    }

    /// Puts rows of an entity of items, units or warehouses there, or takes them away (Dynamics only): with `entity`, `rows`
    /// and `gone`, the latter by their keys.
    pub async fn catalogue(&self, how: &Value) -> Result<Value, reqwest::Error> {
        self.post("catalogue", how).await
    }

    /// Has every update that was refused processed again, as somebody in Dynamics would (Dynamics only).
    pub async fn process_again(&self) -> Result<Value, reqwest::Error> {
        self.post("updates/process", &json!({})).await
    }

    /// Takes back what a packing slip posted, as somebody in Dynamics would (Dynamics only).
    pub async fn reverse(&self, packing_slip: &str) -> Result<Value, reqwest::Error> {
        self.post("updates/reverse", &json!({ "packing_slip": packing_slip })).await
    }

    /// Sets all switches.
    pub async fn disturb(&self, faults: &Faults) -> Result<(), reqwest::Error> {
        self.client.put(self.at("faults")).json(faults).send().await?.error_for_status().map(drop)
    }

    async fn post(&self, path: &str, body: &Value) -> Result<Value, reqwest::Error> {
        self.client.post(self.at(path)).json(body).send().await?.error_for_status()?.json().await
    }

    fn at(&self, path: &str) -> String {
        format!("{}/sandbox/{path}", self.url)
    }
}

/// What an answer that may be lost says for certain: nothing, or that the far end refuses, and will for ever.
///
/// # Errors
/// The refusal, as a sentence.
pub fn unless_refused(answer: Result<Value, reqwest::Error>) -> Result<(), String> {
    match answer {
        Err(error) if error.status().is_some_and(|status| status.is_client_error() && status != 429) => {
            Err(format!("A simulated far end refuses what it is asked to do, and would again: {error}"))
        }
        _ => Ok(()),
    }
}
