//! How far ends are paced: the pure parts as tables, and all of it at a far end over real HTTP.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use drayline::clock::Clock;
use drayline::failure::{Code, Failure};
use drayline::gateways::{
    Breaker, BreakerLimits, Bucket, Direction, Entry, Limit, Standing, Stop, Turns, Urgency, calling,
};
use drayline::message::Flow;
use proptest::prelude::*;
use serde_json::json;

use super::far_end::{FarEnd, Said};
use super::scene::{Scene, connection, order};
use crate::support::wait::until;

fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn breaker() -> Breaker {
    Breaker::new(BreakerLimits { failures_max: 3, open_min: s(1), open_max: s(4), moment: s(1) })
}

/// What happens to a breaker, when (in seconds), and where it stands then.
#[derive(Clone, Copy, Debug)]
enum Happens {
    Enters(Entry),
    Answered,
    Failed,
    Asked(u64),
    Probed,
}

const GOES: Happens = Happens::Enters(Entry::Goes { probe: false });
const PROBES: Happens = Happens::Enters(Entry::Goes { probe: true });
const REFUSED: Happens = Happens::Enters(Entry::Refused);

fn open(left: u64) -> Standing {
    Standing::Open { left: s(left), asked: false }
}

fn asked(left: u64) -> Standing {
    Standing::Open { left: s(left), asked: true }
}

fn walk(mut breaker: Breaker, steps: &[(u64, Happens, Standing)]) -> Breaker {
    for (number, (at, happens, stands)) in steps.iter().enumerate() {
        let now = s(*at);
        match happens {
            Happens::Enters(entry) => assert_eq!(breaker.enter(now), *entry, "step {number}"),
            Happens::Answered => breaker.answered(now),
            Happens::Failed => breaker.failed(now),
            Happens::Asked(after) => breaker.asked(now, s(*after)),
            Happens::Probed => breaker.probed(),
        }
        assert_eq!(breaker.standing(now), *stands, "step {number}: {happens:?}");
    }
    breaker
}

#[test]
fn a_breaker_opens_probes_and_closes() {
    use Happens::{Answered, Failed, Probed};
    walk(
        breaker(),
        &[
            (0, GOES, Standing::Closed),
            (0, Failed, Standing::Closed),
            (0, Failed, Standing::Closed),
            // Only failures in a row count.
            (0, Answered, Standing::Closed),
            (0, Failed, Standing::Closed),
            (0, Failed, Standing::Closed),
            (0, Failed, open(1)),
            (0, REFUSED, open(1)),
            // What comes late, from before it opened, tells nothing.
            (0, Answered, open(1)),
            (0, Failed, open(1)),
            (1, PROBES, Standing::HalfOpen),
            (1, REFUSED, Standing::HalfOpen),
            (1, Failed, open(2)),
            (3, PROBES, Standing::HalfOpen),
            (3, Failed, open(4)),
            (7, PROBES, Standing::HalfOpen),
            // A probe that found nothing out makes room for the next.
            (7, Probed, Standing::HalfOpen),
            (7, PROBES, Standing::HalfOpen),
            (7, Failed, open(4)),
            (11, PROBES, Standing::HalfOpen),
            (11, Answered, Standing::Closed),
            (11, GOES, Standing::Closed),
            (11, Failed, Standing::Closed),
            (11, Failed, Standing::Closed),
            // It begins with the short term again.
            (11, Failed, open(1)),
        ],
    );
}

#[test]
fn a_far_end_that_asks_to_be_left_alone_is_left_alone() {
    use Happens::{Answered, Asked, Failed};
    walk(
        breaker(),
        &[
            (0, Asked(18), asked(18)),
            (10, REFUSED, asked(8)),
            // The longest wish counts.
            (10, Asked(5), asked(8)),
            (10, Asked(30), asked(30)),
            (40, PROBES, Standing::HalfOpen),
            (40, Asked(2), asked(2)),
            (42, PROBES, Standing::HalfOpen),
            (42, Answered, Standing::Closed),
            // A moment concerns the call that was told so; again and again it is an illness.
            (50, Asked(1), Standing::Closed),
            (50, GOES, Standing::Closed),
            (51, Asked(0), Standing::Closed),
            (51, GOES, Standing::Closed),
            (51, Failed, open(1)),
        ],
    );
}

#[test]
fn a_far_end_that_nobody_has_heard_of_is_probed_when_messages_wait_for_it() {
    let mut unknown = breaker();
    assert!(unknown.suspect());
    assert!(!unknown.suspect());
    walk(unknown, &[(0, PROBES, Standing::HalfOpen), (0, Happens::Answered, Standing::Closed)]);
    let mut known = walk(breaker(), &[(0, Happens::Answered, Standing::Closed)]);
    assert!(!known.suspect(), "it is known to be well");
    known.resume(s(1));
    let mut open = walk(known, &[(1, PROBES, Standing::HalfOpen), (1, Happens::Failed, open(2))]);
    open.resume(s(2));
    assert_eq!(open.standing(s(2)), self::open(1), "what a person lets go on does not make it well");
}

