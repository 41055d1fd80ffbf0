//! The plan for adjustments of stock: what is posted, what waits, what a person must look at.

use std::collections::BTreeMap;
use std::sync::Arc;

use drayline::config::{Adjustments, BelongsTo, Journals, Statuses};
use drayline::failure::{Code, Failure};
use drayline::flows::{Acted, AdjustmentLook, Call, Decision, Ledger, Look, Past, Planned};
use drayline::gateways::{JournalState, StockAdjustment};
use drayline::mapping::Mapping;
use drayline::message::{AdjustmentReasonCode, Envelope, Kind, OrderingKey, PlaceCode};
use proptest::prelude::*;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::mapping::mapping;

use super::scene::{at, call, contoso, decimal, done, envelope, failed, north, not_ours, run, usmf, waits};

pub fn look() -> Look {
    Look::Adjustment(look_with(Adjustments::default()))
}

fn look_with(rules: Adjustments) -> AdjustmentLook {
    AdjustmentLook {
        environment: contoso(),
        legal_entity: Some(usmf()),
        place: Some(PlaceCode::new("24").unwrap()),
        go_live: None,
        journal: None,
        rules: Arc::new(rules),
        statuses: Statuses(
            [("ON_HOLD", "Blocked"), ("DAMAGED", "Damaged")]
                .map(|(ours, theirs)| (ours.to_owned(), theirs.to_owned()))
                .into(),
        ),
    }
}

/// An environment that takes journals, which this service posts; empty: a job does.
pub fn look_at_journals(service: &str, journal: Option<JournalState>) -> Look {
    let journals = Journals { name: "IAdj".to_owned(), service: service.to_owned(), ..Journals::default() };
    Look::Adjustment(AdjustmentLook { journal, ..look_with(Adjustments { journals, ..Adjustments::default() }) })
}

pub fn goes_to_journals(look: &Look) -> bool {
    matches!(look, Look::Adjustment(look) if look.rules.by_journal().is_some())
}

/// What a call brings that writes a journal.
pub fn journal() -> Value {
    json!({ "journal": { "legal_entity": "usmf", "number": "D1" } })
}

/// An adjustment of BOLT by north; `more` are the body's other members.
fn adjusted(key: &str, more: &Value) -> Envelope {
    let mut body = json!({
        "adjustmentKey": key,
        "item": { "sku": "BOLT" },
        "warehouse": { "code": "NORTH-1" },
        "kind": { "code": "DELTA" },
        "reason": { "code": "DAMAGED" },
    });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let mut message = envelope(Kind::StockAdjusted, &north(), body);
    message.ordering_key = OrderingKey::stock(&north(), "BOLT");
    message
}

pub fn delta(key: &str, quantity: &str, more: &Value) -> Envelope {
    let mut body = json!({ "delta": { "value": quantity, "unit": "ea" } });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    adjusted(key, &body)
}

fn plan_of(message: &Envelope, look: &Look, ledger: &Ledger) -> Decision {
    drayline::flows::plan(message, look, &drayline::mapping::Mapping::default(), ledger)
}

fn posted(decision: &Decision) -> &StockAdjustment {
    match &call(decision).call {
        Call::AdjustStock(adjustment) => adjustment,
        other => panic!("something else: {other:?}"),
    }
}

/// Quantity, status, lot and serial of each row.
fn rows(decision: &Decision) -> Vec<(Decimal, String, String, String)> {
    let text = |text: Option<&String>| text.cloned().unwrap_or_default();
    let rows = posted(decision).rows.iter().map(|row| {
        let serial = row.serial.as_ref().map(ToString::to_string).unwrap_or_default();
        (row.quantity, text(row.status.as_ref()), text(row.lot.as_ref()), serial)
    });
    rows.collect()
}

fn row(quantity: &str, status: &str, lot: &str, serial: &str) -> (Decimal, String, String, String) {
    (decimal(quantity), status.to_owned(), lot.to_owned(), serial.to_owned())
}

