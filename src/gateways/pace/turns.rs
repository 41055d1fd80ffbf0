//! Whose turn it is when a far end's budget is short. Pure.
//!
//! Orders and shipments go before returns and receipts, these before stock, scans and replays: of 21 turns 16, 4 and 1
//! where all three wait, so that nobody starves. What nobody of one class uses, the others get.

use crate::message::Flow;

/// How urgent a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// Orders and shipments: a customer waits.
    High,
    /// Returns and receipts.
    Middle,
    /// Stock, scans and replays.
    Low,
}

impl Urgency {
    /// All, the most urgent first.
    pub const ALL: [Self; 3] = [Self::High, Self::Middle, Self::Low];

    /// Of a message of this flow; of one that a person let run again.
    #[must_use]
    pub fn of(flow: Flow, replayed: bool) -> Self {
        match flow {
            _ if replayed => Self::Low,
            Flow::Orders | Flow::Shipments => Self::High,
            Flow::GoodsReceived | Flow::Returns => Self::Middle,
            Flow::StockAdjustments | Flow::StockSnapshots => Self::Low,
        }
    }

    /// How far a turn brings its class: the less urgent, the farther.
    fn stride(self) -> u64 {
        match self {
            Self::High => 1,
            Self::Middle => 4,
            Self::Low => 16,
        }
    }
}

/// How far each class has come: the one that is least far is next.
#[derive(Clone, Debug)]
pub struct Turns([u64; 3]);

impl Default for Turns {
    fn default() -> Self {
        Self(Urgency::ALL.map(Urgency::stride))
    }
}

impl Turns {
    /// The next of those that wait.
    pub fn next(&mut self, waits: impl Fn(Urgency) -> bool) -> Option<Urgency> {
        let waiting = Urgency::ALL.into_iter().filter(|urgency| waits(*urgency));
        let next = waiting.min_by_key(|urgency| self.0[*urgency as usize])?;
        let at = self.0[next as usize];
        for urgency in Urgency::ALL {
            let far = &mut self.0[urgency as usize];
            // Who did not wait has saved nothing up.
            *far = if waits(urgency) { *far } else { (*far).max(at + urgency.stride()) };
        }
        self.0[next as usize] = at + next.stride();
        Some(next)
    }
}