proptest! {
    /// Whatever happens, at most one call is let through while it is not closed.
    #[test]
    fn a_breaker_that_is_not_closed_lets_one_through_at_a_time(steps in prop::collection::vec((0_u8..6, 0_u64..3), 1..200)) {
        let mut breaker = breaker();
        let (mut now, mut probes) = (Duration::ZERO, 0_u32);
        for (what, later) in steps {
            now += s(later);
            match what {
                0 | 1 => if let Entry::Goes { probe } = breaker.enter(now) {
                    prop_assert_eq!(probe, breaker.standing(now) == Standing::HalfOpen);
                    if probe {
                        probes += 1;
                        prop_assert_eq!(probes, 1);
                    }
                },
                2 => breaker.failed(now),
                3 => breaker.asked(now, s(2)),
                4 => breaker.answered(now),
                _ => { breaker.probed(); probes = 0; }
            }
            if breaker.standing(now) != Standing::HalfOpen || !breaker.is_probed(now) {
                probes = 0;
            }
        }
    }
}

/// Good answers (`+`) and bad ones (`-`), and the limit after each.
fn limits(limit: &mut Limit, answers: &str) -> Vec<usize> {
    let after = |answer| {
        if answer == '+' {
            limit.answered();
        } else {
            limit.failed();
        }
        limit.now()
    };
    answers.chars().map(after).collect()
}

#[test]
fn the_limit_halves_with_a_bad_round_and_rises_with_a_good_one() {
    let mut limit = Limit::new(8);
    assert_eq!(limits(&mut limit, "--------"), [8, 8, 8, 8, 8, 8, 8, 4], "once for all that were under way together");
    assert_eq!(limits(&mut limit, "++--"), [4, 4, 4, 2], "half of the round was bad");
    assert_eq!(limits(&mut limit, "--"), [2, 1]);
    assert_eq!(limits(&mut limit, "---"), [1, 1, 1], "never none");
    assert_eq!(limits(&mut limit, "+++++"), [2, 2, 3, 3, 3], "by one with every round");
    assert_eq!(limits(&mut limit, "-++++++"), [4, 4, 4, 4, 5, 5, 5], "a few bad ones do not matter");
    limit.restart();
    assert_eq!(limit.now(), 1, "after the breaker was open");
    assert_eq!(limits(&mut limit, "++++++++"), [2, 3, 4, 4, 4, 4, 5, 5], "quickly to half, then slowly");
    limits(&mut limit, &"+".repeat(1000));
    assert_eq!(limit.now(), 8);
}

#[test]
fn the_bucket_gives_so_many_a_minute_and_a_burst() {
    assert!(Bucket::new(0, 10).is_none());
    let mut bucket = Bucket::new(60, 3).unwrap();
    let now = s(100);
    let waits: Vec<_> = (0..5).map(|_| bucket.take(now)).collect();
    assert_eq!(waits, [s(0), s(0), s(0), s(1), s(2)]);
    assert_eq!((bucket.wait(now), bucket.wait(s(102)), bucket.wait(s(103))), (s(3), s(1), s(0)));
    let mut taken = 0;
    for second in 200..320 {
        while bucket.wait(s(second)).is_zero() {
            bucket.take(s(second));
            taken += 1;
        }
    }
    assert_eq!(taken, 120 + 2, "two minutes, and what the burst adds once");
}

/// The next of so many turns, by class.
fn turns(turns: &mut Turns, count: usize, waits: impl Fn(Urgency) -> bool) -> BTreeMap<Urgency, usize> {
    let mut taken = BTreeMap::new();
    for _ in 0..count {
        *taken.entry(turns.next(&waits).unwrap()).or_default() += 1;
    }
    taken
}

#[test]
fn the_more_urgent_go_before_the_less_urgent_and_nobody_starves() {
    let mut all = Turns::default();
    let first: Vec<_> = (0..4).map(|_| all.next(|_| true).unwrap()).collect();
    assert_eq!(first, [Urgency::High; 4]);
    let mut all = Turns::default();
    for _ in 0..100 {
        let taken = turns(&mut all, 21, |_| true);
        let expected = BTreeMap::from([(Urgency::High, 16), (Urgency::Middle, 4), (Urgency::Low, 1)]);
        assert_eq!(taken, expected);
    }
    assert_eq!(all.next(|_| false), None);
    // What nobody of one class uses, the others get; and who was away has saved nothing up.
    let mut absent = Turns::default();
    turns(&mut absent, 10_000, |urgency| urgency == Urgency::Low);
    let taken = turns(&mut absent, 21, |_| true);
    assert!(taken[&Urgency::High] >= 15 && taken[&Urgency::Low] >= 1, "{taken:?}");
    let mut absent = Turns::default();
    turns(&mut absent, 10_000, |urgency| urgency == Urgency::High);
    let taken = turns(&mut absent, 21, |_| true);
    assert_eq!((taken[&Urgency::High], taken[&Urgency::Low]), (16, 1), "{taken:?}");
}

