//! What the far ends' ledgers say at the end.

use std::collections::BTreeMap;

use serde::Serialize;

/// Kinds of faults that a demo with `--faults` must have met.
const KINDS: [&str; 7] = ["latency", "refuse_429", "fail_5xx", "lose_answer", "duplicate", "reorder", "down"];

/// What was to go wrong.
#[derive(Clone, Copy, Debug, Default)]
pub struct Days {
    /// What heals by itself, of every kind.
    pub with_faults: bool,
    /// What people mend.
    pub bad: bool,
}

/// How much was to happen.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted {
    /// Orders that are released.
    pub orders: u64,
    /// Goods that are expected.
    pub receipts: u64,
    /// Adjustments of stock.
    pub adjustments: u64,
    /// Orders of which something comes back.
    pub returns: u64,
}

/// The figures of a demo, with the JSON keys of the interface. All but the time are read from the far ends, and
/// `exceptions` and `waiting` from the list that people see.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Released in Dynamics.
    pub orders: u64,
    /// Orders that the warehouse shipped whole.
    pub shipped: u64,
    /// Orders whose shipped quantities Dynamics processed, equal per line, lot and serial.
    pub posted: u64,
    /// Receipts whose quantities Dynamics processed, equal to what the warehouse received, per line, lot, serial and condition.
    pub receipts: u64,
    /// Adjustments of stock that Dynamics took.
    pub adjustments: u64,
    /// Return orders of which the warehouse inspected all that came, and Dynamics processed the same, under a disposition for
    /// each piece.
    pub returns: u64,
    /// Credit notes in Dynamics: for what came back, and for what was refunded before.
    pub credit_notes: u64,
    /// Items, lots and statuses of which Dynamics has another quantity on hand than lies in the warehouse.
    pub on_hand_mismatches: u64,
    /// Packages whose tracking Dynamics holds.
    pub tracked: u64,
    /// Open at the end.
    pub exceptions: u64,
    /// Orders that are not posted and have one, or wait behind one.
    pub waiting: u64,
    /// Returns of which the same is true, and wishes for returns that were not made.
    pub returns_waiting: u64,
    /// Events that were answered 2xx and have no end.
    pub lost: u64,
    /// Effects that a far end took more than once.
    pub duplicated: u64,
    /// Effects in an order that cannot be right.
    pub out_of_order: u64,
    /// How often each fault struck.
    pub faults: BTreeMap<String, u64>,
    /// From the start of this process.
    pub elapsed_ms: u64,
}

impl Report {
    /// One sentence for people.
    #[must_use]
    pub fn sentence(&self) -> String {
        format!(
            "{} orders released, {} shipped, {} posted, {} packages tracked; {} receipts and {} adjustments posted; \
             {} returns posted, {} credit notes; {} mismatches on hand; {} lost, {} duplicated, {} out of order; \
             {} exceptions, {} orders and {} returns wait; {:.1} s.",
            self.orders,
            self.shipped,
            self.posted,
            self.tracked,
            self.receipts,
            self.adjustments,
            self.returns,
            self.credit_notes,
            self.on_hand_mismatches,
            self.lost,
            self.duplicated,
            self.out_of_order,
            self.exceptions,
            self.waiting,
            self.returns_waiting,
            std::time::Duration::from_millis(self.elapsed_ms).as_secs_f64()
        )
    }

    /// What is not as it must be, after so much was to happen; nothing when all is well. What waits for a person must wait for one alone on a bad day, and then it is well.
    #[must_use]
    pub fn fault(&self, wanted: Wanted, days: Days) -> Option<String> {
        let Wanted { orders, receipts, adjustments, returns } = wanted;
        let (waiting, returns_waiting) = if days.bad { (self.waiting, self.returns_waiting) } else { (0, 0) };
        let missing = |done: u64| self.orders.saturating_sub(done + waiting);
        let wrong = [
            (orders.saturating_sub(self.orders), "orders were not released"),
            (self.lost, "accepted events have no end"),
            (self.duplicated, "effects happened more than once"),
            (self.out_of_order, "effects happened in a wrong order"),
            (missing(self.shipped), "orders were not shipped whole"),
            (missing(self.posted), "orders were not posted"),
            (receipts.saturating_sub(self.receipts), "receipts were not posted"),
            (adjustments.saturating_sub(self.adjustments), "adjustments were not posted"),
            (returns.saturating_sub(self.returns + returns_waiting), "returns were not posted"),
            (
                if waiting + returns_waiting > 0 { 0 } else { self.on_hand_mismatches },
                "quantities on hand differ between Dynamics and the warehouse",
            ),
        ];
        let mut sentences: Vec<String> =
            wrong.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
        if days.with_faults {
            let never = KINDS.iter().filter(|kind| self.faults.get(**kind).copied().unwrap_or(0) == 0);
            sentences.extend(never.map(|kind| format!("the fault {kind} never occurred: release more orders")));
        }
        (!sentences.is_empty()).then(|| sentences.join("; "))
    }
}
