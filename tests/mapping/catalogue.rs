//! What Dynamics says of its items: conversions that rows need not repeat, and what does not fit together.

use drayline::mapping::{Catalogue, ConversionFacts, Fact, ItemFacts, Mapping, Reasons, Told, Tracking, Unfit};
use drayline::message::PlaceCode;
use serde_json::json;

use super::units::{self, out};
use super::{Place, decimal, row, unit, variant};

pub fn conversion(item: &str, from: &str, to: &str, factor: &str) -> Fact {
    Fact::Conversion(ConversionFacts {
        item: Some(item.to_owned()).filter(|item| !item.is_empty()),
        variant: None,
        from: unit(from),
        to: unit(to),
        factor: factor.parse().ok(),
    })
}

fn of_variant(which: &str, conversion: Fact) -> Fact {
    let Fact::Conversion(conversion) = conversion else { return conversion };
    Fact::Conversion(ConversionFacts { variant: Some(which.to_owned()), ..conversion })
}

pub fn facts(number: &str, stock: &str, sales: &str) -> ItemFacts {
    ItemFacts {
        number: number.to_owned(),
        stock_unit: Some(unit(stock)),
        sales_unit: Some(unit(sales)),
        tracking: Some(Tracking::default()),
        ..ItemFacts::default()
    }
}

/// An item that is held in lots, or piece by piece.
pub fn tracked(number: &str, lots: bool, serials: bool) -> Fact {
    let told = |told: bool| Told { issue: told, receipt: told };
    let tracking = Some(Tracking { lots: told(lots), serials: told(serials) });
    Fact::Item(ItemFacts { tracking, ..facts(number, "ea", "ea") })
}

/// Rows, and what usmf in contoso has.
pub fn knowing(rows: &[&str], facts: Vec<Fact>) -> Mapping {
    let catalogue = Catalogue::new("contoso".parse().unwrap(), "usmf".parse().unwrap(), facts);
    Mapping::with_catalogues(7, rows.iter().map(|text| row(text)).collect(), vec![catalogue])
}

fn back(mapping: &Mapping, number: &str, quantity: &str, from: &str, to: &str) -> Result<String, String> {
    let turned = units::back(mapping, number, quantity, from, to);
    turned.map(|quantity| quantity.normalize().to_string()).map_err(|(code, _)| code)
}

const EACH: &str = "unit; connection:north; warehouse:each";

#[test]
fn what_dynamics_says_of_units_needs_no_row() {
    let said = vec![conversion("A", "Case", "Each", "12"), conversion("", "case", "each", "10")];
    let mapping = knowing(&[EACH], said.clone());
    assert_eq!(out(&mapping, "A", "5", "case"), Ok("60 each".to_owned()), "of the product before of all");
    assert_eq!(out(&mapping, "B", "5", "case"), Ok("50 each".to_owned()));
    assert_eq!(back(&mapping, "A", "24", "EACH", "Case"), Ok("2".to_owned()));
    assert_eq!(back(&mapping, "A", "5", "each", "Case"), Err("mapping.indivisible".to_owned()));
    // Said the other way round it is the same.
    let turned = knowing(&[EACH], vec![conversion("A", "each", "case", "1/12")]);
    assert_eq!(out(&turned, "A", "5", "case"), Ok("60 each".to_owned()));
    // Nothing says in which unit the warehouse counts: it is told in Dynamics'.
    assert_eq!(out(&knowing(&[], said), "A", "5", "case"), Ok("as it is".to_owned()));
}

#[test]
fn what_is_said_of_a_variant_goes_before_its_product_and_that_before_all() {
    let said = [
        conversion("", "case", "each", "10"),
        conversion("SHIRT", "case", "each", "12"),
        of_variant("XL", conversion("SHIRT", "case", "each", "8")),
        of_variant("XL", conversion("OTHER", "case", "each", "9")),
    ];
    let place = Place::north();
    let out = |mapping: &Mapping, number: &str, which: &str| {
        let item = variant(number, which);
        let counted = place.meanings(mapping).in_warehouse_unit(&item, decimal("5"), &unit("case")).unwrap().unwrap();
        let back = place.meanings(mapping).in_dynamics_unit(&item, &counted, &unit("case")).unwrap();
        assert_eq!(back, decimal("5"), "and back");
        counted.quantity.normalize().to_string()
    };
    // Whatever the order in which they are read.
    for said in [said.to_vec(), said.iter().rev().cloned().collect()] {
        let mapping = knowing(&[EACH], said);
        let all = [("SHIRT", "XL"), ("SHIRT", "M"), ("OTHER", "XL"), ("OTHER", "M")].map(|(n, v)| out(&mapping, n, v));
        assert_eq!(all, ["40", "60", "45", "50"]);
    }
    // A row goes before all of them.
    let mapping = knowing(&[EACH, "unit; dynamics:case; warehouse:each; factor:6"], said.to_vec());
    assert_eq!(out(&mapping, "SHIRT", "XL"), "30");
}

