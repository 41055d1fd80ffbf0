//! How long people wait for lists and searches where there is much: one million messages, one hundred thousand exceptions,
//! on PostgreSQL, asked through the API.
//!
//! `scripts/bench exceptions` starts the server it needs, fills it, asks every filter alone and in company, the first page
//! and one in the middle, and every kind of key that a document has. Of each question the 95th percentile of fifty answers
//! after one that warms up must be at most 300 ms, or the command fails and names it. What is measured is the whole answer
//! over HTTP on the same machine.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a measurement that fails shall stop")]
#![allow(clippy::disallowed_methods, reason = "it measures real time")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::process::ExitCode;

use clap::Parser;
use drayline::app::{App, Roles};
use drayline::clock::Clock;
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};
use tokio::time::Instant;

use support::{Backing, Ground};

/// Lists and searches in the API, over many messages and exceptions.
#[derive(Debug, Parser)]
struct Options {
    /// Messages that ended or are parked; a quarter as many documents, each with six keys and four steps
    #[arg(long, default_value_t = 1_000_000)]
    messages: u64,
    /// Exceptions in which something is still to happen; half as many beside them ended
    #[arg(long, default_value_t = 100_000)]
    exceptions: u64,
    /// Answers of each question that count, after one that does not
    #[arg(long, default_value_t = 50)]
    requests: usize,
    /// What the 95th percentile of each question may be, in milliseconds
    #[arg(long, default_value_t = 300.0)]
    most_ms: f64,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Given by `cargo bench`
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let mut figures = runtime.block_on(measure(&options));
    figures.sort_by(|one, other| other.p95_ms.total_cmp(&one.p95_ms));
    let slow: Vec<_> = figures.iter().filter(|figure| figure.p95_ms > options.most_ms).map(|one| &one.path).collect();
    if options.json {
        let paths: Value =
            figures.iter().map(|one| (one.path.clone(), json!(one.p95_ms))).collect::<serde_json::Map<_, _>>().into();
        let worst = figures.first().map(|one| one.p95_ms);
        println!("{}", json!({ "worst_p95_ms": worst, "slow": slow, "p95_ms": paths }));
    } else {
        println!("{:>9}  {:>9}  {:>8}  question, slowest first", "p95 ms", "median ms", "rows");
        for Figure { path, p95_ms, median_ms, rows } in &figures {
            println!("{p95_ms:>9.1}  {median_ms:>9.1}  {rows:>8}  {path}");
        }
    }
    if slow.is_empty() {
        return ExitCode::SUCCESS;
    }
    eprintln!("{} of {} questions took more than {} ms", slow.len(), figures.len(), options.most_ms);
    ExitCode::FAILURE
}

/// Of one question.
struct Figure {
    path: String,
    p95_ms: f64,
    median_ms: f64,
    /// Rows of the page.
    rows: usize,
}

/// The console, and whoever asks it.
struct Asker {
    base: String,
    token: String,
    client: reqwest::Client,
}

