//! `config check | show`.

use clap::Subcommand;
use serde_json::json;

use super::{Failed, Global, output, wrong};
use crate::clock::Clock;
use crate::config::{Config, DEFAULTS, Finding, load_text};
use crate::gateways::Gateways;

#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// Tell everything that is wrong, with its place and what to do; exit 1 if anything is
    Check {
        /// Ask every Dynamics environment, too, whether its version has what this configuration needs
        #[arg(long)]
        ask: bool,
    },
    /// Print the configuration in force, or the defaults with their comments
    Show {
        /// The commented default file
        #[arg(long)]
        defaults: bool,
    },
}

pub(super) async fn run(global: &Global, action: &Action) -> Result<(), Failed> {
    match action {
        Action::Check { ask } => check(global, *ask).await,
        Action::Show { defaults: true } if global.json => {
            output::json(&load_text("").map_err(|findings| wrong(&findings))?)
        }
        Action::Show { defaults: true } => output::lines(&[DEFAULTS.trim_end().to_owned()]),
        Action::Show { defaults: false } => output::json(&global.load("")?),
    }
}

async fn check(global: &Global, ask: bool) -> Result<(), Failed> {
    let mut findings = global.findings();
    if ask && findings.is_empty() {
        findings = asked(&global.load("")?).await?;
    }
    if global.json {
        output::json(&json!({ "findings": findings }))?;
        return if findings.is_empty() { Ok(()) } else { Err(Failed::Work(String::new())) };
    }
    match (findings.is_empty(), wrong(&findings)) {
        (true, _) => output::lines(&["The configuration can be used.".to_owned()]),
        (false, Failed::Usage(text) | Failed::Work(text)) => Err(Failed::Work(text)),
    }
}

/// What the environments lack, one finding each; so is one that cannot be asked.
async fn asked(config: &Config) -> Result<Vec<Finding>, Failed> {
    let gateways = Gateways::new(config, &Clock::system())?;
    let mut findings = Vec::new();
    for dynamics in gateways.environments() {
        let place = format!("dynamics.{}", dynamics.name());
        match dynamics.ask_version().await {
            Ok(None) => {}
            Ok(Some(sentence)) => {
                let problem = sentence.trim_end_matches('.');
                findings.push(Finding::error(
                    place,
                    problem,
                    "configure what is named there, or have the environment updated",
                ));
            }
            Err(error) => {
                let told = dynamics.failure(&error, "read what this version has").sentence;
                findings.push(Finding::error(place, told.trim_end_matches('.'), "ask again when it answers"));
            }
        }
    }
    Ok(findings)
}