proptest! {
    /// Whoever waits has a turn within one round, whoever else comes and goes.
    #[test]
    fn nobody_who_waits_starves(comes in prop::collection::vec(0_u8..8, 30..200), who in 0_usize..3) {
        let mut turns = Turns::default();
        let patient = Urgency::ALL[who];
        for chunk in comes.chunks_exact(24) {
            let mut had = false;
            for others in chunk {
                had |= turns.next(|urgency| urgency == patient || others & (1 << urgency as u8) != 0) == Some(patient);
            }
            prop_assert!(had, "{patient:?} starved");
        }
    }
}

#[test]
fn flows_have_their_urgency_and_replays_are_never_urgent() {
    for (flow, urgency) in [
        (Flow::Orders, Urgency::High),
        (Flow::Shipments, Urgency::High),
        (Flow::GoodsReceived, Urgency::Middle),
        (Flow::Returns, Urgency::Middle),
        (Flow::StockAdjustments, Urgency::Low),
        (Flow::StockSnapshots, Urgency::Low),
    ] {
        assert_eq!(Urgency::of(flow, false), urgency);
        assert_eq!(Urgency::of(flow, true), Urgency::Low);
    }
}

fn held(reference: &str) -> Said {
    Said::json(201, &json!({"id": "wo-1", "reference": reference, "status": {"code": "RECEIVED"}, "lines": []}))
}

/// A far end at which a clock that is set decides when it is called again.
async fn scene(url: &str, clock: &Clock) -> Scene {
    let more = "gateways.breaker_failures_max = 3\ngateways.breaker_open_ms_min = 1000\n\
                gateways.breaker_open_ms_max = 4000\ngateways.calls_at_once_max = 4";
    Scene::with_clock(url, more, clock).await
}

fn clock() -> Clock {
    Clock::set_at("2026-11-27T10:00:00Z".parse().unwrap(), 1)
}

#[tokio::test]
async fn a_far_end_that_asks_for_18_s_is_left_alone_by_every_call_for_as_long() {
    let busy = Arc::new(AtomicBool::new(true));
    let says = Arc::clone(&busy);
    let end = FarEnd::start(move |_| {
        if says.load(Ordering::Relaxed) {
            Said::text(429, "").with("retry-after", "18")
        } else {
            held("usmf-SHP0012-W1")
        }
    })
    .await;
    let clock = clock();
    let scene = scene(&end.url, &clock).await;
    let first = scene.create_failure().await;
    assert_eq!((first.code, first.retry_after), (Code::WarehouseThrottled, Some(s(18))));
    busy.store(false, Ordering::Relaxed);
    for _ in 0..17 {
        clock.advance(s(1));
        let failure = scene.find_failure().await;
        assert_eq!((failure.code, failure.far_end()), (Code::WarehouseThrottled, Some("north")), "{failure}");
    }
    assert_eq!(end.lines(), ["POST /orders"], "nobody called it meanwhile");
    clock.advance(s(1));
    scene.warehouse().create_order(&order()).await.unwrap();
    assert_eq!(end.lines().len(), 2);
    assert_eq!(scene.gateways.views()[1].state, "closed");
}

#[tokio::test]
async fn refusals_are_a_sign_of_health_and_server_errors_are_not() {
    for (status, healthy) in
        [(400, true), (401, true), (404, true), (409, true), (422, true), (500, false), (408, false)]
    {
        let end = FarEnd::start(move |_| Said::text(status, "no")).await;
        let clock = clock();
        let scene = scene(&end.url, &clock).await;
        for _ in 0..10 {
            scene.find_failure().await;
        }
        let expected = if healthy { (10, "closed") } else { (3, "open") };
        let state = scene.gateways.views()[1].state;
        assert_eq!((end.lines().len(), state), expected, "{status}");
    }
}

