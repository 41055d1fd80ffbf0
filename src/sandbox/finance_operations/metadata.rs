//! What the simulated environment says of its own version: the names of its entities and actions.

use std::fmt::Write as _;

use serde_json::json;

use super::entities::Entity;
use super::rules::FinanceOperationsRules;
use super::sides::on_each_side;
use super::state::Fact;
use crate::sandbox::call::{Answer, Call};
use crate::sandbox::ledger::Effect;

/// The action that hands updates over.
const COMPLETE: &str = "Complete";

/// Whether a call asks for it.
pub(super) fn is_asked(call: &Call) -> bool {
    matches!(call.path.as_str(), "/data/$metadata" | "/data/%24metadata")
}

/// The names, as the real one writes them.
pub(super) fn answer(rules: &FinanceOperationsRules) -> Answer<Fact> {
    let entities = Entity::names().flat_map(on_each_side).chain([rules.tracking_entity.clone()]);
    let there = |name: &String| !rules.lacks.contains(name);
    let mut text = "<?xml version=\"1.0\" encoding=\"utf-8\"?><edmx:Edmx Version=\"4.0\" \
                    xmlns:edmx=\"http://docs.oasis-open.org/odata/ns/edmx\"><edmx:DataServices><Schema \
                    Namespace=\"Microsoft.Dynamics.DataEntities\" xmlns=\"http://docs.oasis-open.org/odata/ns/edm\">"
        .to_owned();
    // Writing into a text cannot fail.
    if there(&COMPLETE.to_owned()) {
        let _ = write!(text, "<Action Name=\"{COMPLETE}\" IsBound=\"true\"><Parameter Name=\"Parameter\" /></Action>");
    }
    text.push_str("<EntityContainer Name=\"Resources\">");
    for name in entities.filter(there) {
        let of = format!("EntityType=\"Microsoft.Dynamics.DataEntities.{}\"", name.trim_end_matches('s'));
        let _ = write!(text, "<EntitySet Name=\"{name}\" {of}></EntitySet>");
    }
    text.push_str("</EntityContainer></Schema></edmx:DataServices></edmx:Edmx>");
    Answer::new(200, Effect::None, json!(text)).header("content-type", "application/xml")
}