#[test]
fn a_delta_posts_its_signed_quantity_once() {
    let message = delta("A-1", "-3", &json!({ "lot": { "number": "B-7" }, "owner": "ACME" }));
    let mut ledger = Ledger::default();
    let planned = plan_of(&message, &look(), &ledger);
    assert_eq!(call(&planned).key, "adjust_stock/contoso/north/A-1");
    assert_eq!(rows(&planned), [row("-3", "", "B-7", "")]);
    let adjustment = posted(&planned);
    assert_eq!(
        (adjustment.place.as_str(), adjustment.legal_entity.as_str(), &adjustment.posted_to),
        ("24", "usmf", &None)
    );
    let first = &adjustment.rows[0];
    assert_eq!((first.item_number.as_str(), first.owner.as_deref()), ("BOLT", Some("ACME")));
    // A golden vector: another id would be another adjustment.
    assert_eq!(first.row_id, "D958D255503969F41507");
    let ended = run(&message, &look(), &mut ledger, |_| Acted::Happened(json!({})));
    assert_eq!(done(&ended).steps[0].1, "Adjusted BOLT by -3 ea (DAMAGED).");
    // The same fact under another id, as a poll finds it.
    let again = delta("A-1", "-3", &json!({ "lot": { "number": "B-7" }, "owner": "ACME" }));
    done(&plan_of(&again, &look(), &ledger));
    assert_eq!(failed(&plan_of(&delta("A-1", "-4", &json!({})), &look(), &ledger)), "adjustment.differs");
}

#[test]
fn the_direction_comes_from_the_sign_never_from_the_reason() {
    for (reason, quantity) in [("LOST", "2"), ("FOUND", "-2"), ("DAMAGED", "2"), ("DISPOSED", "5")] {
        let planned =
            plan_of(&delta("A-1", quantity, &json!({ "reason": { "code": reason } })), &look(), &Ledger::default());
        assert_eq!(rows(&planned), [row(quantity, "", "", "")], "{reason}");
    }
}

#[test]
fn every_reason_is_posted_unless_nobody_knows_it() {
    for name in [
        "DAMAGED",
        "LOST",
        "FOUND",
        "CYCLE_COUNT",
        "EXPIRED",
        "QUARANTINE_IN",
        "QUARANTINE_OUT",
        "RECALL",
        "RECEIPT_CORRECTION",
        "SHIPMENT_CORRECTION",
        "RETURN_RESTOCK",
        "DISPOSED",
        "DONATED",
        "SAMPLE",
        "TRANSFER",
        "OWNER_CHANGE",
        "CONSIGNMENT",
        "ITEM_RECODE",
        "CONDITION_CHANGE",
        "REGRADE",
        "ACCOUNTING",
    ] {
        let message = delta("A-1", "-1", &json!({ "reason": { "code": name } }));
        let drayline::message::Body::StockAdjusted(body) = &message.body else { panic!() };
        assert_ne!(body.reason.code, AdjustmentReasonCode::Other, "{name}");
        posted(&plan_of(&message, &look(), &Ledger::default()));
    }
    let unknown = delta("A-1", "-1", &json!({ "reason": { "code": "OTHER", "raw": "Spillage", "text": "Paint" } }));
    let decision = plan_of(&unknown, &look(), &Ledger::default());
    let Decision::Fail(failure) = &decision else { panic!("{decision:?}") };
    assert_eq!(failure.code, Code::AdjustmentReasonUnknown);
    assert!(failure.sentence.contains("Spillage (Paint)") && failure.sentence.contains("BOLT"), "{failure}");
    assert!(failure.sentence.contains("drayline mapping set adjustment_reason connection=north"), "{failure}");
    // Mapped by the warehouse's own word, whatever its capitals; our name of a reason counts where no word does.
    let mapping = mapping(&[
        "adjustment_reason; warehouse:spillage; dynamics:WASTE",
        "adjustment_reason; warehouse:DAMAGED; dynamics:DMG",
    ]);
    let to = |message: &Envelope| {
        let decision = drayline::flows::plan(message, &look(), &mapping, &Ledger::default());
        posted(&decision).posted_to.clone()
    };
    assert_eq!(to(&unknown).as_deref(), Some("WASTE"));
    assert_eq!(to(&delta("A-1", "-1", &json!({}))).as_deref(), Some("DMG"));
    let own_word = json!({ "reason": { "code": "DAMAGED", "raw": "SPILLAGE" } });
    assert_eq!(to(&delta("A-1", "-1", &own_word)).as_deref(), Some("WASTE"));
    assert_eq!(to(&delta("A-1", "-1", &json!({ "reason": { "code": "LOST" } }))), None);
}

