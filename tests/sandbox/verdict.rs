//! The verdict: a clean run is clean, and a loss, a double and a misorder that are planted are found.

use std::collections::BTreeSet;

use drayline::sandbox::{
    Evidence, FarEnd, FinanceOperationsRules, Premises, Uniqueness, Verdict, WarehouseRules, verdict,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::inbox::Inbox;
use super::rehearsal::{Dynamics, House, quick, quick_dynamics, quick_warehouse, until};

/// Both far ends, and a test that plays the product between them.
struct World {
    dynamics: Dynamics,
    house: House,
    _inboxes: [Inbox; 2],
    _folder: TempDir,
}

impl World {
    async fn start(uniqueness: Uniqueness, rules: WarehouseRules) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let inboxes = [Inbox::open(&[]).await, Inbox::open(&[]).await];
        let at = |premises: Premises, inbox: &Inbox| Premises {
            uniqueness,
            deliver_to: Some(inbox.url().to_owned()),
            ..quick(premises)
        };
        let premises = at(Premises::finance_operations(folder.path()), &inboxes[0]);
        let shares = FinanceOperationsRules { lots_share: 0.4, serials_share: 0.3, ..quick_dynamics() };
        let dynamics = Dynamics::start(premises, shares).await;
        let house = House::start(at(Premises::warehouse(folder.path()), &inboxes[1]), rules).await;
        Self { dynamics, house, _inboxes: inboxes, _folder: folder }
    }

    async fn orders(&self) -> Vec<Value> {
        self.dynamics.state().await["orders"].as_array().unwrap().clone()
    }

    /// Sends an order to the warehouse under a part and revision.
    async fn send(&self, order: &Value, suffix: &str) -> Value {
        let line = |line: &Value| {
            let lot = line["lot"].as_str().filter(|lot| !lot.is_empty());
            json!({"lineId": line["line"], "sku": line["item"], "quantity": line["ordered"], "unit": line["unit"], "lot": lot})
        };
        let lines: Vec<_> = order["lines"].as_array().unwrap().iter().map(line).collect();
        let reference = format!("usmf-{}-{suffix}", order["id"].as_str().unwrap());
        self.house.create(&json!({"reference": reference, "facility": "NORTH-1", "lines": lines})).await.1
    }

    async fn shipments(&self) -> Vec<Value> {
        self.house.state().await["shipments"].as_array().unwrap().clone()
    }

    /// Waits until the warehouse has shipped so many orders and told everything.
    async fn shipped(&self, orders: u64) {
        until("all is shipped and told", async || {
            let state = self.house.state().await;
            let done = state["counts"]["shipped"] == orders && state["steps_due"] == 0 && state["pending_events"] == 0;
            done.then_some(())
        })
        .await;
    }

    /// Posts a shipment and its tracking numbers.
    async fn post(&self, update: &str, shipment: &Value) {
        let reference = shipment["reference"].as_str().unwrap();
        let order = self.order_of(reference).await;
        let (origin, units) = (order["origin"].as_str().unwrap(), order["lines"].as_array().unwrap());
        let mut lines = std::collections::BTreeMap::<i64, rust_decimal::Decimal>::new();
        let mut dimensions = Vec::new();
        for content in contents(shipment) {
            let line = content["line"].as_str().unwrap().parse().unwrap();
            let quantity: rust_decimal::Decimal = content["quantity"].as_str().unwrap().parse().unwrap();
            *lines.entry(line).or_default() += quantity;
            if content["lot"] != "" || content["serial"] != "" {
                let quantity: Value = serde_json::from_str(&quantity.to_string()).unwrap();
                dimensions.push(json!({"OrderLineNumber": line, "ItemBatchNumber": content["lot"],
                    "ItemSerialNumber": content["serial"], "ShippedQuantity": quantity}));
            }
        }
        let unit = |line: i64| {
            units.iter().find(|unit| unit["line"] == line.to_string().as_str()).unwrap()["unit"].as_str().unwrap()
        };
        let number = |quantity: rust_decimal::Decimal| serde_json::from_str(&quantity.to_string()).unwrap();
        let lines: Vec<_> = lines.into_iter().map(|(line, quantity)| (line, number(quantity), unit(line))).collect();
        self.dynamics.post_update(update, origin, &lines, &dimensions).await;
        for package in shipment["packages"].as_array().unwrap() {
            self.track(update, &package["tracking_number"]).await;
        }
    }

    async fn track(&self, slip: &str, number: &Value) {
        let row = json!({"PackingSlipNumber": slip, "TrackingNumber": number});
        self.dynamics.post("SalesPackingSlipTrackingInformations", row).await;
    }

    async fn order_of(&self, reference: &str) -> Value {
        let orders = self.orders().await;
        let named = |order: &&Value| reference.starts_with(&format!("usmf-{}-", order["id"].as_str().unwrap()));
        orders.iter().find(named).unwrap().clone()
    }

    /// The verdict when nothing moves any more.
    async fn judged(&self, excused: &[&str]) -> Verdict {
        until("nothing moves any more", async || {
            let evidence = Evidence {
                finance_operations: FarEnd::fetch(&self.dynamics.sandbox.url()).await.unwrap(),
                warehouse: FarEnd::fetch(&self.house.sandbox.url()).await.unwrap(),
                excused: excused.iter().map(|id| (*id).to_owned()).collect::<BTreeSet<_>>(),
            };
            Some(verdict(&evidence).unwrap()).filter(|verdict| verdict.moving == 0)
        })
        .await
    }
}

