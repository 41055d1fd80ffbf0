//! Units: exact in both directions, or a sentence that says why not.

use drayline::mapping::{Counted, Fraction, Mapping, whole_kits};
use drayline::message::Sku;
use proptest::prelude::*;
use rust_decimal::Decimal;

use super::{Place, decimal, item, mapping, unit, variant};

const CASES: &str = "unit; item:A100; dynamics:Case; warehouse:each; factor:12";

/// What so much of Dynamics' unit is at north, as `quantity unit`.
pub fn out(mapping: &Mapping, number: &str, quantity: &str, of: &str) -> Result<String, (String, String)> {
    let place = Place::north();
    let counted = place.meanings(mapping).in_warehouse_unit(&item(number), decimal(quantity), &unit(of));
    let words = |counted: Option<Counted>| match counted {
        Some(Counted { quantity, unit }) => format!("{} {unit}", quantity.normalize()),
        None => "as it is".to_owned(),
    };
    counted.map(words).map_err(|unmapped| (unmapped.code.to_string(), unmapped.what))
}

/// What so much of north's unit is in Dynamics' unit.
pub fn back(
    mapping: &Mapping,
    number: &str,
    quantity: &str,
    from: &str,
    to: &str,
) -> Result<Decimal, (String, String)> {
    let place = Place::north();
    let counted = Counted { quantity: decimal(quantity), unit: unit(from) };
    let turned = place.meanings(mapping).in_dynamics_unit(&item(number), &counted, &unit(to));
    turned.map_err(|unmapped| (unmapped.code.to_string(), unmapped.what))
}

#[test]
fn a_case_of_twelve_there_and_back() {
    let mapping = mapping(&[CASES]);
    assert_eq!(out(&mapping, "A100", "5", "Case"), Ok("60 each".to_owned()));
    assert_eq!(back(&mapping, "A100", "60", "each", "Case"), Ok(decimal("5")));
    assert_eq!(out(&mapping, "A100", "1.5", "Case"), Ok("18 each".to_owned()));
}

#[test]
fn symbols_differ_in_case_and_each_side_keeps_its_own_spelling() {
    let mapping = mapping(&["unit; item:A100; dynamics:CASE; warehouse:Each; factor:12"]);
    assert_eq!(out(&mapping, "A100", "2", "case"), Ok("24 Each".to_owned()));
    assert_eq!(back(&mapping, "A100", "24", "EACH", "Case"), Ok(decimal("2")));
    assert_eq!(back(&Mapping::default(), "A100", "7", "PCS", "Pcs"), Ok(decimal("7")), "one unit needs no row");
}

#[test]
fn five_of_six_is_not_rounded() {
    let mapping = mapping(&["unit; item:A100; dynamics:case; warehouse:each; factor:6"]);
    let (code, what) = back(&mapping, "A100", "5", "each", "case").unwrap_err();
    assert_eq!(code, "mapping.indivisible");
    let says = "5 each of A100 do not make whole case (6 each to 1 case): 0 case and 5 each are left over";
    assert!(what.starts_with(says), "{what}");
    let (_, what) = back(&mapping, "A100", "20", "each", "case").unwrap_err();
    assert!(what.contains("3 case and 2 each are left over"), "{what}");
    let (_, what) = back(&mapping, "A100", "3", "each", "case").unwrap_err();
    assert!(what.contains("0 case and 3 each are left over"), "half a case is no whole one: {what}");
}

#[test]
fn digits_after_the_point_are_allowed_by_the_row() {
    let mapping = mapping(&["unit; dynamics:kg; warehouse:g; factor:1000; decimals:3"]);
    assert_eq!(back(&mapping, "SALT", "1250", "g", "kg"), Ok(decimal("1.25")));
    assert_eq!(out(&mapping, "SALT", "1.2345", "kg"), Ok("1234.5 g".to_owned()));
    let (code, what) = back(&mapping, "SALT", "0.5", "g", "kg").unwrap_err();
    assert_eq!(code, "mapping.indivisible");
    assert!(what.contains("more than 3 digits"), "{what}");
}

