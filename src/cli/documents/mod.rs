//! `documents show KEY` and `documents list`.

mod list;
mod outstanding;

use std::collections::BTreeMap;

use clap::Subcommand;
use serde_json::json;

use super::{Failed, Global, output, store};
use crate::store::{DOCUMENTS_MAX, DocumentView, STEPS_MAX, Step};
use list::Options;

#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// A document's journey across both systems, by any of its keys: order, request, purchase order, RMA, tracking, reference
    Show {
        /// The key, whole, in any case
        key: String,
    },
    /// What is outstanding at the end of a month, with its worth; or documents by how far they are, the oldest first
    #[command(after_help = list::HELP)]
    List(Options),
}

pub(super) async fn run(global: &Global, action: Action) -> Result<(), Failed> {
    let key = match action {
        Action::Show { key } => key,
        Action::List(options) => return list::run(global, options).await,
    };
    let key = key.trim();
    if key.is_empty() {
        return Err(Failed::Usage("No key is given. A key is any number that names the document: SO-1001.".to_owned()));
    }
    let found = store::open(global).await?.documents(key).await?;
    if global.json {
        output::json(&json!({ "documents": found }))?;
        return if found.is_empty() { Err(Failed::Work(String::new())) } else { Ok(()) };
    }
    if found.is_empty() {
        return Err(Failed::Work(format!(
            "No document is known by {key}. Searched were order numbers, released requests, purchase orders, transfers, RMAs, \
             shipments, receipts, tracking numbers, SKUs, warehouses' own ids and our references, each whole and in any case."
        )));
    }
    let mut lines: Vec<_> = found.iter().flat_map(page).collect();
    if found.len() >= DOCUMENTS_MAX {
        lines.push(format!("These are the first {DOCUMENTS_MAX}; a key that fewer documents share shows the others."));
    }
    output::lines(&lines)
}

/// One document: what it is, by what it is known, and a line for each step.
fn page(view: &DocumentView) -> Vec<String> {
    let document = &view.document;
    let company = document.legal_entity.as_deref().map(|company| format!(" of {company}")).unwrap_or_default();
    let state = view.state.as_deref().map(|state| format!(": {state}")).unwrap_or_default();
    let mut lines = vec![format!("{}{company} {}{state}", document.kind, document.key)];
    let mut keys: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (label, name) in view.names() {
        keys.entry(label).or_default().push(name);
    }
    lines.extend(keys.into_iter().map(|(label, names)| format!("  {label}: {}", names.join(", "))));
    if view.has_older_steps {
        lines.push(format!("  (the latest {STEPS_MAX} steps)"));
    }
    lines.extend(view.steps.iter().map(step));
    lines
}

fn step(step: &Step) -> String {
    let Step { at, system, what, message_id, mode, .. } = step;
    let mode = if mode == "live" { String::new() } else { format!(" [{mode}]") };
    format!("  {at:.0}  {system:<12}  {what}{mode}  {message_id}")
}

/// How long ago, in its largest unit.
fn age(seconds: i64) -> String {
    let units = [(86_400, "d"), (3600, "h"), (60, "m")];
    let fits = units.into_iter().find(|(length, _)| seconds >= *length);
    fits.map_or_else(|| format!("{seconds}s"), |(length, unit)| format!("{}{unit}", seconds / length))
}
