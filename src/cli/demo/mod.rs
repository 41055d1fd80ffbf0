//! `demo`: the whole product with simulated far ends, in one process.
//!
//! It shows nothing that the product does not do: events come in at the real doors, calls go out over real HTTP, and
//! what it reports at the end is read from the sandboxes' own ledgers, never from the product.

mod memory;
mod report;
mod stage;
mod view;
mod watch;

use clap::Args;

use super::{Failed, Global, output, roles};
use crate::app::{self, App};
use crate::clock::Clock;
pub(super) use memory::DEMO;
use memory::{Before, Memory};
use stage::Stage;
use view::View;
use watch::{Ending, watch};

pub use report::Report;

#[derive(Clone, Debug, Args)]
pub(super) struct Options {
    /// How many orders Dynamics releases
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub orders: u64,
    /// Where all chance comes from: the same seed releases the same orders
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Break what heals by itself: slow answers, 429, 5xx, lost answers, duplicates, reordering, a far end down
    #[arg(long)]
    pub faults: bool,
    /// End when every order is shipped and posted back, and tell what the far ends' ledgers say
    #[arg(long)]
    pub exit: bool,
}

pub(super) async fn run(global: &Global, options: Options) -> Result<(), Failed> {
    let config = global.load("")?;
    // Before anything in the folder is touched: it may belong to a demo that runs.
    let lock = app::lock(&config.data)?;
    let memory = Memory::open(&config, &options)?;
    let view = View::start(memory.orders);
    match memory.before {
        Before::Nothing => {}
        Before::Unfinished => view.say(&format!(
            "An unfinished demo of {} orders (seed {}) is continued; with --data you can name another folder.",
            memory.orders, memory.seed
        )),
        Before::Finished => view.say("The finished demo in this folder is replaced by a new one."),
    }
    let clock = Clock::system();
    let started = clock.mark();
    let stage = Stage::start(global, lock, &memory, &config).await?;
    stage.introduce(&view);
    stage.release(&memory).await?;
    let ending = tokio::select! {
        ending = watch(&stage, &view, &memory) => ending?,
        asked = roles::ended() => { asked?; Ending::Interrupted }
    };
    view.finish();
    let elapsed_ms = u64::try_from(clock.since(started).as_millis()).unwrap_or(u64::MAX);
    match ending {
        Ending::Interrupted => {
            view.say("Stopped. Start it again on the same data folder, and it goes on where it was.");
            stage.stop().await;
            Ok(())
        }
        Ending::Stuck(lines) => {
            for line in &lines {
                view.say(line);
            }
            let report = stage.report(elapsed_ms).await?;
            stage.stop().await;
            view.say("drayline: nothing has moved for 30 s; the lines above say what is stuck and why");
            if global.json {
                output::json(&report)?;
            }
            Err(Failed::Work(String::new()))
        }
        Ending::Finished => {
            let report = stage.report(elapsed_ms).await?;
            if options.exit {
                memory.finished()?;
                stage.stop().await;
                return tell(global, &memory, &report);
            }
            memory.finished()?;
            view.say(&report.sentence());
            view.say("Everything still runs: look around, release more orders, and end it with Ctrl-C.");
            roles::ended().await?;
            stage.stop().await;
            Ok(())
        }
    }
}

fn tell(global: &Global, memory: &Memory, report: &Report) -> Result<(), Failed> {
    if global.json {
        output::json(report)?;
    } else {
        output::lines(&[report.sentence()])?;
    }
    let wanted = (memory.orders, memory.receipts(), memory.adjustments());
    let Some(fault) = report.fault(wanted, memory.faults) else { return Ok(()) };
    output::note(&format!("drayline: {fault}"));
    Err(Failed::Work(String::new()))
}

/// What the app of the demo is asked for by its parts.
fn app_addresses(app: &App) -> Result<(String, String), Failed> {
    let address = |door: &str| app.address(door).map(|address| format!("http://{address}"));
    let missing = || Failed::Work("a door did not open".to_owned());
    Ok((address("ingest").ok_or_else(missing)?, address("operations").ok_or_else(missing)?))
}
