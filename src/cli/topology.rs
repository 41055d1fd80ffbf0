//! `topology apply | check | export`.

use clap::Subcommand;
use serde_json::json;

use super::{Failed, Global, output};
use crate::config::TransportKind;
use crate::transport::{Difference, Transport};

#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// Create what is missing; exit 1 if something is there that differs
    Apply,
    /// Only tell what differs; exit 1 if anything does
    Check,
    /// Print definitions for the broker's own import
    Export,
}

pub(super) async fn run(global: &Global, action: &Action) -> Result<(), Failed> {
    let config = global.load("")?;
    if config.transport.kind == TransportKind::Embedded {
        let sentence = "The embedded transport has no topology. Set transport.kind = \"rabbitmq\" and transport.url.";
        return Err(Failed::Usage(sentence.to_owned()));
    }
    let differences = match action {
        Action::Export => return output::json(&Transport::topology_export(&config)),
        Action::Apply => Transport::topology_apply(&config).await?,
        Action::Check => Transport::topology_check(&config).await?,
    };
    if let Some(sentence) = Transport::topology_unseen(&config) {
        output::note(&format!("drayline: {sentence}"));
    }
    tell(global, &differences)
}

fn tell(global: &Global, differences: &[Difference]) -> Result<(), Failed> {
    if global.json {
        output::json(&json!({ "differences": differences }))?;
    } else if differences.is_empty() {
        output::lines(&["Everything is as needed.".to_owned()])?;
    } else {
        let line = |each: &Difference| format!("{}: {}. {}", each.thing, each.problem, each.remedy);
        output::lines(&differences.iter().map(line).collect::<Vec<_>>())?;
    }
    if differences.is_empty() { Ok(()) } else { Err(Failed::Work(String::new())) }
}
