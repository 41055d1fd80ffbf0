//! `config check | show`.

use clap::Subcommand;
use serde_json::json;

use super::{Failed, Global, output, wrong};
use crate::config::{DEFAULTS, load_text};

#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// Tell everything that is wrong, with its place and what to do; exit 1 if anything is
    Check,
    /// Print the configuration in force, or the defaults with their comments
    Show {
        /// The commented default file
        #[arg(long)]
        defaults: bool,
    },
}

pub(super) fn run(global: &Global, action: &Action) -> Result<(), Failed> {
    match action {
        Action::Check => check(global),
        Action::Show { defaults: true } if global.json => {
            output::json(&load_text("").map_err(|findings| wrong(&findings))?)
        }
        Action::Show { defaults: true } => output::lines(&[DEFAULTS.trim_end().to_owned()]),
        Action::Show { defaults: false } => output::json(&global.load("")?),
    }
}

fn check(global: &Global) -> Result<(), Failed> {
    let findings = global.findings();
    if global.json {
        output::json(&json!({ "findings": findings }))?;
        return if findings.is_empty() { Ok(()) } else { Err(Failed::Work(String::new())) };
    }
    match (findings.is_empty(), wrong(&findings)) {
        (true, _) => output::lines(&["The configuration can be used.".to_owned()]),
        (false, Failed::Usage(text) | Failed::Work(text)) => Err(Failed::Work(text)),
    }
}
