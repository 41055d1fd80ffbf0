//! `exceptions`: what people work on, and what they do about it.

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Failed, Global, ending, matching, output, store, trail};
use crate::config::Config;
use crate::exceptions::{Exception, Shown, documents_of, filter, list, parked, show};
use crate::message::Flow;
use crate::store::{Act, Acted, Cause, Changed, Ending, ExceptionFilter, Handling, Seen, Store};

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
    /// Only about this item: an item number or a SKU
    #[arg(long, value_name = "ITEM")]
    item: Option<String>,
    /// Only of this document
    #[arg(long, value_name = "DOCUMENT")]
    document: Option<String>,
    /// Only those first seen so long ago: 90m, 4h, 2d
    #[arg(long, value_name = "DURATION")]
    older_than: Option<String>,
}

impl Wanted {
    /// As names and values.
    pub(super) fn parts(&self) -> Vec<(&'static str, &str)> {
        let states = self.states.iter().map(|state| ("state", state.as_str()));
        let rest = [
            ("flow", self.flow.map(Flow::as_str)),
            ("connection", self.connection.as_deref()),
            ("code", self.code.as_deref()),
            ("fingerprint", self.fingerprint.as_deref()),
            ("owner", self.owner.as_deref()),
            ("tag", self.tag.as_deref()),
            ("item", self.item.as_deref()),
            ("document", self.document.as_deref()),
            ("older_than", self.older_than.as_deref()),
        ];
        states.chain(rest.into_iter().filter_map(|(name, value)| Some((name, value?)))).collect()
    }

    pub(super) fn filter(&self, config: &Config) -> Result<ExceptionFilter, Failed> {
        filter(self.parts(), &config.exceptions.owners).map_err(Failed::Usage)
    }
}

/// One thing that is said about an exception.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct Noted {
    /// A note
    #[arg(long, value_name = "TEXT")]
    text: Option<String>,
    /// A tag more
    #[arg(long, value_name = "TAG")]
    tag: Option<String>,
    /// A tag less
    #[arg(long, value_name = "TAG")]
    untag: Option<String>,
    /// When it shall be done: 2026-11-27T18:00:00Z
    #[arg(long, value_name = "INSTANT")]
    due: Option<Timestamp>,
    /// Somebody is at it
    #[arg(long)]
    take: bool,
    /// Nobody is at it any more
    #[arg(long)]
    leave: bool,
}

