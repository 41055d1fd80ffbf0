//! What a demo remembers in the data folder, so that it is continued after whatever ended it.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Options, bad_day, returns};
use crate::cli::Failed;
use crate::config::Config;

/// The files of the embedded store and queue, with what SQLite puts beside them.
const EMBEDDED: [&str; 6] = ["store.db", "store.db-wal", "store.db-shm", "queue.db", "queue.db-wal", "queue.db-shm"];

/// The file that makes a data folder a demo's.
pub(in crate::cli) const DEMO: &str = "demo.json";

/// A demo in a data folder.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Memory {
    pub(super) orders: u64,
    pub(super) seed: u64,
    pub(super) faults: bool,
    #[serde(default)]
    pub(super) bad_day: bool,
    /// Tells the connections of one demo from those of another on shared servers.
    pub(super) run: String,
    finished: bool,
    #[serde(skip)]
    folder: PathBuf,
    #[serde(skip)]
    pub(super) before: Before,
}

/// What was in the folder before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Before {
    /// Nothing of a demo.
    #[default]
    Nothing,
    /// A demo that goes on now.
    Unfinished,
    /// A demo that is gone now.
    Finished,
}

impl Memory {
    /// Continues an unfinished demo, or replaces a finished one. A store that no demo made is never touched.
    pub(super) fn open(config: &Config, options: &Options) -> Result<Self, Failed> {
        let folder = config.data.clone();
        let file = folder.join(DEMO);
        let mut before = Before::Nothing;
        if let Ok(text) = fs::read_to_string(&file) {
            let found: Self = serde_json::from_str(&text).map_err(|error| {
                let file = file.display();
                Failed::Work(format!("{file} cannot be read ({error}). Name another folder with --data."))
            })?;
            if !found.finished {
                return Ok(Self { folder, before: Before::Unfinished, ..found });
            }
            remove(&folder)?;
            before = Before::Finished;
        } else if EMBEDDED.iter().any(|name| folder.join(name).exists()) {
            let sentence = format!(
                "{} holds a store that no demo made, and it is left alone. Name another folder with --data.",
                folder.display()
            );
            return Err(Failed::Usage(sentence));
        }
        fs::create_dir_all(&folder)?;
        let run = random()[..6].to_owned();
        let Options { orders, seed, faults, bad_day, .. } = *options;
        let memory = Self { orders, seed, faults, bad_day, run, finished: false, folder, before };
        memory.write()?;
        Ok(memory)
    }

    /// How often goods are expected: once for every five orders.
    pub(super) fn receipts(&self) -> u64 {
        self.orders / 5
    }

    /// How often stock is adjusted in the warehouse: once for every five orders.
    pub(super) fn adjustments(&self) -> u64 {
        self.orders / 5
    }

    /// The numbers of the orders of which something comes back: the first tenth of those that are shipped.
    pub(super) fn returned(&self) -> impl Iterator<Item = u64> + use<> {
        let wanted = (self.orders / 10).max(returns::RETURNS_MIN);
        let (count, bad_day) = (self.orders, self.bad_day);
        let well = bad_day.then(|| bad_day::well(count)).into_iter().flatten();
        let all = (!bad_day).then_some(1..=count).into_iter().flatten();
        all.chain(well).take(usize::try_from(wanted).unwrap_or(usize::MAX))
    }

    /// How often something comes back.
    pub(super) fn returns(&self) -> u64 {
        self.returned().count() as u64
    }

    /// Says that the next demo in this folder is a new one.
    pub(super) fn finished(&self) -> Result<(), Failed> {
        Self { finished: true, ..self.clone() }.write()
    }

    /// A folder of the demo's own.
    pub(super) fn folder(&self, name: &str) -> PathBuf {
        self.folder.join("demo").join(name)
    }

    /// A secret of the demo: made once, kept in a file that the configuration names.
    pub(super) fn secret(&self, name: &str, make: impl FnOnce() -> String) -> Result<(PathBuf, String), Failed> {
        let folder = self.folder("secrets");
        let path = folder.join(name);
        if let Ok(value) = fs::read_to_string(&path) {
            return Ok((absolute(&path)?, value));
        }
        fs::create_dir_all(&folder)?;
        let value = make();
        write_secret(&path, &value)?;
        Ok((absolute(&path)?, value))
    }

    fn write(&self) -> Result<(), Failed> {
        let path = self.folder.join(DEMO);
        let new = self.folder.join("demo.json.new");
        fs::write(&new, serde_json::to_vec_pretty(self)?)?;
        fs::rename(new, path)?;
        Ok(())
    }
}

/// 32 letters and digits that nobody can guess.
#[expect(clippy::disallowed_methods, reason = "a secret must not come from a clock that can be set")]
pub(super) fn random() -> String {
    Uuid::new_v4().simple().to_string()
}

/// Nobody else on this machine may read it.
fn write_secret(path: &Path, value: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(value.as_bytes())
}

fn absolute(path: &Path) -> Result<PathBuf, Failed> {
    Ok(std::path::absolute(path)?)
}

fn remove(folder: &Path) -> Result<(), Failed> {
    let present = EMBEDDED.iter().map(|name| folder.join(name)).filter(|path| path.exists());
    for path in present {
        fs::remove_file(path)?;
    }
    let own = folder.join("demo");
    if own.exists() {
        fs::remove_dir_all(own)?;
    }
    Ok(fs::remove_file(folder.join(DEMO))?)
}
