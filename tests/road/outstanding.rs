//! What is outstanding at the end of a seeded day: the lists and their totals say what both far ends hold, and no more.

use std::collections::{BTreeMap, BTreeSet};

use drayline::console::TOKEN_FILE;
use drayline::sandbox::{Faults, FinanceOperationsRules, WarehouseRules};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::returns;
use super::world::{Making, World};
use crate::support::Backing;
use crate::support::wait::until_within;

const ORDERS: usize = 14;
const DEADLINE: std::time::Duration = std::time::Duration::from_mins(2);

/// The exchange: nothing of it is credited, ever.
const EXCHANGED: &str = "RET0000007";

/// What came without an RMA, and belongs to nothing that is known.
const BLIND: &str = "blind";

/// Of each state its documents, by the numbers that people use.
type Open = BTreeMap<String, BTreeSet<String>>;

/// Of each state and currency how many there are and what they are worth; of what nobody knows the worth of, under no currency.
type Sums = BTreeMap<(String, Option<String>), (u64, Decimal)>;

fn making() -> Making {
    let money = "value_field = \"OrderTotalAmount\"\n";
    let sections =
        format!("{}{money}[dynamics.contoso.outbound]\n{money}currency_field = \"CurrencyCode\"\n", returns::SECTIONS);
    Making {
        sections,
        toml: "processor.posting_poll_delays_ms = [100, 200, 500]".to_owned(),
        dynamics: FinanceOperationsRules {
            return_event: "ConReturnOrder".to_owned(),
            // The house credits late.
            credit_ms: 600_000,
            ..FinanceOperationsRules::default()
        },
        warehouse: WarehouseRules {
            rejection_share: 0.35,
            split_share: 0.5,
            arrive_ms: 600_000,
            ..WarehouseRules::default()
        },
        ..Making::default()
    }
}

/// What a document is worth; of the last order Dynamics does not say it.
fn worth(number: usize) -> Option<(&'static str, &'static str)> {
    let values = [("19.95", "EUR"), ("1200.5", "USD"), ("0.05", "EUR")];
    (number != ORDERS).then(|| values[number % 3])
}

async fn post(url: &str, body: &Value) -> Value {
    let answer = reqwest::Client::new().post(url).json(body).send().await.unwrap();
    assert!(answer.status().is_success(), "{url}: {}", answer.text().await.unwrap());
    answer.json().await.unwrap()
}

fn decimal(value: &Value) -> Decimal {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned).parse().unwrap()
}