fn contents(shipment: &Value) -> Vec<Value> {
    let packages = shipment["packages"].as_array().unwrap();
    packages.iter().flat_map(|package| package["contents"].as_array().unwrap().clone()).collect()
}

fn laws(verdict: &Verdict) -> (u64, u64, u64) {
    (verdict.lost, verdict.duplicated, verdict.out_of_order)
}

async fn all_sent(world: &World, count: u64) {
    world.dynamics.release(json!({"count": count, "seed": 9})).await;
    for order in world.orders().await {
        world.send(&order, "W1").await;
    }
    world.shipped(count).await;
}

#[tokio::test]
async fn a_clean_run_is_clean_down_to_lots_and_serials() {
    let world = World::start(Uniqueness::AnswersExisting, quick_warehouse()).await;
    all_sent(&world, 12).await;
    for shipment in world.shipments().await {
        world.post(shipment["key"].as_str().unwrap(), &shipment).await;
    }
    let verdict = world.judged(&[]).await;
    assert_eq!(laws(&verdict), (0, 0, 0), "{:#?}", verdict.findings);
    assert_eq!((verdict.orders, verdict.shipped, verdict.posted), (12, 12, 12));
    assert!(verdict.packages >= 12);
    assert_eq!(verdict.tracked, verdict.packages);
    assert!(verdict.findings.is_empty());
}

#[tokio::test]
async fn losses_on_both_sides_are_found_and_can_be_excused() {
    let world =
        World::start(Uniqueness::AnswersExisting, WarehouseRules { late_tracking_share: 1.0, ..quick_warehouse() })
            .await;
    world.dynamics.release(json!({"count": 3, "seed": 9})).await;
    let orders = world.orders().await;
    world.send(&orders[0], "W1").await;
    world.send(&orders[1], "W1").await;
    world.shipped(2).await;
    let shipments = world.shipments().await;
    let of_first = |shipment: &&Value| shipment["reference"] == "usmf-SHP0000001-W1";
    for shipment in shipments.iter().filter(of_first) {
        world.post(shipment["key"].as_str().unwrap(), shipment).await;
    }
    let second: Vec<_> = shipments.iter().filter(|shipment| !of_first(shipment)).collect();
    let packages: usize = second.iter().map(|shipment| shipment["packages"].as_array().unwrap().len()).sum();
    let verdict = world.judged(&[]).await;
    // The third order was never sent; the second one's shipments and tracking numbers were taken and never posted.
    assert_eq!(verdict.lost, (1 + second.len() + packages) as u64, "{:#?}", verdict.findings);
    assert_eq!((verdict.shipped, verdict.posted), (2, 1));
    assert_eq!(world.judged(&["SHP0000002", "SHP0000003"]).await.lost, 0);
}

#[tokio::test]
async fn a_change_and_a_cancellation_that_did_not_arrive_are_losses() {
    let rules = WarehouseRules { accept_ms: 20, pick_ms: 3_600_000, ..quick_warehouse() };
    let world = World::start(Uniqueness::AnswersExisting, rules).await;
    world.dynamics.release(json!({"count": 2, "seed": 9})).await;
    for order in world.orders().await {
        world.send(&order, "W1").await;
    }
    for (id, what) in [("SHP0000001", "change"), ("SHP0000002", "cancel")] {
        let url = format!("{}/sandbox/orders/{id}/{what}", world.dynamics.sandbox.url());
        assert_eq!(world.dynamics.client.post(url).send().await.unwrap().status(), 200);
    }
    let judge = async || {
        let evidence = Evidence {
            finance_operations: FarEnd::fetch(&world.dynamics.sandbox.url()).await.unwrap(),
            warehouse: FarEnd::fetch(&world.house.sandbox.url()).await.unwrap(),
            excused: BTreeSet::new(),
        };
        verdict(&evidence).unwrap()
    };
    let verdict = until("both are told", async || Some(judge().await).filter(|verdict| verdict.lost == 2)).await;
    assert!(verdict.findings[0].contains("other lines") && verdict.findings[1].contains("cancelled"), "{verdict:#?}");
    let held = world.house.found("usmf-SHP0000002-W1").await;
    assert_eq!(world.house.cancel(held[0]["id"].as_str().unwrap()).await["outcome"]["code"], "CONFIRMED");
    assert_eq!(judge().await.lost, 1);
}

