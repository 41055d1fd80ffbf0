//! Asks each Dynamics environment what its version has, so that what is missing is told before a message comes to need it. Nobody
//! waits for the answer.

use std::time::Duration;

use crate::config::Config;
use crate::gateways::{Dynamics, Gateways};
use crate::telemetry::{VersionLacks, VersionNotAsked};

/// Asks all of them, again and again; it never ends by itself.
pub(super) async fn ask(config: &Config, gateways: &Gateways) {
    let asking = gateways.environments().map(|dynamics| ask_one(config, dynamics));
    futures_util::future::join_all(asking).await;
}

/// As often as items are scanned; once, where they never are.
async fn ask_one(config: &Config, dynamics: &Dynamics) {
    let Some(catalogue) = config.dynamics.get(dynamics.name().as_str()).map(|config| &config.catalogue) else { return };
    loop {
        let next_s = match dynamics.news_of_version().await {
            Ok(news) => {
                if let Some(sentence) = news {
                    VersionLacks { sentence: &sentence }.emit();
                }
                catalogue.scan_hours.saturating_mul(3600)
            }
            Err(error) => {
                let why = dynamics.failure(&error, "read what this version has").sentence;
                VersionNotAsked { environment: dynamics.name().as_str(), why: &why }.emit();
                catalogue.retry_s.max(1)
            }
        };
        if next_s == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_secs(next_s)).await;
    }
}
