//! Which changing calls each kind of message makes: the table of `docs/calls.md` is what the plans answer.

use std::fmt::Write as _;
use std::sync::Arc;

use drayline::config::Changes;
use drayline::flows::{Acted, Decision, Ledger, Look, Lookup, OrderLook, Planned, Repeat, ShipmentLook};
use drayline::gateways::{ReleasedOrder, UpdateState};
use drayline::message::{Envelope, Kind, Origin};
use serde_json::json;

use super::expected::{RECEIPT, announced, announcements, counted, expected, numbered, receipt_look};
use super::scene::{
    contoso, created, decide, done, from_dynamics, from_north, line, order_look, reference, released, remember, run,
    shipment_look, shipped,
};
use super::stock_adjustments;
use super::world::World;

const PAGE: &str = "docs/calls.md";

/// Writes the table of the page anew: `DRAYLINE_WRITE_CALLS=1 cargo test --test suite flows::calls`.
const WRITE: &str = "DRAYLINE_WRITE_CALLS";

const HEAD: &str = "| message | when | call | to | key | class | where its answer is lost | it ends | again |\n\
                    |---|---|---|---|---|---|---|---|---|\n";

/// A message, what is seen of its document, and what happened to that before.
struct Case {
    when: &'static str,
    message: Envelope,
    look: Look,
    ledger: Ledger,
}

fn case(when: &'static str, message: Envelope, look: Look, ledger: Ledger) -> Case {
    Case { when, message, look, ledger }
}

#[test]
fn the_page_of_calls_says_what_the_plans_answer() {
    let table = table();
    let page = std::fs::read_to_string(PAGE).unwrap();
    let (prose, written) = page.split_at(page.find("| message |").expect("the page has a table"));
    if std::env::var_os(WRITE).is_some() {
        return std::fs::write(PAGE, format!("{prose}{table}")).unwrap();
    }
    let again = format!("write it anew: {WRITE}=1 cargo test --test suite flows::calls");
    assert_eq!(written, table, "{PAGE} says something else than the plans; {again}");
}

fn table() -> String {
    let mut table = HEAD.to_owned();
    for kind in Kind::ALL {
        let cases = cases(*kind);
        if cases.is_empty() {
            writeln!(table, "| `{kind}` | | none | | | | | | |").unwrap();
        }
        for case in cases {
            assert_eq!(case.message.kind(), *kind);
            rows(&mut table, case);
        }
    }
    table
}

fn rows(table: &mut String, Case { when, message, look, mut ledger }: Case) {
    let kind = message.kind();
    let mut calls = Vec::new();
    let ended = run(&message, &look, &mut ledger, |planned| {
        let (act, class) = (planned.act, planned.class.as_str());
        let (to, key, lost) = (end(planned), pattern(&planned.key), repeat(planned));
        calls.push(format!("`{act}` | {to} | `{key}` | {class} | {lost}"));
        Acted::Happened(match act {
            "create_order" | "create_receipt" | "announce_return" => json!({ "order_id": "N-1" }),
            "create_return" => json!({ "return_order": "RET7", "rma": "RMA7" }),
            "change_order" | "cancel_order" | "cancel_receipt" | "cancel_return" => json!({ "outcome": "CONFIRMED" }),
            "adjust_stock" if stock_adjustments::goes_to_journals(&look) => stock_adjustments::journal(),
            _ => json!({}),
        })
    });
    if matches!(ended, Decision::Done(_)) {
        remember(&mut ledger, &ended);
    }
    let again = decide(&message, &look, &ledger);
    if calls.is_empty() {
        calls.push("none | | | |".to_owned());
    }
    for call in calls {
        writeln!(table, "| `{kind}` | {when} | {call} | {} | {} |", ending(&ended), ending(&again)).unwrap();
    }
}

