//! What the road costs: calls that Dynamics sees, counted in its own ledger.

use std::collections::BTreeMap;

use drayline::sandbox::{EVENT, FinanceOperationsRules, LedgerLine, WarehouseRules};

use super::world::{Making, World};
use crate::support::Backing;

/// The calls of a ledger by method and entity; what came within another call is that call's.
fn calls(ledger: &[LedgerLine]) -> BTreeMap<String, usize> {
    let of_road = |line: &&LedgerLine| line.path.starts_with("/data/") && line.path != "/data/$metadata";
    let own = ledger.iter().filter(|line| line.method != EVENT && !line.within).filter(of_road);
    own.fold(BTreeMap::new(), |mut calls, line| {
        let entity = line.path.trim_start_matches("/data/").split('(').next().unwrap_or_default();
        *calls.entry(format!("{} {entity}", line.method)).or_default() += 1;
        calls
    })
}

/// Orders of all sorts, each one alone on the road.
async fn shipped_orders_cost_four_calls(backing: Backing) {
    // Nobody asks on a busy machine before the event came.
    let toml = "processor.posting_poll_delays_ms = [60000]".to_owned();
    let sections = "[dynamics.contoso.together]\nfirst_look_ms = 60000\n\
                    [dynamics.contoso.outbound]\ndimensions = \"several_per_line\"\n"
        .to_owned();
    // Tracking is written behind the posting, a second shipment is posted for itself, and where a line of an update takes
    // one lot only, Dynamics processes, and tells of, one update for each.
    let warehouse = WarehouseRules { split_share: 0.0, ..WarehouseRules::default() };
    let dynamics = FinanceOperationsRules { several_dimensions_per_line: true, ..FinanceOperationsRules::default() };
    let world = World::start(backing, Making { dynamics, warehouse, toml, sections, ..Making::default() }).await;
    let mut before = BTreeMap::new();
    for number in 1..=6 {
        world.release(1).await;
        world.until_posted(number).await;
        world.until_nothing_parked().await;
        let after = calls(&world.to_dynamics.ledger(0).await.unwrap());
        let more = |(call, count): (&String, &usize)| {
            let new = count - before.get(call).copied().unwrap_or(0);
            (new > 0 && !call.contains("Tracking")).then(|| (call.clone(), new))
        };
        let cost: Vec<_> = after.iter().filter_map(more).collect();
        assert!(cost.iter().map(|(_, count)| count).sum::<usize>() <= 4, "order {number}: {cost:?}");
        before = after;
    }
    world.finish().await;
}

#[tokio::test]
async fn a_shipped_order_costs_four_calls_embedded() {
    shipped_orders_cost_four_calls(Backing::Embedded).await;
}

#[tokio::test]
async fn a_shipped_order_costs_four_calls_on_servers() {
    shipped_orders_cost_four_calls(Backing::Servers).await;
}

/// Where versions take no `$batch`, everything goes row by row, and ends the same.
#[tokio::test]
async fn without_shared_requests_every_row_goes_by_a_call_of_its_own() {
    let sections = "[dynamics.contoso.together]\ndocuments_max = 1\nchangesets = false\n".to_owned();
    let world = World::start(Backing::Embedded, Making { sections, ..Making::default() }).await;
    world.release(8).await;
    world.until_posted(8).await;
    let calls = calls(&world.to_dynamics.ledger(0).await.unwrap());
    assert!(!calls.contains_key("POST $batch"), "{calls:?}");
    world.finish().await;
}