#[test]
fn a_row_goes_before_dynamics() {
    let general = "unit; dynamics:case; warehouse:each; factor:6";
    let mapping = knowing(&[EACH, general], vec![conversion("A", "case", "each", "12")]);
    assert_eq!(out(&mapping, "A", "5", "case"), Ok("30 each".to_owned()));
}

#[test]
fn a_row_may_only_give_a_name_to_a_unit_that_dynamics_converts() {
    let rows = ["unit; connection:north; warehouse:PCE", "unit; dynamics:ea; warehouse:PCE; factor:1"];
    let mapping = knowing(&rows, vec![conversion("A", "case", "ea", "12")]);
    assert_eq!(out(&mapping, "A", "5", "case"), Ok("60 PCE".to_owned()));
    assert_eq!(back(&mapping, "A", "24", "PCE", "case"), Ok("2".to_owned()));
    let two = [rows[0], rows[1], "unit; dynamics:box; warehouse:PCE; factor:4"];
    let mapping = knowing(&two, vec![conversion("A", "case", "ea", "12"), conversion("A", "case", "box", "2")]);
    let (code, what) = out(&mapping, "A", "5", "case").unwrap_err();
    assert!(code == "mapping.ambiguous" && what.contains("factor=N"), "{what}");
}

#[test]
fn digits_after_the_point_are_those_of_dynamics_unit() {
    let kilograms = Fact::Unit { symbol: unit("kg"), decimals: 3 };
    let mapping = knowing(&["unit; warehouse:g"], vec![kilograms, conversion("", "kg", "g", "1000")]);
    assert_eq!(out(&mapping, "SALT", "1.25", "kg"), Ok("1250 g".to_owned()));
    assert_eq!(back(&mapping, "SALT", "1250", "g", "kg"), Ok("1.25".to_owned()));
    assert_eq!(back(&mapping, "SALT", "0.5", "g", "kg"), Err("mapping.indivisible".to_owned()));
}

#[test]
fn a_conversion_that_is_no_plain_factor_is_none() {
    let mapping = knowing(&[EACH], vec![conversion("A", "case", "each", "")]);
    let (code, what) = out(&mapping, "A", "5", "case").unwrap_err();
    assert!(code == "mapping.missing" && what.contains("Dynamics has no conversion"), "{what}");
}

fn unfit(mapping: &Mapping, places: &[&str]) -> Vec<Unfit> {
    let places: Vec<_> = places.iter().map(|place| PlaceCode::new(*place).unwrap()).collect();
    Place::north().meanings(mapping).unfit(&places, Reasons::Defaulted)
}

#[track_caller]
fn told(mapping: &Mapping, about: &str, problem: &str, remedy: &str) {
    let unfit = unfit(mapping, &[]);
    let [only] = unfit.as_slice() else { panic!("{unfit:#?}") };
    assert_eq!(only.about, about);
    assert!(only.problem.contains(problem) && only.remedy.contains(remedy), "{only:#?}");
}

#[test]
fn what_fits_is_not_told() {
    let said =
        vec![Fact::Item(facts("A", "ea", "case")), conversion("A", "case", "ea", "12"), tracked("L", true, false)];
    assert_eq!(unfit(&knowing(&["unit; warehouse:ea"], said), &[]), []);
    assert_eq!(unfit(&Mapping::default(), &["24"]), [], "nothing is known before a scan");
}

#[test]
fn units_that_do_not_convert_are_told() {
    let boxed = Fact::Item(facts("A", "ea", "box"));
    told(&knowing(&[], vec![boxed.clone()]), "item A", "sold or bought in box and kept in ea", "Add the conversion");
    let offset = conversion("A", "box", "ea", "");
    told(&knowing(&[], vec![boxed, offset]), "item A", "has an offset", "Correct it in Dynamics");
    let pieces = knowing(&["unit; warehouse:PCE"], vec![Fact::Item(facts("A", "ea", "ea"))]);
    told(
        &pieces,
        "item A",
        "how many PCE one ea of A is at north",
        "drayline mapping set unit connection=north item=A",
    );
    let none = ItemFacts { stock_unit: None, ..facts("A", "ea", "ea") };
    told(&knowing(&[], vec![Fact::Item(none)]), "item A", "no inventory unit", "released product");
}