#[test]
fn items_and_units_are_said_in_dynamics_words_and_told_by_the_warehouses_own() {
    let rows = mapping(&[
        "sku; connection:north; item:A100; variant:M/red; warehouse:BOLT",
        "unit; item:A100; dynamics:case; warehouse:ea; factor:12",
    ]);
    let mut ledger = Ledger::default();
    let plan = |quantity: &str, ledger: &Ledger| {
        drayline::flows::plan(&delta("A-1", quantity, &json!({})), &look(), &rows, ledger)
    };
    let planned = plan("-24", &ledger);
    let row = &posted(&planned).rows[0];
    let unit = row.unit.as_ref().map(ToString::to_string);
    assert_eq!(
        (row.item_number.as_str(), row.variant.as_deref(), unit.as_deref()),
        ("A100", Some("M/red"), Some("case"))
    );
    assert_eq!(row.quantity, decimal("-2"));
    assert_eq!(row.row_id, "D958D255503969F41507", "the id is the warehouse's fact, whatever it is called");
    let Decision::Fail(failure) = plan("-5", &ledger) else { panic!() };
    assert_eq!(failure.code, Code::MappingIndivisible);
    assert!(failure.sentence.contains("A100") && failure.sentence.contains("12 ea"), "{failure}");
    let two = mapping(&[
        "unit; item:BOLT; dynamics:case; warehouse:ea; factor:12",
        "unit; item:BOLT; dynamics:box; warehouse:ea; factor:6",
    ]);
    let decision = drayline::flows::plan(&delta("A-1", "-24", &json!({})), &look(), &two, &ledger);
    assert_eq!(failed(&decision), "mapping.ambiguous");
    // Posted, and mapped otherwise since: it is the same fact.
    let message = delta("A-1", "-24", &json!({}));
    let fact = call(&planned).facts.clone();
    ledger.add(Past {
        key: call(&planned).key.clone(),
        act: "adjust_stock".into(),
        connection: "contoso".into(),
        facts: fact,
    });
    let again = drayline::flows::plan(&message, &look(), &Mapping::default(), &ledger);
    assert!(done(&again).steps.iter().any(|(_, step)| step.contains("mapping version 7")), "{again:?}");
}

#[test]
fn a_change_of_status_is_two_rows_of_one_fact() {
    let message = delta(
        "A-1",
        "4",
        &json!({
            "kind": { "code": "STATUS_CHANGE" }, "fromStatus": { "code": "AVAILABLE" }, "toStatus": { "code": "ON_HOLD" },
            "lot": { "number": "B-7" },
        }),
    );
    let planned = plan_of(&message, &look(), &Ledger::default());
    assert_eq!(rows(&planned), [row("-4", "", "B-7", ""), row("4", "Blocked", "B-7", "")]);
    let ids: Vec<_> = posted(&planned).rows.iter().map(|row| &row.row_id).collect();
    assert_ne!(ids[0], ids[1]);
    let half = delta("A-1", "4", &json!({ "kind": { "code": "STATUS_CHANGE" }, "toStatus": { "code": "ON_HOLD" } }));
    assert_eq!(failed(&plan_of(&half, &look(), &Ledger::default())), "adjustment.unclear");
    let strange = delta("A-1", "4", &json!({ "toStatus": { "code": "OTHER", "raw": "Shelf 9" } }));
    let decision = plan_of(&strange, &look(), &Ledger::default());
    let Decision::Fail(failure) = &decision else { panic!("{decision:?}") };
    assert_eq!(failure.code, Code::AdjustmentPlaceUnknown);
    assert!(failure.sentence.contains("Shelf 9"), "{failure}");
}

