//! `bench`: how fast it is on the configured servers, as ratios to what the client library reaches by itself in the same
//! run.
//!
//! What is measured is the product: the same doors, worker, transport and store, with a far end in this very process.
//! Rounds are interleaved, so that what else the machine does weighs on both sides of a ratio.

mod backlog;
mod campaign;
mod children;
mod consume;
mod far_end;
mod figures;
mod ground;
mod latency;
mod messages;
mod meter;
mod publish;

use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::{Failed, Global, output};
use consume::{Work, process, process_beside_gates, raw};
use figures::{Figures, Report};
use ground::Ground;

/// What stands below the options.
pub(super) const ABOUT: &str = "It measures RabbitMQ and PostgreSQL as they are configured, in queues and a schema of its own \
(NAMESPACE-bench and drayline_bench); the schema goes at the end, the queues stay, empty. It takes all that the servers can \
give, and refuses to where workers live.

The message is the one that says \"this document was taken back\", as Dynamics sends it (about 500 bytes): one look in \
Dynamics, one changing call at the warehouse. For process, both answer in this process; not_ours is the same message about \
a document that was never sent.

  raw_consume        messages per second: the client library decodes, acknowledges what gathered, does nothing
  process_ratio      to raw_consume: intent before, the call, ending, effect and journey after, each message once
  not_ours_ratio     to raw_consume: a message without an effect
  process_5ms_ratio  to process: the far end takes 5 ms
  naive_factor       process to the same commits done one message at a time
  gated_ratio        process while one key of a hundred is held, to process
  publish_ratio      to the client library with a sliding window: from a verified body to the confirm
  p50_ms, p99_ms     from the event to its effect at a fixed rate, over HTTP on both sides (median of the windows)
  backlog_rss_mb     memory of a worker at most, while it drains a long backlog
  live_p99_ms, beside_campaign_p99_ms
                     from a live message's publish to its effect, without a campaign and beside one (only with --only
                     campaign); it fails where the second is more than 30 ms and more than twice the first

Ratios are medians of interleaved rounds. Log lines are off in this process, and go to nobody from its children.";

#[derive(Clone, Debug, Args)]
pub(super) struct Options {
    /// Rounds of each measurement, in turn
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Messages of each measurement in each round
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1_000..))]
    messages: u32,
    /// Pairs with and without held keys (9 of them), or a campaign (5)
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pairs: Option<u32>,
    /// Events per second where latency is measured
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..))]
    rate: u32,
    /// Ten-second windows of that
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..))]
    windows: u32,
    /// Messages that wait where memory is measured
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1_000..))]
    backlog: u32,
    /// Seconds for which they are drained
    #[arg(long, default_value_t = 30)]
    drain_s: u64,
    /// Messages that a campaign replays
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    parked: u32,
    /// Live messages per second with and without it
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    live: u32,
    /// Seconds of each window with it or without
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=3_600))]
    seconds: u32,
    /// Only this part; several times for several
    #[arg(long = "only", value_name = "PART", value_enum)]
    only: Vec<Part>,
    /// Measure although workers live on the same store
    #[arg(long)]
    beside_workers: bool,
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Consuming: raw, with effects, without, with a far end that takes 5 ms, one message at a time
    Process,
    /// Consuming while some keys are held
    Gated,
    /// Publishing: raw, ours, and over HTTP
    Publish,
    /// From the event to its effect
    Latency,
    /// Memory of a worker that drains a backlog
    Backlog,
    /// Live traffic beside a campaign; it takes a quarter of an hour, and nobody gets it who does not name it
    Campaign,
}

pub(super) async fn run(global: &Global, options: Options) -> Result<(), Failed> {
    let ground = Arc::new(Ground::prepare(global, options.beside_workers).await?);
    let mut report = Report::default();
    let measured = measure(&ground, &options, &mut report).await;
    let left = ground.leave().await;
    if measured.is_err() {
        // What was measured before is worth keeping.
        report.table().iter().for_each(|line| output::note(line));
    }
    measured?;
    left?;
    if global.json { output::json(&report.json()) } else { output::lines(&report.table()) }
}

async fn measure(ground: &Arc<Ground>, options: &Options, report: &mut Report) -> Result<(), Failed> {
    let wanted = |part: Part| options.only.is_empty() || options.only.contains(&part);
    if wanted(Part::Process) {
        processing(ground, options, report).await?;
    }
    if wanted(Part::Gated) {
        gated(ground, options, report).await?;
    }
    if wanted(Part::Publish) {
        publishing(ground, options, report).await?;
    }
    if wanted(Part::Latency) {
        output::note(&format!("latency at {} events per second", options.rate));
        let latency = latency::measure(ground, options.rate, options.windows).await?;
        report.add("p50_ms", "ms", latency.p50_ms);
        report.add("p99_ms", "ms", latency.p99_ms);
    }
    if wanted(Part::Backlog) {
        output::note(&format!("a backlog of {} messages", options.backlog));
        let drain = Duration::from_secs(options.drain_s);
        let backlog = backlog::measure(ground, options.backlog as usize, drain).await?;
        report.add("backlog_rss_mb", "MB", Figures::of(backlog.rss_mb));
        report.add("backlog_drain", "/s", Figures::of([backlog.per_s]));
    }
    if options.only.contains(&Part::Campaign) {
        beside_campaign(ground, options, report).await?;
    }
    Ok(())
}