fn each(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// What both far ends hold, and what is missing between them.
async fn held(world: &World) -> Open {
    let (dynamics, warehouse) = (world.to_dynamics.state().await.unwrap(), world.to_warehouse.state().await.unwrap());
    let mut open = Open::new();
    let mut add = |state: &str, number: &str| open.entry(state.to_owned()).or_default().insert(number.to_owned());
    let is_of = |held: &Value, id: &str| held["reference"].as_str().unwrap_or_default().contains(id);
    for order in each(&dynamics["orders"]) {
        let (id, number) = (order["id"].as_str().unwrap(), order["order_number"].as_str().unwrap());
        let there: Vec<_> = each(&warehouse["orders"]).filter(|held| is_of(held, id)).collect();
        let lines = there.iter().flat_map(|held| each(&held["lines"]));
        let shipped: Decimal = lines.map(|line| decimal(&line["shipped"])).sum();
        let posted: Decimal = each(&order["lines"]).map(|line| decimal(&line["posted"])).sum();
        let taken_on = there.iter().any(|held| held["live"] == true);
        if shipped > posted {
            add("shipped_not_posted", number);
        } else if !taken_on && order["cancelled"] == false {
            add("released_not_accepted", number);
        }
    }
    let received = |held: &Value| -> Decimal { each(&held["received"]).map(|piece| decimal(&piece["quantity"])).sum() };
    for order in each(&dynamics["returns"]).filter(|order| order["id"] != EXCHANGED) {
        let (id, rma) = (order["id"].as_str().unwrap(), order["order_number"].as_str().unwrap());
        let came: Decimal = each(&warehouse["returns"]).filter(|held| is_of(held, id)).map(received).sum();
        let notes = each(&dynamics["credit_notes"]).filter(|note| note["order"] == id);
        let credited: Decimal =
            notes.flat_map(|note| each(&note["lines"])).map(|line| decimal(&line["quantity"])).sum();
        if came > credited {
            add("received_not_credited", rma);
        }
    }
    if each(&warehouse["returns"]).any(|held| !is_of(held, "RET") && received(held) > Decimal::ZERO) {
        add("received_not_credited", BLIND);
    }
    open
}

/// The same added up, by what each was released with.
fn sums(open: &Open) -> Sums {
    let mut sums = Sums::new();
    for (state, numbers) in open {
        for number in numbers {
            let digits: String = number.chars().filter(char::is_ascii_digit).collect();
            let known = digits.parse().ok().and_then(worth);
            let sum = sums.entry((state.clone(), known.map(|(_, currency)| currency.to_owned()))).or_default();
            sum.0 += 1;
            sum.1 += known.map(|(value, _)| value.parse::<Decimal>().unwrap()).unwrap_or_default();
        }
    }
    sums
}

fn told_sums(totals: &Value) -> Sums {
    let row = |total: &Value| {
        let value = if total["value"].is_null() { Decimal::ZERO } else { decimal(&total["value"]) };
        let currency = total["currency"].as_str().map(str::to_owned);
        ((total["state"].as_str().unwrap().to_owned(), currency), (total["documents"].as_u64().unwrap(), value))
    };
    each(totals).map(row).collect()
}

fn told(documents: &Value) -> Open {
    let mut open = Open::new();
    for document in each(documents) {
        let number = document["number"].as_str().unwrap_or(BLIND).to_owned();
        assert!(open.entry(document["state"].as_str().unwrap().to_owned()).or_default().insert(number), "{document}");
    }
    open
}

async fn list(world: &World, options: &[&str]) -> Value {
    let (well, answer) = world.ask(&[&["documents", "list"], options].concat()).await;
    assert!(well, "{answer}");
    answer
}

async fn asked(world: &World, path: &str) -> Value {
    let token = std::fs::read_to_string(world.ground.data().join(TOKEN_FILE)).unwrap();
    let url = format!("http://{}/v1/{path}", world.app().address("console").unwrap());
    let answer = reqwest::Client::new().get(url).bearer_auth(token.trim()).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{path}");
    answer.json().await.unwrap()
}

const STATES: [&str; 6] =
    ["--state", "released-not-accepted", "--state", "shipped-not-posted", "--state", "received-not-credited"];

/// Waits until the lists say what the far ends hold, and gives both.
async fn until_told(world: &World) -> (Open, Value) {
    until_within(DEADLINE, "the lists say what the far ends hold", async || {
        let (listed, open) = (list(world, &STATES).await, held(world).await);
        (told(&listed["documents"]) == open).then_some((open, listed))
    })
    .await
}

/// Orders of which some are refused by the warehouse, and some by Dynamics once they have left.
async fn a_day_of_orders(world: &World) {
    world.to_dynamics.disturb(&Faults { refuse_updates: 0.5, ..Faults::default() }).await.unwrap();
    for number in 1..=ORDERS {
        let (value, currency) = worth(number)
            .map_or((Value::Null, ""), |(value, currency)| (serde_json::from_str(value).unwrap(), currency));
        let fields = json!({ "OrderTotalAmount": value, "CurrencyCode": currency });
        world.to_dynamics.release_as(&json!({ "count": 1, "seed": number, "fields": fields })).await.unwrap();
    }
    world
        .until("the warehouse is done", |dynamics, warehouse| {
            warehouse["held"] == ORDERS
                && warehouse["steps_due"] == 0
                && warehouse["pending_events"] == 0
                && dynamics["pending_events"] == 0
                && dynamics["updates_waiting"] == 0
        })
        .await;
    let open = until_told(world).await.0;
    // One that the warehouse refused is cancelled in Dynamics: nobody waits for it any more.
    let refused = open["released_not_accepted"].first().unwrap().replace("SO-", "SHP0");
    world.to_dynamics.order(&refused, "cancel", &json!({})).await.unwrap();
}

/// Returns: credited, refunded before, exchanged, refused by Dynamics, of no decision, still away, and without an RMA.
async fn a_day_of_returns(world: &World) {
    world.to_dynamics.disturb(&Faults::default()).await.unwrap();
    let line = json!({ "item": "ITEM-1001", "quantity": "2", "unit": "ea" });
    for number in 1..=6_usize {
        let (value, currency) = worth(number).unwrap();
        // Dynamics says what it owes as less than nothing.
        let value: Value = serde_json::from_str(&format!("-{value}")).unwrap();
        let fields = json!({ "OrderTotalAmount": value, "CurrencyCode": currency });
        returns::made_in_dynamics(world, &json!({ "lines": [line], "fields": fields })).await;
    }
    let mut exchange = returns::wish("ITEM-1001", "2");
    exchange["lines"][0]["reason"] = json!({ "code": "EXCHANGE" });
    assert_eq!(returns::ask(world, "web-7", &exchange).await.0, 202);
    world.until("announced", |_, warehouse| warehouse["returns"] == 7).await;
    let state = world.to_warehouse.state().await.unwrap();
    let place = |number: u8| {
        let reference = format!("RET000000{number}");
        let found = each(&state["returns"]).find(|held| held["reference"].as_str().unwrap().contains(&reference));
        format!("/{}", found.unwrap()["id"].as_str().unwrap())
    };
    let came = async |number: u8, disposition: &str| {
        let piece = json!({ "line": "1", "sku": "ITEM-1001", "quantity": "2", "disposition": disposition });
        returns::found(world, &place(number), &json!({ "lines": [piece] })).await;
    };
    let refund = async |number: u8| {
        post(&format!("{}/sandbox/returns/RET000000{number}/refund", world.dynamics.url()), &json!({})).await;
    };
    came(1, "RESTOCK").await;
    refund(2).await;
    came(2, "RESTOCK").await;
    came(3, "DONATE").await;
    came(4, "RESTOCK").await;
    came(7, "RESTOCK").await;
    let blind = json!({ "order_number": "SO-000009", "lines": [{ "sku": "ITEM-1001", "quantity": "2" }] });
    returns::found(world, "", &blind).await;
    world.until("posted", |dynamics, _| dynamics["updates_waiting"] == 0 && dynamics["credits_due"] == 4).await;
    // The first is credited by somebody; of the fifth nothing came; the sixth is refused.
    refund(1).await;
    let failed = world.to_dynamics.progress().await.unwrap()["updates_failed"].as_u64();
    world.to_dynamics.disturb(&Faults { refuse_updates: 1.0, ..Faults::default() }).await.unwrap();
    came(6, "SCRAP").await;
    world.until("refused", |dynamics, _| dynamics["updates_failed"].as_u64() > failed).await;
    world.to_dynamics.disturb(&Faults::default()).await.unwrap();
}

/// What holds each: the exception that people find under the same id.
async fn every_exception_is_named(world: &World, listed: &Value) {
    let (_, exceptions) = world.exceptions(false).await;
    let codes = |state: &str| -> BTreeSet<String> {
        let of_state = each(&listed["documents"]).filter(|document| document["state"] == state);
        of_state.map(|document| document["exception"]["code"].as_str().unwrap_or("none").to_owned()).collect()
    };
    let set = |codes: &[&str]| codes.iter().map(|code| (*code).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(codes("released_not_accepted"), set(&["order.rejected"]), "{listed:#}");
    assert_eq!(codes("shipped_not_posted"), set(&["dynamics.posting_failed"]), "{listed:#}");
    // What waits for its note is not late yet.
    let wanted = set(&["dynamics.posting_failed", "mapping.missing", "none", "return.blind"]);
    assert_eq!(codes("received_not_credited"), wanted, "{listed:#}");
    for document in each(&listed["documents"]).filter(|document| !document["exception"].is_null()) {
        let id = document["exception"]["id"].as_str().unwrap();
        let found = exceptions.iter().find(|exception| exception.id.to_string() == id);
        assert_eq!(found.map(|exception| exception.code.as_str()), document["exception"]["code"].as_str());
    }
}

/// The API has the same, page by page.
async fn the_api_says_the_same(world: &World, open: &Open, listed: &Value) {
    let states = "state=released_not_accepted&state=shipped_not_posted&state=received_not_credited";
    let (mut seen, mut query) = (Vec::new(), format!("documents?{states}&limit=2"));
    loop {
        let page = asked(world, &query).await;
        seen.extend(each(&page["items"]).map(|document| document["document"].clone()));
        let first = seen.len() == 2;
        assert_eq!(page["total"].as_u64().is_some(), first, "{page}");
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        query = format!("documents?{states}&limit=2&cursor={cursor}");
    }
    let wanted: Vec<_> = each(&listed["documents"]).map(|document| document["document"].clone()).collect();
    assert_eq!(seen, wanted);
    assert_eq!(told_sums(&asked(world, "documents/totals").await["items"]), sums(open));
    let (mut rows, mut query) = (Vec::new(), "documents/totals?limit=1".to_owned());
    while let Some(cursor) = {
        let page = asked(world, &query).await;
        rows.extend(each(&page["items"]).cloned());
        page["next_cursor"].as_str().map(str::to_owned)
    } {
        query = format!("documents/totals?limit=1&cursor={cursor}");
    }
    assert_eq!(told_sums(&json!(rows)), sums(open));
    let company = asked(world, "documents?legal_entity=usmf").await;
    assert_eq!(company["total"].as_u64(), Some(seen.len() as u64 - 1), "the blind one is of no company: {company}");
    assert_eq!(asked(world, "documents/totals?legal_entity=demf").await["items"], json!([]));
}

async fn a_day_adds_up(backing: Backing) {
    let world = World::start(backing, making()).await;
    returns::map_all(&world).await;
    a_day_of_orders(&world).await;
    a_day_of_returns(&world).await;
    let (open, listed) = until_told(&world).await;
    assert!(open["shipped_not_posted"].len() > 2 && open["released_not_accepted"].len() > 1, "a dull day: {open:?}");
    let not_credited = [BLIND, "RMA0000003", "RMA0000004", "RMA0000006"].map(str::to_owned);
    assert_eq!(open["received_not_credited"], BTreeSet::from(not_credited));
    assert_eq!(told_sums(&listed["totals"]), sums(&open));
    assert_eq!(told_sums(&list(&world, &[]).await["totals"]), sums(&open));
    every_exception_is_named(&world, &listed).await;
    the_api_says_the_same(&world, &open, &listed).await;
    people_read_it(&world, &open).await;
    // Dynamics' period is open again, and what it refused is processed: nothing is shipped and not posted any more.
    world.to_dynamics.process_again().await.unwrap();
    world.until("processed", |dynamics, _| dynamics["updates_waiting"] == 0).await;
    let refused = ["replay", "plan", "--filter", "code=dynamics.posting_failed"];
    let posted = until_within(DEADLINE, "everything is posted", async || {
        let (_, plan) = world.ask(&refused).await;
        if let Some(id) = plan["id"].as_str() {
            world.ask(&["replay", "start", id, "--yes"]).await;
        }
        let (open, _) = until_told(&world).await;
        (!open.contains_key("shipped_not_posted")).then_some(open)
    })
    .await;
    assert_eq!(posted["released_not_accepted"], open["released_not_accepted"]);
    world.leave().await;
}

/// The table of one state: its sum, and a line for each document.
async fn people_read_it(world: &World, open: &Open) {
    let mut command = world.program(&["documents", "list", "--state", "shipped-not-posted"]);
    // Beside the product, which goes on meanwhile: it may hold the store.
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let numbers = &open["shipped_not_posted"];
    assert_eq!(text.lines().count(), numbers.len() + 1, "{text}");
    let first: Vec<_> = text.lines().next().unwrap().split_whitespace().collect();
    assert_eq!(first[..2], ["shipped_not_posted", &numbers.len().to_string()], "{text}");
    for ((_, currency), (_, value)) in sums(open).iter().filter(|((state, _), _)| state == "shipped_not_posted") {
        let wanted = currency.as_ref().map_or("of unknown value".to_owned(), |currency| format!("{value} {currency}"));
        assert!(text.lines().next().unwrap().contains(&wanted), "{wanted}: {text}");
    }
    for number in numbers {
        let line = text.lines().find(|line| line.contains(number.as_str())).unwrap();
        assert!(line.contains("dynamics.posting_failed") && line.chars().count() <= 110, "{line}");
    }
}

#[tokio::test]
async fn a_seeded_day_adds_up_embedded() {
    Box::pin(a_day_adds_up(Backing::Embedded)).await;
}

#[tokio::test]
async fn a_seeded_day_adds_up_on_servers() {
    Box::pin(a_day_adds_up(Backing::Servers)).await;
}
