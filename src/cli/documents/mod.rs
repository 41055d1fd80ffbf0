//! `documents show KEY` and `documents list`.

mod list;

use std::collections::BTreeMap;

use clap::Subcommand;
use serde_json::{Value, json};

use super::{Failed, Global, output, store};
use crate::store::DocumentView;
use list::Options;

#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// A document's journey across both systems, by any of its names: reference, order number, request, warehouse's id
    Show {
        /// The name, whole
        key: String,
    },
    /// Orders and inbound orders by how far they are, those released first, first: age, promise, value
    #[command(after_help = list::HELP)]
    List(Options),
}

pub(super) async fn run(global: &Global, action: Action) -> Result<(), Failed> {
    let key = match action {
        Action::Show { key } => key,
        Action::List(options) => return list::run(global, options).await,
    };
    let found = store::open(global).await?.documents(&key).await?;
    if global.json {
        output::json(&json!({ "documents": found.iter().map(document).collect::<Vec<_>>() }))?;
        return if found.is_empty() { Err(Failed::Work(String::new())) } else { Ok(()) };
    }
    if found.is_empty() {
        return Err(Failed::Work(format!("No document is known by the name {key}.")));
    }
    output::lines(&found.iter().flat_map(page).collect::<Vec<_>>())
}

fn document(view: &DocumentView) -> Value {
    let mut keys: BTreeMap<&str, Value> = BTreeMap::new();
    for (label, name) in &view.document.names {
        let name = Value::from(name.as_str());
        keys.entry(label).and_modify(|known| several(known, &name)).or_insert(name);
    }
    let step = |step: &crate::store::Step| json!({ "at": step.at, "system": step.system, "what": step.what, "message_id": step.message_id, "mode": step.mode });
    json!({
        "kind": view.document.kind,
        "legal_entity": view.document.legal_entity,
        "keys": keys,
        "state": view.steps.last().map(|step| step.what.clone()),
        "steps": view.steps.iter().map(step).collect::<Vec<_>>(),
    })
}

/// One name is a text, several of one label are a list.
fn several(known: &mut Value, name: &Value) {
    match known {
        Value::Array(names) => names.push(name.clone()),
        one => *one = json!([one, name]),
    }
}

fn page(view: &DocumentView) -> Vec<String> {
    let mut lines = vec![format!("{} {}", view.document.kind, view.document.key)];
    lines.extend(view.document.names.iter().map(|(kind, name)| format!("  {kind}: {name}")));
    lines.extend(view.steps.iter().map(|step| format!("  {}  {:<12}  {}", step.at, step.system, step.what)));
    lines
}