#[test]
fn serials_go_one_by_one_and_must_add_up() {
    let message = delta("A-1", "-2", &json!({ "serials": ["S1", "S2"] }));
    let planned = plan_of(&message, &look(), &Ledger::default());
    assert_eq!(rows(&planned), [row("-1", "", "", "S1"), row("-1", "", "", "S2")]);
    let short = delta("A-1", "-3", &json!({ "serials": ["S1", "S2"] }));
    assert_eq!(failed(&plan_of(&short, &look(), &Ledger::default())), "adjustment.unclear");
}

#[test]
fn a_count_posts_what_it_changed_in_the_warehouses_own_book() {
    let count = |before: Option<&str>, after: &str| {
        let mut body = json!({ "kind": { "code": "ABSOLUTE" }, "reason": { "code": "CYCLE_COUNT" }, "levelAfter": { "value": after } });
        if let Some(before) = before {
            body["levelBefore"] = json!({ "value": before });
        }
        plan_of(&adjusted("C-1", &body), &look(), &Ledger::default())
    };
    assert_eq!(rows(&count(Some("100"), "97")), [row("-3", "", "", "")]);
    assert_eq!(rows(&count(Some("2.5"), "3.25")), [row("0.75", "", "", "")]);
    assert!(done(&count(Some("7"), "7")).steps[0].1.contains("found what its book says"));
    assert_eq!(failed(&count(None, "97")), "adjustment.unclear");
    let units = json!({
        "kind": { "code": "ABSOLUTE" }, "levelBefore": { "value": "1", "unit": "box" }, "levelAfter": { "value": "2", "unit": "ea" },
    });
    assert_eq!(failed(&plan_of(&adjusted("C-1", &units), &look(), &Ledger::default())), "adjustment.unclear");
}

#[test]
fn a_movement_of_a_document_is_never_posted_here_whichever_comes_first() {
    for (reason, named, document) in [
        ("SHIPMENT_CORRECTION", "SH-9", "shipment/north/SH-9"),
        ("SHIPMENT_CORRECTION", "usmf-SHP0012-W1", "order/contoso/usmf-SHP0012-W1"),
        ("RECEIPT_CORRECTION", "RC-9", "receipt/north/RC-9"),
        ("RECEIPT_CORRECTION", "usmf-PO0012-W1", "inbound/contoso/usmf-PO0012-W1"),
        ("RETURN_RESTOCK", "RT-9", "return/north/RT-9"),
    ] {
        let message = delta("A-1", "2", &json!({ "reason": { "code": reason }, "relatedDocument": named }));
        let mut ledger = Ledger::default();
        let first = plan_of(&message, &look(), &ledger);
        assert_eq!(waits(&first), (document, None, "adjustment.document_missing"), "{reason}");
        ledger.know(document.to_owned());
        assert!(not_ours(&plan_of(&message, &look(), &ledger)).contains("posted as such"));
        // Without a document it is an adjustment of its own.
        let alone = delta("A-1", "2", &json!({ "reason": { "code": reason } }));
        posted(&plan_of(&alone, &look(), &ledger));
        // And where the configuration says so.
        let documents = BTreeMap::from([(reason.to_owned(), BelongsTo::Nothing)]);
        let own = Look::Adjustment(look_with(Adjustments { documents, ..Adjustments::default() }));
        posted(&plan_of(&message, &own, &Ledger::default()));
    }
    // Any reason may be said to belong to a document.
    let documents = BTreeMap::from([("FOUND".to_owned(), BelongsTo::Receipt)]);
    let mapped = Look::Adjustment(look_with(Adjustments { documents, ..Adjustments::default() }));
    let found = delta("A-1", "2", &json!({ "reason": { "code": "FOUND" }, "relatedDocument": "RC-1" }));
    assert_eq!(waits(&plan_of(&found, &mapped, &Ledger::default())).0, "receipt/north/RC-1");
}

