//! `exceptions list | show` and `replay start`.

use clap::Subcommand;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Failed, Global, output, store};
use crate::exceptions::{Attempted, Closed, Exception, Selection, Shown, list, show};
use crate::message::Flow;
use crate::store::{Discarded, Ending, Replayed, Store};

#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// What waits for a person, newest last
    List {
        /// Only of this flow
        #[arg(long)]
        flow: Option<Flow>,
        /// Also what waits for a time, another document, or behind another message
        #[arg(long)]
        all: bool,
        /// At most this many
        #[arg(long, default_value_t = 100)]
        limit: u32,
    },
    /// End one for good without applying it; its document's journey keeps who said so, and why
    Discard {
        /// The id in the list
        id: Uuid,
        /// Why, for everybody who looks at the document later
        #[arg(long)]
        reason: String,
    },
    /// One of them with everything that is known
    Show {
        /// The id in the list
        id: Uuid,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum Replay {
    /// Make a parked message due now, with a fresh budget: the same bytes on the same road
    Start {
        /// The id in the list of exceptions
        #[arg(long, value_name = "ID")]
        message: Uuid,
    },
}

pub(super) async fn run(global: &Global, action: Action) -> Result<(), Failed> {
    let store = store::open(global).await?;
    match action {
        Action::List { flow, all, limit } => {
            let selection = Selection { flow, all_parked: all, limit };
            let (total, exceptions) = list(&store, &selection).await?;
            if global.json {
                return output::json(&json!({ "total": total, "exceptions": exceptions }));
            }
            output::lines(&table(total, &exceptions))
        }
        Action::Discard { id, reason } => discard(global, &store, id, &reason).await,
        Action::Show { id } => match show(&store, id).await? {
            Some(shown) if global.json => output::json(&shown),
            Some(Shown::Parked(attempted)) => output::lines(&page(&attempted)),
            Some(Shown::Closed(closed)) => output::lines(&ended(&closed)),
            None => Err(Failed::Work(format!("Nothing is parked under {id}. It may have been applied since."))),
        },
    }
}

async fn discard(global: &Global, store: &Store, id: Uuid, reason: &str) -> Result<(), Failed> {
    if reason.trim().is_empty() {
        return Err(Failed::Usage("Say why with --reason: it stays on the document's journey.".to_owned()));
    }
    let why = format!("Discarded by {}: {}", who(), reason.trim());
    let (discarded, sentence) = match store.discard(id, &why).await? {
        Discarded::Yes => (true, "It is discarded. What stood behind it goes on.".to_owned()),
        Discarded::NotParked(ending) => (false, not_parked(ending)),
    };
    done(global, &json!({ "id": id, "discarded": discarded, "sentence": sentence }), discarded, sentence)
}

/// Who sits at the command line.
pub(super) fn who() -> String {
    std::env::var("USER").unwrap_or_else(|_| "command line".to_owned())
}

fn not_parked(ending: Option<Ending>) -> String {
    match ending {
        Some(ending) => format!("It is not parked: it ended as {ending:?}."),
        None => "Nothing is known of a message of this id.".to_owned(),
    }
}

/// Tells what became of a wish.
fn done(global: &Global, document: &Value, well: bool, sentence: String) -> Result<(), Failed> {
    match (global.json, well) {
        (true, true) => output::json(document),
        (true, false) => output::json(document).and(Err(Failed::Work(String::new()))),
        (false, true) => output::lines(&[sentence]),
        (false, false) => Err(Failed::Work(sentence)),
    }
}

fn table(total: u64, exceptions: &[Exception]) -> Vec<String> {
    if total == 0 {
        return vec!["Nothing waits for a person.".to_owned()];
    }
    let mut lines: Vec<_> = exceptions.iter().flat_map(entry).collect();
    lines.push(format!("{} of {total}. Replay one with: drayline replay start --message ID", exceptions.len()));
    lines
}

fn entry(each: &Exception) -> Vec<String> {
    let mut lines = vec![
        format!("{}  {}  {}  {}", each.id, each.status, each.code, each.document),
        format!("    {}", each.sentence),
        format!("    Next ({}): {}", each.owner, each.next_step),
    ];
    if each.followers > 0 {
        lines.push(format!("    {} messages of the document wait behind it.", each.followers));
    }
    lines
}

fn page(attempted: &Attempted) -> Vec<String> {
    let exception = &attempted.exception;
    let mut lines = entry(exception);
    lines.push(format!("waits for    {}", attempted.waits_for));
    lines.push(format!("attempts     {}", exception.attempts));
    lines.push(format!("connection   {}", exception.connection));
    lines.extend(attempted.detail.iter().map(|detail| format!("their words  {detail}")));
    for (key, connection, class) in &attempted.unsure {
        lines.push(format!("unsure       {key} at {connection} ({class})"));
    }
    if let Some(message) = &attempted.message {
        lines.push(serde_json::to_string_pretty(message).unwrap_or_default());
    }
    if let Some(body) = &attempted.body {
        lines.push("The body as it came:".to_owned());
        lines.push(body.clone());
    }
    lines
}

fn ended(closed: &Closed) -> Vec<String> {
    let mut lines = vec![
        format!("{}  {}  {}  {}", closed.id, closed.status, closed.code, closed.document),
        format!("    {}", closed.sentence),
        format!("first seen   {}", closed.first_seen),
        format!("last seen    {}", closed.last_seen),
    ];
    lines.extend(closed.ended.map(|at| format!("ended        {at}")));
    lines
}

pub(super) async fn replay(global: &Global, action: Replay) -> Result<(), Failed> {
    let Replay::Start { message } = action;
    let store = store::open(global).await?;
    let (started, sentence) = match store.replay(message, &who()).await? {
        Replayed::Due => (true, "It is due now, with a fresh budget.".to_owned()),
        Replayed::Behind(head) => (false, format!("It stands behind {head}, which must be replayed first.")),
        Replayed::NotParked(ending) => (false, not_parked(ending)),
    };
    done(global, &json!({ "id": message, "started": started, "sentence": sentence }), started, sentence)
}