#[tokio::test]
async fn a_second_create_is_a_double_in_every_mode() {
    for uniqueness in [Uniqueness::None, Uniqueness::AnswersExisting, Uniqueness::UpdatesInPlace] {
        let rules = WarehouseRules { accept_ms: 500, ..quick_warehouse() };
        let world = World::start(uniqueness, rules).await;
        world.dynamics.release(json!({"count": 2, "seed": 9})).await;
        let orders = world.orders().await;
        world.send(&orders[0], "W1").await;
        world.send(&orders[0], "W1").await;
        world.send(&orders[1], "W1").await;
        let verdict = world.judged(&["SHP0000001", "SHP0000002"]).await;
        assert_eq!(laws(&verdict), (0, 1, 0), "{uniqueness:?}: {:#?}", verdict.findings);
    }
}

#[tokio::test]
async fn a_second_posting_of_the_same_facts_is_a_double_even_when_it_is_refused() {
    let world =
        World::start(Uniqueness::AnswersExisting, WarehouseRules { split_share: 0.0, ..quick_warehouse() }).await;
    all_sent(&world, 1).await;
    let shipment = world.shipments().await.remove(0);
    world.post("D1", &shipment).await;
    let origin = world.orders().await[0]["origin"].as_str().unwrap().to_owned();
    assert_eq!(world.dynamics.settled("D1", &origin).await.0, "Accepted");
    world.post("D2", &shipment).await;
    let verdict = world.judged(&[]).await;
    assert_eq!((verdict.posted, laws(&verdict)), (1, (0, 1, 0)), "{:#?}", verdict.findings);
}

#[tokio::test]
async fn tracking_written_twice_is_a_double() {
    let world =
        World::start(Uniqueness::None, WarehouseRules { packages_share: 0.0, split_share: 0.0, ..quick_warehouse() })
            .await;
    all_sent(&world, 1).await;
    let shipment = world.shipments().await.remove(0);
    world.post("D1", &shipment).await;
    world.track("D1", &shipment["packages"][0]["tracking_number"]).await;
    let verdict = world.judged(&[]).await;
    assert_eq!(laws(&verdict), (0, 1, 0), "{:#?}", verdict.findings);
}

#[tokio::test]
async fn a_later_shipment_posted_first_is_a_misorder() {
    let rules = WarehouseRules { split_share: 1.0, ship_ms: 200, ..quick_warehouse() };
    let world = World::start(Uniqueness::AnswersExisting, rules).await;
    all_sent(&world, 6).await;
    let shipments = world.shipments().await;
    let second = |shipment: &&Value| shipment["key"].as_str().unwrap().ends_with("-2");
    let distinct = |shipment: &Value| {
        // Two halves of the same quantities cannot be told apart, and are not judged.
        let other =
            shipments.iter().find(|other| other["order_id"] == shipment["order_id"] && other["key"] != shipment["key"]);
        other.is_some_and(|other| contents(other) != contents(shipment))
    };
    let planted = shipments.iter().filter(second).filter(|shipment| distinct(shipment)).count();
    assert!(planted > 0);
    for shipment in shipments.iter().filter(second).chain(shipments.iter().filter(|shipment| !second(shipment))) {
        world.post(shipment["key"].as_str().unwrap(), shipment).await;
    }
    let verdict = world.judged(&[]).await;
    assert_eq!((verdict.lost, verdict.duplicated), (0, 0), "{:#?}", verdict.findings);
    assert!(verdict.out_of_order > 0 && verdict.out_of_order <= planted as u64, "{:#?}", verdict.findings);
}

#[tokio::test]
async fn creating_a_revision_before_the_last_was_cancelled_is_a_misorder() {
    let rules = WarehouseRules { accept_ms: 3_600_000, ..quick_warehouse() };
    let world = World::start(Uniqueness::AnswersExisting, rules).await;
    world.dynamics.release(json!({"count": 2, "seed": 9})).await;
    let orders = world.orders().await;
    let first = world.send(&orders[0], "W1").await;
    world.send(&orders[0], "W1R2").await;
    world.house.cancel(first["id"].as_str().unwrap()).await;
    let right = world.send(&orders[1], "W1").await;
    world.house.cancel(right["id"].as_str().unwrap()).await;
    world.send(&orders[1], "W1R2").await;
    let evidence = Evidence {
        finance_operations: FarEnd::fetch(&world.dynamics.sandbox.url()).await.unwrap(),
        warehouse: FarEnd::fetch(&world.house.sandbox.url()).await.unwrap(),
        excused: BTreeSet::new(),
    };
    let verdict = verdict(&evidence).unwrap();
    assert_eq!(verdict.out_of_order, 1, "{:#?}", verdict.findings);
    assert!(verdict.findings.iter().any(|finding| finding.contains("SHP0000001-W1R2")));
    assert_eq!(verdict.duplicated, 0, "one revision is live of each");
}