#[test]
fn what_is_short_waits_for_stock_of_the_item_and_other_refusals_do_not() {
    let message = delta("A-1", "-9", &json!({}));
    let refused = |code: Code| {
        let mut ledger = Ledger::default();
        run(&message, &look(), &mut ledger, |_| Acted::Refused(Failure::new(code, "Could not post it.")))
    };
    assert_eq!(waits(&refused(Code::DynamicsStockShort)), ("stock/contoso/BOLT", None, "dynamics.stock_short"));
    assert_eq!(failed(&refused(Code::DynamicsRefused)), "dynamics.refused");
    // What comes in wakes it.
    let mut ledger = Ledger::default();
    let found = run(&delta("A-2", "9", &json!({})), &look(), &mut ledger, |_| Acted::Happened(json!({})));
    assert!(done(&found).documents.iter().any(|document| document.key == "stock/contoso/BOLT"));
    let lost = run(&delta("A-3", "-1", &json!({})), &look(), &mut Ledger::default(), |_| Acted::Happened(json!({})));
    assert!(done(&lost).documents.iter().all(|document| document.key != "stock/contoso/BOLT"));
}

/// Writing is not posting: what became of the journal decides.
#[test]
fn a_journal_is_waited_for_until_it_is_posted_and_one_that_is_gone_is_a_persons() {
    let message = delta("A-1", "-3", &json!({ "delta": { "value": "-3" } }));
    let mut ledger = Ledger::default();
    let mut acts = Vec::new();
    let mut write = |look: &Look| {
        run(&message, look, &mut ledger, |planned| {
            acts.push(planned.act);
            Acted::Happened(if planned.act == "adjust_stock" { journal() } else { json!({}) })
        })
    };
    let service = "ConJournals/ConJournalService/post";
    let waits = |decision: Decision| matches!(decision, Decision::Later { failure, .. } if failure.code == Code::DynamicsPostingOverdue);
    assert!(waits(write(&look_at_journals(service, None))));
    assert!(waits(write(&look_at_journals(service, Some(JournalState::Open)))));
    assert_eq!(failed(&write(&look_at_journals(service, Some(JournalState::Missing)))), "adjustment.journal_missing");
    done(&write(&look_at_journals(service, Some(JournalState::Posted))));
    assert_eq!(acts, ["adjust_stock", "post_journal"]);
}

/// Journals count in the item's stock unit: before the items are read nobody knows that.
#[test]
fn a_journal_waits_until_the_items_are_read() {
    let decision = plan_of(&delta("A-1", "-3", &json!({})), &look_at_journals("", None), &Ledger::default());
    let Decision::Later { failure, .. } = &decision else { panic!("{decision:?}") };
    assert!(failure.code == Code::MappingMissing && failure.sentence.contains("drayline mapping check"), "{failure}");
}

#[test]
fn what_leads_nowhere_in_dynamics_is_told_by_name() {
    let message = delta("A-1", "-1", &json!({}));
    let nowhere = |look: AdjustmentLook| match plan_of(&message, &Look::Adjustment(look), &Ledger::default()) {
        Decision::Fail(failure) => failure,
        other => panic!("{other:?}"),
    };
    let placeless = nowhere(AdjustmentLook { place: None, ..look_with(Adjustments::default()) });
    assert_eq!(placeless.code, Code::AdjustmentPlaceUnknown);
    assert!(placeless.sentence.contains("NORTH-1") && placeless.sentence.contains("warehouses.north.locations"));
    let companyless = nowhere(AdjustmentLook { legal_entity: None, ..look_with(Adjustments::default()) });
    assert!(companyless.sentence.contains("warehouses.north.legal_entity"), "{companyless}");
}

/// The opening balance contains it. What was posted once is corrected, whatever go-live is said to be since.
#[test]
fn what_was_adjusted_before_go_live_is_not_posted_and_that_is_told() {
    let early = || Look::Adjustment(AdjustmentLook { go_live: Some(at(1000)), ..look_with(Adjustments::default()) });
    let told = |delta_of: &str, sequence: &str, seconds: i64| {
        delta("A-1", delta_of, &json!({ "adjustedAt": at(seconds).to_string(), "sequence": sequence }))
    };
    let mut ledger = Ledger::default();
    let decision = plan_of(&told("-1", "1", 999), &early(), &ledger);
    let why = not_ours(&decision);
    assert!(
        why.contains("The adjustment A-1 of") && why.contains("the opening balance of the stock contains it"),
        "{why}"
    );
    let look = || Look::Adjustment(look_with(Adjustments::default()));
    let Decision::Act(calls) = plan_of(&told("-1", "1", 999), &look(), &ledger) else { panic!() };
    let Planned { key, act, connection, facts, .. } = calls[0].clone();
    ledger.add(Past { key, act: act.to_owned(), connection: connection.to_string(), facts });
    let Decision::Act(calls) = plan_of(&told("-3", "2", 999), &early(), &ledger) else { panic!("not corrected") };
    let Call::AdjustStock(correction) = &calls[0].call else { panic!("{calls:?}") };
    assert_eq!(correction.rows.iter().map(|row| row.quantity).sum::<Decimal>(), Decimal::from(-2));
    assert!(matches!(plan_of(&told("-1", "1", 1000), &early(), &Ledger::default()), Decision::Act(_)));
}

