//! Rows: what they say where, which one counts, and what is wrong with one.

use drayline::mapping::{Mapping, Row, RowKind, clashes};
use drayline::message::{PlaceCode, Sku};

use super::{Place, cells, item, mapping, row, variant};

fn sku(text: &str) -> Sku {
    text.parse().unwrap()
}

fn called(mapping: &Mapping, place: &Place, number: &str) -> Option<String> {
    place.meanings(mapping).sku(&item(number)).unwrap().map(ToString::to_string)
}

#[test]
fn the_narrowest_row_that_matches_counts() {
    let rows = [
        "sku; item:A; warehouse:EVERYWHERE",
        "sku; environment:contoso; item:A; warehouse:IN-CONTOSO",
        "sku; legal_entity:usmf; item:A; warehouse:FOR-USMF",
        "sku; connection:north; item:A; warehouse:AT-NORTH",
        "sku; connection:north; legal_entity:usmf; item:A; warehouse:FOR-USMF-AT-NORTH",
    ];
    // However they are sorted.
    for turn in 0..rows.len() {
        let mut turned = rows;
        turned.rotate_left(turn);
        let mapping = mapping(&turned);
        let of = |environment, entity, connection| {
            called(&mapping, &Place::at(environment, entity, connection), "A").unwrap()
        };
        assert_eq!(of("other", "demf", "south"), "EVERYWHERE");
        assert_eq!(of("contoso", "demf", "south"), "IN-CONTOSO");
        assert_eq!(of("contoso", "usmf", "south"), "FOR-USMF");
        assert_eq!(of("contoso", "demf", "north"), "AT-NORTH");
        assert_eq!(of("contoso", "usmf", "north"), "FOR-USMF-AT-NORTH");
    }
}

#[test]
fn an_item_without_a_row_is_called_as_in_dynamics_and_a_variant_without_one_is_missing() {
    let mapping = mapping(&["sku; item:SHIRT; variant:red; warehouse:4711-R; aliases:OLD-R | OLDER-R"]);
    let place = Place::north();
    let meanings = place.meanings(&mapping);
    assert_eq!(called(&mapping, &place, "OTHER"), None);
    let missing = meanings.sku(&variant("SHIRT", "dark blue")).unwrap_err();
    assert_eq!(missing.code.as_str(), "mapping.missing");
    let command =
        "drayline mapping set sku connection=north item=SHIRT variant=\"dark blue\" warehouse=SKU --reason TEXT";
    assert!(missing.what.contains(command), "{}", missing.what);
    for alias in ["4711-R", "OLD-R", "OLDER-R"] {
        assert_eq!(meanings.item(&sku(alias)), Some(&variant("SHIRT", "red")), "{alias}");
    }
    assert_eq!(meanings.item(&sku("4711-r")), None, "SKUs are kept as they are");
}

#[test]
fn a_newer_version_may_answer_what_its_changed_rows_speak_of() {
    let kept = "sku; item:KEPT; warehouse:K";
    let before = mapping(&[kept, "sku; item:A; warehouse:X", "carrier; dynamics:UPS; warehouse:u"]);
    let after = mapping(&[
        kept,
        "sku; connection:north; item:A/1; warehouse:Y; aliases:Z",
        "sku; item:A; warehouse:CHANGED",
        "unit; connection:south; warehouse:each",
        "adjustment_reason; connection:north; warehouse:spilt; dynamics:WASTE",
    ]);
    let news = after.news_since(&before);
    for name in [
        "mapping/sku/north/A/1",
        "mapping/sku/north/z",
        "mapping/sku/south/A",
        "mapping/carrier/north/ups",
        "mapping/unit/south/ANY",
        "mapping/adjustment_reason/north/SPILLAGE",
        "mapping/item/north/A",
    ] {
        assert!(news.may_answer(name), "{name}");
    }
    for name in [
        "mapping/sku/north/KEPT",
        "mapping/sku/south/Z",
        "mapping/unit/north/ANY",
        "mapping/carrier/north/DHL",
        "mapping/item/north/KEPT",
        "mapping/sku",
        "order/sku/north/A/1",
    ] {
        assert!(!news.may_answer(name), "{name}");
    }
    let missing = Place::north().meanings(&before).in_dynamics(RowKind::AdjustmentReason, &["SPILLAGE"]).unwrap_err();
    assert_eq!(missing.awaits.as_deref(), Some("mapping/adjustment_reason/north/SPILLAGE"));
}