#[test]
fn two_names_of_one_unit_leave_any_quantity_as_it_is() {
    let mapping = mapping(&["unit; dynamics:ea; warehouse:PCE; factor:1"]);
    assert_eq!(out(&mapping, "A100", "0.125", "ea"), Ok("0.125 PCE".to_owned()));
}

#[test]
fn what_is_said_of_an_item_goes_before_what_is_said_of_all() {
    let narrow_but_general = "unit; connection:north; dynamics:case; warehouse:each; factor:10";
    let rows = [narrow_but_general, CASES, "unit; item:A100; variant:red; dynamics:case; warehouse:each; factor:8"];
    let mapping = mapping(&rows);
    assert_eq!(out(&mapping, "B200", "1", "case"), Ok("10 each".to_owned()));
    assert_eq!(out(&mapping, "A100", "1", "case"), Ok("12 each".to_owned()), "the item's row goes before the scope");
    let place = Place::north();
    let red = place.meanings(&mapping).in_warehouse_unit(&variant("A100", "red"), Decimal::ONE, &unit("case"));
    assert_eq!(red.unwrap().unwrap().quantity, decimal("8"));
    let blue = place.meanings(&mapping).in_warehouse_unit(&variant("A100", "blue"), Decimal::ONE, &unit("case"));
    assert_eq!(blue.unwrap().unwrap().quantity, decimal("12"), "no row of its own: the item's");
}

#[test]
fn a_missing_conversion_names_the_row_and_the_command() {
    let mapping = mapping(&["unit; connection:north; warehouse:each"]);
    let (code, what) = out(&mapping, "A100", "5", "case").unwrap_err();
    assert_eq!(code, "mapping.missing");
    assert!(what.starts_with("no row says how many each one case of A100 is at north"), "{what}");
    let command = "drayline mapping set unit connection=north item=A100 dynamics=case warehouse=each factor=N";
    assert!(what.contains(command), "{what}");
    assert_eq!(out(&mapping, "A100", "5", "EACH"), Ok("as it is".to_owned()), "it counts in that unit already");
    let (code, _) = back(&mapping, "A100", "5", "each", "case").unwrap_err();
    assert_eq!(code, "mapping.missing");
    assert_eq!(out(&Mapping::default(), "A100", "5", "case"), Ok("as it is".to_owned()), "nothing is mapped");
}

#[test]
fn two_units_to_choose_from_are_ambiguous_until_somebody_says_which() {
    let inner = "unit; item:A100; dynamics:case; warehouse:inner; factor:2";
    let (code, what) = out(&mapping(&[CASES, inner]), "A100", "1", "case").unwrap_err();
    assert_eq!(code, "mapping.ambiguous");
    assert!(what.contains("drayline mapping set unit connection=north item=A100 warehouse="), "{what}");
    let told = mapping(&[CASES, inner, "unit; connection:north; item:A100; warehouse:inner"]);
    assert_eq!(out(&told, "A100", "1", "case"), Ok("2 inner".to_owned()));
    assert_eq!(back(&told, "A100", "24", "each", "case"), Ok(decimal("2")), "both are still understood");
}

#[test]
fn what_is_too_large_is_an_error_and_no_other_number() {
    let mapping = mapping(&["unit; dynamics:case; warehouse:each; factor:1000000000000"]);
    let (code, what) = out(&mapping, "A100", "79228162514264337593543950335", "case").unwrap_err();
    assert_eq!(code, "mapping.indivisible");
    assert!(what.contains("too many"), "{what}");
}

#[test]
fn fractions_are_read_and_written_in_lowest_terms() {
    for (text, written) in
        [("12", "12"), ("1/12", "1/12"), ("6/4", "3/2"), ("0.5", "1/2"), (" 2.50 ", "5/2"), ("1.5/0.5", "3")]
    {
        assert_eq!(text.parse::<Fraction>().unwrap().to_string(), written, "{text}");
    }
    for text in ["", "0", "-1", "1/0", "1/-2", "twelve", "1/2/3", "1e3x"] {
        assert!(text.parse::<Fraction>().is_err(), "{text}");
    }
    assert_eq!(Fraction::new(i128::MAX, 1).unwrap().times(Fraction::new(2, 1).unwrap()), None);
    assert_eq!(Fraction::new(1, 0), None);
}

