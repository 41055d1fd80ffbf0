//! Chance from a seed: what is drawn depends on what is asked about, not on when it is asked.
//!
//! So the same orders of the same seed have the same lines, lots and shipments however the calls interleave, and after
//! a restart, too.

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Draws from a seed. The same question always has the same answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chance {
    seed: u64,
}

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// 64 bits for a question.
    pub(super) fn draw(self, question: &str) -> u64 {
        xxh3_64_with_seed(question.as_bytes(), self.seed)
    }

    /// A number from 0 up to, but without, `count`.
    pub(super) fn below(self, question: &str, count: u64) -> u64 {
        ((self.draw(question) >> 32) * count.min(u64::from(u32::MAX))) >> 32
    }

    /// Whether something that happens at a rate (0 to 1) happens this time.
    pub(super) fn strikes(self, rate: f64, question: &str) -> bool {
        let high = u32::try_from(self.draw(question) >> 32).unwrap_or(u32::MAX);
        f64::from(high) < rate * (f64::from(u32::MAX) + 1.0)
    }

    /// An identifier for a thing of the simulated world, 32 hexadecimal digits.
    pub(super) fn identifier(self, question: &str) -> String {
        format!("{:016x}{:016x}", self.draw(question), self.draw(&format!("{question}/2")))
    }
}
