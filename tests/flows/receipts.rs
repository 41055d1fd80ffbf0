//! What was received: totals become differences, and what does not fit becomes a person's.

use drayline::flows::{Call, Decision, Emit, Ledger, Look, Planned};
use drayline::gateways::{Direction, ReleasedOrder, ShipmentUpdate, UpdateState};
use drayline::message::{ASKS_FOR_THE_REST, ASKS_WHAT_NOW, Body, Envelope, Kind, Origin, PURPOSE, TimePrecision};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::expected::{
    RECEIPT, announced, announced_as, announcements, counted, expected, in_lots, numbered, receipt_look, reported,
    taken,
};
use super::scene::{
    call, contoso, decide, decimal, done, envelope, failed, line, not_ours, remember, run, shipment_look, waits,
};
use super::world::World;

/// Runs a report to its end; answers what was posted, and the decision.
fn count(message: &Envelope, ledger: &mut Ledger) -> (Vec<Planned>, Decision) {
    count_for(Some(expected()), message, ledger)
}

fn count_for(wanted: Option<ReleasedOrder>, message: &Envelope, ledger: &mut Ledger) -> (Vec<Planned>, Decision) {
    let mut posted = Vec::new();
    let decision = run(message, &Look::Receipt(receipt_look(wanted)), ledger, |planned| {
        posted.push(planned.clone());
        taken()
    });
    if let Decision::Done(_) = &decision {
        remember(ledger, &decision);
    }
    (posted, decision)
}

/// All of it is processed.
fn processed(posted: &[Planned], ledger: &mut Ledger) {
    for planned in posted {
        let look = shipment_look_of(UpdateState::Processed);
        remember(ledger, &decide(&settling(update(planned)), &look, ledger));
    }
}

fn settling(update: &ShipmentUpdate) -> Envelope {
    let body = json!({ "updateId": update.update_id, "flow": "goods_received", "outcome": "PENDING" });
    let mut message = envelope(Kind::PostingSettled, &contoso(), body);
    message.ordering_key = announced().ordering_key;
    message.origin = Origin::Emitted;
    message
}

fn shipment_look_of(state: UpdateState) -> Look {
    let mut look = shipment_look();
    look.update = Some(state);
    Look::Shipment(look)
}

fn update(planned: &Planned) -> &ShipmentUpdate {
    let Call::PostShipment(update) = &planned.call else { panic!("{planned:?}") };
    update
}

/// Line, lot, condition and quantity of all that was posted.
fn pieces(posted: &[Planned]) -> Vec<(String, String, Decimal)> {
    let mut pieces = Vec::new();
    for line in posted.iter().flat_map(|planned| &update(planned).lines) {
        if line.dimensions.is_empty() {
            pieces.push((line.line_id.clone(), String::new(), line.moved));
        }
        for piece in &line.dimensions {
            let serial = piece.serial.as_ref().map(ToString::to_string);
            let words = [piece.lot.clone(), serial, piece.status.clone()];
            pieces.push((
                line.line_id.clone(),
                words.into_iter().flatten().collect::<Vec<_>>().join(" "),
                piece.quantity,
            ));
        }
    }
    pieces
}

fn piece(line: &str, words: &str, quantity: &str) -> (String, String, Decimal) {
    (line.to_owned(), words.to_owned(), decimal(quantity))
}

/// What was emitted of a report for a purpose, as the message that it becomes.
fn emitted(of: &Envelope, decision: &Decision, purpose: &str) -> Envelope {
    let emitted: Vec<&Emit> = done(decision).emits.iter().filter(|emit| emit.purpose == purpose).collect();
    assert_eq!(emitted.len(), 1, "{purpose}: {decision:?}");
    Envelope {
        origin: Origin::Emitted,
        body: emitted[0].body.clone(),
        attributes: [(PURPOSE.to_owned(), purpose.to_owned())].into(),
        ..of.clone()
    }
}

/// The question about what of a report could not be posted.
pub fn question(of: &Envelope, decision: &Decision) -> Envelope {
    emitted(of, decision, ASKS_WHAT_NOW)
}