#[test]
fn units_of_which_some_variants_do_not_convert_are_told_with_the_variants() {
    let variants = ["L", "M"].map(str::to_owned).to_vec();
    let shirt = Fact::Item(ItemFacts { variants, ..facts("SHIRT", "ea", "case") });
    let rows = ["sku; item:SHIRT; variant:L; warehouse:4711", "sku; item:SHIRT; variant:M; warehouse:4712"];
    let large = of_variant("L", conversion("SHIRT", "case", "ea", "8"));
    let problem = "kept in ea, and Dynamics has no conversion of its variants M";
    told(&knowing(&rows, vec![shirt.clone(), large.clone()]), "item SHIRT", problem, "for the variant");
    let offset = of_variant("M", conversion("SHIRT", "case", "ea", ""));
    let problem = "conversion between case and ea of its variants M has an offset";
    told(&knowing(&rows, vec![shirt.clone(), large.clone(), offset]), "item SHIRT", problem, "Correct it");
    let medium = of_variant("M", conversion("SHIRT", "case", "ea", "12"));
    assert_eq!(unfit(&knowing(&rows, vec![shirt.clone(), large.clone(), medium]), &[]), []);
    // At the warehouse, too: it counts in a unit that only one of them converts to.
    let counted = [rows[0], rows[1], "unit; item:SHIRT; warehouse:PCE"];
    let pieces = |which: &str| of_variant(which, conversion("SHIRT", "ea", "PCE", "1"));
    let plain = Fact::Item(ItemFacts {
        sales_unit: None,
        ..match shirt {
            Fact::Item(item) => item,
            _ => unreachable!(),
        }
    });
    told(&knowing(&counted, vec![plain, pieces("L")]), "item SHIRT", "one ea of SHIRT (M) is at north", "variant=M");
}

#[test]
fn variants_and_names_that_cannot_be_told_apart_are_told() {
    let shirt = |variants: &[&str]| {
        let variants = variants.iter().map(|each| (*each).to_owned()).collect();
        Fact::Item(ItemFacts { variants, ..facts("SHIRT", "ea", "ea") })
    };
    let said = vec![shirt(&["L/red", "M/red"])];
    let remedy = "item=SHIRT variant=L/red warehouse=SKU";
    told(&knowing(&[], said.clone()), "item SHIRT", "2 variants (L/red, M/red)", remedy);
    let one = ["sku; item:SHIRT; variant:L/red; warehouse:4711"];
    told(&knowing(&one, said.clone()), "item SHIRT", "calls its M/red", "variant=M/red");
    let both = [one[0], "sku; item:SHIRT; variant:M/red; warehouse:4712"];
    assert_eq!(unfit(&knowing(&both, said), &[]), []);
    told(&knowing(&both, vec![shirt(&["L/red", "M/red", "S/red"])]), "item SHIRT", "S/red", "variant=S/red");

    let plain = |number: &str| Fact::Item(facts(number, "ea", "ea"));
    let taken = knowing(&["sku; item:A; warehouse:B"], vec![plain("A"), plain("B")]);
    told(&taken, "item B", "called B at north, and so is A", "item=B");
}

#[test]
fn tracking_groups_rows_and_warehouses_that_lead_nowhere_are_told() {
    let group = Some("Odd".to_owned());
    let odd = ItemFacts { tracking_group: group, tracking: None, ..facts("A", "ea", "ea") };
    told(
        &knowing(&[], vec![Fact::Item(odd)]),
        "item A",
        "tracking dimension group Odd",
        "contoso.catalogue.tracking_groups",
    );
    let plain = vec![Fact::Item(facts("A", "ea", "ea"))];
    let stranger = knowing(&["sku; item:a; warehouse:4711"], plain.clone());
    told(&stranger, "item a", "usmf has no such item", "--remove");
    assert_eq!(unfit(&knowing(&["sku; connection:south; item:a; warehouse:4711"], plain.clone()), &[]), []);
    let warehouse = Fact::Warehouse { place: PlaceCode::new("24").unwrap(), name: None };
    let mapping = knowing(&[], [plain, vec![warehouse]].concat());
    assert_eq!(unfit(&mapping, &["24"]), []);
    let unfit = unfit(&mapping, &["24", "25"]);
    assert_eq!(unfit.iter().map(|each| each.about.as_str()).collect::<Vec<_>>(), ["warehouse 25"]);
}

