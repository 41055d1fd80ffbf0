//! How people end exceptions: discarded for good, or done by hand.

use clap::Args;
use serde_json::json;
use uuid::Uuid;

use super::exceptions::{Wanted, done, not_parked, who};
use super::{Failed, Global, output, trail};
use crate::config::Config;
use crate::exceptions::{Exception, Resolved, Verdict, documents_of, list, resolve};
use crate::store::{Act, Discarded, ExceptionFilter, Store};

/// Which are discarded, and why.
#[derive(Debug, Args)]
pub(super) struct Discard {
    /// The ids in the list; or none, and what the options choose
    #[arg(conflicts_with_all = ["states", "flow", "connection", "code", "fingerprint", "owner", "tag", "document", "older_than"])]
    ids: Vec<Uuid>,
    #[command(flatten)]
    wanted: Wanted,
    /// Why, for everybody who looks at the document later
    #[arg(long)]
    reason: String,
    /// Do it in earnest: without it more than one are only listed
    #[arg(long)]
    yes: bool,
}

/// What is so at the far end.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct ByHand {
    /// It exists there under this number: it is never done again
    #[arg(long, value_name = "NUMBER")]
    exists_as: Option<String>,
    /// What is unsure did not happen: it is done once
    #[arg(long)]
    did_not_happen: bool,
}

pub(super) async fn discard(global: &Global, (store, config): (&Store, &Config), what: &Discard) -> Result<(), Failed> {
    let reason = what.reason.trim();
    if reason.is_empty() {
        return Err(Failed::Usage("Say why with --reason: it stays on the document's journey.".to_owned()));
    }
    if what.ids.is_empty() && what.wanted.parts().is_empty() {
        return Err(Failed::Usage("Say which: ids of the list, or options of it such as --code.".to_owned()));
    }
    // One id is meant; everything else is looked at first.
    if let ([_], _) | (_, true) = (&what.ids[..], what.yes) {
        let ids = match &what.ids[..] {
            [] => chosen(store, config, what).await?.iter().map(|exception| exception.id).collect(),
            ids => ids.to_vec(),
        };
        return discard_all(global, store, &ids, reason).await;
    }
    let would = chosen(store, config, what).await?;
    let sentence = format!("{} would be discarded. Discard them with --yes.", would.len());
    if global.json {
        return output::json(&json!({ "discarded": false, "would_discard": would, "sentence": sentence }));
    }
    let line = |each: &Exception| format!("{}  {}  {}  {}", each.id, each.status, each.code, each.document);
    output::lines(&would.iter().map(line).chain([sentence]).collect::<Vec<_>>())
}

/// What is not over yet of the ids, or of what the options choose.
async fn chosen(store: &Store, config: &Config, what: &Discard) -> Result<Vec<Exception>, Failed> {
    let messages = (!what.ids.is_empty()).then(|| what.ids.clone());
    let filter = ExceptionFilter { limit: u32::MAX, messages, ..what.wanted.filter(config)? };
    Ok(list(store, &config.exceptions.owners, &filter).await?.1)
}

async fn discard_all(global: &Global, store: &Store, ids: &[Uuid], reason: &str) -> Result<(), Failed> {
    let (mut well, mut sentences) = (true, Vec::new());
    for id in ids {
        let documents = documents_of(store, &[*id]).await?;
        let act = Act { action: "exception.discard", documents, ..Act::default() };
        let doing = Box::pin(async { store.discard(*id, &who(), reason).await });
        let discarded = trail::recorded(store, &act, (doing, |answer| *answer == Discarded::Yes)).await?;
        sentences.push(match discarded {
            Discarded::Yes => "It is discarded. What stood behind it goes on.".to_owned(),
            Discarded::NotParked(ending) => {
                well = false;
                not_parked(ending)
            }
        });
    }
    let sentence = sentences.join("\n");
    let id = if let [id] = ids { json!(id) } else { json!(ids) };
    done(global, &json!({ "id": id, "discarded": well, "sentence": sentence }), well, sentence)
}

pub(super) async fn by_hand(global: &Global, store: &Store, id: Uuid, what: &ByHand) -> Result<(), Failed> {
    let verdict = Verdict::of(what.exists_as.as_deref(), what.did_not_happen);
    let verdict = verdict.map_err(|why| Failed::Usage(format!("Nothing was done: {why}.")))?;
    let documents = documents_of(store, &[id]).await?;
    let fields = vec![verdict.field().to_owned()];
    let act = Act { action: "exception.resolve", documents, fields, ..Act::default() };
    let doing = Box::pin(async { resolve(store, id, &verdict, &who()).await });
    let resolved = trail::recorded(store, &act, (doing, |answer| *answer == Resolved::Due)).await?;
    let (well, sentence) = (resolved == Resolved::Due, resolved.sentence());
    done(global, &json!({ "id": id, "resolved": well, "sentence": sentence }), well, sentence)
}
