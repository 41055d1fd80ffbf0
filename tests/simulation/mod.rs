//! Suite `simulation`: the real processor, flows, embedded transport and store in one process, with simulated time and
//! far ends, in seeded worlds; what must be true is looked at after every commit (`docs/simulation.md`).

mod changes;
mod far_ends;
mod fate;
mod life;
mod parcels;
mod returns;
mod run;
mod seed;
mod stock;
mod watch;

use std::num::NonZero;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use drayline::rehearsal::{Variant, break_in_this_thread};
use serde_json::json;

use run::{Report, run};
use seed::{Act, Plan, PostedBy};

/// Seeds that run with the suite; `scripts/simulate` runs more.
const SEEDS: u64 = 12;

/// Worlds with and without a held key.
const HELD_SEEDS: u64 = 3;

fn said(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}

/// What `scripts/simulate` runs; without its wishes, a few seeds.
#[test]
fn seeds_keep_the_laws() {
    let number = |name: &str, otherwise: u64| said(name).map_or(otherwise, |text| text.parse().unwrap());
    let (first, count) = (number("DRAYLINE_SIMULATE_SEED", 1), number("DRAYLINE_SIMULATE_SEEDS", SEEDS));
    let broken = said("DRAYLINE_SIMULATE_BROKEN")
        .map(|name| Variant::ALL.into_iter().find(|variant| variant.as_str() == name).expect("a variant of that name"));
    let started = std::time::Instant::now();
    let reports = run_all(first..first + count, broken);
    let sum = |of: fn(&Report) -> u64| reports.iter().map(of).sum::<u64>();
    let bad: Vec<&Report> = reports.iter().filter(|report| !report.violations.is_empty()).collect();
    if let Some(report) = bad.first() {
        println!("seed {} breaks the laws; again: scripts/simulate --seeds 1 --seed {}", report.seed, report.seed);
        report.violations.iter().for_each(|violation| println!("  {violation}"));
    }
    let per_minute = 60.0 * f64::from(u32::try_from(count).unwrap()) / started.elapsed().as_secs_f64();
    let bad_seeds: Vec<u64> = bad.iter().map(|report| report.seed).collect();
    println!(
        "{}",
        json!({"seeds": count, "violations": bad.len(), "first_seed": first, "bad_seeds": bad_seeds,
            "broken": broken.map(Variant::as_str), "messages": sum(|report| report.messages),
            "lives": sum(|report| report.lives), "steps": sum(|report| report.steps),
            "calls": sum(|report| report.calls), "posted": sum(|report| report.posted),
            "received": sum(|report| report.received), "adjusted": sum(|report| report.adjusted),
            "changed": sum(|report| report.changed), "taken_in": sum(|report| report.taken_in),
            "returned": sum(|report| report.returned), "credited": sum(|report| report.credited),
            "with_goods": sum(|report| u64::from(report.goods)),
            "equal_stock": sum(|report| u64::from(report.equal_stock)),
            "seeds_per_minute": per_minute.round()})
    );
    assert!(bad.is_empty(), "seeds that break the laws: {bad_seeds:?}");
}

/// Worlds that once broke a law, or a check of ours: a hand-over in the middle of an attempt, a discard in the middle of a
/// call, a wake-up that died or left with its worker, ids that two lives drew, a wait for what Dynamics refused, for stock,
/// for a posting that was told twice.
const ONCE_BROKEN: [u64; 11] = [112, 113, 201, 305, 309, 430, 475, 1138, 2910, 2942, 3363];

#[test]
fn seeds_that_once_broke_a_law_keep_it() {
    for seed in ONCE_BROKEN {
        for plan in [Plan::of(seed), Plan::with_goods(seed)] {
            let report = run(plan);
            assert!(report.violations.is_empty(), "{report:?}");
        }
    }
}

/// Seeds that run with the suite with goods in each of them.
const GOODS_SEEDS: u64 = 12;

#[test]
fn worlds_with_goods_keep_the_laws_and_end_with_equal_stock() {
    let plans: Vec<Plan> = (1..=GOODS_SEEDS).map(Plan::with_goods).collect();
    let reports: Vec<Report> = plans.iter().cloned().map(run).collect();
    let bad: Vec<_> = reports.iter().filter(|report| !report.violations.is_empty()).collect();
    assert!(bad.is_empty(), "{bad:#?}");
    // A law that few worlds reach would be none.
    let judged = reports.iter().filter(|report| report.equal_stock).count();
    assert!(judged * 10 >= reports.len() * 9, "{reports:#?}");
    assert!(reports.iter().map(|report| report.received).sum::<u64>() > 0, "{reports:#?}");
    // Each sort of world is there, and does what it is there for.
    let there =
        |holds: &dyn Fn(&Plan, &Report) -> bool| plans.iter().zip(&reports).any(|(plan, report)| holds(plan, report));
    assert!(there(&|plan, report| plan.numbers && report.received > 0), "no receipt was found by its order's number");
    for by in [PostedBy::Job, PostedBy::Service] {
        assert!(
            there(&|plan, report| plan.journals == Some(by) && report.adjusted > 0),
            "no journal posted by a {by:?}"
        );
    }
    let waited = |report: &Report| report.codes.contains("dynamics.period_closed") && report.received > 0;
    assert!(there(&|plan, report| plan.closed && waited(report)), "nothing waited for finance, and was posted");
}

