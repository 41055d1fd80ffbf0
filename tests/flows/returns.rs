//! Goods that come back: return order `RET7` with the RMA `RMA7` of company `usmf`, announced to `north`.

use drayline::config::Returns;
use drayline::flows::{Acted, Call, Decision, Ledger, Look, ParcelLook, Past, ReturnLook};
use drayline::gateways::{CreditedLine, Direction, ReleasedOrder};
use drayline::message::{Body, Envelope, FactKey, Kind, Origin, RequestId, ReturnReceived};
use serde_json::{Value, json};

use super::scene::{
    contoso, created, decide, done, envelope, line, north, reference, released, remember, run, shipment_look, shipped,
    usmf,
};
use super::world::World;

/// One line: 5 of BOLT.
pub fn returned() -> ReleasedOrder {
    ReleasedOrder {
        direction: Direction::Returned,
        request_id: RequestId::new("RET7").unwrap(),
        origin_id: "RET7".to_owned(),
        order_number: Some("RMA7".to_owned()),
        lines: vec![line("1", "BOLT", "5")],
        ..released()
    }
}

pub fn under_its_rma(kind: Kind, body: Value) -> Envelope {
    let sender = if kind == Kind::ReturnAuthorised { contoso() } else { north() };
    let mut message = envelope(kind, &sender, body);
    message.ordering_key = "rma/contoso/RMA7".parse().unwrap();
    message
}

pub fn authorised() -> Envelope {
    under_its_rma(Kind::ReturnAuthorised, json!({ "returnOrderNumber": "RET7", "rma": "RMA7" }))
}

/// A report of the return: what became of how much so far.
pub fn inspected(sequence: u64, pieces: &[(&str, u32)]) -> Envelope {
    let quantity = |value: u32| json!({ "value": value.to_string(), "unit": "ea" });
    let piece = |(code, value): &(&str, u32)| json!({ "disposition": { "code": code }, "quantity": quantity(*value) });
    let line = json!({ "line": { "orderLineId": "1" }, "item": { "sku": "BOLT" },
        "received": quantity(pieces.iter().map(|(_, value)| value).sum()),
        "dispositions": pieces.iter().map(piece).collect::<Vec<_>>() });
    let body =
        json!({ "returnKey": "N-usmf-RET7-W1", "rma": "RMA7", "lines": [line], "sequence": sequence.to_string() });
    under_its_rma(Kind::ReturnReceived, body)
}

/// How far the warehouse says that the return is.
pub fn says(code: &str) -> Envelope {
    let body = json!({ "returnKey": "N-usmf-RET7-W1", "rma": "RMA7", "status": { "code": code } });
    under_its_rma(Kind::ReturnStatusChanged, body)
}

fn came(rma: &str, disposition: &str) -> Envelope {
    let Body::ReturnReceived(body) = inspected(1, &[(disposition, 5)]).body else { unreachable!() };
    let body = Body::ReturnReceived(ReturnReceived { rma: Some(rma.to_owned()), is_final: true, ..body });
    Envelope { body, ..inspected(1, &[]) }
}

fn look(message: &Envelope, wanted: ReleasedOrder) -> Look {
    Look::Order(World::new(Some(wanted)).order_look(message))
}

fn received_look() -> Look {
    let mut look = World::new(Some(returned())).receipt_look();
    look.order.direction = Direction::Returned;
    Look::Receipt(look)
}

fn announced() -> Ledger {
    let mut ledger = Ledger::default();
    let ended = run(&authorised(), &look(&authorised(), returned()), &mut ledger, |_| {
        Acted::Happened(json!({ "order_id": "N-usmf-RET7-W1" }))
    });
    remember(&mut ledger, &ended);
    ledger
}

pub fn wished() -> (Envelope, Look) {
    let body = json!({ "requestKey": "web-7", "order": {}, "customerAccount": "C-1",
        "lines": [{ "item": { "sku": "BOLT" }, "quantity": { "value": "5", "unit": "ea" } }] });
    let mut message = envelope(Kind::ReturnRequested, &contoso(), body);
    message.legal_entity = Some(usmf());
    message.ordering_key = "return_request/contoso/usmf/web-7".parse().unwrap();
    let returns = Returns { warehouse: "24".to_owned(), ..Returns::default() };
    (message, Look::Return(ReturnLook { environment: contoso(), returns, held: None }))
}