/// How a message ends; the page says of all of them that they make no call when they come again.
fn ending(decision: &Decision) -> String {
    match decision {
        Decision::Done(done) if done.emits.is_empty() => "applied".to_owned(),
        Decision::Done(done) => {
            let kinds: Vec<_> = done.emits.iter().map(|emit| format!("`{}`", emit.body.kind())).collect();
            format!("applied, then {}", kinds.join(", "))
        }
        Decision::NotOurs(_) => "nothing new".to_owned(),
        Decision::Wait { failure, .. } => format!("waits for another document, else `{}`", failure.code),
        Decision::WaitForFinance(closed) => {
            format!("waits for finance with one question for all, `{}`", closed.failure.code)
        }
        Decision::Later { failure, .. } => format!("looks again later, else `{}`", failure.code),
        Decision::Fail(failure) => format!("`{}`", failure.code),
        Decision::Act(calls) => panic!("a call is made again: {calls:?}"),
    }
}

fn end(planned: &Planned) -> &'static str {
    match planned.connection.as_str() {
        "contoso" => "Dynamics",
        "north" => "warehouse",
        other => panic!("no far end of this world: {other}"),
    }
}

/// What becomes of a call that may have happened.
fn repeat(planned: &Planned) -> &'static str {
    match (planned.call.lookup(), planned.class) {
        (Lookup::Again, Repeat::Absorbs) => "made again; the far end changes nothing",
        (Lookup::Order { .. }, _) => "looked for by our reference; made again where it is not there",
        (Lookup::Change { .. }, _) => {
            "looked for by our reference and the number of the change; made again where it is not there"
        }
        (Lookup::Cancellation { .. }, _) => "it is looked at; asked again where it still lives and is still unwanted",
        (Lookup::Return { .. }, _) => {
            "looked for by our key; lines that are not there are added, and it is made again where it is not there"
        }
        (Lookup::Update(_), _) => "looked for by our id; what is there of it is completed as it was meant",
        (Lookup::Again, class) => panic!("{} would be made twice: {class:?}", planned.key),
    }
}

/// A key with words for what differs from fact to fact.
fn pattern(key: &str) -> String {
    let word = |part: &str| match part {
        "contoso" => "{environment}".to_owned(),
        "north" => "{warehouse}".to_owned(),
        "usmf" => "{company}".to_owned(),
        "SHP0012" => "{request}".to_owned(),
        "S1" => "{shipment}".to_owned(),
        "P1" => "{package}".to_owned(),
        "A-1" => "{adjustment}".to_owned(),
        "web-7" => "{return}".to_owned(),
        RECEIPT => "{receipt}".to_owned(),
        part if part.starts_with("usmf-") => "{reference}".to_owned(),
        part if part.len() == 20 && part.bytes().all(|byte| byte.is_ascii_hexdigit()) => "{digest}".to_owned(),
        part if part.parse::<jiff::Timestamp>().is_ok() => "{instant}".to_owned(),
        part if part.parse::<u64>().is_ok() => "{number}".to_owned(),
        part => part.to_owned(),
    };
    let between: Vec<_> = key.split('/').map(|part| part.split(' ').map(word).collect::<Vec<_>>().join(" ")).collect();
    between.join("/")
}

