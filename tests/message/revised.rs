//! What a person may correct of a message, and what stays because it tells messages, documents and effects apart.

use drayline::exceptions::Patch;
use drayline::message::{Envelope, Kind};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;

use super::arbitrary::{Any, body};

/// Cases for each of the kinds.
const CASES: u32 = 16;

fn for_every(kinds: &[Kind], check: impl Fn(&Envelope) -> Result<(), TestCaseError>) {
    for kind in kinds {
        let mut runner = TestRunner::new(Config { cases: CASES, failure_persistence: None, ..Config::default() });
        let strategy = (Envelope::any(), body(*kind));
        runner
            .run(&strategy, |(envelope, body)| check(&Envelope { body, ..envelope }))
            .unwrap_or_else(|error| panic!("{kind}: {error}"));
    }
}

/// As it comes: nobody is connected.
static CONFIG: std::sync::LazyLock<drayline::config::Config> =
    std::sync::LazyLock::new(|| drayline::config::load_text("").unwrap());

/// What a patch makes of a message: how many members it changes, or why it may not.
fn changed(message: &Envelope, patch: &str) -> Result<usize, String> {
    let patched = Patch::new(patch).unwrap().apply(std::iter::once(message.encode()), &CONFIG).remove(0)?;
    assert_eq!(Envelope::decode(&patched.bytes).unwrap().message_id, message.message_id);
    Ok(patched.changes.len())
}

#[test]
fn what_nobody_changes_is_the_same_message() {
    for_every(Kind::ALL, |message| {
        let (same, changes) = message.revised(&message.to_json()).unwrap();
        prop_assert_eq!((&same, changes.len()), (message, 0));
        prop_assert_eq!(changed(message, "."), Ok(0));
        Ok(())
    });
}

#[test]
fn the_envelope_of_every_kind_stays() {
    for_every(Kind::ALL, |message| {
        for (member, value) in [
            ("messageId", json!("7d3c2f6e-8a55-4b53-9a3e-0a7a1b2c3d4e")),
            ("connection", json!("elsewhere")),
            ("orderingKey", json!("order/contoso/usmf-SHP9")),
            ("receivedAt", json!("2001-02-03T04:05:06Z")),
        ] {
            let why = changed(message, &format!(".{member} = {value}")).unwrap_err();
            prop_assert!(why.contains(member) && why.contains("cannot be changed"), "{}", why);
        }
        Ok(())
    });
}

#[test]
fn what_makes_an_effect_key_stays_and_the_rest_may_change() {
    for (kind, patch, may) in [
        (Kind::ShipmentConfirmed, ".shipmentConfirmed.shipmentKey = \"another\"", false),
        (Kind::ShipmentConfirmed, ".shipmentConfirmed.order.reference = \"usmf-SHP9-W1\"", false),
        (Kind::ShipmentConfirmed, ".shipmentConfirmed.sequence = \"7777777\"", false),
        (Kind::ShipmentConfirmed, ".shipmentConfirmed.billOfLading = \"B-1\"", true),
        (Kind::TrackingUpdated, ".trackingUpdated.trackingNumber = \"1Z-another\"", false),
        (Kind::GoodsReceived, ".goodsReceived.receiptKey = \"another\"", false),
        (
            Kind::GoodsReceived,
            ".goodsReceived.lines += [{received: {value: \"1\", unit: \"ea\"}, item: {sku: \"A\"}}]",
            false,
        ),
        (
            Kind::GoodsReceived,
            "if .goodsReceived.lines then .goodsReceived.lines[].item.itemNumber = \"A-1\" else . end",
            true,
        ),
        (Kind::StockAdjusted, ".stockAdjusted.adjustmentKey = \"another\"", false),
        (Kind::StockAdjusted, ".stockAdjusted.item.sku = \"another\"", false),
        (Kind::StockAdjusted, ".stockAdjusted.bin = \"B-1\" | .stockAdjusted.user = \"anna\"", true),
        (Kind::OrderStatusChanged, ".orderStatusChanged.changedAt = \"2001-02-03T04:05:06Z\"", false),
        (Kind::OrderReleased, ".orderReleased.document.requestId = \"SHP9\"", false),
        (Kind::PostingSettled, ".postingSettled.updateId = \"another\"", false),
    ] {
        for_every(&[kind], |message| {
            let said = changed(message, patch);
            let as_it_should = match &said {
                Ok(_) => may,
                Err(why) => !may && why.contains("cannot be changed"),
            };
            prop_assert!(as_it_should, "{}: {:?}", patch, said);
            Ok(())
        });
    }
}

#[test]
fn what_the_schema_does_not_know_is_refused_with_its_place() {
    for (patch, place) in [
        (".goodsReceived.comment = \"hello\"", "goodsReceived.comment"),
        (".goodsReceived.arrivedAt = \"yesterday\"", "goodsReceived.arrivedAt"),
        (".goodsReceived.warehouse = 5", "goodsReceived.warehouse"),
    ] {
        for_every(&[Kind::GoodsReceived], |message| {
            let why = changed(message, patch).unwrap_err();
            prop_assert!(why.contains(place), "{}: {}", patch, why);
            Ok(())
        });
    }
}

#[test]
fn a_patch_sees_the_message_alone_and_ends() {
    for (text, why) in [
        ("", "empty"),
        ("def again: again; again", "\"def\""),
        (". as $x | env", "\"env\""),
        ("$ENV.HOME", "\"ENV\""),
        ("\"\\(input)\"", "\"input\""),
        ("[range(1000000000000)]", "\"range\""),
        (".a.", "no jq filter"),
        (".a = nothing_like_it", "no jq filter"),
    ] {
        let said = Patch::new(text).unwrap_err();
        assert!(said.contains(why), "{text}: {said}");
    }
    assert!(Patch::new(".stockAdjusted.user = \"input of def\"").is_ok(), "words in texts mean nothing");
    assert!(Patch::new(&format!(".a = \"{}\"", "a".repeat(5000))).unwrap_err().contains("bytes"));
}
