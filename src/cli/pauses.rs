//! `pause` and `resume`: what people stop, and let go on.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::exceptions::who;
use super::trail::recorded;
use super::{Failed, Global, output, store};
use crate::config::Config;
use crate::message::Flow;
use crate::store::{Act, Pause};

/// What both commands tell of pausing.
pub(super) const HELP: &str = "A pause holds for every process, from within a second on, and over restarts. Messages of what \
    is paused wait in their order; they cost no attempts and lose no time. With both options only what the flow wants of the \
    connection is paused.\n\nExamples:\n  \
    drayline pause --connection north --reason \"maintenance until 6\"\n  \
    drayline pause                                   what is paused, by whom and why\n  \
    drayline resume --connection north --reason \"they are back\"";

#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Calls to this connection of the configuration
    #[arg(long, value_name = "CONNECTION")]
    connection: Option<String>,
    /// What this flow does
    #[arg(long, value_name = "FLOW")]
    flow: Option<Flow>,
    /// Why, for everybody who looks at it later
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

pub(super) async fn pause(global: &Global, options: Options) -> Result<(), Failed> {
    if options.connection.is_none() && options.flow.is_none() {
        return list(global, options.reason.is_some()).await;
    }
    let wanted = wanted(options, "pause")?;
    known(&global.load("")?, wanted.connection.as_deref())?;
    let store = store::open(global).await?;
    let before = store.pauses().await?;
    let act = act("pause", &wanted);
    let holds = Box::pin(recorded(&store, &act, (store.pause(&wanted), |_| true))).await?;
    let already = before.contains(&holds);
    let sentence = if already { format!("It was paused before. {holds}") } else { holds.to_string() };
    tell(
        global,
        &json!({ "paused": true, "already": already, "pause": document(&holds), "sentence": sentence }),
        &sentence,
    )
}

pub(super) async fn resume(global: &Global, options: Options) -> Result<(), Failed> {
    if options.connection.is_none() && options.flow.is_none() {
        return Err(Failed::Usage(
            "Say what shall go on: --connection, --flow, or both, as it was paused. `drayline pause` shows what is paused."
                .to_owned(),
        ));
    }
    let wanted = wanted(options, "resume")?;
    let store = store::open(global).await?;
    let act = act("resume", &wanted);
    let resuming = store.resume(wanted.connection.as_deref(), wanted.flow, &wanted.paused_by, &wanted.reason);
    let ended = Box::pin(recorded(&store, &act, (resuming, Option::is_some))).await?;
    let sentence = if ended.is_some() {
        "It goes on: its messages go on by themselves, in order, beginning with one.".to_owned()
    } else {
        // A name that is unknown is a mistake; one that is not paused goes on already.
        known(&global.load("")?, wanted.connection.as_deref())?;
        not_paused(&store.pauses().await?)
    };
    let resumed = ended.is_some();
    let pause = ended.as_ref().map(document);
    tell(global, &json!({ "resumed": resumed, "pause": pause, "sentence": sentence }), &sentence)
}

/// How the trail names it.
fn act(action: &'static str, wanted: &Pause) -> Act {
    let (flow, connection) = (wanted.flow, wanted.connection.clone());
    Act { action, flow, connection, fields: vec!["reason".to_owned()], ..Act::default() }
}

async fn list(global: &Global, with_reason: bool) -> Result<(), Failed> {
    if with_reason {
        return Err(Failed::Usage("Say what shall be paused: --connection, --flow, or both.".to_owned()));
    }
    let pauses = store::open(global).await?.pauses().await?;
    if global.json {
        return output::json(&json!({ "pauses": pauses.iter().map(document).collect::<Vec<_>>() }));
    }
    if pauses.is_empty() {
        return output::lines(&["Nothing is paused.".to_owned()]);
    }
    output::lines(
        &pauses
            .iter()
            .map(|each| format!("{each} Let it go on: drayline resume {}", each.options()))
            .collect::<Vec<_>>(),
    )
}

fn wanted(options: Options, command: &str) -> Result<Pause, Failed> {
    let Options { connection, flow, reason } = options;
    let reason = reason.filter(|reason| !reason.trim().is_empty()).ok_or_else(|| {
        Failed::Usage(format!("Say why, for everybody who looks at it later: drayline {command} … --reason TEXT"))
    })?;
    // The store sets when.
    Ok(Pause { connection, flow, reason, paused_by: who(), paused_at: Timestamp::UNIX_EPOCH })
}

/// A connection that is not configured cannot be paused, and is probably misspelled.
fn known(config: &Config, connection: Option<&str>) -> Result<(), Failed> {
    let Some(name) = connection else { return Ok(()) };
    let mut names = config.dynamics.keys().chain(config.warehouses.keys());
    if names.clone().any(|each| each == name) {
        return Ok(());
    }
    let all = names.by_ref().cloned().collect::<Vec<_>>().join(", ");
    let all = if all.is_empty() { "none; name the configuration with --config".to_owned() } else { all };
    Err(Failed::Usage(format!("No connection is called {name:?}. Configured are: {all}.")))
}

fn not_paused(pauses: &[Pause]) -> String {
    let others: Vec<_> = pauses.iter().map(|pause| format!("drayline resume {}", pause.options())).collect();
    if others.is_empty() {
        return "It is not paused. Nothing is.".to_owned();
    }
    format!("It is not paused. What is paused goes on with: {}.", others.join("; "))
}

fn document(pause: &Pause) -> Value {
    let Pause { connection, flow, reason, paused_by, paused_at } = pause;
    json!({ "connection": connection, "flow": flow, "reason": reason, "paused_by": paused_by, "paused_at": paused_at })
}

fn tell(global: &Global, document: &Value, sentence: &str) -> Result<(), Failed> {
    if global.json { output::json(document) } else { output::lines(&[sentence.to_owned()]) }
}
