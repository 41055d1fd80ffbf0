//! Units and names from door to effect: ordered in cases, counted in eaches, posted in cases; and what cannot be said
//! waits until somebody says it.

use drayline::sandbox::WarehouseRules;
use serde_json::{Value, json};

use super::world::{Making, World, event_about};
use crate::support::wait::until;
use crate::support::{Backing, Ground, signed};

const REASON: [&str; 2] = ["--reason", "a test"];

async fn map(world: &World, row: &[&str]) -> Value {
    let (done, told) = world.ask(&[&["mapping", "set"], row, &REASON[..]].concat()).await;
    assert!(done, "{told}");
    told
}

/// The rows of the warehouse's ledger state: line, SKU, quantity and unit of its only live order.
async fn held(world: &World) -> Vec<String> {
    let state = world.to_warehouse.state().await.unwrap();
    let lines = state["orders"][0]["lines"].as_array().unwrap().clone();
    let text =
        |line: &Value, member: &str| line[member].as_str().map_or_else(|| line[member].to_string(), str::to_owned);
    lines.iter().map(|line| ["sku", "quantity", "unit"].map(|member| text(line, member)).join(" ")).collect()
}

async fn cases(backing: Backing) {
    let warehouse = WarehouseRules { split_share: 0.0, ..WarehouseRules::default() };
    let mut world = World::set(Ground::fresh(backing).await, Making { warehouse, ..Making::default() }).await;
    map(&world, &["unit", "connection=north", "warehouse=each"]).await;
    map(&world, &["sku", "connection=north", "item=ITEM-77", "warehouse=NORTH-77"]).await;
    world.start_product().await;
    let order = json!([{ "item": "ITEM-77", "quantity": "5", "unit": "Case" }]);
    world.to_dynamics.release_lines(&order).await.unwrap();
    let exceptions = world.until_exceptions(1).await;
    assert_eq!(exceptions[0].code, "mapping.missing");
    let command = "drayline mapping set unit connection=north item=ITEM-77 dynamics=Case warehouse=each factor=N";
    assert!(exceptions[0].sentence.contains(command), "{}", exceptions[0].sentence);
    assert_eq!(world.to_warehouse.state().await.unwrap()["orders"], json!([]), "nothing was sent");

    map(&world, &["unit", "connection=north", "item=ITEM-77", "dynamics=case", "warehouse=each", "factor=12"]).await;
    world.until("posted", |dynamics, _| dynamics["posted"] == 1).await;
    world.until_nothing_parked().await;
    assert_eq!(held(&world).await, ["NORTH-77 60 each"]);
    let dynamics = world.to_dynamics.state().await.unwrap();
    let line = &dynamics["postings"][0]["lines"][0];
    assert_eq!((line["shipped"].to_string().trim_matches('"'), &line["unit"]), ("5", &json!("Case")), "{dynamics:#}");
    let reference = "usmf-SHP0000001-W1";
    let (_, shown) = world.ask(&["documents", "show", reference]).await;
    let steps = shown["documents"][0]["steps"].as_array().unwrap();
    let named = steps.iter().filter(|step| step["what"].as_str().unwrap().contains("mapping version 3")).count();
    assert_eq!(named, 2, "on the way out and on the way back: {shown:#}");
    world.leave().await;
}

#[tokio::test]
async fn ordered_in_cases_counted_in_eaches_posted_in_cases_embedded() {
    cases(Backing::Embedded).await;
}

#[tokio::test]
async fn ordered_in_cases_counted_in_eaches_posted_in_cases_on_servers() {
    cases(Backing::Servers).await;
}

