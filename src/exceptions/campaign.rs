//! Replay campaigns: a frozen set is made due wave by wave, first a canary.
//!
//! Releasing makes rows due and nothing else; the worker that owns them runs them, in their lanes, as what is least urgent at
//! a far end, so that live traffic goes before. Whoever releases may die at any time: another takes its lease, and reads in the
//! store what became of what was released.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::patch::Patch;
use super::triage::Desk;
use crate::config::{Config, ms};
use crate::store::{
    Campaign, CampaignState, ExceptionFilter, NewCampaign, Outcomes, Pulse, Release, Store, StoreError, ToPatch,
};
use crate::telemetry::{CampaignTurned, StoreAway};

/// Of a wave, a share of failures means nothing before so many messages.
const TELLING: i64 = 20;

/// How a campaign is released. What is not said is as configured.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pace {
    /// So many messages go first; 0: no canary.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canary: Option<u32>,
    /// So many make a wave.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wave: Option<u32>,
    /// At most so many in a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_per_s: Option<u32>,
    /// At most so many on their way at one time: the share of a far end that live traffic leaves to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_once: Option<u32>,
    /// A dry run is made of so many, in the order in which they would be released; 0: of none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dry_run: Option<u32>,
    /// It stops when more of a wave than this fails again. Of the canary nothing may.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_percent: Option<u32>,
}

/// A pace with everything said.
struct Tempo {
    rate_per_s: f64,
    at_once: i64,
    stop_percent: i64,
}

impl Pace {
    fn tempo(&self, config: &Config) -> Tempo {
        let usual = &config.replays;
        Tempo {
            rate_per_s: self.rate_per_s.unwrap_or(usual.rate_per_s).max(1).into(),
            at_once: self.at_once.unwrap_or(usual.at_once_max).max(1).into(),
            stop_percent: self.stop_percent.unwrap_or(usual.stop_percent).into(),
        }
    }
}

/// A campaign that is to be planned.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What is frozen.
    pub filter: ExceptionFilter,
    /// The same as a person wrote it.
    pub wanted: String,
    /// How it is released.
    pub pace: Pace,
    /// What corrects its messages.
    pub patch: Option<Patch>,
}

/// Why nothing was planned.
#[derive(Debug, thiserror::Error)]
pub enum NotPlanned {
    /// The store's reason.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The patch cannot be made of a message: which one, and why.
    #[error("{0}")]
    Patch(String),
}

/// Freezes the set of a campaign under a new id. A patch is tried on the first of its messages; those that come later are tried
/// when their turn comes.
///
/// # Errors
/// [`NotPlanned`]. Of a patch that fails, the campaign stays, cancelled, and says why.
pub async fn plan((store, config): (&Store, &Config), (id, by): (Uuid, &str), plan: Plan) -> Result<(), NotPlanned> {
    let Plan { filter, wanted, pace, patch } = plan;
    let usual = &config.replays;
    let new = NewCampaign {
        id,
        by: by.to_owned(),
        wanted,
        options: serde_json::to_value(&pace).unwrap_or_default(),
        canary: pace.canary.unwrap_or(usual.canary_rows_max),
        wave_size: pace.wave.unwrap_or(usual.wave_rows_max),
        rehearse: pace.dry_run.unwrap_or(usual.dry_run_rows_max),
        patch: patch.as_ref().map(|patch| patch.as_str().to_owned()),
    };
    store.plan_campaign(&new, &ExceptionFilter { limit: usual.rows_max, ..filter }).await?;
    let Some(patch) = patch else { return Ok(()) };
    let tried = store.to_patch(id, i64::MAX, usual.patches_tried_rows_max).await?;
    let config = config.clone();
    let tried = tokio::task::spawn_blocking(move || releases(&patch, tried, &config)).await.unwrap_or_default();
    let failed = tried.into_iter().find_map(|(message, release)| match release {
        Release::Refused(why) => Some(format!("The patch cannot be made of message {}. {why}", message.message_id)),
        Release::AsItIs | Release::Patched(_) | Release::Gone => None,
    });
    let Some(why) = failed else { return Ok(()) };
    store.turn_campaign(id, &[CampaignState::Planned], CampaignState::Cancelled, by, &why).await?;
    Err(NotPlanned::Patch(why))
}

/// How each message is released under a patch.
fn releases(patch: &Patch, messages: Vec<ToPatch>, config: &Config) -> Vec<(ToPatch, Release)> {
    let bytes = |message: &ToPatch| message.bytes.clone().unwrap_or_default();
    let patched = patch.apply(messages.iter().map(bytes), config);
    let released = messages.into_iter().zip(patched).map(|(message, patched)| {
        let release = match (&message, patched) {
            (ToPatch { revision: None, .. }, _) => Release::Gone,
            (ToPatch { bytes: None, .. }, _) => Release::Refused(
                "It does not wait for a person, but stands behind another message or is tried again by itself: it is not patched."
                    .to_owned(),
            ),
            (_, Ok(patched)) if patched.changes.is_empty() => Release::AsItIs,
            (_, Ok(patched)) => Release::Patched(patched.bytes),
            (_, Err(why)) => Release::Refused(why),
        };
        (message, release)
    });
    released.collect()
}