#[test]
fn reasons_that_have_no_type_and_types_that_nobody_is_told_are_told() {
    let mapping = |rows: &[&str]| knowing(rows, vec![Fact::Item(facts("A", "ea", "ea"))]);
    let of = |rows: &[&str], reasons: Reasons| Place::north().meanings(&mapping(rows)).unfit(&[], reasons);
    let scrap = "adjustment_reason; warehouse:damaged; dynamics:SCRAP";
    let (all, but_one) = (of(&[], Reasons::Typed), of(&[scrap], Reasons::Typed));
    let about =
        |unfit: &[Unfit], reason: &str| unfit.iter().any(|each| each.about == format!("adjustment reason {reason}"));
    assert!(about(&all, "DAMAGED") && about(&all, "CYCLE_COUNT") && !about(&all, "OTHER"), "{all:#?}");
    assert!(!about(&but_one, "DAMAGED") && but_one.len() == all.len() - 1, "{but_one:#?}");
    let told = all.iter().find(|each| each.about.ends_with("CYCLE_COUNT")).unwrap();
    let remedy = "drayline mapping set adjustment_reason connection=north warehouse=CYCLE_COUNT dynamics=CODE";
    assert!(told.remedy.contains(remedy), "{told:#?}");
    // A row of another warehouse is none of this one's.
    let elsewhere = "adjustment_reason; connection:south; warehouse:damaged; dynamics:SCRAP";
    assert!(about(&of(&[elsewhere], Reasons::Typed), "DAMAGED"));
    // Where all go to one journal, nothing is missing; where nobody is told, a row leads nowhere.
    assert_eq!((of(&[], Reasons::Defaulted), of(&[], Reasons::Untold)), (Vec::new(), Vec::new()));
    let untold = of(&[scrap, elsewhere], Reasons::Untold);
    assert_eq!(untold.len(), 1, "{untold:#?}");
    assert!(untold[0].remedy.contains("dynamics.contoso.adjustments.type_field"), "{untold:#?}");
}

#[test]
fn services_without_a_row_and_carriers_that_rows_forgot_are_told() {
    let services = [("DHL", "EXP"), ("DHL", "ECO"), ("UPS", "AIR"), ("UPS", "GND")];
    let services = services.map(|(carrier, service)| (carrier.to_owned(), service.to_owned()));
    let said = services.map(|(carrier, service)| Fact::CarrierService { carrier, service });
    let of = |rows: &[&str]| unfit(&knowing(rows, said.to_vec()), &[]);
    let about = |unfit: &[Unfit]| unfit.iter().map(|each| (each.about.clone(), each.stops)).collect::<Vec<_>>();
    assert_eq!(of(&[]), [], "all go as they are");
    assert_eq!(of(&["carrier; connection:south; dynamics:UPS; warehouse:ups"]), [], "another warehouse's");
    let ground = "carrier; dynamics:ups; dynamics_service:gnd; warehouse:UPS; warehouse_service:Ground";
    let (stops, goes) = (("carrier UPS AIR".to_owned(), true), ("carrier DHL".to_owned(), false));
    let told = of(&[ground]);
    assert_eq!(about(&told), [goes.clone(), stops]);
    assert!(told[1].problem.contains("what north calls UPS AIR, only other services of it"), "{told:#?}");
    let remedy = "drayline mapping set carrier connection=north dynamics=UPS dynamics_service=AIR warehouse=CARRIER";
    assert!(told[1].remedy.contains(remedy), "{told:#?}");
    assert!(told[0].remedy.contains("connection=north dynamics=DHL warehouse=CARRIER"), "{told:#?}");
    assert_eq!(about(&of(&[ground, "carrier; dynamics:UPS; warehouse:ups"])), [goes], "every other service of it");
    assert_eq!(of(&["carrier; dynamics:UPS; warehouse:ups", "carrier; dynamics:dhl; warehouse:dhl"]), []);
}

#[test]
fn a_fact_is_read_as_it_was_written() {
    let all = vec![
        tracked("A", true, false),
        conversion("A", "case", "ea", "1/3"),
        of_variant("M/red", conversion("A", "case", "ea", "1/3")),
        of_variant("L/red", conversion("A", "case", "ea", "1/3")),
        conversion("", "kg", "lb", ""),
        Fact::Unit { symbol: unit("kg"), decimals: 3 },
        Fact::Warehouse { place: PlaceCode::new("24").unwrap(), name: Some("Zoë".to_owned()) },
        Fact::CarrierService { carrier: "UPS".to_owned(), service: "GND".to_owned() },
        Fact::CarrierService { carrier: "UPS".to_owned(), service: "AIR".to_owned() },
    ];
    let again: Vec<Fact> = serde_json::from_value(json!(all)).unwrap();
    assert_eq!(again, all);
    let names: std::collections::BTreeSet<_> = all.iter().map(Fact::identity).collect();
    assert_eq!(names.len(), all.len());
}
