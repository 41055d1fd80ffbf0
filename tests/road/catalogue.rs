//! What Dynamics says of its items, from its entities to the report of what does not map, and to orders that it keeps or
//! converts.

use drayline::sandbox::{Faults, FinanceOperationsRules, WarehouseRules};
use serde_json::{Value, json};

use super::world::{Making, World};
use crate::support::wait::until;
use crate::support::{Backing, Ground};

async fn map(world: &World, row: &[&str]) {
    let (done, told) = world.ask(&[&["mapping", "set"], row, &["--reason", "a test"]].concat()).await;
    assert!(done, "{told}");
}

async fn put(world: &World, entity: &str, rows: &Value) {
    world.to_dynamics.catalogue(&json!({ "entity": entity, "rows": rows })).await.unwrap();
}

/// The places of what is wrong.
fn places(told: &Value) -> Vec<String> {
    let findings = told["findings"].as_array().unwrap_or_else(|| panic!("{told}"));
    findings.iter().map(|finding| finding["place"].as_str().unwrap().to_owned()).collect()
}

async fn checked(backing: Backing) {
    let dynamics = FinanceOperationsRules { page_rows: 60, ..FinanceOperationsRules::default() };
    let world = World::set(Ground::fresh(backing).await, Making { dynamics, ..Making::default() }).await;
    let (well, told) = world.ask(&["mapping", "check", "--last"]).await;
    assert!(!well && told["error"].as_str().unwrap().contains("was never scanned for usmf"), "{told}");
    let (well, told) = world.ask(&["mapping", "check"]).await;
    assert!(well && told["findings"] == json!([]) && told["version"] == 1, "{told}");
    assert_eq!((&told["scans"][0]["items"], &told["scans"][0]["lacks"]), (&json!(200), &json!([])), "in pages: {told}");

    let items = json!([
        { "ItemNumber": "BOX-1", "ProductNumber": "P-1", "SalesUnitSymbol": "box" },
        { "ItemNumber": "SHIRT" },
        { "ItemNumber": "ODD-1", "TrackingDimensionGroupName": "Odd" },
    ]);
    put(&world, "ReleasedProductsV2", &items).await;
    let variants =
        json!([{ "ItemNumber": "SHIRT", "ProductSizeId": "M" }, { "ItemNumber": "SHIRT", "ProductSizeId": "L" }]);
    put(&world, "ReleasedProductVariantsV2", &variants).await;
    map(&world, &["sku", "connection=north", "item=ITEM-9", "warehouse=4711"]).await;
    let (well, told) = world.ask(&["mapping", "check", "--connection", "north"]).await;
    let wrong = ["BOX-1", "ODD-1", "SHIRT", "ITEM-9"].map(|item| format!("contoso usmf north item {item}"));
    assert!(!well && places(&told) == wrong, "{told:#}");
    let (well, last) = world.ask(&["mapping", "check", "--last"]).await;
    assert!(!well && places(&last) == wrong && last["version"] == told["version"], "{last:#}");
    let output = world.program(&["mapping", "check", "--last"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1));
    let line = text.lines().find(|line| line.contains("item SHIRT")).unwrap();
    let says = ["comes in 2 variants (L, M)", "drayline mapping set sku connection=north item=SHIRT variant=L"];
    assert!(says.iter().all(|says| line.contains(says)), "{line}");

    let conversion = json!([{ "ProductNumber": "P-1", "FromUnitSymbol": "Box", "ToUnitSymbol": "ea", "Factor": 6 }]);
    put(&world, "ProductSpecificUnitOfMeasureConversions", &conversion).await;
    // Of one variant alone it is told; then of all of the product.
    put(
        &world,
        "ReleasedProductsV2",
        &json!([{ "ItemNumber": "SHIRT", "ProductNumber": "P-2", "SalesUnitSymbol": "box" }]),
    )
    .await;
    let large = json!([{ "ProductNumber": "P-2", "ProductSizeId": "L", "FromUnitSymbol": "box", "ToUnitSymbol": "ea", "Factor": 5 }]);
    put(&world, "ProductVariantUnitOfMeasureConversions", &large).await;
    let (_, told) = world.ask(&["mapping", "check"]).await;
    let problem = "sold or bought in box and kept in ea, and Dynamics has no conversion of its variants M";
    assert!(told.to_string().contains(problem), "{told:#}");
    let conversion = json!([{ "ProductNumber": "P-2", "FromUnitSymbol": "box", "ToUnitSymbol": "ea", "Factor": 6 }]);
    put(&world, "ProductSpecificUnitOfMeasureConversions", &conversion).await;
    let gone = json!({ "entity": "ReleasedProductsV2", "gone": [{ "ItemNumber": "ODD-1" }] });
    world.to_dynamics.catalogue(&gone).await.unwrap();
    put(&world, "ReleasedProductsV2", &json!([{ "ItemNumber": "ITEM-9" }])).await;
    map(&world, &["sku", "connection=north", "item=SHIRT", "variant=M", "warehouse=SHIRT-M"]).await;
    map(&world, &["sku", "connection=north", "item=SHIRT", "variant=L", "warehouse=SHIRT-L"]).await;
    let (well, told) = world.ask(&["mapping", "check"]).await;
    assert!(well && places(&told).is_empty(), "{told:#}");
    let (well, told) = world.ask(&["mapping", "check", "--connection", "south"]).await;
    assert!(!well && told["error"].as_str().unwrap().contains("there are north"), "{told}");
    world.leave().await;
}