/// Counts a report of which nothing can be posted; answers what the question about it becomes.
fn asked(message: &Envelope, ledger: &mut Ledger) -> &'static str {
    let (posted, decision) = count(message, ledger);
    assert_eq!(posted.len(), 0, "{posted:?}");
    failed(&count(&question(message, &decision), ledger).1)
}

/// A question whose answer is that it can be posted: a message in the document's lane posts it.
fn posted_after_all(wanted: &ReleasedOrder, question: &Envelope, ledger: &mut Ledger) -> (Vec<Planned>, Decision) {
    let (posted, decision) = count_for(Some(wanted.clone()), question, ledger);
    assert_eq!(posted.len(), 0, "a question changes nothing");
    count_for(Some(wanted.clone()), &emitted(question, &decision, "again"), ledger)
}

/// Counts a report of which something falls and something rises: what falls goes first, what rises once Dynamics has posted
/// that.
fn count_in_turn(report: &Envelope, ledger: &mut Ledger) -> (Vec<Planned>, Vec<Planned>) {
    let (fell, decision) = count(report, ledger);
    assert!(done(&decision).emits.iter().any(|emit| emit.purpose == "posting"), "somebody looks after it");
    let rest = emitted(report, &decision, "again");
    let (nothing, waiting) = count(&rest, ledger);
    assert_eq!(nothing.len(), 0);
    let name = format!("posting/contoso/{}", update(&fell[0]).update_id);
    assert_eq!(waits(&waiting), (name.as_str(), None, "receipt.smaller"));
    processed(&fell, ledger);
    (fell, count(&rest, ledger).0)
}

fn five() -> Envelope {
    numbered(1, &[counted("1", "BOLT", "5")])
}

#[test]
fn a_total_posts_its_difference_to_what_was_posted() {
    let mut ledger = announcements(&[expected()]);
    let (posted, decision) = count(&five(), &mut ledger);
    assert_eq!(pieces(&posted), [piece("1", "", "5")]);
    let first = update(&posted[0]);
    assert_eq!((first.direction, first.origin_id.as_str()), (Direction::Inbound, "ORIGIN-7"));
    assert_eq!((first.lines[0].ordered, first.lines[0].remaining), (decimal("10"), decimal("5")));
    let emitted = &done(&decision).emits[0];
    assert!(matches!(&emitted.body, Body::PostingSettled(body) if body.update_id.as_str() == first.update_id));

    let (posted, _) = count(&numbered(2, &[counted("1", "BOLT", "8"), counted("2", "NUT", "4")]), &mut ledger);
    assert_eq!(pieces(&posted), [piece("1", "", "3"), piece("2", "", "4")]);
    assert_eq!(update(&posted[0]).lines[0].remaining, decimal("2"));
}

#[test]
fn a_repeat_posts_nothing() {
    let mut ledger = announcements(&[expected()]);
    let (posted, _) = count(&five(), &mut ledger);
    // The first is on its way: the repeat looks after it, too.
    assert_eq!(count(&five(), &mut ledger).0.len(), 0);
    processed(&posted, &mut ledger);
    let (again, decision) = count(&five(), &mut ledger);
    assert_eq!(again.len(), 0);
    assert!(not_ours(&decision).contains("Nothing new"));
}

#[test]
fn keys_name_the_total_and_the_correction() {
    let mut ledger = announcements(&[expected()]);
    let mut keys = Vec::new();
    for (sequence, total) in [(1, "5"), (2, "3"), (3, "5"), (4, "3")] {
        let (posted, _) = count(&numbered(sequence, &[counted("1", "BOLT", total)]), &mut ledger);
        assert_eq!(posted.len(), 1, "{total}");
        processed(&posted, &mut ledger);
        keys.push((posted[0].key.clone(), update(&posted[0]).update_id.clone(), pieces(&posted)[0].2));
    }
    // Golden: a change here is a breaking change, because a receipt would be posted twice.
    let shown: Vec<(&str, &str)> = keys.iter().map(|(key, id, _)| (key.as_str(), id.as_str())).collect();
    assert_eq!(shown, GOLDEN);
    let moved: Vec<Decimal> = keys.iter().map(|(_, _, moved)| *moved).collect();
    assert_eq!(moved, ["5", "-2", "2", "-2"].map(decimal));
}