proptest! {
    /// What was counted there and is counted back is the same quantity; what does not come out exactly is refused. Both
    /// are compared with whole numbers, without any fraction of ours.
    #[test]
    fn every_quantity_comes_back_or_is_refused(
        thousandths in 0_i128..5_000_000_000,
        above in 1_i128..5_000,
        below in 1_i128..5_000,
        digits in 0_u32..6,
    ) {
        let text = format!("unit; dynamics:case; warehouse:each; factor:{above}/{below}; decimals:{digits}");
        let mapping = mapping(&[&text]);
        let place = Place::north();
        let meanings = place.meanings(&mapping);
        let quantity = Decimal::from_i128_with_scale(thousandths, 3);
        let power = 10_i128.pow(digits);
        let exactly = |numerator: i128, denominator: i128| -> Option<Decimal> {
            let scaled = numerator * power;
            (scaled % denominator == 0).then(|| Decimal::from_i128_with_scale(scaled / denominator, digits))
        };
        // Where the factor is one, the unit only has another name.
        let wanted_out = if above == below { Some(quantity) } else { exactly(thousandths * above, 1000 * below) };
        let there = meanings.in_warehouse_unit(&item("A100"), quantity, &unit("case"));
        prop_assert_eq!(there.as_ref().ok().map(|there| there.as_ref().unwrap().quantity), wanted_out);
        if let Ok(Some(there)) = there {
            let fits = above == below || exactly(thousandths, 1000).is_some();
            let back = meanings.in_dynamics_unit(&item("A100"), &there, &unit("case")).ok();
            prop_assert_eq!(back, fits.then_some(quantity));
        }
        let wanted_back = if above == below { Some(quantity) } else { exactly(thousandths * below, 1000 * above) };
        let counted = Counted { quantity, unit: unit("each") };
        let back = meanings.in_dynamics_unit(&item("A100"), &counted, &unit("case")).ok();
        prop_assert_eq!(back, wanted_back);
        if let Some(back) = back {
            let fits = above == below || exactly(thousandths, 1000).is_some();
            let there = meanings.in_warehouse_unit(&item("A100"), back, &unit("case")).ok().flatten();
            prop_assert_eq!(there.map(|there| there.quantity), fits.then_some(quantity));
        }
    }
}

fn sku(text: &str) -> Sku {
    text.parse().unwrap()
}

fn kits(parts: &[(&str, &str)]) -> Result<Decimal, String> {
    let mapping = mapping(&["kit; warehouse:SET; components:BOLT=2 | NUT=1"]);
    let place = Place::north();
    let components = place.meanings(&mapping).kit(&sku("SET")).unwrap();
    let parts: Vec<_> = parts.iter().map(|(part, quantity)| (sku(part), decimal(quantity))).collect();
    whole_kits(&sku("SET"), components, &parts).map_err(|unmapped| {
        assert_eq!(unmapped.code.as_str(), "mapping.kit_incomplete");
        unmapped.what
    })
}

#[test]
fn parts_count_as_whole_kits_alone() {
    assert_eq!(kits(&[("BOLT", "4"), ("NUT", "2")]), Ok(decimal("2")));
    assert_eq!(kits(&[("NUT", "1"), ("BOLT", "1"), ("NUT", "1"), ("BOLT", "3")]), Ok(decimal("2")), "summed up");
    let one_short = kits(&[("BOLT", "4"), ("NUT", "1")]).unwrap_err();
    assert!(one_short.contains("(2 BOLT and 1 NUT each) make 1 whole, and 2 BOLT are left over"), "{one_short}");
    let none = kits(&[("BOLT", "4")]).unwrap_err();
    assert!(none.contains("make 0 whole, and 4 BOLT are left over"), "{none}");
    assert!(kits(&[("BOLT", "5"), ("NUT", "2")]).unwrap_err().contains("2 whole, and 1 BOLT are left over"));
}