#[tokio::test]
async fn what_does_not_map_is_told_before_the_first_order_embedded() {
    checked(Backing::Embedded).await;
}

#[tokio::test]
async fn what_does_not_map_is_told_before_the_first_order_on_servers() {
    checked(Backing::Servers).await;
}

#[tokio::test]
async fn a_busy_environment_is_scanned_all_the_same() {
    let dynamics = FinanceOperationsRules { page_rows: 20, ..FinanceOperationsRules::default() };
    let faults = Faults { refuse_429: 0.3, ..Faults::default() };
    let making = Making { faults, dynamics, ..Making::default() };
    let world = World::set(Ground::fresh(Backing::Embedded).await, making).await;
    let (well, told) = world.ask(&["mapping", "check"]).await;
    assert!(well && told["scans"][0]["items"] == 200, "{told}");
    world.leave().await;
}

#[tokio::test]
async fn what_a_version_does_not_have_is_told_and_what_it_calls_otherwise_is_configured() {
    let names = "catalogue.names = { UnitsOfMeasure = \"Unknowns\", TrackingDimensionGroups = \"\" }\n\
                 catalogue.tracking_groups = { lots = \"lots\", none = \"nothing\" }\n";
    let making = Making { dynamics_toml: names.to_owned(), ..Making::default() };
    let world = World::set(Ground::fresh(Backing::Embedded).await, making).await;
    let (well, told) = world.ask(&["mapping", "check"]).await;
    let findings = told["findings"].as_array().unwrap();
    assert_eq!((well, findings[0]["severity"].as_str()), (false, Some("warning")), "{told:#}");
    assert!(findings[0]["problem"].as_str().unwrap().contains("no entity Unknowns"), "{told:#}");
    let serials = findings.iter().skip(1).all(|finding| finding["place"].as_str().unwrap().contains("item SER-"));
    assert!(serials && findings.len() == 41, "of serials nobody says anything: {told:#}");
    world.leave().await;
}

