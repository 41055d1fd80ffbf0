//! Returns: asked for over the API or made in Dynamics, announced by RMA, inspected, posted by disposition, credited once.

use drayline::console::TOKEN_FILE;
use drayline::sandbox::{Faults, FinanceOperationsRules, WarehouseRules};
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::world::{DEADLINE, Making, World};
use crate::support::Backing;
use crate::support::wait::{until, until_within};

/// What dispositions are in this Dynamics, and where returns are expected.
pub const SECTIONS: &str = "ConReturnOrder = \"return_authorised\"\n\
    [dynamics.contoso.statuses]\nQUARANTINE = \"Quarantine\"\nON_HOLD = \"On hold\"\n\
    [dynamics.contoso.returns]\nwarehouse = \"24\"\nexchange_code = \"REPLACE\"\n\
    without_credit = [\"STOCK\", \"WRITEOFF\", \"SENDBACK\"]\ncredited_elsewhere = [\"REPLACE\"]\n";

const ROWS: [(&str, &str); 10] = [
    ("RESTOCK", "CREDIT"),
    ("QUARANTINE", "CREDIT"),
    ("REFURBISH", "CREDIT"),
    ("SCRAP", "SCRAP"),
    ("RETURN_TO_SENDER", "SENDBACK"),
    ("RESTOCK/CREDITED", "STOCK"),
    ("QUARANTINE/CREDITED", "STOCK"),
    ("REFURBISH/CREDITED", "STOCK"),
    ("SCRAP/CREDITED", "WRITEOFF"),
    ("RETURN_TO_SENDER/CREDITED", "SENDBACK"),
];

pub fn making() -> Making {
    Making {
        sections: SECTIONS.to_owned(),
        toml: "processor.posting_poll_delays_ms = [100, 200, 500]".to_owned(),
        dynamics: FinanceOperationsRules {
            return_event: "ConReturnOrder".to_owned(),
            ..FinanceOperationsRules::default()
        },
        ..Making::default()
    }
}

/// Parcels that stay away until a test says otherwise.
fn resting() -> WarehouseRules {
    WarehouseRules { arrive_ms: 600_000, ..WarehouseRules::default() }
}

pub async fn map(world: &World, (word, code): (&str, &str)) {
    let (warehouse, dynamics) = (format!("warehouse={word}"), format!("dynamics={code}"));
    let row = ["mapping", "set", "disposition", "connection=north", &warehouse, &dynamics, "--reason", "a test"];
    let (done, told) = world.ask(&row).await;
    assert!(done, "{told}");
}

/// What becomes of goods that come back, in one go.
pub async fn map_all(world: &World) {
    let lines: Vec<_> = ROWS.iter().map(|(word, code)| format!("disposition,north,{code},{word}\r\n")).collect();
    let file = world.ground.data().join("dispositions.csv");
    std::fs::write(&file, format!("kind,connection,dynamics,warehouse\r\n{}", lines.concat())).unwrap();
    let import = ["mapping", "import", file.to_str().unwrap(), "--yes", "--reason", "a test"];
    let (done, told) = world.ask(&import).await;
    assert!(done, "{told}");
}

/// A world that knows what becomes of goods that come back.
pub async fn mapped(backing: Backing, making: Making) -> World {
    let world = World::start(backing, making).await;
    map_all(&world).await;
    world
}

