//! Orders in the warehouse's words, and shipments read in Dynamics': items, units, carriers, kits.

use drayline::flows::{Call, CreatedOrder, Decision, Ledger, Look, plan};
use drayline::gateways::{ReleasedLine, ReleasedOrder, RequestVerdict, UpdateLine};
use drayline::mapping::Mapping;
use drayline::message::{Envelope, Kind, Unit};
use serde_json::{Value, json};

use super::scene::{
    call, decimal, done, failed, from_dynamics, from_north, happened, line, order_look, reference, released,
    shipment_look,
};
use crate::mapping::mapping;

const CASES: &str = "unit; item:BOLT; dynamics:case; warehouse:EACH; factor:6";
const CALLED: &str = "sku; connection:north; item:BOLT; warehouse:4711; aliases:OLD-4711";

fn cases(line_id: &str, item: &str, quantity: &str) -> ReleasedLine {
    ReleasedLine { unit: Unit::new("Case").unwrap(), ..line(line_id, item, quantity) }
}

fn wanting(lines: Vec<ReleasedLine>) -> ReleasedOrder {
    let text = |text: &str| Some(text.to_owned());
    ReleasedOrder { lines, carrier: text("UPS"), service: text("GND"), ..released() }
}

fn order(released: &ReleasedOrder, mapping: &Mapping, ledger: &Ledger) -> Decision {
    let look = Look::Order(order_look(Some(released.clone())));
    plan(&from_dynamics(Kind::OrderReleased), &look, mapping, ledger)
}

/// A ledger in which the order was created.
fn created(released: &ReleasedOrder, mapping: &Mapping) -> Ledger {
    let mut ledger = Ledger::default();
    ledger.add(happened(call(&order(released, mapping, &ledger)), &json!({ "order_id": "N-1" })));
    ledger
}

fn content(line: &str, sku: &str, quantity: &Value) -> Value {
    let line = if line.is_empty() { json!({}) } else { json!({ "orderLineId": line }) };
    json!({ "line": line, "item": { "sku": sku }, "quantity": quantity })
}

fn each(line: &str, sku: &str, quantity: &str) -> Value {
    content(line, sku, &json!({ "value": quantity, "unit": "each" }))
}

fn shipment(packages: &[Vec<Value>]) -> Envelope {
    let packages: Vec<_> = packages
        .iter()
        .enumerate()
        .map(|(number, contents)| json!({ "packageKey": format!("P{number}"), "contents": contents }))
        .collect();
    from_north(Kind::ShipmentConfirmed, &reference(1), json!({ "shipmentKey": "S1", "packages": packages }))
}

fn ship(mapping: &Mapping, ledger: &Ledger, packages: &[Vec<Value>]) -> Decision {
    plan(&shipment(packages), &Look::Shipment(shipment_look()), mapping, ledger)
}

fn posted(decision: &Decision) -> Vec<(&str, String, String)> {
    let Call::PostShipment(update) = &call(decision).call else { panic!("{decision:?}") };
    let words = |line: &UpdateLine| format!("{} {}", line.moved.normalize(), line.unit);
    update
        .lines
        .iter()
        .map(|line| (line.line_id.as_str(), words(line), line.remaining.normalize().to_string()))
        .collect()
}

fn sentence(decision: &Decision) -> &str {
    match decision {
        Decision::Fail(failure) => &failure.sentence,
        other => panic!("no failure: {other:?}"),
    }
}

#[test]
fn a_rejection_is_told_to_dynamics_by_its_own_code() {
    let mapping = mapping(&["rejection_reason; connection:north; warehouse:UNKNOWN_SKU; dynamics:NOSTOCK"]);
    let order = wanting(vec![line("1", "BOLT", "12")]);
    let message = from_north(Kind::OrderRejected, &reference(1), json!({ "reason": "UNKNOWN_SKU" }));
    let look = Look::Order(order_look(Some(order.clone())));
    let decision = plan(&message, &look, &mapping, &created(&order, &mapping));
    let Call::WriteStatus { verdict, .. } = &call(&decision).call else { panic!("{decision:?}") };
    assert_eq!(*verdict, RequestVerdict::Rejected("NOSTOCK: UNKNOWN_SKU".to_owned()));
}

