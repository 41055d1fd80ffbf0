//! Law 3: whatever the order in which a document's events arrive, with whatever duplicates, the far ends end alike.
//!
//! Every permutation of up to six events; with duplicates and lost answers on top, permutations drawn by seed.

use drayline::gateways::{ReleasedOrder, RequestVerdict};
use drayline::message::{Envelope, Kind};
use serde_json::json;

use super::lanes::{Ending, Road};
use super::scene::{at, decimal, from_dynamics, from_north, line, reference, released, shipped};
use super::world::World;

/// Where a story starts, and what is told afterwards in any order.
pub struct Story {
    pub start: Road,
    pub events: Vec<Envelope>,
}

impl Story {
    /// Tells the events in every order, and in drawn orders with duplicates and a crash; all must end alike.
    pub fn ends_alike(&self) -> Ending {
        self.ends_alike_but_for(|ending| ending)
    }

    /// The same, but for what `forgive` takes out of the endings.
    pub fn ends_alike_but_for(&self, forgive: impl Fn(Ending) -> Ending) -> Ending {
        assert!(self.events.len() <= 6, "more events are drawn, not told in every order");
        let first = forgive(self.tell(&(0..self.events.len()).collect::<Vec<_>>(), None));
        for order in permutations(self.events.len()) {
            assert_eq!(forgive(self.tell(&order, None)), first, "told in the order {:?}", self.kinds(&order));
        }
        for seed in 0..400 {
            let mut random = fastrand::Rng::with_seed(seed);
            let mut order: Vec<usize> = (0..self.events.len()).collect();
            order.extend((0..random.usize(1..4)).map(|_| random.usize(0..self.events.len())));
            random.shuffle(&mut order);
            let crash = random.bool().then(|| random.u32(0..5));
            let ending = forgive(self.tell(&order, crash));
            assert_eq!(ending, first, "seed {seed}: {:?}, crash at {crash:?}", self.kinds(&order));
        }
        assert_eq!(first.waiting, []);
        first
    }

    fn tell(&self, order: &[usize], calls_until_crash: Option<u32>) -> Ending {
        let mut road = self.start.clone();
        road.calls_until_crash = calls_until_crash;
        for (step, event) in order.iter().enumerate() {
            road.deliver(&self.events[*event]);
            // Dynamics and the broker are sometimes quicker and sometimes slower than the next event.
            if (step + event) % 2 == 0 {
                road.come_to_rest();
            }
        }
        road.come_to_rest();
        road.ending()
    }

    fn kinds(&self, order: &[usize]) -> Vec<Kind> {
        order.iter().map(|event| self.events[*event].kind()).collect()
    }
}

fn permutations(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![Vec::new()];
    }
    let shorter = permutations(count - 1);
    let insert = |order: Vec<usize>| {
        (0..count).map(move |place| {
            let mut longer = order.clone();
            longer.insert(place, count - 1);
            longer
        })
    };
    shorter.into_iter().flat_map(insert).collect()
}

/// The order is at north; then Dynamics comes to want `wanted`.
fn sent_then(wanted: Option<ReleasedOrder>) -> Road {
    let mut road = Road::new(World::new(Some(released())));
    road.deliver(&from_dynamics(Kind::OrderReleased));
    road.world.released = wanted;
    road
}

fn changed() -> ReleasedOrder {
    ReleasedOrder { version: 2, lines: vec![line("1", "BOLT", "12"), line("2", "NUT", "4")], ..released() }
}

fn accepted(revision: u16) -> Envelope {
    from_north(Kind::OrderAccepted, &reference(revision), json!({}))
}

fn status(code: &str, second: i64) -> Envelope {
    from_north(Kind::OrderStatusChanged, &reference(1), json!({ "status": code, "changedAt": at(second).to_string() }))
}

fn tracking(key: &str, number: &str, second: i64) -> Envelope {
    let body = json!({ "shipmentKey": key, "packageKey": "P1", "trackingNumber": number, "updatedAt": at(second).to_string() });
    from_north(Kind::TrackingUpdated, &reference(1), body)
}