/// Releases the campaigns that nobody else releases, for ever.
pub(super) async fn run(desk: Desk) {
    let holder = desk.clock.identifier();
    let pause = ms(desk.config.replays.tick_ms).max(Duration::from_millis(1));
    let mut allowances: HashMap<Uuid, f64> = HashMap::new();
    loop {
        tokio::time::sleep(pause).await;
        if let Err(error) = tick(&desk, holder, pause, &mut allowances).await {
            StoreAway { doing: "releasing campaigns", why: &error.to_string() }.emit();
        }
    }
}

async fn tick(
    desk: &Desk,
    holder: Uuid,
    pause: Duration,
    allowances: &mut HashMap<Uuid, f64>,
) -> Result<(), StoreError> {
    let held = desk.store.hold_campaigns(holder, ms(desk.config.replays.lease_ms)).await?;
    allowances.retain(|id, _| held.iter().any(|campaign| campaign.id == *id));
    for campaign in held {
        // What a newer release wrote is released at the usual pace.
        let pace: Pace = serde_json::from_value(campaign.options.clone()).unwrap_or_default();
        let tempo = pace.tempo(&desk.config);
        let pulse = desk.store.campaign_pulse(campaign.id, campaign.wave).await?;
        if let Some(reason) = too_many(&campaign, &pulse, &tempo) {
            turn(desk, &campaign, CampaignState::Stopped, &reason).await?;
        } else if pulse.to_release > 0 {
            let allowance = allowances.entry(campaign.id).or_default();
            // What could not be used is not saved up for longer than a second.
            *allowance = (*allowance + tempo.rate_per_s * pause.as_secs_f64()).min(tempo.rate_per_s.max(1.0));
            let room = (tempo.at_once - pulse.under_way).max(0);
            #[allow(clippy::cast_possible_truncation, reason = "at most the rate, which is a u32")]
            let limit = room.min(*allowance as i64);
            if limit > 0 {
                let limit = u32::try_from(limit).unwrap_or(u32::MAX);
                release(desk, &campaign, holder, limit).await?;
                *allowance -= f64::from(limit);
            }
        } else if pulse.under_way == 0 && pulse.to_come > 0 {
            desk.store.begin_wave(campaign.id, campaign.wave + 1).await?;
        } else if pulse.to_come == 0 && desk.store.campaign_outcomes(campaign.id).await?.waiting == 0 {
            turn(desk, &campaign, CampaignState::Finished, "Everything has its outcome.").await?;
        }
    }
    Ok(())
}

async fn release(desk: &Desk, campaign: &Campaign, holder: Uuid, limit: u32) -> Result<(), StoreError> {
    let Some(text) = &campaign.patch else {
        return desk.store.release(campaign, holder, limit).await.map(drop);
    };
    let messages = desk.store.to_patch(campaign.id, campaign.wave, limit).await?;
    let messages = match Patch::new(text) {
        Ok(patch) => releases(&patch, messages, &desk.config),
        // A newer release wrote it.
        Err(why) => messages.into_iter().map(|message| (message, Release::Refused(why.clone()))).collect(),
    };
    desk.store.release_patched(campaign, holder, &messages).await
}

async fn turn(desk: &Desk, campaign: &Campaign, to: CampaignState, reason: &str) -> Result<(), StoreError> {
    if desk.store.turn_campaign(campaign.id, &[CampaignState::Running], to, "drayline", reason).await? {
        CampaignTurned { id: campaign.id, to: to.as_str(), reason }.emit();
    }
    Ok(())
}

/// Why a campaign must not go on by itself.
fn too_many(campaign: &Campaign, pulse: &Pulse, tempo: &Tempo) -> Option<String> {
    let Pulse { failed, settled, .. } = *pulse;
    if campaign.wave == 0 && failed > 0 {
        return Some(format!("{failed} of {settled} messages of the canary failed again."));
    }
    let stops = failed * 100 > tempo.stop_percent * settled.max(TELLING);
    stops.then(|| format!("{failed} of {settled} messages of wave {} failed again.", campaign.wave))
}