#[test]
fn an_order_leaves_in_the_warehouses_words() {
    let mapping = mapping(&[
        CASES,
        CALLED,
        "carrier; dynamics:UPS; dynamics_service:GND; warehouse:ups; warehouse_service:ground",
    ]);
    let released = wanting(vec![cases("1", "BOLT", "5"), line("2", "NUT", "4")]);
    let decision = order(&released, &mapping, &Ledger::default());
    let Call::CreateOrder(sent) = &call(&decision).call else { panic!("{decision:?}") };
    let lines: Vec<_> = sent
        .lines
        .iter()
        .map(|line| format!("{} {} {} {}", line.line_id, line.sku, line.quantity, line.unit))
        .collect();
    assert_eq!(lines, ["1 4711 30 EACH", "2 NUT 4 ea"]);
    assert_eq!((sent.carrier.as_deref(), sent.service.as_deref()), (Some("ups"), Some("ground")));
    let facts: CreatedOrder = serde_json::from_value(call(&decision).facts.clone()).unwrap();
    assert_eq!(facts.mapping, Some(7));
    let first = &facts.lines[0];
    assert_eq!((first.sku.as_str(), first.quantity, first.unit.as_str()), ("BOLT", decimal("5"), "Case"), "Dynamics'");
    assert_eq!(facts.lines[1].sent, None, "what is said alike is kept once");
    let ledger = created(&released, &mapping);
    let steps = &done(&order(&released, &mapping, &ledger)).steps.clone();
    assert!(steps.iter().any(|(_, what)| what.contains("mapping version 7")), "{steps:?}");
}

#[test]
fn without_rows_nothing_is_different() {
    let released = wanting(vec![cases("1", "BOLT", "5")]);
    let decision = order(&released, &Mapping::default(), &Ledger::default());
    let Call::CreateOrder(sent) = &call(&decision).call else { panic!("{decision:?}") };
    let line = &sent.lines[0];
    assert_eq!((line.sku.as_str(), line.quantity, line.unit.as_str()), ("BOLT", decimal("5"), "Case"));
    assert_eq!((sent.carrier.as_deref(), sent.service.as_deref()), (Some("UPS"), Some("GND")));
    let facts = &call(&decision).facts;
    let members = |facts: &Value| -> Vec<String> { facts.as_object().unwrap().keys().cloned().collect() };
    assert!(!members(facts).contains(&"mapping".to_owned()), "{facts}");
    let line = ["line_id", "lot", "over_percent", "quantity", "serial", "sku", "under_percent", "unit"];
    let mut kept = members(&facts["lines"][0]);
    kept.sort();
    assert_eq!(kept, line, "facts are read by other releases");
}

#[test]
fn an_order_that_cannot_be_said_there_is_an_exception_until_a_row_says_it() {
    let released = wanting(vec![cases("1", "BOLT", "5")]);
    let counted = mapping(&["unit; connection:north; warehouse:each"]);
    let decision = order(&released, &counted, &Ledger::default());
    assert_eq!(failed(&decision), "mapping.missing");
    let said = sentence(&decision);
    assert!(
        said.starts_with("The order usmf-SHP0012-W1 is not sent to north: no row says how many each one Case"),
        "{said}"
    );
    assert!(
        said.contains("drayline mapping set unit connection=north item=BOLT dynamics=Case warehouse=each factor=N")
    );
    let mended = mapping(&["unit; connection:north; warehouse:each", CASES]);
    assert!(matches!(order(&released, &mended, &Ledger::default()), Decision::Act(_)));
    let indivisible = mapping(&["unit; item:BOLT; dynamics:case; warehouse:pallet; factor:1/48"]);
    assert_eq!(failed(&order(&released, &indivisible, &Ledger::default())), "mapping.indivisible");
}

#[test]
fn another_version_of_the_mapping_recalls_no_order() {
    let released = wanting(vec![cases("1", "BOLT", "5")]);
    let ledger = created(&released, &mapping(&[CASES, CALLED]));
    for other in [Mapping::default(), mapping(&["unit; item:BOLT; dynamics:case; warehouse:each; factor:10"])] {
        done(&order(&released, &other, &ledger));
    }
}

#[test]
fn what_is_counted_in_eaches_is_posted_in_cases() {
    let mapping = mapping(&[CASES, CALLED]);
    let ledger = created(&wanting(vec![cases("1", "BOLT", "5"), line("2", "NUT", "4")]), &mapping);
    let no_unit = content("1", "4711", &json!({ "value": "30" }));
    for content in
        [each("1", "4711", "30"), each("", "4711", "30"), each("", "OLD-4711", "30"), each("", "BOLT", "30"), no_unit]
    {
        let decision = ship(&mapping, &ledger, &[vec![content]]);
        assert_eq!(posted(&decision), [("1", "5 Case".to_owned(), "0".to_owned())]);
        assert_eq!(call(&decision).facts["mapping"], 7);
    }
    // Half of the case is in one package and half of it in the other.
    let decision = ship(&mapping, &ledger, &[vec![each("1", "4711", "3")], vec![each("1", "4711", "9")]]);
    assert_eq!(posted(&decision), [("1", "2 Case".to_owned(), "3".to_owned())]);
    let decision = ship(&mapping, &ledger, &[vec![content("1", "4711", &json!({ "value": "2", "unit": "CASE" }))]]);
    assert_eq!(posted(&decision), [("1", "2 Case".to_owned(), "3".to_owned())], "one unit needs no row");
    let decision = ship(&mapping, &ledger, &[vec![content("2", "NUT", &json!({ "value": "4", "unit": "EA" }))]]);
    assert!(!call(&decision).facts.as_object().unwrap().contains_key("mapping"), "no row was used");
}