fn cases(kind: Kind) -> Vec<Case> {
    match kind {
        Kind::OrderReleased => vec![case("it is new", from_dynamics(kind), of_order(released()), created(&[]))],
        Kind::OrderChanged => vec![
            case("the warehouse has it otherwise", from_dynamics(kind), of_order(changed()), created(&[released()])),
            case(
                "the warehouse has it otherwise, and changes that itself",
                from_dynamics(kind),
                there(),
                created(&[released()]),
            ),
            case("the warehouse has it so", from_dynamics(kind), of_order(released()), created(&[released()])),
        ],
        Kind::OrderCancelled => {
            let look = || of_order(ReleasedOrder { cancelled: true, ..released() });
            vec![
                case("the warehouse has it", from_dynamics(kind), look(), created(&[released()])),
                case("the warehouse never had it", from_dynamics(kind), look(), created(&[])),
            ]
        }
        Kind::OrderAccepted => vec![answered(kind, "always", json!({}))],
        Kind::OrderRejected => {
            vec![answered(kind, "Dynamics still wants it", json!({ "reason": { "code": "OUT_OF_STOCK" } }))]
        }
        Kind::OrderStatusChanged => vec![answered(kind, "it is picked", json!({ "status": { "code": "PICKING" } }))],
        Kind::OrderCancelResolved => {
            let confirmed = json!({ "outcome": { "code": "CONFIRMED" } });
            vec![
                answered(kind, "nobody asked", confirmed.clone()),
                case(
                    "we asked",
                    from_north(kind, &reference(1), confirmed),
                    of_order(ReleasedOrder { cancelled: true, ..released() }),
                    asked_to_cancel(),
                ),
            ]
        }
        Kind::ShipmentConfirmed => {
            let (posted, _) = handed_over();
            let shipped = |quantity| shipped("S1", &reference(1), &[("1", "BOLT", quantity)]);
            let look = || Look::Shipment(shipment_look());
            vec![
                case("it is new", shipped("10"), look(), created(&[released()])),
                case("its order is not known yet", shipped("10"), look(), created(&[])),
                case("it says something else than was posted", shipped("8"), look(), posted),
            ]
        }
        Kind::ShipmentVoided => {
            let voided = || from_north(kind, &reference(1), json!({ "shipmentKey": "S1" }));
            vec![
                case("it was never posted", voided(), Look::Shipment(shipment_look()), created(&[released()])),
                case("it is posted", voided(), settling(UpdateState::Processed), handed_over().0),
            ]
        }
        Kind::TrackingUpdated => {
            let number = json!({ "shipmentKey": "S1", "packageKey": "P1", "trackingNumber": "T-2",
                "updatedAt": super::scene::at(60).to_string() });
            let (ledger, settled) = handed_over();
            let mut ledger_of_posted = ledger.clone();
            let processed = run(&settled, &settling(UpdateState::Processed), &mut ledger_of_posted, |_| unexpected());
            remember(&mut ledger_of_posted, &processed);
            let tracked = || from_north(kind, &reference(1), number.clone());
            vec![
                case("its shipment is posted", tracked(), Look::Shipment(shipment_look()), ledger_of_posted),
                case("its shipment is not posted yet", tracked(), Look::Shipment(shipment_look()), ledger),
            ]
        }
        Kind::PostingSettled => {
            let (ledger, settled) = handed_over();
            let case = |when, state| case(when, settled.clone(), settling(state), ledger.clone());
            vec![
                case("Dynamics has processed it", UpdateState::Processed),
                case("Dynamics has not processed it yet", UpdateState::Pending("Ready".to_owned())),
                case("Dynamics refused it", UpdateState::Failed("No.".to_owned())),
                case("Dynamics has nothing of it", UpdateState::Missing),
            ]
        }
        _ => cases_of_goods(kind),
    }
}

