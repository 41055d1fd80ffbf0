//! What a warehouse's system does not take is found before anything is sent, field by field, and nothing is cut to fit.

use std::collections::BTreeMap;
use std::sync::Arc;

use drayline::config::{FieldLimits, Letters, Limited, Limits, limited_fields};
use drayline::flows::{Call, Decision, Ledger, Look, OrderLook, plan};
use drayline::gateways::{Direction, ReleasedLine, ReleasedOrder};
use drayline::mapping::Mapping;
use drayline::message::{Address, Kind};

use super::expected::announced;
use super::returns::{authorised, returned};
use super::scene::{call, from_dynamics, line, order_look, released};

fn planned(limits: FieldLimits, released: ReleasedOrder) -> Decision {
    let direction = released.direction;
    let (limits, message) = match direction {
        Direction::Outbound => (Limits { orders: limits, ..Limits::default() }, from_dynamics(Kind::OrderReleased)),
        Direction::Inbound => (Limits { receipts: limits, ..Limits::default() }, announced()),
        Direction::Returned => (Limits { returns: limits, ..Limits::default() }, authorised()),
    };
    let look = OrderLook { direction, limits: Arc::new(limits), ..order_look(Some(released)) };
    plan(&message, &Look::Order(look), &Mapping::default(), &Ledger::default())
}

fn refused(limits: FieldLimits, released: ReleasedOrder) -> (String, String) {
    match planned(limits, released) {
        Decision::Fail(failure) => (failure.code.as_str().to_owned(), failure.sentence),
        other => panic!("no failure: {other:?}"),
    }
}

fn of(fields: &[&str]) -> BTreeMap<String, usize> {
    fields.iter().map(|field| ((*field).to_owned(), 1)).collect()
}

#[test]
fn each_field_is_named_with_its_limit_and_without_what_it_says() {
    let recipient = Address { name: Some("Łucja".to_owned()), country: Some("FR".to_owned()), ..released().recipient };
    let limits = FieldLimits {
        lines_max: 1,
        characters_max: [("recipient.line1".to_owned(), 12), ("lines.sku".to_owned(), 3)].into(),
        letters: [("recipient.name".to_owned(), Letters::Latin1)].into(),
        required: vec!["recipient.company".to_owned(), "shipBy".to_owned(), "orderNumber".to_owned()],
        countries: vec!["US".to_owned(), "CA".to_owned()],
    };
    let (code, sentence) = refused(limits, ReleasedOrder { recipient, ..released() });
    assert_eq!(code, "order.outside_limits");
    for words in [
        "The order usmf-SHP0012-W1 is not sent to north",
        "it has 2 lines, of which at most 1 are taken",
        "recipient.country is FR, and taken are US, CA",
        "recipient.line1 has 13 characters, of which at most 12 are taken",
        "recipient.name has letters outside Latin-1",
        "recipient.company is missing",
        "shipBy is missing",
        "lines.sku of line 1 has 4 characters, of which at most 3 are taken",
    ] {
        assert!(sentence.contains(words), "{words} in {sentence}");
    }
    for personal in ["Łucja", "Main Street", "line 2", "orderNumber"] {
        assert!(!sentence.contains(personal), "{personal} in {sentence}");
    }
}

#[test]
fn what_is_within_is_sent_as_it_is() {
    let recipient = Address { name: Some("Zoë".to_owned()), country: Some("us".to_owned()), ..released().recipient };
    let limits = FieldLimits {
        lines_max: 2,
        characters_max: [("recipient.line1".to_owned(), 13), ("recipient.company".to_owned(), 1)].into(),
        letters: [("recipient.name".to_owned(), Letters::Latin1), ("orderNumber".to_owned(), Letters::Ascii)].into(),
        required: vec!["recipient.name".to_owned()],
        countries: vec!["US".to_owned()],
    };
    let decision = planned(limits, ReleasedOrder { recipient: recipient.clone(), ..released() });
    let Call::CreateOrder(sent) = &call(&decision).call else { panic!("{decision:?}") };
    assert_eq!(sent.recipient, recipient);
}

/// Every name that the configuration takes is a field that is looked at.
#[test]
fn every_field_that_can_have_a_limit_is_held_to_it() {
    for (direction, limited, code) in [
        (Direction::Outbound, Limited::Orders, "order.outside_limits"),
        (Direction::Inbound, Limited::Receipts, "inbound.outside_limits"),
        (Direction::Returned, Limited::Returns, "inbound.outside_limits"),
    ] {
        for field in limited_fields(limited) {
            let long = || Some("more than one".to_owned());
            let address = Address {
                name: long(),
                company: long(),
                line1: long(),
                line2: long(),
                line3: long(),
                city: long(),
                region: long(),
                postal_code: long(),
                country: long(),
                phone: long(),
                email: long(),
                residential: None,
            };
            let serial = Some(drayline::message::Serial::new("SN-1").unwrap());
            let some = ReleasedLine { description: long(), lot: long(), serial, ..line("10", "BOLT", "1") };
            let at = Some("2026-11-28T17:00:00Z".parse().unwrap());
            let document = ReleasedOrder {
                direction,
                customer_account: long(),
                recipient: address,
                carrier: long(),
                service: long(),
                ship_by: at,
                deliver_by: at,
                lines: vec![some],
                ..if direction == Direction::Returned { returned() } else { released() }
            };
            let limits = FieldLimits { characters_max: of(&[&field]), ..FieldLimits::default() };
            let (refused_as, sentence) = refused(limits, document);
            assert!(sentence.contains(&format!("{field} ")), "{field} in {sentence}");
            assert_eq!(refused_as, code);
        }
    }
}