/// Seeds that run with the suite with returns in each of them.
const RETURNS_SEEDS: u64 = 16;

/// Exactly one credit for what came back to be credited and none for what was refunded before, whatever died, was lost or came
/// twice; a wish is made once; and both far ends hold the same.
#[test]
fn worlds_with_returns_keep_the_law_of_money_and_end_with_equal_stock() {
    let plans: Vec<Plan> = (1..=RETURNS_SEEDS).map(Plan::with_returns).collect();
    let reports: Vec<Report> = plans.iter().cloned().map(run).collect();
    let bad: Vec<_> = reports.iter().filter(|report| !report.violations.is_empty()).collect();
    assert!(bad.is_empty(), "{bad:#?}");
    let judged = reports.iter().filter(|report| report.equal_stock).count();
    assert!(judged * 10 >= reports.len() * 9, "{reports:#?}");
    let there = |holds: &dyn Fn(&Act, &Report) -> bool| {
        plans.iter().zip(&reports).any(|(plan, report)| {
            report.credited > 0 && report.returned > 0 && plan.acts.iter().any(|(_, act)| holds(act, report))
        })
    };
    assert!(there(&|act, _| matches!(act, Act::Wish(..))), "no wish was made, came back and was credited");
    assert!(there(&|act, _| matches!(act, Act::MakeReturn { refunded: true, .. })), "nothing was refunded before");
    assert!(there(&|act, _| matches!(act, Act::Inspect(..))), "nothing was inspected in parts");
    assert!(there(&|act, report| matches!(act, Act::Wish(..)) && report.lives > 1), "no wish outlived a process");
    assert!(there(&|act, _| matches!(act, Act::RefundPart(..))), "nothing was credited in part");
    let exchanged = |act: &Act| matches!(act, Act::MakeReturn { lines, .. } if lines[0]["disposition"] == "REPLACE");
    assert!(there(&|act, _| exchanged(act)), "nothing was exchanged");
    let parcel = |act: &Act, report: &Report| matches!(act, Act::Undelivered(..)) && report.taken_in > 0;
    assert!(there(&parcel), "nothing that nobody took was taken in");
}

/// Seeds that run with the suite where the warehouse changes orders itself.
const CHANGES_SEEDS: u64 = 12;

/// What left is what Dynamics wants, or somebody is told; no change is made twice, whatever died, was lost or came twice.
#[test]
fn worlds_with_changes_ship_what_dynamics_wants() {
    let reports: Vec<_> = (1..=CHANGES_SEEDS).map(|seed| run(Plan::of(seed).with_changes())).collect();
    let bad: Vec<_> = reports.iter().filter(|report| !report.violations.is_empty()).collect();
    assert!(bad.is_empty(), "{bad:#?}");
    let changed = |report: &&Report| report.changed > 0;
    assert!(reports.iter().filter(changed).any(|report| report.lives > 1), "no change outlived a process");
}

/// Runs seeds on all processors, two worlds on each, because a world waits for its store's thread half of its time; reports
/// in the order of their seeds.
fn run_all(seeds: Range<u64>, broken: Option<Variant>) -> Vec<Report> {
    let (next, reports) = (AtomicU64::new(seeds.start), Mutex::new(Vec::new()));
    let work = || {
        break_in_this_thread(broken);
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                return;
            }
            let plan = broken.map_or_else(|| Plan::drawn(seed), |variant| Plan::against(variant, seed));
            let report = run(plan.clone());
            if said("DRAYLINE_SIMULATE_TELL").is_some() {
                println!("{report:?}\n{plan:?}");
            }
            reports.lock().unwrap().push(report);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..2 * std::thread::available_parallelism().map_or(1, NonZero::get) {
            scope.spawn(work);
        }
    });
    let mut reports = reports.into_inner().unwrap();
    reports.sort_by_key(|report| report.seed);
    reports
}