impl Noted {
    fn handling(self) -> Handling {
        let Self { text, tag, untag, due, take, leave: _ } = self;
        let text = text.map(Handling::Note).or(tag.map(Handling::Tag)).or(untag.map(Handling::Untag));
        text.or(due.map(|at| Handling::Due(Some(at)))).unwrap_or(if take {
            Handling::Investigate
        } else {
            Handling::Leave
        })
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// What people work on, in the order in which they should
    List {
        #[command(flatten)]
        wanted: Wanted,
        /// Everything that is parked, whatever it waits for: a time, another document, a far end, its turn
        #[arg(long, conflicts_with_all = ["states", "connection", "code", "fingerprint", "owner", "tag", "item", "document", "older_than"])]
        all: bool,
        /// At most this many
        #[arg(long, default_value_t = 100)]
        limit: u32,
    },
    /// What they have in common: causes, the most frequent first
    Causes {
        #[command(flatten)]
        wanted: Wanted,
        /// At most this many
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// Give some to a person or a team; without --to back to the team of their code
    Assign {
        /// The ids in the list
        #[arg(required = true)]
        ids: Vec<Uuid>,
        /// Who has them from now on
        #[arg(long, value_name = "NAME")]
        to: Option<String>,
        /// Only if it is still in this version, as you saw it; for one exception
        #[arg(long, value_name = "VERSION")]
        if_version: Option<i64>,
    },
    /// Say something about some, for everybody who looks at them later; or tag them, or say when they shall be done
    Note {
        /// The ids in the list
        #[arg(required = true)]
        ids: Vec<Uuid>,
        #[command(flatten)]
        what: Noted,
        /// Only if it is still in this version, as you saw it; for one exception
        #[arg(long, value_name = "VERSION")]
        if_version: Option<i64>,
    },
    /// The list as CSV, or with --json as JSON, whole
    Export {
        #[command(flatten)]
        wanted: Wanted,
    },
    /// End some for good without applying them; their documents' journeys keep who said so, and why
    Discard(ending::Discard),
    /// Say what a person did by hand, or saw, at the far end: it stands in the ledger, and the message goes on
    Resolve {
        /// The id in the list
        id: Uuid,
        #[command(flatten)]
        what: ending::ByHand,
    },
    /// Say whose goods are that came without an RMA, so that they go on: a return, or the order of which one is made
    Match(matching::Picked),
    /// One of them with everything that is known
    Show {
        /// The id in the list
        id: Uuid,
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
        Action::Causes { wanted, limit } => {
            let causes = store.causes(&ExceptionFilter { limit, ..wanted.filter(&config)? }).await?;
            if global.json {
                return output::json(&json!({ "causes": causes }));
            }
            let line = |cause: &Cause| {
                format!(
                    "{:>7}  {}  {}  for example: {}",
                    cause.exceptions, cause.fingerprint, cause.code, cause.sentence
                )
            };
            output::lines(&causes.iter().map(line).collect::<Vec<_>>())
        }
        Action::Assign { ids, to, if_version } => {
            handle(global, &store, &seen(&ids, if_version)?, &Handling::Assign(to)).await
        }
        Action::Note { ids, what, if_version } => {
            handle(global, &store, &seen(&ids, if_version)?, &what.handling()).await
        }
        Action::Export { wanted } => {
            let everything = ExceptionFilter { limit: u32::MAX, ..wanted.filter(&config)? };
            let (total, exceptions) = list(&store, owners, &everything).await?;
            if global.json {
                return output::json(&json!({ "total": total, "exceptions": exceptions }));
            }
            output::lines(&rows(&exceptions))
        }
        Action::Match(picked) => matching::run(global, (&store, &config), &picked).await,
        Action::Resolve { id, what } => ending::by_hand(global, &store, id, &what).await,
        Action::Discard(what) => ending::discard(global, (&store, &config), &what).await,
        Action::Show { id } => match show(&store, owners, id).await? {
            Some(shown) if global.json => output::json(&shown),
            Some(shown) => output::lines(&page(&shown)),
            None => Err(Failed::Work(format!("Nothing is known of a message {id}."))),
        },
    }
}

/// Exceptions as somebody saw them.
fn seen(ids: &[Uuid], version: Option<i64>) -> Result<Vec<Seen>, Failed> {
    if version.is_some() && ids.len() > 1 {
        return Err(Failed::Usage("--if-version is of one exception: name one.".to_owned()));
    }
    Ok(ids.iter().map(|id| Seen { message_id: *id, version }).collect())
}

async fn handle(global: &Global, store: &Store, seen: &[Seen], handling: &Handling) -> Result<(), Failed> {
    if handling.is_empty() {
        return Err(Failed::Usage("Say something: the text is empty.".to_owned()));
    }
    let ids: Vec<_> = seen.iter().map(|seen| seen.message_id).collect();
    let documents = documents_of(store, &ids).await?;
    let fields = vec![handling.word().to_owned()];
    let act = Act { action: "exception.work", documents, fields, ..Act::default() };
    let doing = Box::pin(async { store.act(seen, handling, &who()).await });
    let did = |acted: &Acted| matches!(acted, Acted::Done(handled) if !handled.is_empty());
    let handled = match trail::recorded(store, &act, (doing, did)).await? {
        Acted::Done(handled) => handled,
        Acted::Changed(changed) => {
            return Err(Failed::Work(changed.iter().map(Changed::sentence).collect::<Vec<_>>().join("\n")));
        }
    };
    let sentence = if handled.len() == ids.len() {
        "Done.".to_owned()
    } else {
        format!("Done for {} of {}: the rest is no exception, or over.", handled.len(), ids.len())
    };
    done(global, &json!({ "done": handled, "sentence": sentence }), handled.len() == ids.len(), sentence)
}

/// As CSV: a header, then a line each.
fn rows(exceptions: &[Exception]) -> Vec<String> {
    const HEADER: &str = "id,status,code,flow,connection,document,owner,sentence,next_step,fingerprint,awaits,attempts,\
        followers,promised,value,currency,first_seen,last_seen,ended,items,version";
    let row = |each: &Exception| {
        let at = |at: Option<Timestamp>| at.map(|at| at.to_string()).unwrap_or_default();
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let cells = [
            each.id.to_string(),
            each.status.clone(),
            each.code.clone(),
            each.flow.to_string(),
            each.connection.clone(),
            each.document.clone(),
            each.owner.clone(),
            each.sentence.clone(),
            each.next_step.clone(),
            each.fingerprint.clone(),
            text(&each.awaits),
            each.attempts.to_string(),
            each.followers.to_string(),
            at(each.promised),
            text(&each.value),
            text(&each.currency),
            at(each.first_seen),
            at(each.last_seen),
            at(each.ended),
            each.items.join(" "),
            each.version.to_string(),
        ];
        cells.map(|cell| quoted(&cell)).join(",")
    };
    std::iter::once(HEADER.to_owned()).chain(exceptions.iter().map(row)).collect()
}

/// A cell as a spreadsheet takes it: as text, never as a formula.
fn quoted(cell: &str) -> String {
    let safe = if cell.starts_with(['=', '+', '-', '@']) { format!("'{cell}") } else { cell.to_owned() };
    if safe.contains([',', '"', '\n', '\r']) { format!("\"{}\"", safe.replace('"', "\"\"")) } else { safe }
}

/// Who sits at the command line.
pub(super) fn who() -> String {
    std::env::var("USER").unwrap_or_else(|_| "command line".to_owned())
}

pub(super) fn not_parked(ending: Option<Ending>) -> String {
    match ending {
        Some(ending) => format!("It is not parked: it ended as {ending:?}."),
        None => "Nothing is known of a message of this id.".to_owned(),
    }
}

/// Tells what became of a wish.
pub(super) fn done(global: &Global, document: &Value, well: bool, sentence: String) -> Result<(), Failed> {
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
    line("items", (!exception.items.is_empty()).then(|| exception.items.join(", ")));
    line("version", Some(exception.version.to_string()));
    line("their words", shown.detail.clone());
    line("asked by", shown.asked_by.clone());
    line("read", Some(exception.help.clone()));
    lines.extend(matching::lines(&shown.suggestions));
    for (key, connection, class) in &shown.unsure {
        lines.push(format!("{:<12} {key} at {connection} ({class})", "unsure"));
    }
    for attempt in &shown.tried {
        lines.push(format!("{}  failed: {}", attempt.at, attempt.sentence));
        lines.extend(attempt.exchanges.as_array().into_iter().flatten().map(exchange));
    }
    for act in &shown.history {
        lines.push(format!("{}  {} by {}: {}", act.at, act.act, act.by, act.what));
    }
    for was in &shown.revisions {
        let how = if was.patch.is_empty() { "run again by" } else { "patched by" };
        lines.push(format!("{}  {how} {}: {}", was.at, was.by, was.patch));
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

/// One request of a failed attempt; its bodies stand in the JSON.
fn exchange(said: &Value) -> String {
    let text = |key: &str| said[key].as_str().unwrap_or_default();
    let status = said["status"].as_u64().map_or_else(|| "no answer".to_owned(), |status| status.to_string());
    format!("    {} {}  {status}  {} ms", text("method"), text("path"), said["ms"].as_u64().unwrap_or_default())
}
