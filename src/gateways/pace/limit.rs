//! How many acts at a time a far end bears: found out by its answers. Pure.
//!
//! Answers are counted in rounds, as many as may be under way. A round of which half was bad halves the limit, any other
//! raises it by one; below half of what was too much every good answer does. After the breaker was open it begins with one.

/// One far end's limit.
#[derive(Clone, Debug)]
pub struct Limit {
    now: usize,
    max: usize,
    /// Below this it rises quickly.
    quick_below: usize,
    good: usize,
    bad: usize,
}

impl Limit {
    /// Begins with the most that is configured.
    #[must_use]
    pub fn new(max: usize) -> Self {
        let max = max.max(1);
        Self { now: max, max, quick_below: 1, good: 0, bad: 0 }
    }

    /// How many may be under way.
    #[must_use]
    pub fn now(&self) -> usize {
        self.now
    }

    /// A good answer.
    pub fn answered(&mut self) {
        self.good += 1;
        if self.now < self.quick_below {
            self.begin_round(self.now + 1);
        } else {
            self.end_round();
        }
    }

    /// A bad one, or none.
    pub fn failed(&mut self) {
        self.bad += 1;
        self.end_round();
    }

    /// Begins anew with one, and rises quickly to half of what is configured.
    pub fn restart(&mut self) {
        self.quick_below = self.max / 2;
        self.begin_round(1);
    }

    fn end_round(&mut self) {
        if self.good + self.bad < self.now {
            return;
        }
        if self.bad >= self.good {
            self.quick_below = self.now / 2;
            self.begin_round((self.now / 2).max(1));
        } else {
            self.begin_round(self.now + 1);
        }
    }

    fn begin_round(&mut self, limit: usize) {
        self.now = limit.min(self.max);
        (self.good, self.bad) = (0, 0);
    }
}