/// What a held key costs the others, counted: nothing. No message of theirs ends a millisecond later than in the same world
/// without it.
#[test]
fn no_message_of_a_free_key_is_later_because_of_a_held_one() {
    for seed in 1..=HELD_SEEDS {
        let [without, with] = [false, true].map(|held| run(Plan::beside_a_held_one(seed, 6, held)));
        assert!(without.ended.len() > 20, "{without:?}");
        assert!(with.ended.len() > without.ended.len() || with.messages > without.messages, "{with:?}");
        // Sooner is no harm: somebody who looks for what is due finds theirs, too.
        let later = |(id, at): &(&uuid::Uuid, &i64)| with.ended.get(id).is_none_or(|beside| beside > at);
        let later: Vec<_> = without.ended.iter().filter(later).collect();
        assert!(later.is_empty(), "seed {seed}: {later:?} of {}", without.ended.len());
    }
}

/// Each variant with words of what must be noticed, one of them.
const BROKEN: [(Variant, &[&str]); 20] = [
    (Variant::RecordBeforeAct, &["has not heard of it", "is not posted", "was told"]),
    (Variant::AcknowledgeBeforeCommit, &["was acknowledged, and nothing"]),
    (Variant::NoGate, &["ended while"]),
    (Variant::NoLookUp, &["one state", "created again", "law 3", "acknowledged without a commit", "was told"]),
    (Variant::FenceByPlainRead, &["which it does not own"]),
    (Variant::SubscribeBeforeTake, &["ran at one time", "does not come to rest"]),
    (Variant::AcknowledgeOnRead, &["acknowledged without a commit"]),
    (Variant::PlanBeforeSettling, &["was created again"]),
    (Variant::LookBeforeWaiting, &["nothing wakes it"]),
    (Variant::ReleaseByRepublishing, &["is nowhere now"]),
    (Variant::TwoUnconfirmed, &["was sent before"]),
    (Variant::HashForEver, &["two facts are one message"]),
    (Variant::SmallerTotalReverses, &["are posted", "posts again"]),
    (Variant::TotalTakenForDifference, &["stock law", "are posted", "is posted", "posts again"]),
    (Variant::MakeWithoutLooking, &["was made a return order as"]),
    (Variant::RefundForgotten, &["are credited of"]),
    (Variant::UndeliveredCredited, &["are credited by themselves"]),
    (Variant::BackForgotten, &["are taken in again"]),
    (Variant::ExchangeCredited, &["is exchanged, and"]),
    (Variant::RefusalTakenForChange, &["and nobody is told"]),
];

/// So many seeds find a variant, or the simulation does not bite.
const SEEDS_UNTIL_CAUGHT: u64 = 40;

#[test]
fn every_broken_variant_is_caught() {
    assert_eq!(BROKEN.map(|(variant, _)| variant), Variant::ALL);
    for (variant, words) in BROKEN {
        let said = |violation: &String| words.iter().any(|words| violation.contains(words));
        break_in_this_thread(Some(variant));
        let noticed =
            (1..=SEEDS_UNTIL_CAUGHT).find(|seed| run(Plan::against(variant, *seed)).violations.iter().any(said));
        break_in_this_thread(None);
        println!("{}: seed {noticed:?}", variant.as_str());
        assert!(noticed.is_some(), "{} is not caught", variant.as_str());
    }
}

/// What a silent worker left behind stands in its name while it lives; what is beyond its share goes to others.
#[test]
fn what_is_left_behind_in_silence_is_worked_on_by_others() {
    let report = run(Plan::silence(1));
    assert_eq!((report.violations, report.posted), (Vec::new(), 12));
}

#[test]
fn a_seed_has_one_course() {
    let courses = [7, 7].map(|seed| run(Plan::of(seed)).course);
    assert_eq!(courses[0], courses[1]);
}

/// What is released has no variant in it: the feature is nobody's default, and the released binary is built without it.
#[test]
fn nothing_is_broken_in_what_is_released() {
    let manifest = std::fs::read_to_string("Cargo.toml").unwrap();
    let (product, tests) = manifest.split_once("[dev-dependencies]").unwrap();
    assert!(!product.contains("default = ") && !product.contains("features = [\"broken\"]"), "{product}");
    assert!(tests.contains("features = [\"broken\"]"));
    let without = include_str!("../../src/rehearsal/broken.rs");
    assert!(without.contains(
        "#[cfg(not(feature = \"broken\"))]\n#[must_use]\npub const fn broken(_variant: Variant) -> bool {\n    false"
    ));
    for recipe in ["deploy/Dockerfile", "Dockerfile", "scripts/bench"] {
        let text = std::fs::read_to_string(recipe).unwrap_or_default();
        assert!(!text.contains("broken") && !text.contains("--all-features"), "{recipe} builds with the feature");
    }
}
