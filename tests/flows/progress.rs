//! How far a document is, as a message leaves it: the same whether the message was applied or waits.

use drayline::flows::{Ledger, Look, Past, Progress, Stage, progress};
use drayline::gateways::{Direction, ReleasedOrder, UpdateState};
use drayline::message::{Body, Envelope, FactKey, Flow, Kind, Origin, PostingOutcomeCode, PostingSettled};
use serde_json::json;

use super::expected::{announced, announcements, counted, expected, numbered, receipt_look};
use super::scene::{
    at, created, decide_order, done, from_dynamics, from_north, order_look, reference, released, remember,
    shipment_look, shipped,
};
use super::world::World;

const WHOLE: &[(&str, &str, &str)] = &[("1", "BOLT", "10"), ("2", "NUT", "4")];

fn order(message: &Envelope, wanted: Option<ReleasedOrder>, ledger: &Ledger) -> Progress {
    progress(message, Some(&Look::Order(order_look(wanted))), ledger).unwrap()
}

#[test]
fn an_order_that_could_not_be_sent_is_known_with_its_promise_and_value() {
    let wanted = ReleasedOrder {
        value: Some("12.50".parse().unwrap()),
        currency: Some("EUR".to_owned()),
        deliver_by: Some(at(99)),
        ..released()
    };
    let far = order(&from_dynamics(Kind::OrderReleased), Some(wanted), &Ledger::default());
    assert_eq!((far.stage, far.direction, far.counts), (Some(Stage::NotSent), Direction::Outbound, false));
    assert_eq!((far.promised_at, far.released_at), (Some(at(99)), at(0)));
    assert_eq!((far.value.unwrap().to_string(), far.currency.as_deref()), ("12.50".to_owned(), Some("EUR")));
    // What could not be read tells nothing.
    assert_eq!(progress(&from_dynamics(Kind::OrderReleased), None, &Ledger::default()), None);
    let nothing = Look::Order(order_look(None));
    assert_eq!(progress(&from_dynamics(Kind::OrderReleased), Some(&nothing), &Ledger::default()), None);
}

#[test]
fn an_order_is_sent_accepted_and_rejected() {
    let release = from_dynamics(Kind::OrderReleased);
    let mut ledger = created(&[released()]);
    let far = order(&release, Some(released()), &ledger);
    assert_eq!((far.stage, far.warehouse.as_deref()), (Some(Stage::Sent), Some("north")));
    let rejection = from_north(Kind::OrderRejected, &reference(1), json!({ "reason": { "code": "OTHER" } }));
    let far = order(&rejection, Some(released()), &ledger);
    assert_eq!((far.stage, far.rejected_at), (Some(Stage::Rejected), Some(rejection.occurred.at)));
    let acceptance = from_north(Kind::OrderAccepted, &reference(1), json!({ "warehouseOrderId": "W-1" }));
    let mut look = order_look(Some(released()));
    look.writes_back = false;
    let decision = decide_order(&acceptance, &look, &ledger);
    remember(&mut ledger, &decision);
    let far = order(&acceptance, Some(released()), &ledger);
    assert_eq!((far.stage, far.accepted_at), (Some(Stage::Accepted), Some(acceptance.occurred.at)));
}

/// Nobody waits any more for what Dynamics cancelled, whatever kept it from a warehouse before.
#[test]
fn what_dynamics_cancelled_is_cancelled_also_where_no_warehouse_did_it() {
    let cancelled = || Some(ReleasedOrder { cancelled: true, ..released() });
    let cancels = from_dynamics(Kind::OrderCancelled);
    let far = order(&cancels, cancelled(), &Ledger::default());
    assert_eq!(far.stage, Some(Stage::Cancelled));
    let mut ledger = created(&[released()]);
    let rejection = from_north(Kind::OrderRejected, &reference(1), json!({ "reason": { "code": "OTHER" } }));
    assert_eq!(order(&rejection, Some(released()), &ledger).stage, Some(Stage::Rejected));
    assert_eq!(order(&rejection, cancelled(), &ledger).stage, Some(Stage::Cancelled));
    let (key, act) = ("reject_order/north/usmf-SHP0012-W1".to_owned(), "reject_order".to_owned());
    let facts = json!({ "reference": reference(1) });
    ledger.add(Past { key, act, connection: "north".to_owned(), facts });
    assert_eq!(order(&cancels, Some(released()), &ledger).stage, Some(Stage::Rejected));
    assert_eq!(order(&cancels, cancelled(), &ledger).stage, Some(Stage::Cancelled));
}

#[test]
fn what_ships_is_whole_when_nothing_more_is_to_come() {
    let mut ledger = created(&[released()]);
    let ships = |message: &Envelope, ledger: &mut Ledger| {
        let end = super::shipments::apply(ledger, message, &shipment_look());
        done(&end);
        progress(message, Some(&Look::Shipment(shipment_look())), ledger).unwrap()
    };
    let far = ships(&shipped("S1", &reference(1), &WHOLE[..1]), &mut ledger);
    assert_eq!((far.whole, far.counts, far.moved_at), (Some(false), true, Some(at(0))));
    assert_eq!(far.open_since, Some(at(0)));
    let far = ships(&shipped("S2", &reference(1), &WHOLE[1..]), &mut ledger);
    assert_eq!((far.whole, far.stage), (Some(true), None));
    // Whether it is posted is counted where postings are recorded.
    let look = drayline::flows::ShipmentLook { update: Some(UpdateState::Processed), ..shipment_look() };
    let body = PostingSettled {
        update_id: FactKey::new("U-1").unwrap(),
        flow: Flow::Shipments,
        outcome: PostingOutcomeCode::Pending.into(),
        text: None,
    };
    let s2 = shipped("S2", &reference(1), &WHOLE[1..]);
    let poll = Envelope { origin: Origin::Emitted, body: Body::PostingSettled(body), ..s2 };
    let far = progress(&poll, Some(&Look::Shipment(look)), &ledger).unwrap();
    assert_eq!((far.whole, far.counts), (None, true));
}

#[test]
fn goods_are_whole_when_they_are_counted_out_or_all_there() {
    let ledger = announcements(&[expected()]);
    let report = numbered(1, &[counted("1", "BOLT", "5")]);
    let look = Look::Receipt(receipt_look(Some(expected())));
    let far = progress(&report, Some(&look), &ledger).unwrap();
    assert_eq!((far.direction, far.whole, far.moved_at), (Direction::Inbound, Some(false), None));
    let look = Look::Order(World::new(Some(expected())).order_look(&announced()));
    assert_eq!(progress(&announced(), Some(&look), &ledger).unwrap().stage, Some(Stage::Sent));
}