fn voided(key: &str) -> Envelope {
    from_north(Kind::ShipmentVoided, &reference(1), json!({ "shipmentKey": key }))
}

fn verdict_accepted(reference: &str) -> RequestVerdict {
    RequestVerdict::Accepted(reference.to_owned())
}

#[test]
fn an_order_that_ships_in_two_parts() {
    let story = Story {
        start: Road::new(World::new(Some(released()))),
        events: vec![
            from_dynamics(Kind::OrderReleased),
            accepted(1),
            shipped("S1", &reference(1), &[("1", "BOLT", "6")]),
            shipped("S2", &reference(1), &[("", "BOLT", "4"), ("2", "NUT", "4")]),
            tracking("S1", "T-LATER", 60),
            tracking("S1", "T-EARLIER", 30),
        ],
    };
    let ending = story.ends_alike();
    assert_eq!(ending.live.len(), 1);
    assert_eq!(ending.shipped.len(), 2);
    assert!(ending.remaining.values().all(rust_decimal::Decimal::is_zero));
    assert_eq!(ending.verdict, Some(verdict_accepted("usmf-SHP0012-W1")));
    assert_eq!(ending.exceptions.len(), 0);
    assert_eq!(ending.tracking["S1-D0ACDD28C P1"], "T-LATER");
    assert_eq!(ending.tracking.len(), 2);
}

#[test]
fn the_newest_word_about_a_package_is_the_last_one_written() {
    let story = Story {
        start: sent_then(Some(released())),
        events: vec![
            shipped("S1", &reference(1), &[("1", "BOLT", "6")]),
            tracking("S1", "T-2", 60),
            tracking("S1", "T-1", 30),
            tracking("S1", "T-3", 90),
        ],
    };
    assert_eq!(story.ends_alike().tracking["S1-D0ACDD28C P1"], "T-3");
}

#[test]
fn an_order_that_is_cancelled_before_it_is_looked_at_is_never_sent() {
    let kinds = [Kind::OrderReleased, Kind::OrderChanged, Kind::OrderCancelled];
    let cancelled = ReleasedOrder { cancelled: true, ..released() };
    let start = Road::new(World::new(Some(cancelled)));
    let ending = Story { start, events: kinds.map(from_dynamics).to_vec() }.ends_alike();
    assert!(ending.live.is_empty() && ending.exceptions.is_empty() && ending.verdict.is_none());
}

#[test]
fn an_order_that_is_cancelled_after_it_was_sent() {
    let cancelled = ReleasedOrder { cancelled: true, ..released() };
    for answers_later in [false, true] {
        let mut start = sent_then(Some(cancelled.clone()));
        start.world.answers_later = answers_later;
        let mut events = vec![from_dynamics(Kind::OrderCancelled), accepted(1), from_dynamics(Kind::OrderChanged)];
        if answers_later {
            // The end of what we will have asked for, told at any time, even before we asked.
            events.push(from_north(Kind::OrderCancelResolved, &reference(1), json!({ "outcome": "CONFIRMED" })));
        }
        let ending = Story { start, events }.ends_alike_but_for(|mut ending| {
            // Here the story tells that north cancelled it, and not north itself.
            if answers_later {
                ending.live.clear();
            }
            ending
        });
        assert!(ending.live.is_empty() && ending.exceptions.is_empty(), "{ending:?}");
    }
}

#[test]
fn an_order_that_ships_although_it_was_cancelled() {
    let mut start = sent_then(Some(ReleasedOrder { cancelled: true, ..released() }));
    start.world.held("usmf-SHP0012-W1").unwrap().picked = true;
    let story = Story {
        start,
        events: vec![
            from_dynamics(Kind::OrderCancelled),
            accepted(1),
            status("PICKING", 10),
            shipped("S1", &reference(1), &[("1", "BOLT", "10"), ("2", "NUT", "4")]),
            tracking("S1", "T-9", 60),
        ],
    };
    let ending = story.ends_alike();
    assert_eq!(ending.shipped.len(), 1);
    assert_eq!(ending.tracking["S1-D0ACDD28C P1"], "T-9");
    assert_eq!(ending.exceptions, ["order.cancelled_too_late"].into());
}