/// A parcel of so much of BOLT that nobody took, of an order of which 10 left.
fn nobody_took(quantity: &str) -> (Envelope, Look, Ledger) {
    let mut ledger = created(&[released()]);
    let left = shipped("S1", &reference(1), &[("1", "BOLT", "10")]);
    let ended = run(&left, &Look::Shipment(shipment_look()), &mut ledger, |_| Acted::Happened(json!({})));
    remember(&mut ledger, &ended);
    let line = json!({ "item": { "sku": "BOLT" }, "received": { "value": quantity, "unit": "ea" } });
    let body = json!({ "returnKey": "web-7", "kind": { "code": "UNDELIVERABLE" }, "isFinal": true, "lines": [line] });
    let mut message = under_its_rma(Kind::ReturnReceived, body);
    message.ordering_key = "order/contoso/usmf-SHP0012".parse().unwrap();
    let (_, Look::Return(wish)) = wished() else { panic!() };
    let order = Some(ReleasedOrder { customer_account: Some("C-1".to_owned()), ..released() });
    (message, Look::Parcel(Box::new(ParcelLook { wish, order })), ledger)
}

/// What each kind meets, for the page of calls.
pub fn cases(kind: Kind) -> Vec<(&'static str, Envelope, Look, Ledger)> {
    match kind {
        Kind::ReturnRequested => {
            let (message, look) = wished();
            vec![("it is new", message, look, Ledger::default())]
        }
        Kind::ReturnAuthorised => {
            let cancelled = ReleasedOrder { cancelled: true, ..returned() };
            vec![
                ("it is new", authorised(), look(&authorised(), returned()), Ledger::default()),
                (
                    "it is cancelled, and the warehouse has it",
                    authorised(),
                    look(&authorised(), cancelled),
                    announced(),
                ),
            ]
        }
        Kind::ReturnStatusChanged => {
            vec![
                ("it arrived", says("ARRIVED"), look(&says("ARRIVED"), returned()), announced()),
                ("the warehouse gave it up", says("CANCELLED"), look(&says("CANCELLED"), returned()), announced()),
            ]
        }
        Kind::ReturnReceived => {
            let (message, look, ledger) = nobody_took("4");
            vec![
                ("no row says what becomes of it", came("RMA7", "RESTOCK"), received_look(), announced()),
                ("it is not announced yet", came("RMA7", "RESTOCK"), received_look(), Ledger::default()),
                ("it has no RMA", came("", "RESTOCK"), received_look(), announced()),
                ("it has no RMA, and its order is known", message, look, ledger),
            ]
        }
        // Kept, shown or not worked on yet: their plans know no calls.
        _ => Vec::new(),
    }
}

#[test]
fn a_wish_is_made_once_and_goes_on_under_its_rma() {
    let (message, look) = wished();
    let mut ledger = Ledger::default();
    let mut calls = 0;
    let ended = run(&message, &look, &mut ledger, |_| {
        calls += 1;
        Acted::Happened(json!({ "return_order": "RET7", "rma": "RMA7" }))
    });
    let emit = &done(&ended).emits[0];
    assert_eq!(emit.about.as_ref().unwrap().document.as_str(), "rma/contoso/RMA7");
    assert_eq!(calls, 1);
    let Decision::Done(again) = decide(&message, &look, &ledger) else { panic!("it is made again") };
    assert_eq!(again.emits.len(), 1);
}

#[test]
fn a_wish_that_lacks_something_says_what() {
    let (mut message, look) = wished();
    message.legal_entity = None;
    let Decision::Fail(failure) = decide(&message, &look, &Ledger::default()) else { panic!() };
    assert!(failure.sentence.contains("names no company"), "{}", failure.sentence);
}

#[test]
fn one_rma_of_two_companies_is_a_persons() {
    let other = ReleasedOrder { legal_entity: "demf".parse().unwrap(), ..returned() };
    let Decision::Fail(failure) = decide(&authorised(), &look(&authorised(), other), &announced()) else { panic!() };
    assert_eq!(failure.code.as_str(), "return.ambiguous");
}