fn cases_of_goods(kind: Kind) -> Vec<Case> {
    match kind {
        Kind::ReceiptAnnounced => {
            let look = |wanted| Look::Order(World::new(Some(wanted)).order_look(&announced()));
            let changed = ReleasedOrder { version: 2, lines: vec![line("1", "BOLT", "12")], ..expected() };
            let cancelled = ReleasedOrder { cancelled: true, ..expected() };
            let before = || announcements(&[expected()]);
            vec![
                case("it is new", announced(), look(expected()), announcements(&[])),
                case("the warehouse has it otherwise", announced(), look(changed), before()),
                case("it is cancelled, and the warehouse has it", announced(), look(cancelled), before()),
            ]
        }
        Kind::GoodsReceived => {
            let look = || Look::Receipt(receipt_look(Some(expected())));
            let report = |sequence, total| numbered(sequence, &[counted("1", "BOLT", total)]);
            let ledger = announcements(&[expected()]);
            let mut posted = ledger.clone();
            let first = run(&report(1, "8"), &look(), &mut posted, |_| Acted::Happened(json!({})));
            remember(&mut posted, &first);
            let mut processed = posted.clone();
            let body = done(&first).emits[0].body.clone();
            let settled = Envelope { connection: contoso(), origin: Origin::Emitted, body, ..report(1, "8") };
            let settled = decide(&settled, &settling(UpdateState::Processed), &processed);
            remember(&mut processed, &settled);
            vec![
                case("more came than is posted", report(1, "8"), look(), ledger.clone()),
                case("it corrects downwards what is not processed yet", report(2, "5"), look(), posted),
                case("it corrects downwards", report(2, "5"), look(), processed.clone()),
                case("it says what is posted", report(3, "8"), look(), processed),
                case("more came than was ordered", report(1, "13"), look(), ledger),
                case("it is not announced yet", report(1, "8"), look(), announcements(&[])),
            ]
        }
        Kind::StockAdjusted => {
            let adjusted = |sequence: u64, quantity| {
                stock_adjustments::delta("A-1", quantity, &json!({ "sequence": sequence.to_string() }))
            };
            let mut posted = Ledger::default();
            run(&adjusted(1, "-3"), &stock_adjustments::look(), &mut posted, |_| Acted::Happened(json!({})));
            let in_stock_unit = stock_adjustments::delta("A-1", "-3", &json!({ "delta": { "value": "-3" } }));
            let serviced = stock_adjustments::look_at_journals("ConJournals/ConJournalService/post", None);
            let by_a_job = stock_adjustments::look_at_journals("", None);
            let of_a_receipt = json!({ "reason": { "code": "RECEIPT_CORRECTION" }, "relatedDocument": RECEIPT });
            let elsewhere = stock_adjustments::delta("A-1", "-3", &of_a_receipt);
            vec![
                case("it is new", adjusted(1, "-3"), stock_adjustments::look(), Ledger::default()),
                case("a newer report corrects it", adjusted(2, "-2"), stock_adjustments::look(), posted),
                case("journals take it, and a service posts them", in_stock_unit.clone(), serviced, Ledger::default()),
                case("journals take it, and a job posts them", in_stock_unit, by_a_job, Ledger::default()),
                case("it belongs to a document", elsewhere, stock_adjustments::look(), Ledger::default()),
            ]
        }
        _ => super::returns::cases(kind)
            .into_iter()
            .map(|(when, message, look, ledger)| case(when, message, look, ledger))
            .collect(),
    }
}

fn of_order(wanted: ReleasedOrder) -> Look {
    Look::Order(order_look(Some(wanted)))
}

/// A change that the warehouse takes itself.
fn there() -> Look {
    let changes = Changes { fields: vec!["lines.quantity".to_owned()], ..Changes::default() };
    Look::Order(OrderLook { changes: Arc::new(changes), ..order_look(Some(changed())) })
}

fn changed() -> ReleasedOrder {
    ReleasedOrder { version: 2, lines: vec![line("1", "BOLT", "12"), line("2", "NUT", "4")], ..released() }
}

/// What the warehouse says of an order that it was sent.
fn answered(kind: Kind, when: &'static str, more: serde_json::Value) -> Case {
    case(when, from_north(kind, &reference(1), more), of_order(released()), created(&[released()]))
}

/// An order that we asked the warehouse to cancel, and that has not answered yet.
fn asked_to_cancel() -> Ledger {
    let mut ledger = created(&[released()]);
    let look = of_order(ReleasedOrder { cancelled: true, ..released() });
    run(&from_dynamics(Kind::OrderCancelled), &look, &mut ledger, |_| Acted::Happened(json!({ "outcome": "PENDING" })));
    ledger
}

/// A shipment was handed over to Dynamics; the message that looks after it.
fn handed_over() -> (Ledger, Envelope) {
    let mut ledger = created(&[released()]);
    let message = shipped("S1", &reference(1), &[("1", "BOLT", "10")]);
    let look = Look::Shipment(shipment_look());
    let ended = run(&message, &look, &mut ledger, |_| Acted::Happened(json!({})));
    remember(&mut ledger, &ended);
    let settled = Envelope { origin: Origin::Emitted, body: done(&ended).emits[0].body.clone(), ..message };
    (ledger, settled)
}

fn settling(update: UpdateState) -> Look {
    Look::Shipment(ShipmentLook { update: Some(update), ..shipment_look() })
}

fn unexpected() -> Acted {
    panic!("it makes no call")
}