/// A campaign as people see it: how it stands, and its outcomes, which add up to `selected`.
#[derive(Clone, Debug, Serialize)]
pub struct CampaignView {
    /// Its id.
    pub id: Uuid,
    /// planned, running, paused, stopped, cancelled or finished.
    pub state: CampaignState,
    /// What became of its messages.
    #[serde(flatten)]
    pub outcomes: Outcomes,
    /// What its dry run came to: how many `would_apply`, `would_wait`, `would_fail`, are `not_ours`, stand `behind` another
    /// message, are `gone`, and are `asked` still to come.
    pub dry_run: BTreeMap<String, u64>,
    /// What was asked for.
    pub wanted: String,
    /// How it is released, where that is not as configured.
    pub pace: serde_json::Value,
    /// The jq filter that corrects its messages.
    pub patch: Option<String>,
    /// The second person who agreed.
    pub approved_by: Option<String>,
    /// The wave that is being released; 0 is the canary.
    pub wave: i64,
    /// When it was planned.
    pub planned_at: Timestamp,
    /// By whom.
    pub planned_by: String,
    /// When it was started.
    pub started_at: Option<Timestamp>,
    /// When it was over.
    pub ended_at: Option<Timestamp>,
    /// Who changed it last; `drayline`, when it did so by itself.
    pub changed_by: Option<String>,
    /// Why.
    pub reason: Option<String>,
}

/// A campaign with its outcomes by now.
///
/// # Errors
/// The store's.
pub async fn status(store: &Store, campaign: Campaign) -> Result<CampaignView, StoreError> {
    let outcomes = store.campaign_outcomes(campaign.id).await?;
    let dry_run = store.rehearsals(campaign.id).await?;
    Ok(CampaignView {
        id: campaign.id,
        state: campaign.state,
        outcomes,
        dry_run,
        wanted: campaign.wanted,
        pace: campaign.options,
        patch: campaign.patch,
        approved_by: campaign.approved_by,
        wave: campaign.wave,
        planned_at: campaign.created_at,
        planned_by: campaign.created_by,
        started_at: campaign.started_at,
        ended_at: campaign.ended_at,
        changed_by: campaign.changed_by,
        reason: campaign.reason.filter(|reason| !reason.is_empty()),
    })
}

/// What a person can do about a campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Begin to release it.
    Start,
    /// Release no more for now.
    Pause,
    /// Go on, with the next wave where it had stopped by itself.
    Resume,
    /// Release no more, ever.
    Cancel,
}

impl Turn {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Cancel => "cancel",
        }
    }

    /// What the trail calls it.
    #[must_use]
    pub fn action(self) -> &'static str {
        match self {
            Self::Start => "replay.start",
            Self::Pause => "replay.pause",
            Self::Resume => "replay.resume",
            Self::Cancel => "replay.cancel",
        }
    }

    fn states(self) -> (&'static [CampaignState], CampaignState) {
        use CampaignState::{Cancelled, Paused, Planned, Running, Stopped};
        match self {
            Self::Start => (&[Planned], Running),
            Self::Pause => (&[Running], Paused),
            Self::Resume => (&[Paused, Stopped], Running),
            Self::Cancel => (&[Planned, Running, Paused, Stopped], Cancelled),
        }
    }
}

/// What became of a person's wish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turned {
    /// It is done.
    Done,
    /// There is no such campaign.
    Unknown,
    /// It is not, for this reason.
    Not(String),
}

/// Does it, where the campaign is in a state in which it can be done.
///
/// # Errors
/// The store's.
pub async fn change(
    (store, config): (&Store, &Config),
    id: Uuid,
    turn: Turn,
    by: &str,
    reason: &str,
) -> Result<Turned, StoreError> {
    let Some(campaign) = store.campaign(id).await? else { return Ok(Turned::Unknown) };
    let (from, to) = turn.states();
    if turn == Turn::Start && campaign.patch.is_some() && campaign.approved_by.is_none() {
        let selected = store.campaign_outcomes(id).await?.selected;
        if selected > u64::from(config.replays.unapproved_rows_max) {
            return Ok(Turned::Not(format!(
                "It patches {selected} messages: a second person must approve it first (drayline replay approve {id})."
            )));
        }
    }
    // The failures of its wave are known: they are no reason to stop once more.
    if turn == Turn::Resume && campaign.state == CampaignState::Stopped {
        store.begin_wave(id, campaign.wave + 1).await?;
    }
    let turned = store.turn_campaign(id, from, to, by, reason).await?;
    let state = campaign.state.as_str();
    Ok(if turned {
        Turned::Done
    } else {
        Turned::Not(format!("It cannot {}: the campaign is {state}.", turn.as_str()))
    })
}

/// Has a second person agree to a campaign.
///
/// # Errors
/// The store's.
pub async fn approve(store: &Store, id: Uuid, by: &str) -> Result<Turned, StoreError> {
    let Some(campaign) = store.campaign(id).await? else { return Ok(Turned::Unknown) };
    if store.approve_campaign(id, by).await? {
        return Ok(Turned::Done);
    }
    let state = campaign.state.as_str();
    Ok(Turned::Not(if campaign.created_by == by {
        format!("{by} planned it: somebody else must approve it.")
    } else {
        format!("It cannot be approved: the campaign is {state}.")
    }))
}
