//! `exceptions list | show` and `replay start`.

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Failed, Global, output, store};
use crate::config::Config;
use crate::exceptions::{Exception, Shown, filter, list, parked, show};
use crate::message::Flow;
use crate::store::{Discarded, Ending, ExceptionFilter, Replayed, Store};

/// Which exceptions: the names are those of the API.
#[derive(Debug, Default, Args)]
pub(super) struct Wanted {
    /// In this state (open, investigating, waiting, replaying, resolved, discarded); several times for several. Not at all:
    /// those in which something is still to happen
    #[arg(long = "state", value_name = "STATE")]
    states: Vec<String>,
    /// Only of this flow
    #[arg(long, value_name = "FLOW")]
    flow: Option<Flow>,
    /// Only of this connection
    #[arg(long, value_name = "CONNECTION")]
    connection: Option<String>,
    /// Only with this code of docs/exceptions.md
    #[arg(long, value_name = "CODE")]
    code: Option<String>,
    /// Only of this cause
    #[arg(long, value_name = "FINGERPRINT")]
    fingerprint: Option<String>,
    /// Only of this owner, a person or a team
    #[arg(long, value_name = "NAME")]
    owner: Option<String>,
    /// Only with this tag
    #[arg(long, value_name = "TAG")]
    tag: Option<String>,
    /// Only of this document
    #[arg(long, value_name = "DOCUMENT")]
    document: Option<String>,
    /// Only those first seen so long ago: 90m, 4h, 2d
    #[arg(long, value_name = "DURATION")]
    older_than: Option<String>,
}

impl Wanted {
    /// As names and values.
    fn parts(&self) -> Vec<(&'static str, &str)> {
        let states = self.states.iter().map(|state| ("state", state.as_str()));
        let rest = [
            ("flow", self.flow.map(Flow::as_str)),
            ("connection", self.connection.as_deref()),
            ("code", self.code.as_deref()),
            ("fingerprint", self.fingerprint.as_deref()),
            ("owner", self.owner.as_deref()),
            ("tag", self.tag.as_deref()),
            ("document", self.document.as_deref()),
            ("older_than", self.older_than.as_deref()),
        ];
        states.chain(rest.into_iter().filter_map(|(name, value)| Some((name, value?)))).collect()
    }

    fn filter(&self, config: &Config) -> Result<ExceptionFilter, Failed> {
        filter(self.parts(), &config.exceptions.owners).map_err(Failed::Usage)
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// What people work on, in the order in which they should
    List {
        #[command(flatten)]
        wanted: Wanted,
        /// Everything that is parked, whatever it waits for: a time, another document, a far end, its turn
        #[arg(long, conflicts_with_all = ["states", "connection", "code", "fingerprint", "owner", "tag", "document", "older_than"])]
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
    let config = global.load("")?;
    let owners = &config.exceptions.owners;
    let store = store::open(global).await?;
    match action {
        Action::List { wanted, all, limit } => {
            let (total, exceptions) = if all {
                parked(&store, owners, wanted.flow, limit).await?
            } else {
                list(&store, owners, &ExceptionFilter { limit, ..wanted.filter(&config)? }).await?
            };
            if global.json {
                return output::json(&json!({ "total": total, "exceptions": exceptions }));
            }
            output::lines(&table(total, &exceptions))
        }
        Action::Discard { id, reason } => discard(global, &store, id, &reason).await,
        Action::Show { id } => match show(&store, owners, id).await? {
            Some(shown) if global.json => output::json(&shown),
            Some(shown) => output::lines(&page(&shown)),
            None => Err(Failed::Work(format!("Nothing is known of a message {id}."))),
        },
    }
}

async fn discard(global: &Global, store: &Store, id: Uuid, reason: &str) -> Result<(), Failed> {
    if reason.trim().is_empty() {
        return Err(Failed::Usage("Say why with --reason: it stays on the document's journey.".to_owned()));
    }
    let (discarded, sentence) = match store.discard(id, &who(), reason.trim()).await? {
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
    lines.extend(each.awaits.iter().map(|name| format!("    It goes on by itself when {name} is there.")));
    if each.followers > 0 {
        lines.push(format!("    {} messages of the document wait behind it.", each.followers));
    }
    lines
}

fn page(shown: &Shown) -> Vec<String> {
    let exception = &shown.exception;
    let mut lines = entry(exception);
    let mut line = |name: &str, value: Option<String>| {
        lines.extend(value.map(|value| format!("{name:<12} {value}")));
    };
    line("waits for", shown.waits_for.clone());
    line("attempts", Some(exception.attempts.to_string()));
    line("connection", Some(exception.connection.clone()));
    line("first seen", exception.first_seen.map(|at| at.to_string()));
    line("last seen", exception.last_seen.map(|at| at.to_string()));
    line("ended", exception.ended.map(|at| at.to_string()));
    line("promised", exception.promised.map(|at| at.to_string()));
    line("value", exception.value.as_ref().map(|value| [value, exception.currency.as_deref().unwrap_or("")].join(" ")));
    line("due", exception.due.map(|at| at.to_string()));
    line("tags", (!exception.tags.is_empty()).then(|| exception.tags.join(", ")));
    line("their words", shown.detail.clone());
    line("asked by", shown.asked_by.clone());
    line("read", Some(exception.help.clone()));
    for (key, connection, class) in &shown.unsure {
        lines.push(format!("{:<12} {key} at {connection} ({class})", "unsure"));
    }
    for attempt in &shown.tried {
        lines.push(format!("{}  failed: {}", attempt.at, attempt.sentence));
    }
    for act in &shown.history {
        lines.push(format!("{}  {} by {}: {}", act.at, act.act, act.by, act.what));
    }
    if let Some(message) = &shown.message {
        lines.push(serde_json::to_string_pretty(message).unwrap_or_default());
    }
    if let Some(body) = &shown.body {
        lines.push("The body as it came:".to_owned());
        lines.push(body.clone());
    }
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
