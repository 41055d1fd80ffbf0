//! Where a sandbox lives, and what both sandboxes have in common.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use crate::clock::Clock;

use super::faults::Faults;

/// The port of the simulated Finance & Operations.
pub const FINANCE_OPERATIONS_PORT: u16 = 8090;

/// The port of the simulated warehouse.
pub const WAREHOUSE_PORT: u16 = 8092;

/// Where a sandbox lives. Everything it remembers lies in its folder.
#[derive(Clone, Debug)]
pub struct Premises {
    /// The folder of its files.
    pub folder: PathBuf,
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// What all chance in it comes from.
    pub seed: u64,
    /// Where its events go, with the secret where that is part of the address; they wait while nobody has said.
    pub deliver_to: Option<String>,
    /// What it does with the second create of one key.
    pub uniqueness: Uniqueness,
    /// The switches at start; nothing means as its files say.
    pub faults: Option<Faults>,
    /// How it sends events.
    pub delivery: DeliveryRules,
    /// Where its time comes from.
    pub clock: Clock,
}

/// How events are sent.
#[derive(Clone, Debug)]
pub struct DeliveryRules {
    /// Waits after the first, second, … attempt that was not taken; the last one repeats for ever.
    pub retry_delays_ms: Vec<u64>,
    /// An answer that takes longer counts as none.
    pub answer_ms_max: u64,
    /// Events on the way at a time.
    pub at_once_max: usize,
    /// How long the fault `reorder` holds an event back, at most.
    pub hold_back_ms_max: u64,
}

/// What a far end does with the second create of one key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Uniqueness {
    /// It creates a second one.
    None,
    /// It says what it has.
    #[default]
    AnswersExisting,
    /// It changes what it has.
    UpdatesInPlace,
}

impl Premises {
    /// The usual ones of the simulated Finance & Operations: three tries one second apart, then an administrator who
    /// presses *Resend* every three seconds.
    #[must_use]
    pub fn finance_operations(folder: impl Into<PathBuf>) -> Self {
        Self::at(folder.into(), FINANCE_OPERATIONS_PORT, vec![1000, 1000, 3000])
    }

    /// The usual ones of the simulated warehouse.
    #[must_use]
    pub fn warehouse(folder: impl Into<PathBuf>) -> Self {
        Self::at(folder.into(), WAREHOUSE_PORT, vec![1000, 2000, 5000])
    }

    fn at(folder: PathBuf, port: u16, retry_delays_ms: Vec<u64>) -> Self {
        let delivery =
            DeliveryRules { retry_delays_ms, answer_ms_max: 10_000, at_once_max: 16, hold_back_ms_max: 1500 };
        Self {
            folder,
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            seed: 1,
            deliver_to: None,
            uniqueness: Uniqueness::default(),
            faults: None,
            delivery,
            clock: Clock::system(),
        }
    }
}

impl DeliveryRules {
    /// How long to wait after an attempt (from 1) that was not taken.
    pub(super) fn wait_ms(&self, attempt: u32) -> i64 {
        let index = usize::try_from(attempt.saturating_sub(1)).unwrap_or(usize::MAX);
        let delay = self.retry_delays_ms.get(index).or(self.retry_delays_ms.last()).copied().unwrap_or(1000);
        i64::try_from(delay).unwrap_or(i64::MAX)
    }

    pub(super) fn answer_within(&self) -> Duration {
        Duration::from_millis(self.answer_ms_max)
    }
}