const GOLDEN: [(&str, &str); 4] = [
    ("post_receipt/contoso/north/R-1/0/DF77118CA0229E9FFD11", "DA6D535DF7907F11C2AC"),
    ("post_receipt/contoso/north/R-1/1/D572AFC34016643DEA49", "DB643397BE2ABBF7C155"),
    ("post_receipt/contoso/north/R-1/1/DF77118CA0229E9FFD11", "DF504F354981C8B6A79B"),
    ("post_receipt/contoso/north/R-1/2/D572AFC34016643DEA49", "DE782F7F8DE6CEEDB83B"),
];

#[test]
fn goods_are_taken_back_once_dynamics_has_posted_them() {
    let mut ledger = announcements(&[expected()]);
    let (posted, _) = count(&five(), &mut ledger);
    let smaller = numbered(2, &[counted("1", "BOLT", "3")]);
    let (nothing, decision) = count(&smaller, &mut ledger);
    assert_eq!(nothing.len(), 0);
    let name = format!("posting/contoso/{}", update(&posted[0]).update_id);
    assert_eq!(waits(&decision), (name.as_str(), None, "receipt.smaller"));
    processed(&posted, &mut ledger);
    assert_eq!(pieces(&count(&smaller, &mut ledger).0), [piece("1", "", "-2")]);
}

/// Dynamics posts in no order: were the second rise posted before the fall, it would be more than was ordered.
#[test]
fn goods_come_in_again_once_dynamics_has_taken_them_back() {
    let mut ledger = announcements(&[expected()]);
    let of = |sequence: u64, total: &str| numbered(sequence, &[counted("1", "BOLT", total)]);
    let (posted, _) = count(&of(1, "9"), &mut ledger);
    processed(&posted, &mut ledger);
    let (fell, _) = count(&of(2, "0"), &mut ledger);
    let (nothing, decision) = count(&of(3, "8"), &mut ledger);
    assert_eq!(nothing.len(), 0);
    let name = format!("posting/contoso/{}", update(&fell[0]).update_id);
    assert_eq!(waits(&decision), (name.as_str(), None, "receipt.smaller"));
    processed(&fell, &mut ledger);
    assert_eq!(pieces(&count(&of(3, "8"), &mut ledger).0), [piece("1", "", "8")]);
}

/// What rises is left to the report once more; where a newer one passes it, that one says it all.
#[test]
fn what_rises_is_a_newer_reports_when_it_comes_before_what_falls_is_posted() {
    let mut ledger = announcements(&[expected()]);
    let of = |sequence: u64, lots: &[(&str, &str)]| numbered(sequence, &[in_lots("1", "BOLT", "10", lots)]);
    let (posted, _) = count(&of(1, &[("A", "10")]), &mut ledger);
    processed(&posted, &mut ledger);
    let (fell, decision) = count(&of(2, &[("A", "6"), ("B", "4")]), &mut ledger);
    let rest = emitted(&of(2, &[("A", "6"), ("B", "4")]), &decision, "again");
    let newer = of(3, &[("A", "6"), ("C", "4")]);
    assert_eq!(count(&newer, &mut ledger).0.len(), 0, "it waits, too");
    processed(&fell, &mut ledger);
    assert_eq!(pieces(&count(&newer, &mut ledger).0), [piece("1", "C", "4")]);
    let (nothing, decision) = count(&rest, &mut ledger);
    assert_eq!(nothing.len(), 0);
    not_ours(&decision);
}

