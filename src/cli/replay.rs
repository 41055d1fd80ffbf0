//! `replay`: one message, or a campaign over many.

use std::io::IsTerminal as _;

use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use uuid::Uuid;

use super::exceptions::who;
use super::{Failed, Global, output, replay_one, store, trail};
use crate::clock::Clock;
use crate::exceptions::{
    CampaignView, NotPlanned, Pace, Patch, Plan, Turn, Turned, approve, change, filter, parts, plan, status,
};
use crate::store::{Act, CampaignMessage, CampaignState, Store, StoreError};

/// What every command of campaigns tells.
pub(super) const HELP: &str = "A campaign is a frozen set of parked messages. It is planned first, and nothing moves before it is \
    started. A canary goes first, drawn over causes, connections and kinds; then waves. It stops by itself when too much of a \
    wave fails again. A process with triage (drayline run, drayline triage) releases it; it survives every restart.\n\n\
    Examples:\n  \
    drayline replay start --message ID                     one message, now\n  \
    drayline replay start --message ID --again             one that has ended; what it did is not repeated
  \
    drayline exceptions causes                             what failed for which cause\n  \
    drayline replay plan --fingerprint 0f3a…               everything of one cause\n  \
    drayline replay plan --filter flow=orders,code=warehouse.rejected --rate 20\n  \
    drayline replay dry-run PLAN                           what it would do, and send\n  \
    drayline replay start PLAN --yes\n  \
    drayline replay plan --fingerprint 0f3a… --patch '.goodsReceived.lines[].item.itemNumber = \"A-1\"'\n  \
    drayline replay plan --fingerprint 0f3a… --patch translated\n  \
    drayline replay status PLAN --follow\n  \
    drayline replay failed PLAN                            what failed again, and why";

#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// Freeze the set of a campaign, and see what is in it
    Plan(Planned),
    /// Begin to release a campaign; or make one message due now, with a fresh budget: the same bytes on the same road
    Start {
        /// The campaign
        #[arg(value_name = "PLAN", required_unless_present = "message", conflicts_with = "message")]
        id: Option<Uuid>,
        /// One message, by the id in the list of exceptions
        #[arg(long, value_name = "ID")]
        message: Option<Uuid>,
        /// Also if it has ended already: it runs once more in a new revision, and what happened is not repeated
        #[arg(long, requires = "message")]
        again: bool,
        /// With --again: corrected first by this jq filter over its JSON form
        #[arg(long, value_name = "JQ", requires = "again")]
        patch: Option<String>,
        /// Begin in earnest: without it a campaign only tells what it would do
        #[arg(long)]
        yes: bool,
    },
    /// Agree to the patch of a campaign that somebody else planned
    Approve {
        /// The campaign
        #[arg(value_name = "PLAN")]
        id: Uuid,
    },
    /// Campaigns, the latest first
    List {
        /// At most this many
        #[arg(long, default_value_t = 20)]
        limit: u32,
    },
    /// How a campaign stands: what became of its messages
    Status {
        /// The campaign
        #[arg(value_name = "PLAN")]
        id: Uuid,
        /// Stay, until it is over or stops
        #[arg(long)]
        follow: bool,
    },
    /// What its messages would do now, and what they would send: the dry run that was made of them
    DryRun {
        /// The campaign
        #[arg(value_name = "PLAN")]
        id: Uuid,
        /// At most this many
        #[arg(long, default_value_t = 100)]
        limit: u32,
    },
    /// What of a campaign failed again, and why
    Failed {
        /// The campaign
        #[arg(value_name = "PLAN")]
        id: Uuid,
        /// At most this many
        #[arg(long, default_value_t = 100)]
        limit: u32,
    },
    /// Release no more for now
    Pause(Changed),
    /// Go on; where it had stopped by itself, with the next wave
    Resume(Changed),
    /// Release no more, ever; what was released goes on
    Cancel(Changed),
}

