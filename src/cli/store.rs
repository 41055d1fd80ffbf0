//! The store for commands: the same file or server that the roles use.

use super::{Failed, Global, output};
use crate::config::Config;
use crate::store::Store;

/// Opens the configured store to look at it or to change what is there: it is never made by that.
pub(super) async fn open(global: &Global) -> Result<Store, Failed> {
    let config = global.load("")?;
    if !Store::is_there(&config) {
        return Err(Failed::Work(format!(
            "There is no store in {}. Name its folder with --data, or start a role first.",
            config.data.display()
        )));
    }
    opened(&config).await
}

/// The same, and where there is no store yet, it is made: what is mapped is mapped before the first message.
pub(super) async fn made(global: &Global) -> Result<Store, Failed> {
    opened(&global.load("")?).await
}

async fn opened(config: &Config) -> Result<Store, Failed> {
    Store::open(config).await.map_err(|error| {
        let (Failed::Work(why) | Failed::Usage(why)) = Failed::from(error);
        Failed::Work(format!("{} did not open: {why}", Store::place(config)))
    })
}

pub(super) async fn migrate(global: &Global) -> Result<(), Failed> {
    const DONE: &str = "The store's schema is up to date.";
    opened(&global.load("")?).await?.close().await;
    if global.json {
        return output::json(&serde_json::json!({ "migrated": true, "sentence": DONE }));
    }
    output::lines(&[DONE.to_owned()])
}