/// Until a report ends, nobody looks what became of what it took back. What it cannot post after that is told.
#[test]
fn what_rises_and_cannot_be_posted_after_what_fell_is_a_persons() {
    let mut ledger = announcements(&[expected()]);
    let (posted, _) = count(&numbered(1, &[in_lots("1", "BOLT", "5", &[("A", "5")])]), &mut ledger);
    processed(&posted, &mut ledger);
    let cancelled = ReleasedOrder { cancelled: true, ..expected() };
    let other = numbered(2, &[in_lots("1", "BOLT", "5", &[("B", "5")])]);
    let (fell, decision) = count_for(Some(cancelled.clone()), &other, &mut ledger);
    assert_eq!(pieces(&fell), [piece("1", "A", "-5")]);
    assert!(done(&decision).emits.iter().any(|emit| emit.purpose == "posting"), "{decision:?}");
    processed(&fell, &mut ledger);
    let again = emitted(&other, &decision, "again");
    let (none, decision) = count_for(Some(cancelled.clone()), &again, &mut ledger);
    let (nothing, decision) = count_for(Some(cancelled), &question(&again, &decision), &mut ledger);
    assert_eq!((none.len(), nothing.len(), failed(&decision)), (0, 0, "receipt.cancelled_order"));
}

#[test]
fn an_older_report_says_nothing() {
    let mut ledger = announcements(&[expected()]);
    count(&numbered(7, &[counted("1", "BOLT", "3")]), &mut ledger);
    for older in ["5", "2"] {
        let (posted, decision) = count(&numbered(6, &[counted("1", "BOLT", older)]), &mut ledger);
        assert_eq!(posted.len(), 0);
        not_ours(&decision);
    }
    // Of a line that the newer one left out it does.
    let (posted, _) = count(&numbered(6, &[counted("1", "BOLT", "9"), counted("2", "NUT", "1")]), &mut ledger);
    assert_eq!(pieces(&posted), [piece("2", "", "1")]);
}

#[test]
fn without_numbers_the_time_tells_which_report_is_newer() {
    let mut ledger = announcements(&[expected()]);
    let at = |second, total| reported(RECEIPT, second, &[counted("1", "BOLT", total)], &json!({}));
    let (posted, _) = count(&at(10, "5"), &mut ledger);
    processed(&posted, &mut ledger);
    assert_eq!(pieces(&count(&at(20, "3"), &mut ledger).0), [piece("1", "", "-2")]);
    not_ours(&count(&at(15, "4"), &mut ledger).1);
}

#[test]
fn a_smaller_total_that_nothing_shows_to_be_newer_is_a_persons() {
    let mut ledger = announcements(&[expected()]);
    count(&five(), &mut ledger);
    let mut unsure = reported(RECEIPT, 100, &[counted("1", "BOLT", "3")], &json!({}));
    unsure.occurred.precision = TimePrecision::ReceiveTime;
    assert_eq!(asked(&unsure, &mut ledger), "receipt.smaller");
    // A larger one is posted: whichever is newer, so much has come.
    let mut larger = reported(RECEIPT, 100, &[counted("1", "BOLT", "6")], &json!({}));
    larger.occurred.precision = TimePrecision::ReceiveTime;
    assert_eq!(pieces(&count(&larger, &mut ledger).0), [piece("1", "", "1")]);
}

#[test]
fn an_environment_that_takes_no_reversals_leaves_them_to_finance() {
    let mut ledger = announcements(&[expected()]);
    let (posted, _) = count(&five(), &mut ledger);
    processed(&posted, &mut ledger);
    let mut look = receipt_look(Some(expected()));
    look.receiving.reversals = false;
    let smaller = numbered(2, &[counted("1", "BOLT", "3")]);
    let decision = decide(&smaller, &Look::Receipt(look.clone()), &ledger);
    let question = question(&smaller, &decision);
    remember(&mut ledger, &decision);
    assert_eq!(failed(&decide(&question, &Look::Receipt(look), &ledger)), "receipt.reversed");
    // It takes them after all, and whoever was asked replays the question.
    assert_eq!(pieces(&posted_after_all(&expected(), &question, &mut ledger).0), [piece("1", "", "-2")]);
}