#[derive(Debug, Args)]
pub(super) struct Planned {
    /// NAME=VALUE with commas between; the names are those of the options of `drayline exceptions list`
    #[arg(long, value_name = "FILTER", required_unless_present_any = ["fingerprint", "messages"])]
    filter: Option<String>,
    /// Everything of this cause
    #[arg(long, value_name = "FINGERPRINT")]
    fingerprint: Option<String>,
    /// This message, also one that stands behind another; several times for several
    #[arg(long = "message", value_name = "ID")]
    messages: Vec<Uuid>,
    /// So many go first; 0: no canary
    #[arg(long, value_name = "N")]
    canary: Option<u32>,
    /// So many make a wave
    #[arg(long, value_name = "N")]
    wave: Option<u32>,
    /// At most so many in a second
    #[arg(long, value_name = "N")]
    rate: Option<u32>,
    /// At most so many on their way at one time
    #[arg(long, value_name = "N")]
    at_once: Option<u32>,
    /// Stop when more of a wave than this fails again
    #[arg(long, value_name = "PERCENT")]
    stop: Option<u32>,
    /// Correct each message first, by this jq filter over its JSON form (drayline exceptions show ID --json); what tells
    /// messages, documents and effects apart stays. `translated` stands for the message as what its sender said is translated today;
    /// `translated | FILTER` corrects that
    #[arg(long, value_name = "JQ")]
    patch: Option<String>,
    /// Make a dry run of so many, the canary first; 0: of none
    #[arg(long, value_name = "N")]
    dry_run: Option<u32>,
}

#[derive(Debug, Args)]
pub(super) struct Changed {
    /// The campaign
    #[arg(value_name = "PLAN")]
    id: Uuid,
    /// Why, for everybody who looks at it later
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
}

pub(super) async fn run(global: &Global, action: Action) -> Result<(), Failed> {
    let store = store::open(global).await?;
    match action {
        Action::Plan(planned) => freeze(global, &store, planned).await,
        Action::Start { message: Some(message), again: true, patch, .. } => {
            replay_one::again(global, &store, message, patch.as_deref()).await
        }
        Action::Start { message: Some(message), .. } => replay_one::now(global, &store, message).await,
        Action::Start { id, yes, .. } => {
            let id = id.unwrap_or_default();
            if yes {
                return turn(global, &store, id, Turn::Start, "").await;
            }
            let view = known(&store, id).await?;
            tell(global, &view, "This is what would be released. Begin with --yes.")
        }
        Action::Approve { id } => {
            let by = who();
            told(global, &store, (id, "replay.approve"), Box::pin(approve(&store, id, &by))).await
        }
        Action::List { limit } => {
            let mut views = Vec::new();
            for campaign in store.campaigns(None, limit).await? {
                views.push(status(&store, campaign).await?);
            }
            if global.json {
                return output::json(&json!({ "replays": views }));
            }
            output::lines(&views.iter().map(line).collect::<Vec<_>>())
        }
        Action::Status { id, follow } => {
            let view = if follow { followed(&store, id).await? } else { known(&store, id).await? };
            tell(global, &view, "")
        }
        Action::DryRun { id, limit } => {
            let view = dry_run_made(&store, id).await?;
            let mut messages = store.campaign_messages(id, None, (-1, -1), limit).await?;
            messages.retain(|message| message.rehearsed.is_some());
            if global.json {
                return output::json(&json!({ "dry_run": view.dry_run, "messages": messages }));
            }
            output::lines(&messages.iter().flat_map(rehearsed).collect::<Vec<_>>())
        }
        Action::Failed { id, limit } => {
            known(&store, id).await?;
            let failed = store.campaign_messages(id, Some("failed_again"), (-1, -1), limit).await?;
            if global.json {
                return output::json(&json!({ "messages": failed }));
            }
            let line = |each: &CampaignMessage| {
                format!("{}  {}  {}", each.id, each.document, each.why.as_deref().unwrap_or_default())
            };
            output::lines(&failed.iter().map(line).collect::<Vec<_>>())
        }
        Action::Pause(Changed { id, reason }) => turn(global, &store, id, Turn::Pause, &reason).await,
        Action::Resume(Changed { id, reason }) => turn(global, &store, id, Turn::Resume, &reason).await,
        Action::Cancel(Changed { id, reason }) => turn(global, &store, id, Turn::Cancel, &reason).await,
    }
}