#[test]
fn an_order_that_changes_after_it_was_sent() {
    let story = Story {
        start: sent_then(Some(changed())),
        events: vec![
            from_dynamics(Kind::OrderChanged),
            from_dynamics(Kind::OrderReleased),
            accepted(1),
            accepted(2),
            shipped("S1", &reference(2), &[("1", "BOLT", "12")]),
            status("RECEIVED", 5),
        ],
    };
    let ending = story.ends_alike();
    assert_eq!(ending.live.len(), 1);
    assert_eq!(ending.live[0][0].2, decimal("12"));
    assert_eq!(ending.verdict, Some(verdict_accepted("usmf-SHP0012-W1R2")));
    assert_eq!(ending.shipped.len(), 1);
}

#[test]
fn an_order_that_changes_too_late() {
    let mut start = sent_then(Some(changed()));
    start.world.held("usmf-SHP0012-W1").unwrap().picked = true;
    let story = Story {
        start,
        events: vec![
            from_dynamics(Kind::OrderChanged),
            shipped("S1", &reference(1), &[("1", "BOLT", "6")]),
            shipped("S2", &reference(1), &[("1", "BOLT", "4"), ("2", "NUT", "4")]),
            status("SHIPPED", 10),
        ],
    };
    let ending = story.ends_alike();
    assert_eq!(ending.live[0][0].2, decimal("10"));
    assert_eq!(ending.shipped.len(), 2);
    assert_eq!(ending.exceptions, ["order.changed"].into());
}

#[test]
fn an_order_that_is_rejected_and_corrected() {
    let mut start = sent_then(Some(changed()));
    start.world.held("usmf-SHP0012-W1").unwrap().dead = true;
    let story = Story {
        start,
        events: vec![
            from_north(Kind::OrderRejected, &reference(1), json!({ "reason": "UNKNOWN_SKU" })),
            from_dynamics(Kind::OrderChanged),
            from_dynamics(Kind::OrderReleased),
            accepted(2),
            status("CANCELLED", 20),
        ],
    };
    let ending = story.ends_alike();
    assert_eq!(ending.live.len(), 1);
    assert_eq!(ending.verdict, Some(verdict_accepted("usmf-SHP0012-W1R2")));
    assert!(ending.exceptions.is_empty());
}

#[test]
fn an_order_that_is_rejected_for_good() {
    let mut start = sent_then(Some(released()));
    start.world.held("usmf-SHP0012-W1").unwrap().dead = true;
    let rejected = from_north(Kind::OrderRejected, &reference(1), json!({ "reason": "UNKNOWN_SKU" }));
    let events = vec![rejected, from_dynamics(Kind::OrderReleased), accepted(1), from_dynamics(Kind::OrderChanged)];
    let ending = Story { start, events }.ends_alike();
    assert!(ending.live.is_empty());
    assert_eq!(ending.verdict, Some(RequestVerdict::Rejected("UNKNOWN_SKU".to_owned())));
    assert_eq!(ending.exceptions, ["order.rejected"].into());
}

/// What was posted cannot be taken back by us: then it is a person's, and counts here as taken back by them.
#[test]
fn a_shipment_that_is_voided_is_not_posted_or_a_persons() {
    let story = Story {
        start: sent_then(Some(released())),
        events: vec![shipped("S1", &reference(1), &[("1", "BOLT", "6")]), voided("S1"), tracking("S1", "T-1", 30)],
    };
    let ending = story.ends_alike_but_for(|mut ending| {
        if ending.exceptions.remove("shipment.voided") {
            ending.shipped.clear();
            ending.pieces.clear();
            ending.remaining.clear();
            ending.tracking.clear();
            ending.waiting.clear();
        }
        ending
    });
    assert!(ending.shipped.is_empty() && ending.tracking.is_empty(), "{ending:?}");
}