#[tokio::test]
async fn reasons_without_a_type_are_told_where_dynamics_takes_one() {
    let dynamics_toml = "adjustments.type_field = \"ConAdjustmentType\"\n".to_owned();
    let making = Making { dynamics_toml, ..Making::default() };
    let world = World::set(Ground::fresh(Backing::Embedded).await, making).await;
    let (well, told) = world.ask(&["mapping", "check"]).await;
    let before = places(&told);
    let damaged = "contoso usmf north adjustment reason DAMAGED".to_owned();
    assert!(!well && before.contains(&damaged), "{told:#}");
    map(&world, &["adjustment_reason", "connection=north", "warehouse=DAMAGED", "dynamics=SCRAP"]).await;
    let (_, told) = world.ask(&["mapping", "check", "--last"]).await;
    assert_eq!(places(&told), before.into_iter().filter(|place| *place != damaged).collect::<Vec<_>>());
    world.leave().await;
}

#[tokio::test]
async fn services_of_carriers_that_no_row_fits_are_told_where_rows_speak_of_carriers() {
    let world = World::set(Ground::fresh(Backing::Embedded).await, Making::default()).await;
    let services = [("DHL", "EXP"), ("UPS", "AIR"), ("UPS", "GND")];
    let services = services.map(|(carrier, service)| json!({ "ShippingCarrierId": carrier, "ServiceId": service }));
    put(&world, "ShippingCarrierServices", &json!(services)).await;
    let (well, told) = world.ask(&["mapping", "check"]).await;
    assert!(well && places(&told).is_empty(), "all go as they are: {told:#}");
    let ground = ["dynamics=UPS", "dynamics_service=GND", "warehouse=ups", "warehouse_service=ground"];
    map(&world, &[&["carrier", "connection=north"], &ground[..]].concat()).await;
    let (well, told) = world.ask(&["mapping", "check", "--last"]).await;
    let (air, dhl) = ("contoso usmf north carrier UPS AIR", "contoso usmf north carrier DHL");
    assert_eq!((well, places(&told)), (false, vec![dhl.to_owned(), air.to_owned()]), "{told:#}");
    map(&world, &["carrier", "connection=north", "dynamics=UPS", "warehouse=ups"]).await;
    let (well, told) = world.ask(&["mapping", "check", "--last"]).await;
    assert_eq!((well, places(&told)), (true, vec![dhl.to_owned()]), "a warning stops nobody: {told:#}");
    assert_eq!(told["findings"][0]["severity"], "warning");
    world.leave().await;
}

#[tokio::test]
async fn what_was_scanned_by_itself_converts_orders() {
    let warehouse = WarehouseRules { split_share: 0.0, ..WarehouseRules::default() };
    let making = Making { warehouse, scan_hours: 24, ..Making::default() };
    let mut world = World::set(Ground::fresh(Backing::Embedded).await, making).await;
    put(&world, "ReleasedProductsV2", &json!([{ "ItemNumber": "ITEM-77", "ProductNumber": "P-77" }])).await;
    let conversion = json!([{ "ProductNumber": "P-77", "FromUnitSymbol": "Case", "ToUnitSymbol": "Ea", "Factor": 12 }]);
    put(&world, "ProductSpecificUnitOfMeasureConversions", &conversion).await;
    world.start_product().await;
    let store = world.store().await;
    until("it is scanned", async || store.catalogue_scans().await.unwrap().first().map(|_| ())).await;
    map(&world, &["unit", "connection=north", "warehouse=ea"]).await;
    // Workers know both within a second; an order that is planned before leaves in cases.
    let version = store.mapping_version().await.unwrap();
    assert_eq!(version, 2, "one of the scan, one of the row");
    world.stop_product().await;
    world.start_product().await;
    world.to_dynamics.release_lines(&json!([{ "item": "ITEM-77", "quantity": "5", "unit": "case" }])).await.unwrap();
    world.until("posted", |dynamics, _| dynamics["posted"] == 1).await;
    world.until_nothing_parked().await;
    let line = &world.to_warehouse.state().await.unwrap()["orders"][0]["lines"][0];
    assert_eq!((line["quantity"].to_string().trim_matches('"'), &line["unit"]), ("60", &json!("ea")), "{line}");
    let line = &world.to_dynamics.state().await.unwrap()["postings"][0]["lines"][0];
    assert_eq!((line["shipped"].to_string().trim_matches('"'), &line["unit"]), ("5", &json!("case")), "{line}");
    world.leave().await;
}

