//! A campaign beside live traffic: what its replays cost those who come in meanwhile.
//!
//! Windows with and without it take turns, so that what else the machine does weighs on both. In the middle whoever releases
//! is killed, and after the last window whoever works; what they left is gone on with. At the end every message has had its
//! one effect, and the outcomes add up to what was selected.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;
use uuid::Uuid;

use super::children::Child;
use super::consume::park;
use super::figures::{Figures, share};
use super::ground::{Ground, Lot};
use super::messages::remember_as_sent;
use super::meter::Meter;
use super::{Failed, output};
use crate::exceptions::{Pace, Plan, Turn, Turned, change, plan};
use crate::ingest::outgoing;
use crate::message::Flow;
use crate::store::{Campaign, CampaignState, ExceptionFilter, Outcomes, ParkedFailure, WaitsFor, WorkState};
use crate::transport::Transport;

/// Messages that are made at a time.
const AT_ONCE: usize = 10_000;

/// What sets out in the first seconds of a window is not counted: what was before it still goes on.
const SETTLES_S: u32 = 2;

/// Nothing moves for so long: something is wrong with what is measured.
const STALLED: Duration = Duration::from_mins(1);

/// How often it is looked.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// More than twice the latency without it is too much, where that is more than this.
const FREE_MS: f64 = 30.0;

/// So much more in a second than would last for all windows: waves end, and whoever releases is killed once.
const RESERVE: f64 = 1.2;

/// Who plans.
const BY: &str = "bench";

const WORK: [&str; 3] = ["work", "--flow", "orders"];

/// How much, and how long.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    /// Windows with it, and as many without.
    pub(super) pairs: u32,
    /// Of one window.
    pub(super) seconds: u32,
    /// Live messages per second.
    pub(super) live: u32,
    /// Messages that are replayed.
    pub(super) parked: u32,
}

impl Scale {
    fn per_window(self) -> usize {
        (self.live * self.seconds) as usize
    }

    /// One window warms up.
    fn all(self) -> usize {
        self.parked as usize + self.per_window() * (1 + 2 * self.pairs as usize)
    }

    /// It lasts as long as its windows.
    fn pace(self) -> Pace {
        let per_s = f64::from(self.parked) * RESERVE / f64::from(self.pairs * self.seconds);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate of messages")]
        let rate = per_s.ceil().max(1.0) as u32;
        Pace { rate_per_s: Some(rate), at_once: Some(rate), dry_run: Some(0), ..Pace::default() }
    }
}

/// The 99th percentiles of its windows: milliseconds from a live message's publish to its effect.
#[derive(Default)]
pub(super) struct Beside {
    pub(super) without_ms: Figures,
    pub(super) with_ms: Figures,
    /// Messages replayed in a second of its windows.
    pub(super) replayed_per_s: f64,
    pub(super) outcomes: Outcomes,
}

impl Beside {
    /// What is too slow; nothing when it holds.
    pub(super) fn broken(&self) -> Option<String> {
        let (without, with) = (self.without_ms.median()?, self.with_ms.median()?);
        let most = (2.0 * without).max(FREE_MS);
        (with > most).then(|| {
            format!("The median live p99 is {with:.1} ms beside the campaign and {without:.1} ms without: at most {most:.1} ms.")
        })
    }
}

/// What is measured, while it is.
struct Scene<'a> {
    ground: &'a Ground,
    scale: Scale,
    meter: Arc<Meter>,
    transport: Transport,
    campaign: Uuid,
    /// Nothing for the moment in which it is killed and started again.
    releaser: Option<Child>,
}