#[test]
fn carriers_places_and_words_are_compared_without_capitals() {
    let mapping = mapping(&[
        "carrier; dynamics:UPS; dynamics_service:GND; warehouse:ups; warehouse_service:ups_ground",
        "carrier; dynamics:DHL; warehouse:dhl_express",
        "location; connection:north; dynamics:W1; warehouse:NORTH-9",
        "adjustment_reason; warehouse:DAMAGED; dynamics:SCRAP",
        "adjustment_reason; connection:north; warehouse:broken by forklift; dynamics:FORK",
        "disposition; warehouse:resellable; dynamics:CREDIT",
        "rejection_reason; warehouse:OUT_OF_STOCK; dynamics:NOSTOCK",
    ]);
    let place = Place::north();
    let meanings = place.meanings(&mapping);
    assert_eq!(meanings.carrier("ups", Some("gnd")), Ok(Some(("ups", Some("ups_ground")))));
    assert_eq!(meanings.carrier("DHL", Some("PAKET")), Ok(Some(("dhl_express", None))), "for every service");
    assert_eq!(meanings.carrier("FEDEX", Some("2DAY")), Ok(None));
    let missing = meanings.carrier("UPS", Some("AIR")).unwrap_err();
    assert!(
        missing.what.contains("set carrier connection=north dynamics=UPS dynamics_service=AIR"),
        "{}",
        missing.what
    );

    let w1: PlaceCode = "w1".parse().unwrap();
    let contoso = "contoso".parse().unwrap();
    let (connection, facility) = mapping.facility(&contoso, None, &w1).unwrap();
    assert_eq!((connection.as_str(), facility), ("north", "NORTH-9"));
    assert_eq!(meanings.place("north-9").map(PlaceCode::as_str), Some("W1"));

    let reason = RowKind::AdjustmentReason;
    assert_eq!(meanings.in_dynamics(reason, &["Broken by Forklift", "DAMAGED"]), Ok("FORK"), "their own word first");
    assert_eq!(meanings.in_dynamics(reason, &["soaked", "damaged"]), Ok("SCRAP"));
    assert_eq!(meanings.in_dynamics(RowKind::Disposition, &["RESELLABLE"]), Ok("CREDIT"));
    assert_eq!(meanings.in_dynamics(RowKind::RejectionReason, &["out_of_stock"]), Ok("NOSTOCK"));
    let missing = meanings.in_dynamics(reason, &["stolen", "THEFT"]).unwrap_err();
    assert_eq!(missing.code.as_str(), "mapping.missing");
    assert!(missing.what.contains("set adjustment_reason connection=north warehouse=stolen dynamics=CODE"));
}

#[test]
fn rows_are_written_as_they_are_read() {
    for text in [
        "sku; environment:contoso; legal_entity:usmf; connection:north; item:A; variant:red; warehouse:X; aliases:Y | Z",
        "kit; warehouse:SET; components:BOLT=2 | NUT=0.5",
        "unit; item:A; dynamics:case; warehouse:each; factor:25/2; decimals:2",
        "unit; item:A; variant:red; warehouse:each",
        "location; connection:north; dynamics:W1; warehouse:NORTH-9",
        "carrier; dynamics:UPS; dynamics_service:GND; warehouse:ups; warehouse_service:ground",
        "adjustment_reason; warehouse:DAMAGED; dynamics:SCRAP",
    ] {
        let written = row(text).cells();
        assert_eq!(written, cells(text));
        assert_eq!(Row::read(&written).unwrap(), row(text));
    }
}

#[test]
fn everything_that_is_wrong_with_a_row_is_told_at_once() {
    for (text, wrong) in [
        ("skew; item:A", &["kind"][..]),
        ("sku; connection:North", &["connection", "item", "warehouse"]),
        ("sku; item:A; warehouse:X; factor:12", &["factor"]),
        ("sku; item:A; warehouse:X; colour:red", &["colour"]),
        ("kit; warehouse:SET; components:BOLT | NUT=0", &["components", "components", "components"]),
        ("unit; item:A; dynamics:case; warehouse:each", &["factor"]),
        ("unit; dynamics:case; warehouse:each; factor:0; decimals:29", &["factor", "decimals"]),
        ("unit; warehouse:each; factor:12", &["dynamics"]),
        ("unit; variant:red; warehouse:each", &["item"]),
        ("location; dynamics:W1; warehouse:N", &["connection"]),
        ("carrier; warehouse:ups", &["dynamics"]),
        ("disposition; dynamics:CREDIT", &["warehouse"]),
    ] {
        let problems = Row::read(&cells(text)).unwrap_err();
        let columns: Vec<_> = problems.iter().map(|each| each.column.as_str()).collect();
        assert_eq!(columns, wrong, "{text}: {problems:?}");
    }
    let long = format!("sku; item:{}; warehouse:X", "A".repeat(101));
    assert_eq!(Row::read(&cells(&long)).unwrap_err()[0].column, "item");
}

#[test]
fn two_rows_of_equal_scope_clash_when_they_speak_of_one_thing() {
    let clash = |one: &str, two: &str| clashes(&[row(one), row(two)]).len();
    assert_eq!(clash("sku; item:A; warehouse:X", "sku; item:A; warehouse:Y"), 1);
    assert_eq!(clash("sku; item:A; warehouse:X", "sku; item:B; warehouse:Y; aliases:X"), 1, "X would mean two items");
    assert_eq!(clash("sku; item:A; warehouse:X", "sku; connection:north; item:A; warehouse:Y"), 0);
    assert_eq!(clash("sku; item:A; warehouse:X", "sku; item:A; variant:red; warehouse:Y"), 0);
    let unit = "unit; dynamics:case; warehouse:each; factor:12";
    assert_eq!(clash(unit, "unit; dynamics:CASE; warehouse:Each; factor:10"), 1, "symbols differ in case alone");
    assert_eq!(clash(unit, "unit; dynamics:case; warehouse:inner; factor:2"), 0);
    let place = "location; connection:north; dynamics:W1; warehouse:N";
    assert_eq!(clash(place, "location; connection:south; dynamics:w1; warehouse:S"), 1, "where would an order go?");
    assert_eq!(row(unit).identity(), row("unit; dynamics:CASE; warehouse:EACH; factor:1").identity());
}