async fn processing(ground: &Ground, options: &Options, report: &mut Report) -> Result<(), Failed> {
    let count = options.messages as usize;
    let at_once = Work::Effects(Duration::ZERO);
    let mut rates: [Vec<f64>; 5] = Default::default();
    for round in 1..=options.rounds {
        let config = &ground.config;
        rates[0].push(raw(ground, count).await?);
        rates[1].push(process(ground, config, at_once, count).await?);
        rates[2].push(process(ground, config, Work::NotOurs, count).await?);
        rates[3].push(process(ground, config, Work::Effects(Duration::from_millis(5)), count).await?);
        rates[4].push(process(ground, &ground.naive, at_once, (count / 50).max(100)).await?);
        let [raw, process, not_ours, slow, naive] = rates.each_ref().map(|rates| rates[rates.len() - 1].round());
        output::note(&format!(
            "round {round} of {}: raw {raw}/s, process {process}/s, not ours {not_ours}/s, 5 ms {slow}/s, naive {naive}/s",
            options.rounds
        ));
    }
    let [raw, process, not_ours, slow, naive] = rates;
    report.add("process_ratio", "of raw_consume", Figures::ratio(&process, &raw));
    report.add("not_ours_ratio", "of raw_consume", Figures::ratio(&not_ours, &raw));
    report.add("process_5ms_ratio", "of process", Figures::ratio(&slow, &process));
    report.add("naive_factor", "of naive", Figures::ratio(&process, &naive));
    for (name, rates) in
        [("raw_consume", raw), ("process", process), ("not_ours", not_ours), ("process_5ms", slow), ("naive", naive)]
    {
        report.add(name, "/s", Figures::of(rates));
    }
    Ok(())
}

async fn gated(ground: &Ground, options: &Options, report: &mut Report) -> Result<(), Failed> {
    let (count, at_once) = (options.messages as usize / 2, Work::Effects(Duration::ZERO));
    let mut rates: [Vec<f64>; 2] = Default::default();
    let pairs = options.pairs.unwrap_or(9);
    for pair in 1..=pairs {
        // Who comes second finds the machine warmer: each comes second in turn.
        for place in [pair % 2, (pair + 1) % 2] {
            let rate = match place {
                0 => process(ground, &ground.config, at_once, count).await?,
                _ => process_beside_gates(ground, count).await?,
            };
            rates[place as usize].push(rate);
        }
        let [free, gated] = rates.each_ref().map(|rates| rates[rates.len() - 1].round());
        output::note(&format!("pair {pair} of {pairs}: free {free}/s, beside held keys {gated}/s"));
    }
    report.add("gated_ratio", "of process", Figures::ratio(&rates[1], &rates[0]));
    Ok(())
}

async fn beside_campaign(ground: &Ground, options: &Options, report: &mut Report) -> Result<(), Failed> {
    let Options { seconds, live, parked, .. } = *options;
    let scale = campaign::Scale { pairs: options.pairs.unwrap_or(5), seconds, live, parked };
    let beside = campaign::measure(ground, scale).await?;
    let broken = beside.broken();
    #[allow(clippy::cast_precision_loss, reason = "at most a million")]
    let applied = beside.outcomes.applied as f64;
    report.add("live_p99_ms", "ms", beside.without_ms);
    report.add("beside_campaign_p99_ms", "ms", beside.with_ms);
    report.add("replayed_per_s", "/s", Figures::of([beside.replayed_per_s]));
    report.add("replayed", "applied once", Figures::of([applied]));
    broken.map_or(Ok(()), |why| Err(Failed::Work(why)))
}

async fn publishing(ground: &Arc<Ground>, options: &Options, report: &mut Report) -> Result<(), Failed> {
    let count = options.messages as usize;
    let mut rates: [Vec<f64>; 3] = Default::default();
    for round in 1..=options.rounds {
        rates[0].push(publish::raw(ground, count).await?);
        rates[1].push(publish::ours(ground, count).await?);
        rates[2].push(publish::over_http(ground, count).await?);
        let [raw, ours, http] = rates.each_ref().map(|rates| rates[rates.len() - 1].round());
        output::note(&format!(
            "round {round} of {}: raw publish {raw}/s, ours {ours}/s, over HTTP {http}/s",
            options.rounds
        ));
    }
    let [raw, ours, http] = rates;
    report.add("publish_ratio", "of raw_publish", Figures::ratio(&ours, &raw));
    for (name, rates) in [("raw_publish", raw), ("publish", ours), ("publish_http", http)] {
        report.add(name, "/s", Figures::of(rates));
    }
    Ok(())
}