#[test]
fn lots_are_counted_for_themselves() {
    let mut ledger = announcements(&[expected()]);
    let (posted, _) = count(&numbered(1, &[in_lots("1", "BOLT", "5", &[("A", "5")])]), &mut ledger);
    processed(&posted, &mut ledger);
    let report = numbered(2, &[in_lots("1", "BOLT", "6", &[("A", "2"), ("B", "4")]), counted("2", "NUT", "1")]);
    let (fell, rose) = count_in_turn(&report, &mut ledger);
    assert_eq!(pieces(&fell), [piece("1", "A", "-3"), piece("2", "", "1")], "of another line nothing waits");
    assert_eq!(pieces(&rose), [piece("1", "B", "4")]);
    let wrong = numbered(3, &[in_lots("1", "BOLT", "7", &[("A", "2"), ("B", "4")]), counted("2", "NUT", "2")]);
    let (posted, decision) = count(&wrong, &mut ledger);
    assert_eq!(pieces(&posted), [piece("2", "", "1")], "what is clear is posted");
    assert_eq!(failed(&count(&question(&wrong, &decision), &mut ledger).1), "receipt.tracking_differs");
}

#[test]
fn pieces_with_serials_are_posted_one_by_one() {
    let mut ledger = announcements(&[expected()]);
    let with = |sequence, serials: &[&str]| {
        let mut line = counted("2", "NUT", &serials.len().to_string());
        line["serials"] = json!(serials);
        numbered(sequence, &[line])
    };
    let (posted, _) = count(&with(1, &["S1", "S2"]), &mut ledger);
    assert_eq!(pieces(&posted), [piece("2", "S1", "1"), piece("2", "S2", "1")]);
    processed(&posted, &mut ledger);
    let (fell, rose) = count_in_turn(&with(2, &["S2", "S3"]), &mut ledger);
    assert_eq!((pieces(&fell), pieces(&rose)), (vec![piece("2", "S1", "-1")], vec![piece("2", "S3", "1")]));
    assert_eq!(asked(&with(3, &["S2", "S2"]), &mut ledger), "receipt.tracking_differs");
}

#[test]
fn damaged_goods_have_a_condition_of_their_own() {
    let mut ledger = announcements(&[expected()]);
    let mut some = counted("1", "BOLT", "5");
    some["damaged"] = json!({ "value": "2" });
    let (posted, _) = count(&numbered(1, &[some]), &mut ledger);
    assert_eq!(pieces(&posted), [piece("1", "", "3"), piece("1", "Blocking", "2")]);
    let mut whole = counted("2", "NUT", "4");
    whole["stockStatus"] = json!("DAMAGED");
    assert_eq!(pieces(&count(&numbered(2, &[whole]), &mut ledger).0), [piece("2", "Blocking", "4")]);
    let mut many = in_lots("1", "BOLT", "6", &[("A", "3"), ("B", "3")]);
    many["damaged"] = json!({ "value": "1" });
    assert_eq!(asked(&numbered(3, &[many]), &mut ledger), "receipt.tracking_differs");
}

#[test]
fn a_condition_that_nobody_named_is_never_taken_for_sound() {
    let mut ledger = announcements(&[expected()]);
    let mut held = counted("2", "NUT", "4");
    held["stockStatus"] = json!({ "code": "ON_HOLD", "raw": "qc" });
    assert_eq!(asked(&numbered(1, &[held]), &mut ledger), "receipt.status_unmapped");
}

#[test]
fn what_a_line_tolerates_is_posted_and_only_the_rest_is_an_exception() {
    let mut wanted = expected();
    wanted.lines[0].over_percent = Some(decimal("10"));
    let mut ledger = announcements(&[wanted.clone()]);
    let (posted, decision) = count_for(Some(wanted.clone()), &numbered(1, &[counted("1", "BOLT", "11")]), &mut ledger);
    assert_eq!(pieces(&posted), [piece("1", "", "11")]);
    assert!(done(&decision).emits.iter().all(|emit| emit.purpose == "posting"));

    let mut ledger = announcements(&[wanted.clone()]);
    let report = numbered(1, &[counted("1", "BOLT", "13")]);
    let (posted, decision) = count_for(Some(wanted.clone()), &report, &mut ledger);
    assert_eq!(pieces(&posted), [piece("1", "", "11")]);
    let rest = question(&report, &decision);
    let (posted, decision) = count_for(Some(wanted.clone()), &rest, &mut ledger);
    assert_eq!((posted.len(), failed(&decision)), (0, "receipt.exceeds_order"));
    // The order was raised, and the exception replayed.
    wanted.lines[0].quantity = decimal("12");
    let (posted, decision) = posted_after_all(&wanted, &rest, &mut ledger);
    assert_eq!(pieces(&posted), [piece("1", "", "2")]);
    assert_eq!(done(&decision).emits.len(), 2, "both are looked after");
}