#[tokio::test]
async fn a_sick_far_end_is_probed_by_one_call_at_a_time_and_then_called_more_and_more() {
    let ill = Arc::new(AtomicBool::new(true));
    let (most, now) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicUsize::new(0)));
    let (says, seen) = (Arc::clone(&ill), Arc::clone(&most));
    let end = FarEnd::start(move |_| {
        seen.lock().unwrap().push(now.fetch_add(1, Ordering::Relaxed));
        if says.load(Ordering::Relaxed) { Said::text(500, "") } else { Said::json(200, &json!({"orders": []})) }
    })
    .await;
    let clock = clock();
    let scene = scene(&end.url, &clock).await;
    let all = async || {
        let finds = futures_util::future::join_all(
            (0..40).map(|_| scene.warehouse().find_order(Direction::Outbound, "usmf-SHP0012-W1")),
        );
        finds.await.iter().filter(|found| found.is_ok()).count()
    };
    assert_eq!(all().await, 0);
    let before = end.lines().len();
    assert!(before <= 4, "no more than were under way together: {before}");
    clock.advance(s(1));
    assert_eq!((all().await, end.lines().len()), (0, before + 1), "one probe");
    clock.advance(s(1));
    assert_eq!((all().await, end.lines().len()), (0, before + 1), "the term has doubled");
    ill.store(false, Ordering::Relaxed);
    clock.advance(s(1));
    assert_eq!((all().await, end.lines().len()), (1, before + 2), "one probe, and nobody stands in line for it");
    assert_eq!(scene.gateways.views()[1].limit, 2);
    assert_eq!(all().await, 40);
    assert_eq!(scene.gateways.views()[1].limit, 4);
}

#[tokio::test]
async fn urgent_calls_go_first_when_the_budget_is_short() {
    let end = FarEnd::start(|asked| match asked.param("reference") {
        Some("slow") => Said::Silence,
        _ => Said::json(200, &json!({"orders": []})),
    })
    .await;
    let scene = Scene::at(&end.url, "gateways.calls_at_once_max = 1\ngateways.call_ms_max = 60000").await;
    let north = scene.warehouse();
    let call = async |flow: Flow, replayed: bool, name: &'static str| {
        calling(flow, replayed, north.find_order(Direction::Outbound, name)).await.unwrap();
    };
    // The one place is taken until all others stand in line, the least urgent first.
    let holds = async {
        tokio::select! {
            _ = north.find_order(Direction::Outbound, "slow") => panic!("it is never answered"),
            () = until("five in line", async || (scene.gateways.views()[1].in_line == 5).then_some(())) => {}
        }
    };
    let others = async {
        until("the place is taken", async || (end.lines().len() == 1).then_some(())).await;
        tokio::join!(
            call(Flow::StockAdjustments, false, "stock"),
            call(Flow::Orders, true, "replay"),
            call(Flow::Returns, false, "return"),
            call(Flow::Shipments, false, "shipment"),
            call(Flow::Orders, false, "order"),
        )
    };
    tokio::join!(holds, others);
    let asked = end.asked();
    let came: Vec<_> = asked.iter().filter_map(|asked| asked.param("reference")).collect();
    assert_eq!(came, ["slow", "shipment", "order", "return", "stock", "replay"]);
}

#[tokio::test]
async fn what_a_person_stopped_is_not_called_until_it_goes_on() {
    let end = FarEnd::start(|_| Said::json(200, &json!({"orders": []}))).await;
    let scene = Scene::at(&end.url, "").await;
    let stop = |flow| Stop { connection: "north".to_owned(), flow, sentence: "north is paused by anna.".to_owned() };
    let refused = async |flow: Flow| {
        let found = calling(flow, false, scene.warehouse().find_order(Direction::Outbound, "usmf-SHP0012-W1")).await;
        let failure: Option<Failure> = found.err().map(|error| scene.warehouse().failure(&error, "find it"));
        failure.map(|failure| (failure.code, failure.sentence.clone(), failure.far_end().map(str::to_owned)))
    };
    scene.gateways.stop(&[stop(None)]);
    let (code, sentence, far_end) = refused(Flow::Orders).await.unwrap();
    assert_eq!((code, far_end.as_deref()), (Code::ConnectionPaused, Some("north")));
    assert!(sentence.ends_with("north is paused by anna."), "{sentence}");
    assert_eq!(scene.gateways.room("north", Flow::Orders), 0);
    assert_eq!(scene.gateways.views()[1].state, "paused");
    // Only what one flow wants.
    scene.gateways.stop(&[stop(Some(Flow::Orders))]);
    assert!(refused(Flow::Orders).await.is_some());
    assert_eq!(refused(Flow::Shipments).await, None);
    assert!(scene.gateways.refusal(&connection("north"), Flow::Orders).is_some());
    assert_eq!(scene.gateways.refusal(&connection("north"), Flow::Shipments), None);
    scene.gateways.stop(&[]);
    assert_eq!(scene.gateways.room("north", Flow::Orders), 1, "it begins with a probe");
    assert_eq!(refused(Flow::Orders).await, None);
    assert_eq!(end.lines().len(), 2);
}
