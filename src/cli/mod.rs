//! Commands. stdout carries data only, logs and progress go to stderr; exit 0 is well, 1 failed, 2 misused.

mod bench;
mod completions;
mod config;
mod demo;
mod documents;
mod ending;
mod exceptions;
mod mapping;
mod mapping_check;
mod matching;
mod output;
mod pauses;
mod replay;
mod replay_one;
mod roles;
mod sandbox;
mod store;
mod topology;
mod trail;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::app::{self, Roles};
use crate::config::{Config, Finding, load_with};
use crate::ingest;
use crate::message::Flow;
use crate::telemetry::{Format, start_logging};

pub use demo::Report;

/// Keeps Microsoft Dynamics 365 and third-party logistics warehouses in step: exactly once, in order, nothing silent.
#[derive(Debug, Parser)]
#[command(
    version,
    max_term_width = 110,
    propagate_version = true,
    after_help = "Try `drayline demo` first: it needs nothing."
)]
struct Arguments {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Debug, clap::Args)]
struct Global {
    /// The configuration (TOML); what it does not say is as in `drayline config show --defaults`
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The data folder, before what the configuration says
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Print one JSON document to stdout
    #[arg(long, global = true)]
    json: bool,
}

/// What long-running roles log. lapin writes messages that come back into its lines, and those hold personal data.
const LOG_FILTER: &str = "info,sqlx=warn,lapin=off";

/// The help of `--flow`: the names as everywhere.
const FLOW_HELP: &str = "One of orders, shipments, goods_received, stock_adjustments, returns, stock_snapshots; several \
    times for several, not at all for every flow";

#[derive(Debug, Subcommand)]
enum Command {
    /// The whole product on the embedded default with simulated far ends: watch orders go out and shipments come back
    Demo(demo::Options),
    /// All roles in one process
    Run,
    /// Only the doors: takes events in
    Ingest,
    /// Only consumers of the named flows; workers share the partitions of a flow fairly, and may come and go at any time
    Work {
        /// Only this flow; several times for several, never for all
        #[arg(long = "flow", value_name = "FLOW", help = FLOW_HELP)]
        flows: Vec<Flow>,
    },
    /// Only triage: turns dead letters into exceptions that are remembered
    Triage,
    /// Only the console: the API under /v1 for people, the command line and programs
    Console,
    /// A simulated far end over real HTTP, for trying and rehearsing
    #[command(subcommand)]
    Sandbox(sandbox::Which),
    /// Check or show the configuration
    #[command(subcommand)]
    Config(config::Action),
    /// Bring the store's schema up to date; every role does so at start, too
    Migrate,
    /// How fast it is on the configured servers, as ratios to the client library by itself
    #[command(after_help = bench::ABOUT)]
    Bench(bench::Options),
    /// Exchanges and queues at the broker
    #[command(subcommand)]
    Topology(topology::Action),
    /// Stop calling a connection, or working on a flow; without options: what is paused, by whom and why
    #[command(after_help = pauses::HELP)]
    Pause(pauses::Options),
    /// Let go on what was paused: its messages go on by themselves, in order, beginning with one
    #[command(after_help = pauses::HELP)]
    Resume(pauses::Options),
    /// What means what: items, units, places, carriers and reasons, as Dynamics and as a warehouse call them
    #[command(subcommand, after_help = mapping::HELP)]
    Mapping(mapping::Action),
    /// What waits for a person
    #[command(subcommand)]
    Exceptions(exceptions::Action),
    /// Let parked messages run again: one, or a campaign over many
    #[command(subcommand, after_help = replay::HELP)]
    Replay(replay::Action),
    /// Who did what
    #[command(subcommand)]
    Trail(trail::Action),
    /// Documents and their journeys
    #[command(subcommand)]
    Documents(documents::Action),
    /// What a shell needs to complete these commands, their options and values
    #[command(after_help = completions::HELP)]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// How a command ended badly.
#[derive(Debug)]
enum Failed {
    /// It did not work: exit 1. Empty when everything is said already, and with --json printed.
    Work(String),
    /// It was called wrongly: exit 2.
    Usage(String),
}

impl<E: std::error::Error> From<E> for Failed {
    fn from(error: E) -> Self {
        let mut sentence = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            sentence = format!("{sentence}: {cause}");
            source = cause.source();
        }
        Self::Work(sentence)
    }
}