/// What lacks a row goes on by itself, once, when somebody says it; what lacks another one is not tried meanwhile.
async fn awaited(backing: Backing) {
    let warehouse = WarehouseRules { split_share: 0.0, ..WarehouseRules::default() };
    let mut world = World::set(Ground::fresh(backing).await, Making { warehouse, ..Making::default() }).await;
    map(&world, &["unit", "connection=north", "warehouse=each"]).await;
    map(&world, &["sku", "connection=north", "item=SHIRT", "variant=red", "warehouse=SHIRT-R"]).await;
    world.start_product().await;
    for (item, unit) in [("SHIRT", "each"), ("ITEM-78", "Case")] {
        world.to_dynamics.release_lines(&json!([{ "item": item, "quantity": "5", "unit": unit }])).await.unwrap();
    }
    let exceptions = world.until_exceptions(2).await;
    let of = |item: &str| exceptions.iter().find(|each| each.sentence.contains(item)).unwrap();
    let (shirt, case) = (of("SHIRT"), of("ITEM-78"));
    for (exception, name) in [(shirt, "mapping/sku/north/SHIRT"), (case, "mapping/unit/north/ITEM-78")] {
        assert!(exception.items.len() == 1 && exception.sentence.contains(&exception.items[0]), "{exception:?}");
        let told = (exception.code.as_str(), exception.status.as_str(), exception.awaits.as_deref());
        assert_eq!(told, ("mapping.missing", "waiting", Some(name)));
    }
    let going_on = "It goes on by itself when the mapping says the sku of SHIRT at north (mapping/sku/north/SHIRT).";
    assert!(shirt.next_step.ends_with(going_on) && !shirt.sentence.contains("replay"), "{shirt:#?}");
    // A follower of the one whose row comes.
    let request = shirt.document.rsplit('-').next().unwrap();
    let mut again = event_about(request);
    again["EventId"] = json!(format!("{{{}}}", uuid::Uuid::new_v4()));
    world.post(&again).await;
    until("it waits behind", async || {
        let (_, shown) = world.ask(&["exceptions", "show", &shirt.id.to_string()]).await;
        (shown["followers"] == 1 && shown["status"] == "waiting").then_some(())
    })
    .await;
    let (_, told) = world.ask(&["exceptions", "list", "--state", "waiting"]).await;
    assert_eq!(told["total"], 2, "{told:#}");

    map(&world, &["sku", "connection=north", "item=SHIRT", "warehouse=SHIRT-0"]).await;
    world.until("posted", |dynamics, _| dynamics["posted"] == 1).await;
    let left = world.until_exceptions(1).await;
    assert_eq!((left[0].id, left[0].status.as_str(), left[0].attempts), (case.id, "waiting", case.attempts));
    assert_eq!(left[0].last_seen, case.last_seen, "nobody tried it");
    world.until_nothing_parked().await;
    assert_eq!(held(&world).await, ["SHIRT-0 5 each"]);
    assert_eq!(world.to_warehouse.state().await.unwrap()["orders"].as_array().unwrap().len(), 1);
    let (_, shown) = world.ask(&["exceptions", "show", &shirt.id.to_string()]).await;
    assert_eq!((&shown["status"], &shown["reopened"]), (&json!("resolved"), &json!(0)), "{shown:#}");

    let table = world.ground.data().join("mapping.csv");
    std::fs::write(&table, "kind,connection,item,dynamics,warehouse,factor\r\nunit,north,ITEM-78,case,each,12\r\n")
        .unwrap();
    let import = ["mapping", "import", table.to_str().unwrap(), "--yes"];
    let (done, told) = world.ask(&[&import, &REASON[..]].concat()).await;
    assert!(done, "{told}");
    world.until_posted(2).await;
    world.until_exceptions(0).await;
    world.leave().await;
}

#[tokio::test]
async fn what_lacks_a_row_goes_on_by_itself_when_it_is_said_embedded() {
    awaited(Backing::Embedded).await;
}

#[tokio::test]
async fn what_lacks_a_row_goes_on_by_itself_when_it_is_said_on_servers() {
    awaited(Backing::Servers).await;
}