/// One key, told several times: what counts is the newest, in whatever order they come, how often.
#[test]
fn corrections_under_one_key_end_with_the_newest_in_every_order() {
    let told = [
        delta("A-1", "-3", &json!({ "sequence": "1" })),
        delta("A-1", "-5", &json!({ "sequence": "2" })),
        delta("A-1", "0", &json!({ "sequence": "3" })),
        delta("A-1", "4", &json!({ "sequence": "4", "toStatus": { "code": "DAMAGED" } })),
        delta("A-1", "6", &json!({ "sequence": "5", "toStatus": { "code": "DAMAGED" } })),
        delta("A-1", "4", &json!({ "sequence": "6", "toStatus": { "code": "DAMAGED" } })),
    ];
    for last in 1..=told.len() {
        let expected = [(50 - 3, 0), (50 - 5, 0), (50, 0), (50, 4), (50, 6), (50, 4)][last - 1];
        let mut order: Vec<usize> = (0..last).collect();
        permute(&mut order, 0, &mut |order| {
            let twice: Vec<_> = order.iter().chain(order).copied().collect();
            let shelves = (Decimal::from(expected.0), Decimal::from(expected.1));
            assert_eq!(applied(&told, &twice), shelves, "{order:?}");
        });
    }
}

#[test]
fn a_correction_posts_the_difference_alone_and_one_of_unknown_age_is_a_persons() {
    let mut ledger = Ledger::default();
    let told = |quantity: &str, more: &Value| delta("A-1", quantity, more);
    done(&run(&told("-3", &json!({ "sequence": "1" })), &look(), &mut ledger, |_| Acted::Happened(json!({}))));
    let planned = plan_of(&told("-5", &json!({ "sequence": "2" })), &look(), &ledger);
    assert_eq!(
        (call(&planned).key.as_str(), rows(&planned)),
        ("adjust_stock/contoso/north/A-1/correction/1", vec![row("-2", "", "", "")])
    );
    assert_ne!(posted(&planned).rows[0].row_id, "D958D255503969F41507");
    let again = told("-5", &json!({}));
    assert_eq!(failed(&plan_of(&again, &look(), &ledger)), "adjustment.differs", "without a sequence nobody can tell");
    let older = told("-9", &json!({ "sequence": "0" }));
    assert!(not_ours(&plan_of(&older, &look(), &ledger)).contains("later correction"));
    // Where nothing is counted, the time says it.
    let at_time = |quantity: &str, second: i64| told(quantity, &json!({ "adjustedAt": at(second).to_string() }));
    let mut ledger = Ledger::default();
    done(&run(&at_time("-3", 100), &look(), &mut ledger, |_| Acted::Happened(json!({}))));
    assert_eq!(rows(&plan_of(&at_time("-4", 101), &look(), &ledger)), [row("-1", "", "", "")]);
    not_ours(&plan_of(&at_time("-4", 99), &look(), &ledger));
}

/// What happens in the warehouse: a delta, a move between two statuses, or a count.
#[derive(Clone, Debug)]
enum Happens {
    Delta(i64),
    Move(i64),
    Count(i64),
}

