//! `trail`: who did what; whether it stands there as it was written.

use std::future::Future;
use std::io::IsTerminal as _;

use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::exceptions::who;
use super::{Failed, Global, output, store};
use crate::store::{Act, Actor, Store, StoreError, TrailHead, TrailOutcome};

/// A trail of fewer rows is read before anybody wonders.
const ROWS_SHOWN_MIN: u64 = 20_000;

#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// Read the whole trail: exit 1 and the first row that was changed, is missing or was cut off
    Verify(Options),
}

#[derive(Debug, Args)]
pub(super) struct Options {
    /// A row that was written down elsewhere, as an earlier look printed its last one: the trail must hold just this one
    #[arg(long, value_name = "N:HASH", value_parser = noted)]
    expect: Option<TrailHead>,
}

fn noted(text: &str) -> Result<TrailHead, String> {
    let parts = text.split_once(':').and_then(|(n, hash)| Some((n.parse().ok()?, hash)));
    let whole = |hash: &str| hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    let (n, hash) = parts.filter(|(_, hash)| whole(hash)).ok_or("write the number of a row, a colon, its hash")?;
    Ok(TrailHead { n, hash: hash.to_ascii_lowercase() })
}

pub(super) async fn run(global: &Global, action: Action) -> Result<(), Failed> {
    let Action::Verify(options) = action;
    let store = store::open(global).await?;
    let bar = ProgressBar::hidden();
    let style =
        ProgressStyle::with_template("{bar:40} {pos} of {len} rows, {eta}").unwrap_or(ProgressStyle::default_bar());
    bar.set_style(style);
    let verified = store.verify_trail(options.expect.as_ref(), |read, rows| {
        if bar.is_hidden() && rows >= ROWS_SHOWN_MIN && std::io::stderr().is_terminal() {
            bar.set_draw_target(indicatif::ProgressDrawTarget::stderr());
        }
        bar.set_length(rows);
        bar.set_position(read);
    });
    let verified = verified.await?;
    bar.finish_and_clear();
    let sentence = match &verified.broken {
        None if verified.rows == 0 => "The trail is empty.".to_owned(),
        None => format!("{} rows, all as they were written. The last one is {0}:{}", verified.rows, verified.hash),
        Some(broken) => {
            format!("Row {}: {}. {} rows before it are as they were written.", broken.n, broken.problem, verified.rows)
        }
    };
    let whole = verified.broken.is_none();
    if global.json {
        output::json(&json!({
            "verified": whole,
            "rows": verified.rows,
            "hash": verified.hash,
            "broken": verified.broken,
            "sentence": sentence,
        }))?;
    } else {
        output::lines(&[sentence])?;
    }
    if whole { Ok(()) } else { Err(Failed::Work(String::new())) }
}

/// Carries out what changes something in the data folder's own store: it stands in the trail before and after.
pub(super) async fn recorded<T>(
    store: &Store,
    act: &Act,
    (doing, changed): (impl Future<Output = Result<T, StoreError>>, fn(&T) -> bool),
) -> Result<T, StoreError> {
    let actor = Actor { who: who(), role: "command line".to_owned() };
    let ended = |result: &Result<T, StoreError>| match result {
        Ok(answer) if changed(answer) => TrailOutcome::Done,
        Ok(_) => TrailOutcome::Refused,
        Err(_) => TrailOutcome::Unsure,
    };
    store.on_trail(&actor, act, doing, ended).await
}