#[test]
fn a_tolerance_is_not_filled_with_a_part_of_a_piece() {
    let mut wanted = expected();
    wanted.lines[1].over_percent = Some(decimal("30"));
    let mut ledger = announcements(&[wanted.clone()]);
    let (posted, _) = count_for(Some(wanted.clone()), &numbered(1, &[counted("2", "NUT", "7")]), &mut ledger);
    assert_eq!(pieces(&posted), [piece("2", "", "5")], "5.2 would be tolerated");
    let mut ledger = announcements(&[wanted.clone()]);
    let (posted, _) = count_for(Some(wanted), &numbered(1, &[counted("2", "NUT", "5.2")]), &mut ledger);
    assert_eq!(pieces(&posted), [piece("2", "", "5.2")]);
}

#[test]
fn what_nobody_ordered_is_a_persons_and_the_rest_is_posted() {
    let mut ledger = announcements(&[expected()]);
    let mut stranger = counted("", "GIZMO", "3");
    stranger["unexpected"] = json!(true);
    let report = numbered(1, &[stranger, counted("2", "NUT", "4")]);
    let (posted, decision) = count(&report, &mut ledger);
    assert_eq!(pieces(&posted), [piece("2", "", "4")]);
    let rest = question(&report, &decision);
    assert_eq!(failed(&count(&rest, &mut ledger).1), "receipt.item_unexpected");
    let mut wanted = expected();
    wanted.lines.push(line("3", "GIZMO", "3"));
    assert_eq!(
        pieces(&posted_after_all(&wanted, &rest, &mut ledger).0),
        [piece("3", "", "3")],
        "it was ordered after all"
    );
    let mut ledger = announcements(&[expected()]);
    assert_eq!(asked(&numbered(1, &[counted("1", "NUT", "4")]), &mut ledger), "receipt.item_unexpected");
}

#[test]
fn another_unit_is_a_persons_unless_the_warehouse_says_both() {
    let mut ledger = announcements(&[expected()]);
    let mut cases = counted("1", "BOLT", "1");
    cases["received"] = json!({ "value": "1", "unit": "cs" });
    assert_eq!(asked(&numbered(1, &[cases.clone()]), &mut ledger), "receipt.unit_differs");
    cases["received"] = json!({ "value": "1", "unit": "cs", "baseValue": "6", "baseUnit": "EA" });
    assert_eq!(pieces(&count(&numbered(2, &[cases]), &mut ledger).0), [piece("1", "", "6")]);
}

#[test]
fn what_names_no_line_fills_the_lines_of_its_item_in_order() {
    let mut wanted = expected();
    wanted.lines.push(line("3", "BOLT", "5"));
    let mut ledger = announcements(&[wanted.clone()]);
    let of = |sequence, total| numbered(sequence, &[counted("", "BOLT", total)]);
    let (posted, _) = count_for(Some(wanted.clone()), &of(1, "12"), &mut ledger);
    assert_eq!(pieces(&posted), [piece("1", "", "10"), piece("3", "", "2")]);
    processed(&posted, &mut ledger);
    let (posted, _) = count_for(Some(wanted), &of(2, "9"), &mut ledger);
    assert_eq!(pieces(&posted), [piece("1", "", "-1"), piece("3", "", "-2")], "the last line gives back first");
}