/// Lets it happen: the warehouse's shelves (available, damaged) afterwards, and what it says of each.
fn life(happenings: &[Happens]) -> ((Decimal, Decimal), Vec<Envelope>) {
    let (mut available, mut damaged) = (Decimal::from(50), Decimal::ZERO);
    let mut told = Vec::new();
    for (number, happens) in happenings.iter().enumerate() {
        let key = format!("A-{number}");
        told.push(match happens {
            Happens::Delta(by) => {
                available += Decimal::from(*by);
                delta(&key, &by.to_string(), &json!({ "toStatus": { "code": "AVAILABLE" } }))
            }
            Happens::Move(by) => {
                available -= Decimal::from(*by);
                damaged += Decimal::from(*by);
                let statuses = json!({
                    "kind": { "code": "STATUS_CHANGE" }, "fromStatus": { "code": "AVAILABLE" }, "toStatus": { "code": "DAMAGED" },
                });
                delta(&key, &by.to_string(), &statuses)
            }
            Happens::Count(level) => {
                let before = std::mem::replace(&mut available, Decimal::from(*level));
                let levels = json!({
                    "kind": { "code": "ABSOLUTE" }, "reason": { "code": "CYCLE_COUNT" }, "toStatus": { "code": "AVAILABLE" },
                    "levelBefore": { "value": before.to_string() }, "levelAfter": { "value": level.to_string() },
                });
                adjusted(&key, &levels)
            }
        });
    }
    ((available, damaged), told)
}

/// Applies messages in an order, with duplicates; Dynamics' shelves afterwards.
fn applied(told: &[Envelope], order: &[usize]) -> (Decimal, Decimal) {
    let mut ledgers: BTreeMap<String, Ledger> = BTreeMap::new();
    let mut dynamics: BTreeMap<String, (Decimal, String)> = BTreeMap::new();
    for index in order {
        let message = &told[*index];
        let ledger = ledgers.entry(message.ledger_key()).or_default();
        let ended = run(message, &look(), ledger, |planned| {
            let Call::AdjustStock(adjustment) = &planned.call else { panic!("{planned:?}") };
            for row in &adjustment.rows {
                // The same id a second time changes nothing.
                let posted = (row.quantity, row.status.clone().unwrap_or_default());
                assert_eq!(*dynamics.entry(row.row_id.clone()).or_insert_with(|| posted.clone()), posted);
            }
            Acted::Happened(json!({}))
        });
        assert!(matches!(ended, Decision::Done(_) | Decision::NotOurs(_)), "{ended:?}");
    }
    let sum =
        |status: &str| dynamics.values().filter(|(_, of)| of == status).map(|(quantity, _)| *quantity).sum::<Decimal>();
    (Decimal::from(50) + sum(""), sum("Damaged"))
}

fn happenings() -> impl Strategy<Value = Vec<Happens>> {
    let one = prop_oneof![
        (-9_i64..9).prop_filter("nothing", |by| *by != 0).prop_map(Happens::Delta),
        (1_i64..9).prop_map(Happens::Move),
        (0_i64..90).prop_map(Happens::Count),
    ];
    proptest::collection::vec(one, 1..7)
}

proptest! {
    #[test]
    fn dynamics_ends_where_the_warehouse_does_in_whatever_order_it_is_told(
        happenings in happenings(),
        seed in any::<u64>(),
        doubles in proptest::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let (shelves, told) = life(&happenings);
        let mut order: Vec<_> = (0..told.len()).chain(doubles.iter().map(|double| double.index(told.len()))).collect();
        fastrand::Rng::with_seed(seed).shuffle(&mut order);
        prop_assert_eq!(applied(&told, &order), shelves);
    }
}

#[test]
fn every_permutation_of_six_ends_the_same() {
    let happenings = [
        Happens::Delta(-3),
        Happens::Count(40),
        Happens::Move(4),
        Happens::Delta(7),
        Happens::Count(44),
        Happens::Move(2),
    ];
    let (shelves, told) = life(&happenings);
    let mut order: Vec<usize> = (0..told.len()).collect();
    let mut seen = 0;
    permute(&mut order, 0, &mut |order| {
        seen += 1;
        assert_eq!(applied(&told, order), shelves, "{order:?}");
    });
    assert_eq!(seen, 720);
}

fn permute(order: &mut Vec<usize>, from: usize, look: &mut impl FnMut(&[usize])) {
    if from == order.len() {
        return look(order);
    }
    for other in from..order.len() {
        order.swap(from, other);
        permute(order, from + 1, look);
        order.swap(from, other);
    }
}