impl Asker {
    async fn page(&self, path: &str) -> Value {
        let answer = self.client.get(format!("{}{path}", self.base)).bearer_auth(&self.token).send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert_eq!(status, 200, "{path}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    async fn measured(&self, path: &str, requests: usize) -> Figure {
        let rows = self.page(path).await["items"].as_array().map_or(1, Vec::len);
        let mut took = Vec::new();
        for _ in 0..requests {
            let begun = Instant::now();
            self.page(path).await;
            took.push(begun.elapsed().as_secs_f64() * 1000.0);
        }
        took.sort_by(f64::total_cmp);
        let share = |percent: usize| took[(took.len() * percent).div_ceil(100).saturating_sub(1)];
        Figure { path: path.to_owned(), p95_ms: share(95), median_ms: share(50), rows }
    }
}

async fn measure(options: &Options) -> Vec<Figure> {
    let ground = Ground::fresh(Backing::Servers).await;
    // Whoever looks for the middle of a list takes one large page to it, and is asked more than people ask.
    let config = ground.config(
        "operations.listen = \"127.0.0.1:0\"\nconsole.requests_per_minute_max = 1000000\n\
         console.page_rows_max = 1000000\nstore.statement_timeout_ms = 120000\n",
    );
    let roles = Roles { console: true, ..Roles::default() };
    let app = App::start(config.clone(), roles, Clock::system()).await.unwrap();
    eprintln!("{} messages, {} exceptions", options.messages, options.exceptions);
    fill(&config.store.url, options).await;
    let token = std::fs::read_to_string(ground.data().join("command-line-token")).unwrap();
    let base = format!("http://{}", app.address("console").unwrap());
    let asker = Asker { base, token, client: reqwest::Client::builder().no_proxy().build().unwrap() };
    let mut figures = Vec::new();
    for path in questions(options) {
        figures.push(asker.measured(&path, options.requests).await);
        let Some(middle) = middle(&asker, &path).await else { continue };
        let figure = asker.measured(&middle, options.requests).await;
        figures.push(Figure { path: format!("{path} (in the middle)"), ..figure });
    }
    app.stop().await;
    ground.leave().await;
    figures
}

/// The page behind the first half of a list; nothing where one page holds it all.
async fn middle(asker: &Asker, path: &str) -> Option<String> {
    let first = asker.page(path).await;
    first["next_cursor"].as_str()?;
    let total = first["total"].as_u64().unwrap_or(2000);
    let joint = if path.contains('?') { '&' } else { '?' };
    let half = asker.page(&format!("{path}{joint}limit={}", (total / 2).max(1))).await;
    Some(format!("{path}{joint}cursor={}", half["next_cursor"].as_str()?))
}

/// Filters of exceptions: each name with much behind it, with little and with nothing, and some in company.
const EXCEPTIONS: [&str; 43] = [
    "",
    "state=open",
    "state=waiting",
    "state=replaying",
    "state=investigating",
    "state=resolved",
    "state=discarded",
    "state=open&state=resolved",
    "flow=orders",
    "flow=stock_adjustments",
    "connection=north",
    "connection=rare",
    "connection=nobody",
    "code=mapping.missing",
    "code=store.refused",
    "code=order.rejected",
    "fingerprint=f0",
    "fingerprint=rare",
    "owner=anna",
    "owner=bob",
    "owner=integration",
    "owner=finance",
    "tag=vip",
    "tag=rare",
    "tag=nowhere",
    "item=ITEM-7",
    "item=ITEM-TOP",
    "item=ITEM-RARE",
    "item=ITEM-NONE",
    "item=ITEM-TOP&state=open",
    "item=ITEM-TOP&connection=rare",
    "document=order/contoso/usmf-SHP000200007",
    "older_than=1d",
    "older_than=400d",
    "flow=orders&connection=north",
    "flow=orders&connection=rare",
    "code=mapping.missing&owner=integration",
    "connection=north&tag=rare",
    "owner=anna&older_than=1d",
    "state=open&flow=orders&connection=north&code=mapping.missing&tag=vip",
    "state=resolved&connection=rare",
    "state=resolved&owner=bob&tag=rare",
    "fingerprint=f0&connection=north&older_than=1d",
];

/// Filters of documents.
const DOCUMENTS: [&str; 18] = [
    "",
    "state=posted",
    "state=shipped",
    "state=released&state=sent&state=accepted",
    "state=rejected",
    "warehouse=north",
    "warehouse=rare",
    "state=posted&warehouse=rare",
    "older_than=1d",
    "older_than=400d",
    "state=posted&older_than=1d",
    "state=posted&warehouse=north&older_than=10d",
    "state=released_not_accepted",
    "state=shipped_not_posted",
    "state=received_not_credited",
    "state=released_not_accepted&state=shipped_not_posted&state=received_not_credited&warehouse=rare",
    "state=shipped_not_posted&older_than=10d&warehouse=north",
    "legal_entity=usmf",
];

/// Filters of the trail.
const TRAIL: [&str; 19] = [
    "",
    "who=anna",
    "who=rare",
    "who=nobody",
    "action=exception.work",
    "action=token.create",
    "action=nothing",
    "flow=orders",
    "flow=returns",
    "connection=north",
    "connection=rare",
    "document=order/contoso/usmf-SHP000000007",
    "document=nothing",
    "since=2000-01-01T00:00:00Z",
    "since=2100-01-01T00:00:00Z",
    "until=2000-01-01T00:00:00Z",
    "until=2100-01-01T00:00:00Z",
    "who=rare&action=exception.work&flow=orders&connection=north",
    "who=anna&document=order/contoso/usmf-SHP000000007",
];

/// Every kind of key that a document has, as people may write it; the last one is none.
const KEYS: [&str; 9] =
    ["order/contoso/usmf-SHP%", "SO-%", "so-%", "usmf-SHP%-W1", "SHP%", "1Z%", "wo-%", "ORIGIN-%", "no-such-%"];

fn questions(options: &Options) -> Vec<String> {
    let mut all = Vec::new();
    for filter in EXCEPTIONS {
        all.push(format!("/v1/exceptions?{filter}"));
        all.push(format!("/v1/exceptions/causes?{filter}"));
    }
    let one = message(options.messages / 4 * 3 + 11);
    all.extend([format!("/v1/exceptions?message={one}"), format!("/v1/exceptions/{one}")]);
    let number = format!("{:0>9}", options.messages / 8);
    all.extend(KEYS.iter().map(|key| format!("/v1/documents?key={}", key.replace('%', &number))));
    all.extend(DOCUMENTS.iter().map(|filter| format!("/v1/documents?{filter}")));
    all.extend(
        ["", "state=shipped_not_posted&older_than=10d", "legal_entity=usmf"]
            .map(|filter| format!("/v1/documents/totals?{filter}")),
    );
    all.extend(TRAIL.iter().map(|filter| format!("/v1/trail?{filter}")));
    all.extend(["/v1/replays".to_owned(), "/v1/tokens".to_owned()]);
    for id in [campaign(1), campaign(2)] {
        all.extend([format!("/v1/replays/{id}"), format!("/v1/replays/{id}/messages")]);
        let outcomes = ["waiting", "applied", "already_applied", "failed_again", "held", "discarded"];
        all.extend(outcomes.map(|outcome| format!("/v1/replays/{id}/messages?outcome={outcome}")));
    }
    all
}

/// The id of the message with this number, as [`ID`] makes it.
fn message(number: u64) -> String {
    format!("00000000-0000-4000-8000-{number:012x}")
}

fn campaign(number: u64) -> String {
    format!("00000000-0000-4000-9000-{number:012x}")
}

/// The id of message n, in SQL.
const ID: &str = "('00000000-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid";

/// The document of message n: four messages have one.
const DOCUMENT: &str = "'order/contoso/usmf-SHP' || lpad((n / 4)::text, 9, '0')";

/// A month, in microseconds.
const MONTH: &str = "2592000000000";

/// Everything by a handful of statements. Messages have numbers; the last of them are parked, those before ended.
async fn fill(url: &str, options: &Options) {
    let Options { messages, exceptions, .. } = options;
    let parked = messages / 4 * 3;
    let (open, ended) = (parked + exceptions, parked - exceptions / 2);
    let seen = format!("store_now() - {MONTH} + ({MONTH} / {messages}) * n");
    let number = "lpad(n::text, 9, '0')";
    let (waiting, over) = (campaign(1), campaign(2));
    // Of an exception: what is common, and what few have.
    let some = |rare: &str, usual: &str| format!("CASE WHEN n % 5000 = 11 THEN '{rare}' ELSE {usual} END");
    let connection = some("rare", "(ARRAY['north', 'south', 'east', 'contoso'])[1 + n % 4]");
    let code = some(
        "store.refused",
        "(ARRAY['mapping.missing', 'warehouse.refused', 'dynamics.posting_failed', 'order.rejected', 'shipment.exceeds_order'])[1 + n % 5]",
    );
    let flow = "(ARRAY['orders', 'shipments', 'orders', 'goods_received', 'shipments'])[1 + n % 5]";
    let fingerprint = some("rare", "'f' || n % 20");
    let owner = "CASE WHEN n % 10000 = 11 THEN 'bob' WHEN n % 100 = 1 THEN 'anna' END";
    let tags = r#"CASE WHEN n % 10000 = 11 THEN '["rare"]' WHEN n % 100 = 3 THEN '["late","vip"]' ELSE '[]' END"#;
    // One in two is about the one item that everybody orders.
    let items = format!(
        "json_build_array('ITEM-' || n % 300, {})::text",
        some("ITEM-RARE", "(ARRAY['ITEM-TOP', 'ITEM-0'])[1 + n % 2]")
    );
    let sentence = "'North refused order usmf-SHP' || n || ': the item ITEM-' || n % 300 || ' is not known there, nothing was sent.'";
    let statements = [
        format!("INSERT INTO inbox SELECT {ID}, {flow}, 1, {seen} FROM generate_series(0, {parked} - 1) n"),
        format!("INSERT INTO documents SELECT {}, 'order', 'usmf', 0 FROM generate_series(0, {messages} / 4) n", DOCUMENT.replace("n / 4", "n")),
        format!(
            "INSERT INTO document_names SELECT name, label, {} FROM generate_series(0, {messages} / 4) n CROSS JOIN LATERAL (VALUES
               ('reference', 'usmf-SHP' || {number} || '-W1'), ('request', 'SHP' || {number}), ('order_number', 'SO-' || {number}),
               ('tracking_number', '1Z' || {number}), ('warehouse_order', 'wo-' || {number}), ('origin', 'ORIGIN-' || {number})) k (label, name)",
            DOCUMENT.replace("n / 4", "n")
        ),
        format!("INSERT INTO journey SELECT {DOCUMENT}, n, {ID}, n % 4, n, 'warehouse', 'accepted by north as wo-' || n, 'live' FROM generate_series(0, {messages} - 1) n"),
        format!(
            "INSERT INTO progress (document, kind, legal_entity, number, warehouse, promised_at, value, currency, released_at, stage, whole, moves, posts)
             SELECT {}, 'order', 'usmf', 'SO-' || {number}, CASE WHEN n % 5000 = 11 THEN 'rare' ELSE (ARRAY['north', 'south'])[1 + n % 2] END,
               store_now(), '120.50', 'EUR', {}, CASE WHEN n % 10 = 0 THEN n / 10 % 4 ELSE 2 END,
               CASE WHEN n % 10 > 1 THEN 1 END, n % 10, CASE WHEN n % 10 = 2 THEN 0 ELSE n % 10 END
             FROM generate_series(0, {messages} / 4) n",
            DOCUMENT.replace("n / 4", "n"),
            seen.replace("* n", "* (4 * n)")
        ),
        // Each tenth lane has a follower.
        format!(
            "INSERT INTO parked (message_id, flow, partition, lane_key, ordering_key, kind, connection, bytes, position, waits_for,
               attempts, parkings, revision, code, sentence, unsure, first_parked_at, last_parked_at, fingerprint)
             SELECT {ID}, {flow}, n % 12, {DOCUMENT} || CASE WHEN n < {open} THEN '/' || n ELSE '/' || n - {exceptions} END, {DOCUMENT},
               CASE {flow} WHEN 'shipments' THEN 'shipment_confirmed' ELSE 'order_released' END, {connection}, convert_to(repeat('x', 400), 'UTF8'), n, CASE WHEN n < {open} THEN 3 ELSE 0 END, 1, 1, 0,
               {code}, {sentence}, '[]', {seen}, {seen}, {fingerprint}
             FROM generate_series({parked}, {open} + {exceptions} / 10 - 1) n"
        ),
        format!(
            "INSERT INTO exceptions (message_id, flow, parking, code, sentence, kind, connection, document, first_seen_at, last_seen_at,
               ending, ended_at, state, fingerprint, owner, tags, promised_at, value, currency, priority, items)
             SELECT {ID}, {flow}, 1, {code}, {sentence}, 'order_released', {connection}, {DOCUMENT}, {seen}, {seen},
               CASE WHEN n < {parked} THEN 1 END, CASE WHEN n < {parked} THEN {seen} END,
               CASE WHEN n >= {parked} THEN (ARRAY['open','open','open','open','open','open','open','waiting','replaying','investigating'])[1 + n / 7 % 10]
                 WHEN n % 9 = 0 THEN 'discarded' ELSE 'resolved' END,
               {fingerprint}, {owner}, {tags}, store_now(), '120.50', 'EUR', (n::bigint * 7919) % 1000003, {items}
             FROM generate_series({ended}, {open} - 1) n"
        ),
        format!(
            "INSERT INTO attempts SELECT gen_random_uuid(), {ID}, {flow}, {seen} + turn, {code}, {sentence}, NULL, '[]'
             FROM generate_series({ended}, {open} - 1) n CROSS JOIN generate_series(1, 2) turn"
        ),
        format!(
            "INSERT INTO exception_acts SELECT gen_random_uuid(), {ID}, {flow}, {seen}, 'anna', 'noted', 'asked sales'
             FROM generate_series({ended}, {open} - 1) n"
        ),
        format!(
            "INSERT INTO trail SELECT n, {seen}, CASE WHEN n % 50000 = 11 THEN 'rare' ELSE (ARRAY['anna', 'ben', 'carla'])[1 + n % 3] END, 'operator',
               CASE WHEN n % 50000 = 11 THEN 'token.create' ELSE (ARRAY['exception.work', 'exception.replay', 'mapping.set'])[1 + n % 3] END,
               NULL, NULL, CASE WHEN n % 5 = 0 THEN 'orders' WHEN n % 50000 = 11 THEN 'returns' END, CASE WHEN n % 5 = 1 THEN 'north' WHEN n % 50000 = 12 THEN 'rare' END,
               json_build_array({})::text, '[\"note\"]', repeat('0', 64), repeat('0', 64)
             FROM generate_series(1, {messages} / 2) n",
            DOCUMENT.replace("n / 4", "n")
        ),
        format!("UPDATE trail_head SET n = {messages} / 2, hash = repeat('0', 64)"),
        format!(
            "INSERT INTO campaigns (id, state, created_at, created_by, wanted, options, wave)
             VALUES ('{waiting}', 'running', 1, 'anna', 'code=mapping.missing', '{{}}', 3), ('{over}', 'finished', 2, 'anna', 'flow=orders', '{{}}', 9)"
        ),
        format!(
            "INSERT INTO campaign_messages (campaign, message_id, flow, ordinal, wave, connection, kind, document, fingerprint, outcome)
             SELECT id::uuid, {ID}, {flow}, n, (n - {parked}) / 1000, {connection}, 'order_released', {DOCUMENT}, {fingerprint},
               CASE id WHEN '{waiting}' THEN 'waiting' ELSE CASE WHEN n % 1000 = 7 THEN 'failed_again' WHEN n % 1000 = 8 THEN 'held' ELSE 'applied' END END
             FROM generate_series({parked}, {open} - 1) n CROSS JOIN (VALUES ('{waiting}'), ('{over}')) c (id)"
        ),
        // As the server does by itself, some time later.
        "VACUUM ANALYZE".to_owned(),
    ];
    let mut hand = PgConnection::connect(url).await.unwrap();
    for statement in statements {
        let begun = Instant::now();
        let words = statement.split_whitespace().take(3).collect::<Vec<_>>().join(" ");
        sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&mut hand).await.unwrap();
        eprintln!("{:>6} ms  {words}", begun.elapsed().as_millis());
    }
    hand.close().await.unwrap();
}