#[test]
fn additions_are_posted_once_each() {
    let mut ledger = announcements(&[expected()]);
    let add = |sequence: u64, total: &str| {
        reported(RECEIPT, 0, &[counted("1", "BOLT", total)], &json!({ "quantityBasis": "DELTA", "sequence": sequence }))
    };
    let (first, _) = count(&add(1, "5"), &mut ledger);
    let (second, _) = count(&add(2, "3"), &mut ledger);
    assert_eq!((pieces(&first), pieces(&second)), (vec![piece("1", "", "5")], vec![piece("1", "", "3")]));
    assert!(first[0].key.starts_with("post_receipt/contoso/north/R-1/1/"), "{}", first[0].key);
    assert_eq!(count(&add(1, "5"), &mut ledger).0.len(), 0, "the same fact again");
    let (_, decision) = count(&add(1, "4"), &mut ledger);
    assert_eq!(failed(&count(&question(&add(1, "4"), &decision), &mut ledger).1), "receipt.differs");
    processed(&[first, second].concat(), &mut ledger);
    let (third, _) = count(&add(3, "-2"), &mut ledger);
    assert_eq!(pieces(&third), [piece("1", "", "-2")]);
    processed(&third, &mut ledger);
    let (_, decision) = count(&add(4, "-7"), &mut ledger);
    assert_eq!(waits(&decision), ("receipt/north/R-1", Some(Kind::GoodsReceived), "receipt.smaller"));
}

#[test]
fn arrival_is_not_receipt() {
    let mut ledger = announcements(&[expected()]);
    let arrived = reported(RECEIPT, 0, &[counted("1", "BOLT", "10")], &json!({ "state": "ARRIVED" }));
    let (posted, decision) = count(&arrived, &mut ledger);
    assert_eq!(posted.len(), 0);
    assert!(done(&decision).steps[0].1.contains("at its door"));
}

#[test]
fn a_receipt_ahead_of_its_announcement_waits_for_it() {
    let (posted, decision) = count(&five(), &mut Ledger::default());
    assert_eq!(posted.len(), 0);
    let reference = format!("inbound/contoso/{}", announced_as(1));
    assert_eq!(waits(&decision), (reference.as_str(), Some(Kind::ReceiptAnnounced), "inbound.unknown"));
}

#[test]
fn several_receipts_share_the_lines_of_one_order() {
    let mut ledger = announcements(&[expected()]);
    let of =
        |receipt: &str, total: &str| reported(receipt, 0, &[counted("1", "BOLT", total)], &json!({ "sequence": 1 }));
    assert_eq!(pieces(&count(&of("R-1", "6"), &mut ledger).0), [piece("1", "", "6")]);
    let (posted, decision) = count(&of("R-2", "6"), &mut ledger);
    assert_eq!(pieces(&posted), [piece("1", "", "4")], "ten were ordered");
    assert_eq!(update(&posted[0]).lines[0].remaining, Decimal::ZERO);
    assert_eq!(failed(&count(&question(&of("R-2", "6"), &decision), &mut ledger).1), "receipt.exceeds_order");
}

#[test]
fn the_end_of_counting_shows_what_is_short() {
    let mut ledger = announcements(&[expected()]);
    let complete = |sequence: u64, total: &str| {
        let more = json!({ "sequence": sequence, "state": "COMPLETE", "isFinal": true });
        reported(RECEIPT, 0, &[counted("1", "BOLT", total), counted("2", "NUT", "4")], &more)
    };
    let (_, decision) = count(&complete(1, "7"), &mut ledger);
    let steps: Vec<&str> = done(&decision).steps.iter().map(|(_, what)| what.as_str()).collect();
    let short = "Short: 3 of 10 ea of line 1 (BOLT) did not come, beyond its tolerance.";
    assert!(steps.contains(&short), "{steps:?}");
    // A person is asked, in a lane of its own, so that no later report waits for the answer.
    let question = emitted(&complete(1, "7"), &decision, ASKS_FOR_THE_REST);
    assert_ne!(question.lane_key(), complete(1, "7").lane_key());
    let (posted, decision) = count(&question, &mut ledger);
    assert_eq!((posted.len(), failed(&decision)), (0, "receipt.short"));
    // Not again for the same shortage.
    let (_, again) = count(&complete(5, "7"), &mut ledger.clone());
    assert!(done(&again).emits.iter().all(|emit| emit.purpose != ASKS_FOR_THE_REST), "{again:?}");
    // It is gone from Dynamics: nothing is taken back from a warehouse that has counted all there is.
    let look = Look::Order(World::new(None).order_look(&announced()));
    assert!(matches!(decide(&announced(), &look, &ledger), Decision::Done(_)));
    let (posted, decision) = count(&complete(2, "10"), &mut ledger);
    assert_eq!(pieces(&posted), [piece("1", "", "3")]);
    assert!(done(&decision).steps.iter().any(|(_, what)| what.contains("after R-1 was complete")), "{decision:?}");
    // The rest came: whoever asks again gets an answer.
    done(&count(&question, &mut ledger).1);
}