pub(super) async fn measure(ground: &Ground, scale: Scale) -> Result<Beside, Failed> {
    let meter = Arc::new(Meter::of_journeys(&ground.clock, scale.all()));
    ground.far_end.expect(ground.next_number(), scale.all(), Some(Arc::clone(&meter)), false);
    let campaign = planned(ground, scale).await?;
    let worker = Child::start(ground, "work", &WORK).await?;
    let releaser = Some(Child::start(ground, "triage", &["triage"]).await?);
    let transport = Transport::open(&ground.config, &ground.clock).await?;
    let mut scene = Scene { ground, scale, meter, transport, campaign, releaser };
    let mut beside = Beside::default();
    scene.window(false, false).await?;
    for pair in 1..=scale.pairs {
        // Who comes second finds the machine warmer: each comes second in turn.
        let mut p99_ms = [0.0; 2];
        for with in [pair % 2 == 0, pair % 2 == 1] {
            p99_ms[usize::from(with)] = scene.window(with, pair == scale.pairs.div_ceil(2)).await?;
        }
        let [without, with] = p99_ms;
        beside.without_ms.add(without);
        beside.with_ms.add(with);
        let applied = scene.outcomes().await?.applied;
        let pairs = scale.pairs;
        output::note(&format!(
            "pair {pair} of {pairs}: live p99 {without:.1} ms without, {with:.1} ms beside; {applied} replayed"
        ));
    }
    let applied = u32::try_from(scene.outcomes().await?.applied).unwrap_or(u32::MAX);
    beside.replayed_per_s = f64::from(applied) / f64::from(scale.pairs * scale.seconds);
    worker.stop().await;
    let worker = Child::start(ground, "work", &WORK).await?;
    beside.outcomes = scene.rest().await?;
    scene.transport.close().await;
    worker.stop().await;
    match ground.far_end.effects() {
        (once, 0) if once == scale.all() as u64 => Ok(beside),
        (once, twice) => {
            let all = scale.all();
            Err(Failed::Work(format!("Of {all} effects {once} happened once and {twice} more than once.")))
        }
    }
}

/// Parks messages for a person, and freezes the set of a campaign over them.
async fn planned(ground: &Ground, scale: Scale) -> Result<Uuid, Failed> {
    let parked = scale.parked as usize;
    output::note(&format!("{parked} messages are parked"));
    let failure = ParkedFailure {
        code: "warehouse.refused".to_owned(),
        sentence: "The warehouse of the bench refused to cancel the order.".to_owned(),
        detail: None,
        awaits: None,
    };
    for done in (0..parked).step_by(AT_ONCE) {
        let lot = ground.lot(AT_ONCE.min(parked - done))?;
        remember_as_sent(&ground.store, &ground.clock, lot.numbers.clone(), &lot.messages).await?;
        let messages = lot.messages.iter().map(|message| (message.message_id, message));
        park(ground, messages, &WaitsFor::Person, Some(&failure)).await?;
    }
    let id = ground.clock.identifier();
    let states = WorkState::UNFINISHED.to_vec();
    let filter = ExceptionFilter { states, flow: Some(Flow::Orders), ..ExceptionFilter::default() };
    let wanted = Plan { filter, wanted: "flow=orders".to_owned(), pace: scale.pace(), patch: None };
    plan((&ground.store, &ground.config), (id, BY), wanted).await.map_err(|why| Failed::Work(why.to_string()))?;
    let selected = ground.store.campaign_outcomes(id).await?.selected;
    if selected == u64::from(scale.parked) {
        return Ok(id);
    }
    Err(Failed::Work(format!("Of {parked} parked messages {selected} were selected.")))
}