/// An event of north's own, as its system signs it.
async fn tell(world: &World, kind: &str, data: &Value) {
    let event = json!({ "type": kind, "id": format!("evt-{}", uuid::Uuid::new_v4()), "timestamp": jiff::Timestamp::now(), "data": data });
    let body = serde_json::to_vec(&event).unwrap();
    let (id, stamp, signature) = signed(&WarehouseRules::default().signing_secret, &body);
    let door = format!("http://{}/ingest/warehouse/north", world.app().address("ingest").unwrap());
    let request = reqwest::Client::new().post(door).header("content-type", "application/json").body(body);
    let request = request.header("webhook-id", id).header("webhook-timestamp", stamp);
    let answer = request.header("webhook-signature", signature).send().await.unwrap();
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn five_of_six_is_not_posted_and_says_why() {
    let resting = WarehouseRules { pick_ms: 100_000_000, ..WarehouseRules::default() };
    let making = Making { warehouse: resting, ..Making::default() };
    let mut world = World::set(Ground::fresh(Backing::Embedded).await, making).await;
    map(&world, &["unit", "item=ITEM-77", "dynamics=case", "warehouse=each", "factor=6"]).await;
    world.start_product().await;
    let order = json!([{ "item": "ITEM-77", "quantity": "1", "unit": "case" }]);
    world.to_dynamics.release_lines(&order).await.unwrap();
    world.until("held", |_, warehouse| warehouse["held"] == 1 && warehouse["pending_events"] == 0).await;
    assert_eq!(held(&world).await, ["ITEM-77 6 each"]);
    let ship = |key: &str, quantity: &str| {
        let content = json!({ "line": { "orderLineId": "1" }, "item": { "sku": "ITEM-77" }, "quantity": { "value": quantity, "unit": "each" } });
        let package = json!({ "packageKey": format!("{key}-P1"), "contents": [content] });
        json!({ "shipmentKey": key, "order": { "reference": "usmf-SHP0000001-W1" }, "packages": [package] })
    };
    tell(&world, "shipment_confirmed", &ship("S-5", "5")).await;
    let exceptions = world.until_exceptions(1).await;
    assert_eq!(exceptions[0].code, "mapping.indivisible");
    let why = "5 each of ITEM-77 do not make whole case (6 each to 1 case): 0 case and 5 each are left over";
    assert!(exceptions[0].sentence.contains(why), "{}", exceptions[0].sentence);
    assert_eq!(world.to_dynamics.state().await.unwrap()["postings"], json!([]), "nothing was posted");

    // They had miscounted: the wrong one is discarded, and the right one is posted.
    let id = exceptions[0].id.to_string();
    let (done, told) = world.ask(&["exceptions", "discard", &id, "--reason", "they counted again"]).await;
    assert!(done, "{told}");
    tell(&world, "shipment_confirmed", &ship("S-6", "6")).await;
    world.until("posted", |dynamics, _| dynamics["posted"] == 1).await;
    let dynamics = world.to_dynamics.state().await.unwrap();
    let line = &dynamics["postings"][0]["lines"][0];
    assert_eq!((line["shipped"].to_string().trim_matches('"'), &line["unit"]), ("1", &json!("case")), "{dynamics:#}");
    world.leave().await;
}

async fn commands(backing: Backing) {
    let world = World::set(Ground::fresh(backing).await, Making::default()).await;
    let told = map(&world, &["sku", "item=A", "warehouse=X"]).await;
    assert_eq!((&told["change"], &told["version"]), (&json!("added"), &json!(1)));
    let told = map(&world, &["sku", "item=A", "warehouse=X"]).await;
    assert_eq!((&told["change"], &told["version"]), (&json!("unchanged"), &json!(1)));
    let told = map(&world, &["sku", "item=A", "warehouse=Y", "aliases=X | Z"]).await;
    assert_eq!((&told["change"], &told["version"]), (&json!("changed"), &json!(2)));
    let clash = [&["mapping", "set", "sku", "item=B", "warehouse=Z"], &REASON[..]].concat();
    let (done, told) = world.ask(&clash).await;
    assert!(!done && told["error"].as_str().unwrap().contains("aliases=\"X | Z\""), "{told}");

    let file = world.ground.data().join("mapping.csv");
    let name = file.display().to_string();
    let lines =
        "kind,connection,item,dynamics,warehouse,factor\r\nsku,,B,,B-1,\r\nunit,north,A,case,each,12\r\nsku,,A,,Y,\r\n";
    std::fs::write(&file, lines).unwrap();
    let (done, told) = world.ask(&["mapping", "import", &name]).await;
    assert!(done && told["dry_run"] == true && told["imported"] == false && told["version"] == 2, "{told}");
    assert_eq!((&told["added"], &told["changed"], &told["lines"][1]["line"]), (&json!(2), &json!(1), &json!(3)));
    let (done, told) = world.ask(&[&["mapping", "import", &name, "--yes"], &REASON[..]].concat()).await;
    assert!(done && told["imported"] == true && told["version"] == 3, "{told}");
    let (done, told) = world.ask(&[&["mapping", "import", &name, "--yes"], &REASON[..]].concat()).await;
    assert!(done && told["imported"] == false && told["version"] == 3 && told["unchanged"] == 3, "{told}");

    std::fs::write(&file, format!("{lines}sku,,C,,,\r\nunit,,C,case,each,0\r\n")).unwrap();
    let (done, told) = world.ask(&[&["mapping", "import", &name, "--yes"], &REASON[..]].concat()).await;
    let places = told["problems"].as_array().unwrap().iter().map(|each| format!("{} {}", each["line"], each["column"]));
    assert_eq!(places.collect::<Vec<_>>(), ["5 \"warehouse\"", "6 \"factor\""], "{told}");
    assert!(!done && told["version"] == 3, "all or none: {told}");

    let output = world.program(&["mapping", "export"]).output().unwrap();
    std::fs::write(&file, &output.stdout).unwrap();
    let (_, told) = world.ask(&["mapping", "import", &name, "--replace"]).await;
    assert_eq!((&told["unchanged"], &told["removed"], &told["added"]), (&json!(3), &json!(0), &json!(0)), "{told}");

    let remove = [&["mapping", "set", "sku", "item=B", "warehouse=B-1", "--remove"], &REASON[..]].concat();
    let (done, told) = world.ask(&remove).await;
    assert!(done && told["change"] == "removed" && told["version"] == 4, "{told}");
    let (done, told) = world.ask(&remove).await;
    assert!(!done, "{told}");
    let (_, listed) = world.ask(&["mapping", "list", "--kind", "sku"]).await;
    assert_eq!(listed, json!({ "version": 4, "rows": [{ "kind": "sku", "item": "A", "warehouse": "Y" }] }));
    let (_, listed) = world.ask(&["mapping", "list", "--at", "1"]).await;
    assert_eq!(listed["rows"], json!([{ "kind": "sku", "item": "A", "warehouse": "X" }]));
    let (_, listed) = world.ask(&["mapping", "list", "--history"]).await;
    let versions = listed["versions"].as_array().unwrap();
    assert_eq!((versions.len(), &versions[0]["rows_ended"], &versions[0]["reason"]), (4, &json!(1), &json!("a test")));
    world.leave().await;
}

#[tokio::test]
async fn rows_are_set_imported_listed_and_ended_embedded() {
    commands(Backing::Embedded).await;
}

#[tokio::test]
async fn rows_are_set_imported_listed_and_ended_on_servers() {
    commands(Backing::Servers).await;
}

#[tokio::test]
async fn what_is_no_row_is_said() {
    let world = World::set(Ground::fresh(Backing::Embedded).await, Making::default()).await;
    for (row, says) in [
        (vec!["skew", "item=A"], "there are sku, kit, unit"),
        (vec!["sku", "item"], "column=cell"),
        (vec!["sku", "item=A"], "warehouse: is required"),
        (vec!["sku", "item=A", "item=B", "warehouse=X"], "named twice"),
        (vec!["unit", "dynamics=case", "warehouse=each", "factor=half"], "12, 0.5 or 1/12"),
    ] {
        let (done, said) = world.ask(&[&["mapping", "set"], &row[..], &REASON[..]].concat()).await;
        assert!(!done && said["error"].as_str().unwrap().contains(says), "{row:?}: {said}");
    }
    let (done, _) = world.ask(&[&["mapping", "set", "sku", "item=A", "warehouse=X"], &REASON[..]].concat()).await;
    assert!(done);
    let (done, said) = world.ask(&["mapping", "list", "--at", "9"]).await;
    assert!(!done && said["error"].as_str().unwrap().contains("the newest is 1"), "{said}");
    world.leave().await;
}