#[test]
fn goods_for_a_cancelled_order_are_a_persons() {
    let mut ledger = announcements(&[expected()]);
    let cancelled = ReleasedOrder { cancelled: true, ..expected() };
    let (posted, decision) = count_for(Some(cancelled.clone()), &five(), &mut ledger);
    let (none, decision) = count_for(Some(cancelled), &question(&five(), &decision), &mut ledger);
    assert_eq!((posted.len() + none.len(), failed(&decision)), (0, "receipt.cancelled_order"));
}

#[test]
fn a_cancelled_receipt_takes_back_what_it_brought() {
    let mut ledger = announcements(&[expected()]);
    let cancelled = |receipt: &str| reported(receipt, 0, &[], &json!({ "sequence": 9, "state": "CANCELLED" }));
    let (posted, _) = count(&five(), &mut ledger);
    processed(&posted, &mut ledger);
    let (posted, decision) = count(&cancelled(RECEIPT), &mut ledger);
    assert_eq!(pieces(&posted), [piece("1", "", "-5")]);
    done(&decision);
    // The warehouse gave up the whole announcement (which it knows under this id), and Dynamics still wants it.
    assert_eq!(asked(&cancelled("N-1"), &mut ledger), "inbound.rejected");
}

#[test]
fn quantities_of_which_nobody_knows_what_they_mean_are_a_persons() {
    let mut ledger = announcements(&[expected()]);
    let strange = reported(RECEIPT, 0, &[counted("1", "BOLT", "5")], &json!({ "quantityBasis": "ESTIMATED" }));
    assert_eq!(asked(&strange, &mut ledger), "receipt.differs");
    let negative = numbered(1, &[counted("1", "BOLT", "-5")]);
    assert_eq!(asked(&negative, &mut ledger), "receipt.differs");
}

#[test]
fn a_receipt_is_posted_when_dynamics_says_so() {
    let mut ledger = announcements(&[expected()]);
    let (posted, _) = count(&five(), &mut ledger);
    let message = settling(update(&posted[0]));
    let settle = |state| decide(&message, &shipment_look_of(state), &ledger);
    assert!(matches!(settle(UpdateState::Pending("Received".to_owned())), Decision::Later { .. }));
    let refused = settle(UpdateState::Failed("The period is closed.".to_owned()));
    assert_eq!(failed(&refused), "dynamics.posting_failed");
    let Decision::Fail(failure) = &refused else { unreachable!() };
    assert!(failure.sentence.starts_with("Dynamics could not post receipt R-1-"), "{failure}");
    let restored = settle(UpdateState::Missing);
    assert_eq!(update(call(&restored)).lines, update(&posted[0]).lines);
    let settled = settle(UpdateState::Processed);
    let step = &done(&settled).steps[0].1;
    assert!(step.starts_with("Posted receipt R-1-"), "{step}");
    assert!(done(&settled).emits.is_empty());
    // Whoever took more of it than there was looks again.
    let came_in = done(&settled).documents.iter().filter(|document| document.kind == "item_stock");
    assert_eq!(came_in.map(|document| document.key.as_str()).collect::<Vec<_>>(), ["stock/contoso/BOLT"]);
}

/// What was intended is settled as it was meant, whatever a plan would make of it by then.
#[test]
fn an_unsure_posting_is_asked_about_with_all_that_it_was_to_say() {
    let mut ledger = announcements(&[expected()]);
    let (posted, _) = count(&five(), &mut ledger);
    let asked: Value = serde_json::to_value(posted[0].call.lookup()).unwrap();
    assert_eq!(asked["update"]["update_id"], update(&posted[0]).update_id);
    assert_eq!(asked["update"]["lines"][0]["moved"], "5");
}