#[tokio::test]
async fn what_lacks_a_conversion_goes_on_by_itself_when_a_scan_finds_it() {
    let warehouse = WarehouseRules { split_share: 0.0, ..WarehouseRules::default() };
    let mut world = World::set(Ground::fresh(Backing::Embedded).await, Making { warehouse, ..Making::default() }).await;
    put(&world, "ReleasedProductsV2", &json!([{ "ItemNumber": "ITEM-88", "ProductNumber": "P-88" }])).await;
    map(&world, &["unit", "connection=north", "warehouse=ea"]).await;
    world.start_product().await;
    world.to_dynamics.release_lines(&json!([{ "item": "ITEM-88", "quantity": "5", "unit": "case" }])).await.unwrap();
    let exceptions = world.until_exceptions(1).await;
    let told = (exceptions[0].code.as_str(), exceptions[0].awaits.as_deref());
    assert_eq!(told, ("mapping.missing", Some("mapping/unit/north/ITEM-88")));
    let conversion = json!([{ "ProductNumber": "P-88", "FromUnitSymbol": "Case", "ToUnitSymbol": "Ea", "Factor": 12 }]);
    put(&world, "ProductSpecificUnitOfMeasureConversions", &conversion).await;
    world.ask(&["mapping", "check"]).await;
    world.until_posted(1).await;
    world.until_exceptions(0).await;
    let line = &world.to_warehouse.state().await.unwrap()["orders"][0]["lines"][0];
    assert_eq!((line["quantity"].to_string().trim_matches('"'), &line["unit"]), ("60", &json!("ea")), "{line}");
    world.leave().await;
}

/// An order that lacks a lot is an exception of this code, in these words, and nothing of it is sent until Dynamics names one.
async fn stays_until_its_lot_is_named(warehouse_toml: &str, code: &str, says: &str) {
    let dynamics = FinanceOperationsRules { demanded_share: 0.0, ..FinanceOperationsRules::default() };
    let making = Making { dynamics, warehouse_toml: warehouse_toml.to_owned(), ..Making::default() };
    let mut world = World::set(Ground::fresh(Backing::Embedded).await, making).await;
    let (well, told) = world.ask(&["mapping", "check"]).await;
    assert!(well, "{told}");
    world.start_product().await;
    let line = json!([{ "item": "LOT-1001", "quantity": "2", "unit": "ea" }]);
    world.to_dynamics.release_lines(&line).await.unwrap();
    let exceptions = world.until_exceptions(1).await;
    assert_eq!(exceptions[0].code, code);
    let says = format!("The order usmf-SHP0000001-W1 is not sent to north: {says}");
    assert!(exceptions[0].sentence.contains(&says), "{}", exceptions[0].sentence);
    assert_eq!(world.to_warehouse.state().await.unwrap()["orders"], json!([]), "nothing was sent");
    let lot = json!({ "lines": [{ "line": 1, "lot": "LOT-1001-B1" }] });
    world.to_dynamics.order("SHP0000001", "change", &lot).await.unwrap();
    world.until_posted(1).await;
    world.until_exceptions(0).await;
    world.finish().await;
}

#[tokio::test]
async fn an_order_without_its_lot_stays_until_dynamics_names_one() {
    let says = "line 1 (LOT-1001) names no lot";
    stays_until_its_lot_is_named("lots = \"order\"\n", "order.tracking_missing", says).await;
}

#[tokio::test]
async fn an_order_that_the_warehouse_would_not_take_stays_and_names_the_limit() {
    let says = "lines.lot of line 1 is missing";
    stays_until_its_lot_is_named("limits.orders.required = [\"lines.lot\"]\n", "order.outside_limits", says).await;
}
