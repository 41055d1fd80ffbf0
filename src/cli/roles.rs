//! Long-running roles: start, wait for the end, stop in order.

use super::demo::DEMO;
use super::{Failed, Global};
use crate::app::{App, Roles};
use crate::clock::Clock;

pub(super) async fn run(global: &Global, roles: Roles) -> Result<(), Failed> {
    let config = global.load("")?;
    if config.data.join(DEMO).exists() {
        return Err(Failed::Usage(format!(
            "{} belongs to a demo, and the next demo in it replaces everything. Name another folder with --data.",
            config.data.display()
        )));
    }
    let app = App::start(config, roles, Clock::system()).await?;
    ended().await?;
    tracing::info!("finishing what has started");
    app.stop().await;
    Ok(())
}

/// Returns when somebody asks the process to end.
pub(super) async fn ended() -> Result<(), Failed> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        asked = tokio::signal::ctrl_c() => asked?,
        _ = terminate.recv() => {}
    }
    Ok(())
}