impl Scene<'_> {
    /// Live traffic for one window; the 99th percentile of its latency in milliseconds. The campaign is paused behind it, and
    /// goes on within it if it is `with` it; then whoever releases can be killed in the middle.
    async fn window(&mut self, with: bool, kills: bool) -> Result<f64, Failed> {
        let lot = self.ground.lot(self.scale.per_window())?;
        for (place, some) in lot.messages.chunks(AT_ONCE).enumerate() {
            let number = lot.numbers.start + (place * AT_ONCE) as u64;
            remember_as_sent(&self.ground.store, &self.ground.clock, number..number + some.len() as u64, some).await?;
        }
        if with {
            self.go_on().await?;
        }
        let Self { ground, scale, meter, transport, releaser, .. } = self;
        let killing = async {
            if !(with && kills) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_secs(scale.seconds.into()) / 2).await;
            if let Some(doomed) = releaser.take() {
                doomed.stop().await;
            }
            *releaser = Some(Child::start(ground, "triage", &["triage"]).await?);
            Ok::<_, Failed>(())
        };
        let (p99_ms, killed) = tokio::join!(live(ground, (meter, transport), *scale, lot), killing);
        killed?;
        if with {
            self.turn(Turn::Pause).await?;
        }
        p99_ms
    }

    async fn campaign(&self) -> Result<Campaign, Failed> {
        let campaign = self.ground.store.campaign(self.campaign).await?;
        campaign.ok_or_else(|| Failed::Work("The campaign of the bench is gone.".to_owned()))
    }

    /// Begins, or goes on.
    async fn go_on(&self) -> Result<(), Failed> {
        let fresh = self.campaign().await?.state == CampaignState::Planned;
        self.turn(if fresh { Turn::Start } else { Turn::Resume }).await
    }

    /// One that is over stays so.
    async fn turn(&self, turn: Turn) -> Result<(), Failed> {
        let turned = change((&self.ground.store, &self.ground.config), self.campaign, turn, BY, "").await?;
        let state = self.campaign().await?.state;
        match turned {
            Turned::Done => Ok(()),
            _ if state == CampaignState::Finished => Ok(()),
            Turned::Unknown => Err(Failed::Work("The campaign of the bench is gone.".to_owned())),
            Turned::Not(why) => Err(Failed::Work(why)),
        }
    }

    async fn outcomes(&self) -> Result<Outcomes, Failed> {
        Ok(self.ground.store.campaign_outcomes(self.campaign).await?)
    }

    /// Waits until the rest of the campaign has its outcomes, without live traffic: all of it was applied.
    async fn rest(&self) -> Result<Outcomes, Failed> {
        self.go_on().await?;
        let (mut last, mut moved) = (0, self.ground.clock.mark());
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let outcomes = self.outcomes().await?;
            let state = self.campaign().await?.state;
            let applied = outcomes.applied == outcomes.selected && outcomes.selected == u64::from(self.scale.parked);
            if state == CampaignState::Finished && applied {
                return Ok(outcomes);
            }
            if outcomes.applied > last {
                (last, moved) = (outcomes.applied, self.ground.clock.mark());
            }
            if !matches!(state, CampaignState::Running) || self.ground.clock.since(moved) > STALLED {
                return Err(Failed::Work(format!("The campaign is {}: {outcomes:?}", state.as_str())));
            }
        }
    }
}

/// Publishes at the rate, and waits until all of it has arrived.
async fn live(
    ground: &Ground,
    (meter, transport): (&Arc<Meter>, &Transport),
    scale: Scale,
    lot: Lot,
) -> Result<f64, Failed> {
    let first = usize::try_from(lot.numbers.start - ground.far_end.first()).unwrap_or(usize::MAX);
    let count = lot.messages.len();
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / scale.live);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut posts = JoinSet::new();
    for (place, message) in (first..).zip(lot.messages) {
        ticks.tick().await;
        meter.sets_out(place, ground.clock.mark());
        let transport = transport.clone();
        posts.spawn(async move { transport.publish(outgoing(&message, message.encode())).await });
    }
    while let Some(posted) = posts.join_next().await {
        posted??;
    }
    let mut waits = tokio::time::interval(LOOK_EVERY);
    let sent = ground.clock.mark();
    let mut took = loop {
        waits.tick().await;
        let took = meter.took_within(first..first + count);
        if took.len() == count {
            break took;
        }
        if ground.clock.since(sent) > STALLED {
            return Err(Failed::Work(format!("Of {count} live messages {} arrived.", took.len())));
        }
    };
    let skipped = (scale.live * SETTLES_S) as usize;
    took.retain(|(place, _)| *place >= first + skipped.min(count / 2));
    let mut took: Vec<_> = took.into_iter().map(|(_, took)| took.as_secs_f64() * 1000.0).collect();
    took.sort_by(f64::total_cmp);
    Ok(share(&took, 0.99))
}
