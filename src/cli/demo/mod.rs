//! `demo`: the whole product with simulated far ends, in one process.
//!
//! It shows nothing that the product does not do: events come in at the real doors, calls go out over real HTTP, and
//! what it reports at the end is read from the sandboxes' own ledgers, never from the product.

mod bad_day;
mod far_ends;
mod hints;
mod memory;
mod report;
mod returns;
mod stage;
mod view;
mod watch;

use std::path::Path;

use clap::Args;

use super::{Failed, Global, output, roles};
use crate::app::{self, App};
use crate::clock::Clock;
use crate::config::Config;
pub(super) use memory::DEMO;
use memory::{Before, Memory};
use stage::Stage;
use view::View;
use watch::{Ending, Goal, watch};

pub use report::{Days, Report, Wanted};

/// What is said when a bad day begins.
const BAD_DAY: &str =
    "A bad day: the warehouse is away for the first seconds, and some orders and a return will wait for people.";

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
    /// Break what people must mend: a unit that converts to none, an unknown SKU, a bad address, an order that Dynamics refuses
    /// to post, a return of which nobody said what becomes of it; and the warehouse is away at first. What to do is told when nothing else is left to do
    #[arg(long)]
    pub bad_day: bool,
    /// End when every order is shipped and posted back, and what comes back of some is posted and credited (on a bad day: or
    /// waits for people), and tell what the far ends' ledgers say
    #[arg(long)]
    pub exit: bool,
}

pub(super) async fn run(global: &Global, options: Options) -> Result<(), Failed> {
    let config = global.load("")?;
    // Before anything in the folder is touched: it may belong to a demo that runs.
    let lock = app::lock(&config.data)?;
    let memory = Memory::open(&config, &options)?;
    let view = View::start(memory.orders);
    say_before(&view, &memory);
    let clock = Clock::system();
    let started = clock.mark();
    let stage = Stage::start(global, lock, &memory, &config).await?;
    stage.introduce(&view);
    if memory.bad_day {
        view.say(BAD_DAY);
    }
    stage.release(&memory).await?;
    let goal = if memory.bad_day { Goal::Settled } else { Goal::Posted };
    let mut ending = watched(&stage, &view, &memory, goal).await?;
    if matches!(ending, Ending::Finished) {
        let hints = stage.hints(leading(global, &config)).await?;
        if !hints.is_empty() {
            say_hints(&view, &hints, options.exit);
            if !options.exit {
                ending = watched(&stage, &view, &memory, Goal::Mended).await?;
            }
        }
    }
    let elapsed_ms = || u64::try_from(clock.since(started).as_millis()).unwrap_or(u64::MAX);
    view.finish();
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
            let report = stage.report(elapsed_ms()).await?;
            stage.stop().await;
            view.say("drayline: nothing has moved for 30 s; the lines above say what is stuck and why");
            if global.json {
                output::json(&report)?;
            }
            Err(Failed::Work(String::new()))
        }
        Ending::Finished => {
            let report = stage.report(elapsed_ms()).await?;
            // What waits can be mended when it is started again.
            if report.waiting + report.returns_waiting == 0 {
                memory.finished()?;
            }
            if options.exit {
                stage.stop().await;
                return tell(global, &memory, &report);
            }
            view.say(&report.sentence());
            view.say("Everything still runs: look around, release more orders, and end it with Ctrl-C.");
            roles::ended().await?;
            stage.stop().await;
            Ok(())
        }
    }
}

/// What becomes of the demo that was in the folder.
fn say_before(view: &View, memory: &Memory) {
    match memory.before {
        Before::Nothing => {}
        Before::Unfinished => view.say(&format!(
            "An unfinished demo of {} orders (seed {}) is continued; with --data you can name another folder.",
            memory.orders, memory.seed
        )),
        Before::Finished => view.say("The finished demo in this folder is replaced by a new one."),
    }
}

async fn watched(stage: &Stage, view: &View, memory: &Memory, goal: Goal) -> Result<Ending, Failed> {
    tokio::select! {
        ending = watch(stage, view, memory, goal) => ending,
        asked = roles::ended() => { asked?; Ok(Ending::Interrupted) }
    }
}

fn say_hints(view: &View, hints: &[String], exit: bool) {
    view.say("\nWhatever could go on has. This is left to people; copy the commands into a second terminal.");
    for line in hints {
        view.say(line);
    }
    view.say(if exit {
        "\nThe simulated far ends leave with this demo: start it again on the same folder, without --exit, to mend it."
    } else {
        "\nThe demo goes on and tells when everything is posted."
    });
}

/// The options that lead a command to the data of this demo.
fn leading(global: &Global, config: &Config) -> String {
    let quoted = |path: &Path| {
        let text = path.display().to_string();
        let plain = |letter: char| letter.is_alphanumeric() || "/._-".contains(letter);
        if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
    };
    let file = global.config.as_ref().map(|file| format!(" --config {}", quoted(file)));
    let usual = config.data == Path::new("drayline-data");
    let data = (!usual).then(|| format!(" --data {}", quoted(&config.data)));
    file.into_iter().chain(data).collect()
}

fn tell(global: &Global, memory: &Memory, report: &Report) -> Result<(), Failed> {
    if global.json {
        output::json(report)?;
    } else {
        output::lines(&[report.sentence()])?;
    }
    let wanted = Wanted {
        orders: memory.orders,
        receipts: memory.receipts(),
        adjustments: memory.adjustments(),
        returns: memory.returns(),
    };
    let days = Days { with_faults: memory.faults, bad: memory.bad_day };
    let Some(fault) = report.fault(wanted, days) else { return Ok(()) };
    output::note(&format!("drayline: {fault}"));
    Err(Failed::Work(String::new()))
}

/// What the app of the demo is asked for by its parts.
fn app_addresses(app: &App) -> Result<(String, String), Failed> {
    let address = |door: &str| app.address(door).map(|address| format!("http://{address}"));
    let missing = || Failed::Work("a door did not open".to_owned());
    Ok((address("ingest").ok_or_else(missing)?, address("operations").ok_or_else(missing)?))
}