async fn freeze(global: &Global, store: &Store, planned: Planned) -> Result<(), Failed> {
    let Planned { filter: text, fingerprint, messages, canary, wave, rate, at_once, stop, dry_run, patch } = planned;
    let config = global.load("")?;
    let messages: Vec<String> = messages.iter().map(|id| format!("message={id}")).collect();
    let fingerprint = fingerprint.map(|fingerprint| format!("fingerprint={fingerprint}"));
    let wanted: Vec<String> = text.into_iter().chain(fingerprint).chain(messages).collect();
    let wanted = wanted.join(",");
    let chosen = filter(parts(&wanted).map_err(Failed::Usage)?, &config.exceptions.owners).map_err(Failed::Usage)?;
    let pace = Pace { canary, wave, rate_per_s: rate, at_once, stop_percent: stop, dry_run };
    let patch = patch.map(|text| Patch::new(&text)).transpose().map_err(Failed::Usage)?;
    let wanted = Plan { filter: chosen, wanted, pace, patch };
    let id = Clock::system().identifier();
    let act = Act { action: "replay.plan", documents: vec![id.to_string()], ..Act::default() };
    let by = who();
    let doing = Box::pin(async {
        match plan((store, &config), (id, &by), wanted).await {
            Ok(()) => Ok(None),
            Err(NotPlanned::Patch(why)) => Ok(Some(why)),
            Err(NotPlanned::Store(error)) => Err(error),
        }
    });
    if let Some(why) = trail::recorded(store, &act, (doing, Option::is_none)).await? {
        return Err(Failed::Work(why));
    }
    let view = known(store, id).await?;
    let asked = view.dry_run.get("asked").copied().unwrap_or_default();
    let dry_run = format!("What it would do: drayline replay dry-run {id} (of {asked} messages)\n");
    let dry_run = if asked > 0 { dry_run } else { String::new() };
    tell(global, &view, &format!("{dry_run}Nothing moves yet. Start it with: drayline replay start {id} --yes"))
}

async fn known(store: &Store, id: Uuid) -> Result<CampaignView, Failed> {
    let campaign = store.campaign(id).await?;
    let campaign = campaign.ok_or_else(|| Failed::Work(format!("There is no campaign {id}.")))?;
    Ok(status(store, campaign).await?)
}

async fn turn(global: &Global, store: &Store, id: Uuid, turn: Turn, reason: &str) -> Result<(), Failed> {
    let config = global.load("")?;
    let by = who();
    let doing = change((store, &config), id, turn, &by, reason.trim());
    told(global, store, (id, turn.action()), Box::pin(doing)).await
}