impl Global {
    /// The configuration with what the command line says on top of it, and `ours` over the user's file.
    fn load(&self, ours: &str) -> Result<Config, Failed> {
        let mut config = load_with(self.config.as_deref(), ours).map_err(|findings| wrong(&findings))?;
        if let Some(data) = &self.data {
            config.data.clone_from(data);
        }
        let findings = ingest::check(&config);
        if findings.is_empty() { Ok(config) } else { Err(wrong(&findings)) }
    }

    /// Everything that is wrong with the configuration: its shape, and what would stop a role at its start.
    fn findings(&self) -> Vec<Finding> {
        load_with(self.config.as_deref(), "").map_or_else(|findings| findings, |config| app::check(&config))
    }
}

fn wrong(findings: &[Finding]) -> Failed {
    let lines: Vec<String> = findings
        .iter()
        .map(|finding| format!("  {}: {}. {}.", finding.place, finding.problem, sentence(&finding.remedy)))
        .collect();
    Failed::Usage(format!("The configuration cannot be used:\n{}", lines.join("\n")))
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Runs the program.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let logs = matches!(
        arguments.command,
        Command::Run
            | Command::Ingest
            | Command::Work { .. }
            | Command::Triage
            | Command::Console
            | Command::Sandbox(_)
    );
    start_logging(Format::Automatic, if logs { LOG_FILTER } else { "off" });
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            output::note(&format!("drayline: no threads could be started: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let as_json = arguments.global.json;
    let (sentence, code) = match runtime.block_on(run(arguments)) {
        Ok(()) => return ExitCode::SUCCESS,
        Err(Failed::Work(sentence)) => (sentence, ExitCode::FAILURE),
        Err(Failed::Usage(sentence)) => (sentence, ExitCode::from(2)),
    };
    if !sentence.is_empty() {
        output::note(&format!("drayline: {sentence}"));
        if as_json {
            // Whoever reads stdout gets one document, whatever happened; who hung up gets none.
            let _ = output::json(&serde_json::json!({ "error": sentence }));
        }
    }
    code
}

async fn run(arguments: Arguments) -> Result<(), Failed> {
    let global = arguments.global;
    match arguments.command {
        Command::Demo(options) => demo::run(&global, options).await,
        Command::Run => roles::run(&global, Roles::all()).await,
        Command::Ingest => roles::run(&global, Roles { ingest: true, ..Roles::default() }).await,
        Command::Work { flows } => {
            let flows = if flows.is_empty() { Flow::ALL.to_vec() } else { flows };
            roles::run(&global, Roles { flows, ..Roles::default() }).await
        }
        Command::Triage => roles::run(&global, Roles { triage: true, ..Roles::default() }).await,
        Command::Console => roles::run(&global, Roles { console: true, ..Roles::default() }).await,
        Command::Sandbox(which) => sandbox::run(&global, which).await,
        Command::Config(action) => config::run(&global, &action).await,
        Command::Migrate => store::migrate(&global).await,
        Command::Bench(options) => bench::run(&global, options).await,
        Command::Topology(action) => topology::run(&global, &action).await,
        Command::Pause(options) => pauses::pause(&global, options).await,
        Command::Resume(options) => pauses::resume(&global, options).await,
        Command::Mapping(action) => mapping::run(&global, action).await,
        Command::Exceptions(action) => exceptions::run(&global, action).await,
        Command::Replay(action) => replay::run(&global, action).await,
        Command::Trail(action) => trail::run(&global, action).await,
        Command::Documents(action) => documents::run(&global, action).await,
        Command::Completions { shell } => completions::run(shell),
    }
}