/// Return orders that somebody makes in Dynamics itself.
pub async fn made_in_dynamics(world: &World, how: &Value) -> Vec<String> {
    let url = format!("{}/sandbox/returns", world.dynamics.url());
    let answer: Value = reqwest::Client::new().post(url).json(how).send().await.unwrap().json().await.unwrap();
    answer["released"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect()
}

/// A wish for one line; answers the status and what is said.
pub async fn ask(world: &World, key: &str, wish: &Value) -> (StatusCode, Value) {
    let token = std::fs::read_to_string(world.ground.data().join(TOKEN_FILE)).unwrap();
    let url = format!("http://{}/v1/returns", world.app().address("console").unwrap());
    let request = reqwest::Client::new().post(url).bearer_auth(token.trim()).json(wish);
    let request = if key.is_empty() { request } else { request.header("idempotency-key", key) };
    let answer = request.send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

pub fn wish(sku: &str, quantity: &str) -> Value {
    json!({"environment": "contoso", "legalEntity": "usmf", "customerAccount": "C00007", "order": {"orderNumber": "SO-000001"},
        "lines": [{"item": {"sku": sku}, "quantity": {"value": quantity, "unit": "ea"}, "reason": {"code": "CHANGED_MIND"}}]})
}

/// Says what the warehouse found, of a return or (without an id) of a parcel that nobody announced; answers its id.
pub async fn found(world: &World, id: &str, found: &Value) -> String {
    let url = format!("{}/sandbox/returns{id}", world.warehouse.url());
    let answer = reqwest::Client::new().post(url).json(found).send().await.unwrap();
    assert_eq!(answer.status(), 201, "{id}: {found}");
    answer.json::<Value>().await.unwrap()["id"].as_str().unwrap().to_owned()
}

/// Waits until so many returns are inspected, posted and credited, and nothing moves.
pub async fn until_credited(world: &World, returns: u64) {
    world
        .until("everything inspected and credited", |dynamics, warehouse| {
            warehouse["inspected"].as_u64() >= Some(returns)
                && dynamics["pending_events"] == 0
                && warehouse["pending_events"] == 0
                && warehouse["steps_due"] == 0
                && dynamics["updates_waiting"] == 0
                && dynamics["credits_due"] == 0
        })
        .await;
    // What was posted just now is credited a moment later.
    until_within(DEADLINE, "everything is posted and credited", async || {
        let verdict = world.verdict().await;
        (verdict.returns == returns && verdict.moving == 0).then_some(())
    })
    .await;
    world.until_nothing_parked().await;
}

/// What Dynamics made of the one line of a return order: what was credited of it, and what was refunded.
pub async fn money(world: &World, number: &str) -> (Vec<Value>, Value) {
    let state = world.to_dynamics.state().await.unwrap();
    let notes = state["credit_notes"].as_array().unwrap().iter().filter(|note| note["order"] == number).cloned();
    let of_it = |posting: &&Value| posting["order"] == number;
    let postings = state["returned"].as_array().unwrap().iter().filter(of_it).cloned().collect::<Vec<_>>();
    (notes.collect(), json!(postings))
}

async fn asked_for_and_credited(backing: Backing) {
    let world = mapped(backing, making()).await;
    for number in 0..4 {
        let (status, taken) = ask(&world, &format!("web-{number}"), &wish(&format!("ITEM-100{number}"), "5")).await;
        assert_eq!(status, 202, "{taken}");
        let (status, again) = ask(&world, &format!("web-{number}"), &wish(&format!("ITEM-100{number}"), "5")).await;
        assert_eq!((status.as_u16(), &again["message_id"]), (202, &taken["message_id"]));
    }
    made_in_dynamics(&world, &json!({"count": 8, "seed": 3})).await;
    until_credited(&world, 12).await;
    assert_eq!(world.exceptions(true).await.0, 0, "{:#?}", world.exceptions(true).await);
    let (_, shown) = world.ask(&["documents", "show", "RMA0000001"]).await;
    let steps = shown["documents"].to_string();
    assert!(steps.contains("Credited by CN"), "{steps}");
    let verdict = world.finish().await;
    assert_eq!((verdict.returns, verdict.on_hand_mismatches), (12, 0), "{:?}", verdict.mismatches);
    assert!(verdict.credit_notes >= 12, "{}", verdict.credit_notes);
}

#[tokio::test]
async fn returns_are_made_announced_posted_and_credited_embedded() {
    Box::pin(asked_for_and_credited(Backing::Embedded)).await;
}

#[tokio::test]
async fn returns_are_made_announced_posted_and_credited_on_servers() {
    Box::pin(asked_for_and_credited(Backing::Servers)).await;
}

#[tokio::test]
async fn faults_make_no_return_twice_and_credit_nothing_twice() {
    let faults = Faults { fail_5xx: 0.05, lose_answer: 0.15, duplicate: 0.3, reorder: 0.3, ..Faults::default() };
    let world = mapped(Backing::Embedded, Making { faults, ..making() }).await;
    for number in 0..6 {
        let (status, taken) = ask(&world, &format!("web-{number}"), &wish("ITEM-1001", "3")).await;
        assert_eq!(status, 202, "{taken}");
    }
    until_credited(&world, 6).await;
    world.to_dynamics.disturb(&Faults::default()).await.unwrap();
    world.to_warehouse.disturb(&Faults::default()).await.unwrap();
    let verdict = world.finish().await;
    assert_eq!((verdict.returns, verdict.on_hand_mismatches), (6, 0), "{:?}", verdict.mismatches);
}

#[tokio::test]
async fn a_return_order_that_nobody_tells_of_is_found_by_a_scan() {
    let scan = "[dynamics.contoso.scan]\nreturns_field = \"ModifiedDateTime\"\n";
    let toml = "scan.interval_ms = 100\nscan.patience_ms = 300\nprocessor.posting_poll_delays_ms = [100, 200, 500]";
    let silent = FinanceOperationsRules::default();
    let making = Making { sections: format!("{SECTIONS}{scan}"), toml: toml.to_owned(), dynamics: silent, ..making() };
    let world = mapped(Backing::Embedded, making).await;
    made_in_dynamics(&world, &json!({"count": 2, "seed": 3})).await;
    until_credited(&world, 2).await;
    world.finish().await;
}

#[tokio::test]
async fn a_wish_that_says_too_little_is_refused_where_it_is_said() {
    let world = World::start(Backing::Embedded, making()).await;
    let (status, said) = ask(&world, "", &wish("ITEM-1001", "1")).await;
    assert!(status == 400 && said.to_string().contains("Idempotency-Key"), "{said}");
    for (member, place) in
        [("environment", "/environment"), ("customerAccount", "/customerAccount"), ("lines", "/lines")]
    {
        let mut wish = wish("ITEM-1001", "1");
        wish.as_object_mut().unwrap().remove(member);
        let (status, said) = ask(&world, "web-1", &wish).await;
        assert!(status == 422 && said["detail"].as_str().unwrap().starts_with(place), "{said}");
    }
    world.leave().await;
}

#[tokio::test]
async fn without_a_row_of_the_mapping_nothing_is_restocked_and_with_one_it_goes_on_by_itself() {
    let world = World::start(Backing::Embedded, Making { warehouse: resting(), ..making() }).await;
    made_in_dynamics(&world, &json!({"lines": [{"item": "ITEM-1001", "quantity": "2", "unit": "ea"}]})).await;
    world.until("announced", |_, warehouse| warehouse["returns"] == 1).await;
    let pieces = json!({"lines": [{"line": "1", "sku": "ITEM-1001", "quantity": "2", "disposition": "RESTOCK"}]});
    found(&world, "/rt-000001", &pieces).await;
    let exceptions = world.until_exceptions(1).await;
    assert_eq!(exceptions[0].code, "mapping.missing", "{exceptions:#?}");
    assert!(exceptions[0].sentence.contains("RESTOCK/NEW"), "{exceptions:#?}");
    assert_eq!(world.to_dynamics.state().await.unwrap()["returned"], json!([]));
    map(&world, ("RESTOCK/NEW", "CREDIT")).await;
    until_credited(&world, 1).await;
    let verdict = world.finish().await;
    assert_eq!((verdict.returns, verdict.credit_notes), (1, 1));
}

/// What its system does not take of an announcement is a person's, who corrects the return order in Dynamics.
#[tokio::test]
async fn a_return_that_the_warehouse_would_not_take_stays_and_names_the_limit() {
    let warehouse_toml = "limits.returns.required = [\"customerAccount\"]\n".to_owned();
    let world = World::start(Backing::Embedded, Making { warehouse: resting(), warehouse_toml, ..making() }).await;
    let fields = json!({"CustomerAccountNumber": ""});
    let lines = json!([{"item": "ITEM-1001", "quantity": "2", "unit": "ea"}]);
    let id = made_in_dynamics(&world, &json!({"lines": lines, "fields": fields})).await.remove(0);
    let exceptions = world.until_exceptions(1).await;
    assert_eq!(exceptions[0].code, "inbound.outside_limits", "{exceptions:#?}");
    let says = format!("The return usmf-{id}-W1 is not sent to north: customerAccount is missing.");
    assert!(exceptions[0].sentence.starts_with(&says), "{}", exceptions[0].sentence);
    assert_eq!(world.to_warehouse.state().await.unwrap()["returns"], json!([]), "nothing was announced");
    let url = format!("{}/sandbox/returns/{id}/change", world.dynamics.url());
    let fields = json!({"fields": {"CustomerAccountNumber": "C00007"}});
    assert_eq!(reqwest::Client::new().post(url).json(&fields).send().await.unwrap().status(), 200);
    world.until("announced", |_, warehouse| warehouse["returns"] == 1).await;
    world.until_exceptions(0).await;
    world.leave().await;
}

/// Refunded before, exchanged: stock and disposition alone. Partial and repeated receipts: differences.
#[tokio::test]
async fn the_credit_of_a_line_exists_once_whenever_it_was_given() {
    for before in ["nothing", "refund", "exchange"] {
        let world = mapped(Backing::Embedded, Making { warehouse: resting(), ..making() }).await;
        let mut asked = wish("ITEM-1001", "5");
        if before == "exchange" {
            asked["lines"][0]["reason"] = json!({"code": "EXCHANGE"});
        }
        assert_eq!(ask(&world, "web-1", &asked).await.0, 202);
        world.until("announced", |_, warehouse| warehouse["returns"] == 1).await;
        if before == "refund" {
            let url = format!("{}/sandbox/returns/RET0000001/refund", world.dynamics.url());
            assert_eq!(reqwest::Client::new().post(url).send().await.unwrap().status(), 200);
        }
        let piece = |quantity: &str, disposition: &str| json!({"line": "1", "sku": "ITEM-1001", "quantity": quantity, "disposition": disposition});
        let some = json!({"is_final": false, "lines": [piece("1", "RESTOCK"), piece("1", "PENDING")]});
        found(&world, "/rt-000001", &some).await;
        until("some is posted", async || {
            let (_, postings) = money(&world, "RET0000001").await;
            (postings[0]["state"] == "Accepted").then_some(())
        })
        .await;
        found(&world, "/rt-000001", &some).await;
        let all = json!({"lines": [piece("2", "RESTOCK"), piece("1", "QUARANTINE"), piece("2", "SCRAP")]});
        found(&world, "/rt-000001", &all).await;
        until_credited(&world, 1).await;
        let (notes, _) = money(&world, "RET0000001").await;
        let quantity = |note: &Value| note["lines"][0]["quantity"].as_str().unwrap().parse::<u8>().unwrap();
        let credited: u8 = notes.iter().map(quantity).sum();
        let refunds = notes.iter().filter(|note| note["refund"] == true).count();
        let wanted = match before {
            "nothing" => (5, 0),
            "refund" => (5, 1),
            _ => (0, 0),
        };
        assert_eq!((credited, refunds), wanted, "{before}: {notes:#?}");
        assert_eq!(world.exceptions(true).await.0, 0, "{before}: {:#?}", world.exceptions(true).await);
        let verdict = world.finish().await;
        assert_eq!(verdict.on_hand_mismatches, 0, "{before}: {:?}", verdict.mismatches);
    }
}

#[tokio::test]
async fn a_blind_return_waits_for_a_person_who_names_its_rma() {
    let world = mapped(Backing::Embedded, Making { warehouse: resting(), ..making() }).await;
    made_in_dynamics(&world, &json!({"lines": [{"item": "ITEM-1001", "quantity": "2", "unit": "ea"}]})).await;
    world.until("announced", |_, warehouse| warehouse["returns"] == 1).await;
    let pieces = json!({"order_number": "SO-000009", "tracking_numbers": ["1Z999"],
        "lines": [{"sku": "ITEM-1001", "quantity": "2", "disposition": "RESTOCK"}]});
    found(&world, "", &pieces).await;
    let exceptions = world.until_exceptions(1).await;
    assert_eq!(exceptions[0].code, "return.blind", "{exceptions:#?}");
    assert!(exceptions[0].sentence.contains("1Z999, SO-000009"), "{}", exceptions[0].sentence);
    let patch = ".returnReceived.rma = \"RMA0000001\"";
    let (planned, plan) = world.ask(&["replay", "plan", "--filter", "code=return.blind", "--patch", patch]).await;
    assert!(planned, "{plan}");
    let (started, told) = world.ask(&["replay", "start", plan["id"].as_str().unwrap(), "--yes"]).await;
    assert!(started, "{told}");
    until("it is credited", async || (world.verdict().await.credit_notes == 1).then_some(())).await;
    world.until_nothing_parked().await;
    let state = world.to_dynamics.state().await.unwrap();
    assert_eq!(state["returned"][0]["lines"][0]["shipped"], "2", "{state:#}");
    assert_eq!(world.exceptions(false).await.0, 0);
    world.leave().await;
}

/// A total that falls takes a credit back, and one that rises after that is credited: nobody takes the one for a refund.
#[tokio::test]
async fn what_was_credited_too_much_is_taken_back_and_what_comes_after_all_is_credited() {
    let world = mapped(Backing::Embedded, Making { warehouse: resting(), ..making() }).await;
    assert_eq!(ask(&world, "web-1", &wish("ITEM-1001", "5")).await.0, 202);
    world.until("announced", |_, warehouse| warehouse["returns"] == 1).await;
    for (total, notes) in [("5", 1), ("0", 2), ("4", 3)] {
        let piece = json!({"line": "1", "sku": "ITEM-1001", "quantity": total, "disposition": "RESTOCK"});
        found(&world, "/rt-000001", &json!({"is_final": notes == 3, "lines": [piece]})).await;
        until("it is credited, or taken back", async || {
            let (all, _) = money(&world, "RET0000001").await;
            (all.len() == notes).then_some(())
        })
        .await;
    }
    until_credited(&world, 1).await;
    let (notes, _) = money(&world, "RET0000001").await;
    let quantities: Vec<_> = notes.iter().map(|note| note["lines"][0]["quantity"].as_str().unwrap()).collect();
    assert_eq!(quantities, ["5", "-5", "4"], "{notes:#?}");
    assert_eq!(world.exceptions(true).await.0, 0, "{:#?}", world.exceptions(true).await);
    let verdict = world.finish().await;
    assert_eq!((verdict.returns, verdict.on_hand_mismatches), (1, 0), "{:?}", verdict.mismatches);
}

/// Lines that are received whole, of which pieces are decided anew again and again: Dynamics, which posts in no order, refuses
/// nothing, because what falls is posted before what rises.
#[tokio::test]
async fn what_a_piece_was_is_taken_back_before_it_is_posted_as_what_it_is() {
    let world = mapped(Backing::Embedded, Making { warehouse: resting(), ..making() }).await;
    let lines = json!([{"item": "ITEM-1001", "quantity": "5", "unit": "ea"}]);
    made_in_dynamics(&world, &json!({"count": 4, "lines": lines})).await;
    world.until("announced", |_, warehouse| warehouse["returns"] == 4).await;
    let piece = |(quantity, disposition): &(&str, &str)| json!({"line": "1", "sku": "ITEM-1001", "quantity": quantity, "disposition": disposition});
    // With how many updates Dynamics has by then, of each: a line of an update takes one disposition.
    let decided: [(&[(&str, &str)], u64); 4] = [
        (&[("5", "RESTOCK")], 1),
        (&[("3", "RESTOCK"), ("1", "QUARANTINE"), ("1", "SCRAP")], 4),
        (&[("5", "QUARANTINE")], 7),
        (&[("1", "RESTOCK"), ("2", "SCRAP"), ("2", "RETURN_TO_SENDER")], 11),
    ];
    for (pieces, updates) in decided {
        let lines: Vec<_> = pieces.iter().map(piece).collect();
        for number in 1..=4 {
            let report = json!({"is_final": updates == 11, "lines": lines});
            found(&world, &format!("/rt-{number:06}"), &report).await;
        }
        world.until("it is posted", |dynamics, _| dynamics["updates_accepted"] == 4 * updates).await;
    }
    until_credited(&world, 4).await;
    let progress = world.to_dynamics.progress().await.unwrap();
    assert_eq!((&progress["updates_failed"], world.exceptions(true).await.0), (&json!(0), 0), "{progress}");
    for number in 1..=4 {
        let (notes, _) = money(&world, &format!("RET{number:07}")).await;
        let quantity = |note: &Value| note["lines"][0]["quantity"].as_str().unwrap().parse::<i8>().unwrap();
        assert_eq!(notes.iter().map(quantity).sum::<i8>(), 3, "{notes:#?}");
    }
    let verdict = world.finish().await;
    assert_eq!((verdict.returns, verdict.on_hand_mismatches), (4, 0), "{:?}", verdict.mismatches);
}
