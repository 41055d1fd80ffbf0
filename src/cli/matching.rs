//! Whose goods are that came without an RMA.

use clap::Args;
use serde_json::json;
use uuid::Uuid;

use super::exceptions::{done, who};
use super::{Failed, Global, trail};
use crate::clock::Clock;
use crate::config::Config;
use crate::exceptions::{Match, Matched, Suggestion, documents_of, match_return};
use crate::store::{Act, Store};

/// Which exception, and whose its goods are.
#[derive(Debug, Args)]
pub(super) struct Picked {
    /// The id in the list
    id: Uuid,
    #[command(flatten)]
    chosen: Chosen,
}

/// One document.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Chosen {
    /// The return of this RMA
    #[arg(long = "return", value_name = "RMA")]
    rma: Option<String>,
    /// The order of this key; its return order is made of what came, once
    #[arg(long, value_name = "KEY")]
    order: Option<String>,
}

pub(super) async fn run(
    global: &Global,
    (store, config): (&Store, &Config),
    Picked { id, chosen }: &Picked,
) -> Result<(), Failed> {
    let id = *id;
    let choice = Match::of(chosen.rma.as_deref(), chosen.order.as_deref());
    let choice = choice.map_err(|why| Failed::Usage(format!("Nothing was done: {why}.")))?;
    let documents = documents_of(store, &[id]).await?;
    let fields = vec![choice.field().to_owned()];
    let act = Act { action: "exception.match", documents, fields, ..Act::default() };
    let (campaign, by) = (Clock::system().identifier(), who());
    let doing = Box::pin(match_return((store, config), (id, campaign), &choice, &by));
    let matched = trail::recorded(store, &act, (doing, |answer| *answer == Matched::Yes)).await?;
    let (well, sentence) = (matched == Matched::Yes, matched.sentence());
    done(global, &json!({ "id": id, "matched": well, "sentence": sentence }), well, sentence)
}

/// What may be meant, for people.
pub(super) fn lines(suggestions: &[Suggestion]) -> Vec<String> {
    let line = |each: &Suggestion| {
        let kind = each.kind.replace('_', " ");
        let stands = each.stands.as_ref().map(|stands| format!(": {stands}")).unwrap_or_default();
        let found = format!("{:<12} {kind} {}, by {}{stands}", "may be of", each.number, each.why.join("; by "));
        [found, format!("{:<12} {}", "", each.command)]
    };
    suggestions.iter().flat_map(line).collect()
}