#[test]
fn five_of_six_is_not_posted() {
    let mapping = mapping(&[CASES, CALLED]);
    let ledger = created(&wanting(vec![cases("1", "BOLT", "1")]), &mapping);
    let decision = ship(&mapping, &ledger, &[vec![each("1", "4711", "5")]]);
    assert_eq!(failed(&decision), "mapping.indivisible");
    let said = sentence(&decision);
    assert!(
        said.starts_with("Shipment S1 of usmf-SHP0012-W1 is not posted: 5 each of BOLT do not make whole Case"),
        "{said}"
    );
    assert!(said.contains("0 Case and 5 each are left over"), "{said}");
    let shipped = ship(&Mapping::default(), &ledger, &[vec![each("1", "4711", "6")]]);
    assert_eq!(failed(&shipped), "shipment.unit_differs", "the row is gone");
    assert!(
        sentence(&shipped).contains("drayline mapping set unit connection=north item=BOLT"),
        "{}",
        sentence(&shipped)
    );
}

#[test]
fn lots_are_converted_each_and_summed_over_packages() {
    let mapping = mapping(&[CASES]);
    let ledger = created(&wanting(vec![cases("1", "BOLT", "5")]), &mapping);
    let with_lots = |quantity: &str, lots: Value| {
        let mut content = each("1", "BOLT", quantity);
        content["lots"] = lots;
        content
    };
    let one = with_lots("9", json!([{ "number": "L1", "quantity": "6" }, { "number": "L2", "quantity": "3" }]));
    let two = with_lots("3", json!([{ "number": "L2" }]));
    let decision = ship(&mapping, &ledger, &[vec![one.clone()], vec![two]]);
    assert_eq!(posted(&decision), [("1", "2 Case".to_owned(), "3".to_owned())]);
    let Call::PostShipment(update) = &call(&decision).call else { panic!() };
    let lots = &update.lines[0].dimensions;
    let lots: Vec<_> = lots.iter().map(|each| (each.lot.as_deref().unwrap(), each.quantity.normalize())).collect();
    assert_eq!(lots, [("L1", decimal("1")), ("L2", decimal("1"))]);
    assert_eq!(failed(&ship(&mapping, &ledger, &[vec![one]])), "mapping.indivisible", "3 of 6 are in lot L2");
    let wrong = with_lots("6", json!([{ "number": "L1", "quantity": "5" }]));
    assert_eq!(failed(&ship(&mapping, &ledger, &[vec![wrong]])), "shipment.tracking_differs");
}

#[test]
fn parts_of_a_kit_are_posted_as_whole_kits() {
    let mapping = mapping(&[
        "sku; item:TOOLKIT; warehouse:SET-1",
        "kit; warehouse:SET-1; components:HAMMER=1 | NAIL=20",
        "kit; warehouse:SET-2; components:NAIL=50",
    ]);
    let lines = vec![line("1", "TOOLKIT", "3"), line("2", "HAMMER", "1")];
    let ledger = created(&wanting(lines.clone()), &mapping);
    let part = |line: &str, sku: &str, quantity: &str| content(line, sku, &json!({ "value": quantity }));
    let parts = [
        vec![part("1", "HAMMER", "2"), part("1", "NAIL", "30")],
        vec![part("1", "NAIL", "10"), part("2", "HAMMER", "1")],
    ];
    let expected = [("1", "2 ea".to_owned(), "1".to_owned()), ("2", "1 ea".to_owned(), "0".to_owned())];
    assert_eq!(posted(&ship(&mapping, &ledger, &parts)), expected);
    let short = [vec![part("1", "HAMMER", "2"), part("1", "NAIL", "30")]];
    let decision = ship(&mapping, &ledger, &short);
    assert_eq!(failed(&decision), "mapping.kit_incomplete");
    assert!(sentence(&decision).contains("SET-1 (1 HAMMER and 20 NAIL each) make 1 whole, and 1 HAMMER and 10 NAIL"));
    // Without a line: nails can only be of the kit.
    let unnamed = [vec![part("1", "HAMMER", "1"), part("", "NAIL", "20")]];
    assert_eq!(posted(&ship(&mapping, &ledger, &unnamed)), [("1", "1 ea".to_owned(), "2".to_owned())]);
    let two = created(&wanting(vec![line("1", "TOOLKIT", "1"), line("2", "SET-2", "1")]), &mapping);
    let decision = ship(&mapping, &two, &[vec![part("", "NAIL", "20")]]);
    assert_eq!(failed(&decision), "mapping.ambiguous");
}