#[test]
fn whoever_tells_of_a_number_alone_is_led_to_the_rma() {
    let mut message = authorised();
    message.ordering_key = "rma/contoso/RET7".parse().unwrap();
    let Decision::Done(done) = decide(&message, &look(&message, returned()), &Ledger::default()) else { panic!() };
    assert_eq!(done.emits[0].about.as_ref().unwrap().document.as_str(), "rma/contoso/RMA7");
}

#[test]
fn a_return_that_nothing_is_to_be_credited_of_is_complete_and_a_credited_one_is_told_once() {
    let body = json!({ "updateId": "credit/D1", "flow": "returns", "outcome": { "code": "PENDING" } });
    let mut message = under_its_rma(Kind::PostingSettled, body);
    message.origin = Origin::Emitted;
    let credit = CreditedLine { note: "CN1".to_owned(), line_id: "1".to_owned(), quantity: 5.into() };
    let credited = ReleasedOrder { credits: vec![credit], ..returned() };
    let seen = |wanted| match look(&message, wanted) {
        Look::Order(look) => Look::Order(drayline::flows::OrderLook { without_credit: Some(Vec::new()), ..look }),
        other => other,
    };
    let mut ledger = announced();
    assert!(matches!(decide(&message, &seen(returned()), &ledger), Decision::NotOurs(_)));
    let facts = json!({ "update_id": "D1" });
    let (key, act) = ("owes_credit/contoso/D1".to_owned(), "owes_credit".to_owned());
    ledger.add(Past { key, act, connection: "contoso".to_owned(), facts });
    let ended = decide(&message, &seen(credited.clone()), &ledger);
    assert!(done(&ended).steps[0].1.contains("CN1"));
    let acts: Vec<_> = done(&ended).facts.iter().map(|fact| fact.act.as_str()).collect();
    assert_eq!(acts, ["credit_settled", "credited"]);
    remember(&mut ledger, &ended);
    assert!(matches!(decide(&message, &seen(credited), &ledger), Decision::NotOurs(_)));
}

/// A line of a return order names one piece: several are asked for line by line, and none is left out in silence.
#[test]
fn a_wish_for_several_pieces_in_one_line_is_a_persons() {
    let (mut message, look) = wished();
    for (serials, made) in [(json!(["SN-1"]), true), (json!(["SN-1", "SN-2"]), false)] {
        let quantity = json!({ "value": serials.as_array().unwrap().len().to_string(), "unit": "ea" });
        let body = json!({ "requestKey": "web-7", "order": {}, "customerAccount": "C-1",
            "lines": [{ "item": { "sku": "BOLT" }, "quantity": quantity, "serials": serials }] });
        message.body = Body::from_json(Kind::ReturnRequested, body).unwrap();
        match decide(&message, &look, &Ledger::default()) {
            Decision::Act(calls) if made => {
                let Call::CreateReturn(wish) = &calls[0].call else { panic!("{calls:?}") };
                assert_eq!(wish.lines[0].serial.as_ref().unwrap().as_str(), "SN-1");
            }
            Decision::Fail(failure) if !made => {
                assert_eq!(failure.code.as_str(), "return.request_incomplete");
                assert!(failure.sentence.contains("2 serials of BOLT"), "{}", failure.sentence);
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn parcels_of_one_order_take_in_no_more_than_left() {
    let (message, look, mut ledger) = nobody_took("6");
    let ended =
        run(&message, &look, &mut ledger, |_| Acted::Happened(json!({ "return_order": "RET7", "rma": "RMA7" })));
    let documents: Vec<_> =
        done(&ended).emits.iter().map(|emit| emit.about.as_ref().unwrap().document.as_str()).collect();
    assert_eq!(documents, ["rma/contoso/RMA7", "rma/contoso/RMA7"]);
    let other = |quantity: &str| {
        let (message, ..) = nobody_took(quantity);
        let Body::ReturnReceived(told) = message.body.clone() else { panic!() };
        Envelope {
            body: Body::ReturnReceived(ReturnReceived { return_key: FactKey::new("web-8").unwrap(), ..told }),
            ..message
        }
    };
    let Decision::Fail(failure) = decide(&other("5"), &look, &ledger) else { panic!("more came than left") };
    assert_eq!(failure.code.as_str(), "return.parcel_unfit");
    assert!(failure.sentence.contains("5 ea of BOLT, and 1 of them"), "{}", failure.sentence);
    assert!(matches!(decide(&other("4"), &look, &ledger), Decision::Act(_)));
}
