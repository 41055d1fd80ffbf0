//! One sales order that ships from two warehouses: each part is a document of its own, and both reach the sales order.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use drayline::sandbox::{Evidence, FarEnd, Premises, Running, Verdict, Visitor, Warehouse, WarehouseRules, verdict};
use serde_json::{Value, json};

use super::world::{Making, World};
use crate::support::wait::until;
use crate::support::{Backing, Ground};

const SALES_ORDER: &str = "SO-777";

/// A second warehouse, of the same system as the first: its numbers of orders, shipments and parcels are the same, too.
struct South {
    house: Running,
    visitor: Visitor,
}

/// Nothing leaves by itself.
fn resting() -> WarehouseRules {
    WarehouseRules { pick_ms: 600_000, ..WarehouseRules::default() }
}

async fn two_warehouses(backing: Backing) -> (World, South) {
    let ground = Ground::fresh(backing).await;
    let own = Premises::warehouse(ground.data().join("south"));
    let premises = Premises { listen: SocketAddr::from(([127, 0, 0, 1], 0)), seed: 7, ..own };
    let house = Warehouse::start(premises, resting()).await.unwrap();
    let file = |name: &str| ground.data().join(name).display().to_string();
    let warehouse_toml = format!(
        "[warehouses.south]\nconnector = \"standard\"\nurl = {:?}\ntoken = \"file:{}\"\nsecrets = [\"file:{}\"]\n\
         dynamics = \"contoso\"\nlocations = {{ \"25\" = \"SOUTH-1\" }}\n",
        house.url(),
        file("token"),
        file("signing"),
    );
    let making = Making { warehouse: resting(), warehouse_toml, ..Making::default() };
    let mut world = World::set(ground, making).await;
    world.start_product().await;
    let door = world.app().address("ingest").unwrap();
    house.deliver_to(format!("http://{door}/ingest/warehouse/south"));
    let visitor = Visitor::of(&house.url()).unwrap();
    (world, South { house, visitor })
}

/// Dynamics releases what one warehouse shall ship of the sales order; answers the document.
async fn release_part(world: &World, warehouse: &str, item: &str, quantity: &str) -> String {
    let lines = [json!({ "item": item, "quantity": quantity, "unit": "ea" })];
    let how = json!({ "warehouse": warehouse, "fields": { "ConsigneeReference": SALES_ORDER }, "lines": lines });
    world.to_dynamics.release_as(&how).await.unwrap()["released"][0].as_str().unwrap().to_owned()
}

/// Waits until a warehouse holds an order of this reference.
async fn until_held(warehouse: &Visitor, reference: &str) -> Value {
    until(&format!("{reference} is held"), async || {
        let state = warehouse.state().await.unwrap();
        state["orders"].as_array().unwrap().iter().find(|order| order["reference"] == reference).cloned()
    })
    .await
}

/// Waits until the documents of the sales order are in these states, by their requests.
async fn until_shown(world: &World, wanted: &[(&String, &str)]) -> Value {
    let mut wanted: Vec<_> = wanted.iter().map(|(request, state)| (request.as_str(), *state)).collect();
    wanted.sort_unstable();
    until(&format!("{wanted:?}"), async || {
        let (_, shown) = world.ask(&["documents", "show", SALES_ORDER]).await;
        let of = |document: &Value| (text(&document["keys"]["request"]), text(&document["state"]));
        let mut there: Vec<_> = shown["documents"].as_array().unwrap().iter().map(of).collect();
        there.sort_unstable();
        let same = there.iter().map(|(request, state)| (request.as_str(), state.as_str())).eq(wanted.iter().copied());
        same.then_some(shown)
    })
    .await
}

fn text(value: &Value) -> String {
    match value {
        Value::Array(several) => several.iter().map(text).collect::<Vec<_>>().join(" "),
        one => one.as_str().unwrap_or_default().to_owned(),
    }
}

/// Line and quantity of what Dynamics processed of a document.
fn processed(state: &Value, request: &str) -> Vec<(String, String)> {
    let postings = state["postings"].as_array().unwrap().iter();
    let accepted = postings.filter(|posting| posting["order"] == request && posting["state"] == "Accepted");
    let lines = accepted.flat_map(|posting| posting["lines"].as_array().unwrap().clone());
    lines.map(|line| (text(&line["line"]), text(&line["shipped"]))).collect()
}