/// Does something about a campaign, and tells how it stands then.
async fn told(
    global: &Global,
    store: &Store,
    (id, action): (Uuid, &'static str),
    doing: impl Future<Output = Result<Turned, StoreError>>,
) -> Result<(), Failed> {
    known(store, id).await?;
    let act = Act { action, documents: vec![id.to_string()], ..Act::default() };
    if let Turned::Not(why) = trail::recorded(store, &act, (doing, |turned| *turned == Turned::Done)).await? {
        return Err(Failed::Work(why));
    }
    tell(global, &known(store, id).await?, "")
}

/// Its dry run, once it was made as far as it is asked for. Whoever works makes it: with nobody it does not come.
async fn dry_run_made(store: &Store, id: Uuid) -> Result<CampaignView, Failed> {
    const LOOK: std::time::Duration = std::time::Duration::from_millis(200);
    const PATIENCE: std::time::Duration = std::time::Duration::from_secs(10);
    let (mut left, mut since) = (u64::MAX, tokio::time::Instant::now());
    loop {
        let view = known(store, id).await?;
        let asked = view.dry_run.get("asked").copied().unwrap_or_default();
        if asked < left {
            (left, since) = (asked, tokio::time::Instant::now());
        }
        if asked == 0 || !view.state.is_to_come() {
            return Ok(view);
        }
        if since.elapsed() > PATIENCE {
            return Err(Failed::Work(format!(
                "The dry run of {asked} messages is still to come, and nobody makes it: does a process work (drayline run, \
                 drayline work)?"
            )));
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// What one message would do.
fn rehearsed(message: &CampaignMessage) -> Vec<String> {
    let told = message.rehearsal.as_ref().unwrap_or(&Value::Null);
    let word = message.rehearsed.as_deref().unwrap_or_default();
    let sentence = told["sentence"].as_str().unwrap_or_default();
    let mut lines = vec![format!("{}  {}  {word}: {sentence}", message.id, message.document)];
    for change in told["changes"].as_array().into_iter().flatten() {
        lines.push(format!(
            "    {}: {} → {}",
            change["place"].as_str().unwrap_or_default(),
            change["from"],
            change["to"]
        ));
    }
    for call in told["calls"].as_array().into_iter().flatten() {
        let text = |of: &Value, name: &str| of[name].as_str().unwrap_or_default().to_owned();
        lines.push(format!("    {} at {} ({})", text(call, "act"), text(call, "connection"), text(call, "key")));
        for request in call["requests"].as_array().into_iter().flatten() {
            lines.push(format!("    {} {}", text(request, "method"), text(request, "path")));
            lines.push(format!("    {}", text(request, "body")));
        }
    }
    lines
}

/// Watches it until nothing more happens by itself.
async fn followed(store: &Store, id: Uuid) -> Result<CampaignView, Failed> {
    const LOOK: std::time::Duration = std::time::Duration::from_millis(500);
    let bar = if std::io::stderr().is_terminal() { ProgressBar::new(0) } else { ProgressBar::hidden() };
    let style = ProgressStyle::with_template("{bar:40} {pos} of {len}, {msg}").unwrap_or(ProgressStyle::default_bar());
    bar.set_style(style);
    loop {
        let view = known(store, id).await?;
        let over = view.outcomes.selected - view.outcomes.waiting;
        bar.set_length(view.outcomes.selected);
        bar.set_position(over);
        bar.set_message(format!("wave {}, {} failed again", view.wave, view.outcomes.failed_again));
        if view.state != CampaignState::Running {
            bar.finish_and_clear();
            return Ok(view);
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn line(view: &CampaignView) -> String {
    let outcomes = &view.outcomes;
    let over = outcomes.selected - outcomes.waiting;
    format!("{}  {:<9}  {over} of {}  {}", view.id, view.state.as_str(), outcomes.selected, view.wanted)
}

fn tell(global: &Global, view: &CampaignView, sentence: &str) -> Result<(), Failed> {
    if global.json {
        return output::json(view);
    }
    let outcomes = &view.outcomes;
    let mut lines = vec![
        line(view),
        format!("applied          {}", outcomes.applied),
        format!("already applied  {}", outcomes.already_applied),
        format!("failed again     {}", outcomes.failed_again),
        format!("held             {}", outcomes.held),
        format!("discarded        {}", outcomes.discarded),
        format!("waiting          {}", outcomes.waiting),
    ];
    if !view.dry_run.is_empty() {
        let counts: Vec<_> = view.dry_run.iter().map(|(word, count)| format!("{count} {word}")).collect();
        lines.push(format!("dry run          {}", counts.join(", ")));
    }
    lines.extend(view.patch.iter().map(|patch| format!("patch            {patch}")));
    lines.extend(view.approved_by.iter().map(|by| format!("approved by      {by}")));
    lines.extend(view.reason.iter().map(|reason| format!("why              {reason}")));
    lines.extend((!sentence.is_empty()).then(|| sentence.to_owned()));
    output::lines(&lines)
}