/// Whether the laws held between Dynamics and one of the warehouses: what another one ships is none of its business.
async fn judged(world: &World, warehouse: &Running, code: &str) -> Verdict {
    let mut dynamics = FarEnd::fetch(&world.dynamics.url()).await.unwrap();
    let orders = dynamics.state["orders"].as_array_mut().unwrap();
    orders.retain(|order| order["warehouse"] == code);
    let warehouse = FarEnd::fetch(&warehouse.url()).await.unwrap();
    verdict(&Evidence { finance_operations: dynamics, warehouse, excused: BTreeSet::new() }).unwrap()
}

async fn each_part_reaches_its_sales_order(backing: Backing) {
    let (world, south) = two_warehouses(backing).await;
    let at_north = release_part(&world, "24", "ITEM-1001", "10").await;
    let at_south = release_part(&world, "25", "ITEM-1002", "4").await;
    let reference = |request: &str| format!("usmf-{request}-W1");
    until_held(&world.to_warehouse, &reference(&at_north)).await;
    let held = until_held(&south.visitor, &reference(&at_south)).await;
    assert_eq!((&held["facility"], &held["lines"][0]["sku"]), (&json!("SOUTH-1"), &json!("ITEM-1002")));
    let taken_back = release_part(&world, "25", "ITEM-1003", "2").await;
    until_held(&south.visitor, &reference(&taken_back)).await;
    until_shown(&world, &[(&at_north, "accepted"), (&at_south, "accepted"), (&taken_back, "accepted")]).await;

    // One part is cancelled, one is shipped whole: the part of the other warehouse is none the wiser.
    world.to_dynamics.order(&taken_back, "cancel", &json!({})).await.unwrap();
    south.visitor.ship(&reference(&at_south), &json!({})).await.unwrap();
    until_shown(&world, &[(&at_north, "accepted"), (&at_south, "posted"), (&taken_back, "cancelled")]).await;
    let state = world.to_dynamics.state().await.unwrap();
    assert_eq!(processed(&state, &at_south), [("1".to_owned(), "4".to_owned())]);
    assert_eq!(processed(&state, &at_north), []);

    // The other comes short, and nothing more of it will come.
    let some = json!({ "lines": [{ "line": "1", "quantity": "6" }] });
    world.to_warehouse.ship(&reference(&at_north), &some).await.unwrap();
    let shown = until_shown(&world, &[(&at_north, "posted"), (&at_south, "posted"), (&taken_back, "cancelled")]).await;
    let said = shown.to_string();
    assert!(said.contains("Will not ship 4 of ITEM-1001 (OUT_OF_STOCK)."), "{said}");
    world.until_nothing_parked().await;
    until("both parcels can be followed", async || {
        (world.to_dynamics.progress().await.unwrap()["tracking"] == 2).then_some(())
    })
    .await;

    let state = world.to_dynamics.state().await.unwrap();
    assert_eq!(processed(&state, &at_north), [("1".to_owned(), "6".to_owned())]);
    assert_eq!(processed(&state, &taken_back), []);
    let tracked: Vec<_> = state["tracking"].as_array().unwrap().iter().map(|row| &row["fields"]).collect();
    assert!(tracked.iter().all(|row| row["SalesOrderNumber"] == SALES_ORDER), "{tracked:?}");
    // Both warehouses number alike; whose shipment it is tells them apart.
    assert_eq!(tracked[0]["TrackingNumber"], tracked[1]["TrackingNumber"]);
    assert_ne!(tracked[0]["PackingSlipNumber"], tracked[1]["PackingSlipNumber"]);
    let (_, listed) = world.ask(&["documents", "list", "--state", "posted", "--warehouse", "south"]).await;
    assert_eq!(listed["documents"].as_array().unwrap().len(), 1, "{listed}");
    assert_eq!(listed["documents"][0]["number"], SALES_ORDER);
    assert_eq!(world.exceptions(true).await.0, 0, "{:#?}", world.exceptions(true).await);
    for (warehouse, code, orders, posted) in [(&world.warehouse, "24", 1, 0), (&south.house, "25", 2, 1)] {
        let verdict = judged(&world, warehouse, code).await;
        let laws = (verdict.lost, verdict.duplicated, verdict.out_of_order, verdict.findings.as_slice());
        assert_eq!(laws, (0, 0, 0, [].as_slice()), "{code}");
        assert_eq!((verdict.orders, verdict.posted), (orders, posted), "{code}");
    }
    world.leave().await;
}

#[tokio::test]
async fn a_sales_order_that_ships_from_two_warehouses_is_posted_part_by_part_embedded() {
    each_part_reaches_its_sales_order(Backing::Embedded).await;
}

#[tokio::test]
async fn a_sales_order_that_ships_from_two_warehouses_is_posted_part_by_part_on_servers() {
    each_part_reaches_its_sales_order(Backing::Servers).await;
}
