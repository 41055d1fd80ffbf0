//! Statements keep their plan from the first row to the two hundred thousandth: on PostgreSQL, nothing that grows is ever
//! read through, whatever the server's statistics said when a statement was planned.
//!
//! The server itself counts what it reads. Tables are filled by hand under the very sessions whose statements were
//! planned when there was nothing, and nobody collects statistics in between: that is how an installation grows on a
//! busy day. Two hundred thousand rows take seconds where a million would take a minute, and a plan does not know the
//! difference; what is read through shows at once.

use std::collections::BTreeMap;

use drayline::store::{Document, Intended, Intent, ProgressFilter, State};
use sqlx::{Connection as _, PgConnection};

use super::*;

/// Tables that grow with the traffic.
const GROWING: [&str; 9] =
    ["inbox", "journal", "effects", "parked", "outbox", "documents", "document_names", "journey", "progress"];

/// Rows of each table when it is full.
const FULL: i64 = 200_000;

/// Messages that one round works on.
const MESSAGES: usize = 20;

/// Those of them that park: one is due, one waits for its flow.
const PARKED: usize = 2;

/// Of each table, how often it was read through, and how many of its rows and of its index entries were read.
type Reads = BTreeMap<String, [i64; 3]>;

/// The server tells what an ended session read; so our sessions end first.
async fn reads(hand: &mut PgConnection) -> Reads {
    let ask = "SELECT t.relname::text, t.seq_scan, t.seq_tup_read, coalesce(sum(i.idx_tup_read), 0)::bigint
               FROM pg_stat_user_tables t LEFT JOIN pg_stat_user_indexes i USING (relid) GROUP BY 1, 2, 3";
    let rows: Vec<(String, i64, i64, i64)> = sqlx::query_as(ask).fetch_all(hand).await.unwrap();
    rows.into_iter().map(|(table, scans, rows, entries)| (table, [scans, rows, entries])).collect()
}

/// Everything an attempt, its owner, the due runner and the relay ask, about messages and documents never seen before.
async fn round(store: &Store, owner: Ownership) {
    let name = |number: usize| format!("order/{}/{number}", Uuid::new_v4());
    let keys: Vec<String> = (0..MESSAGES).map(name).collect();
    let messages: Vec<Uuid> = keys.iter().map(|_| Uuid::new_v4()).collect();
    let question = |(message, key): (&Uuid, &String)| Question {
        message_id: *message,
        lane_key: key.clone(),
        document: key.clone(),
    };
    let questions: Vec<_> = messages.iter().zip(&keys).map(question).collect();
    assert!(store.look_up(FLOW, &questions).await.unwrap().iter().all(|known| known.ending.is_none()));
    let journal = Uuid::new_v4();
    let intended: Vec<_> = messages.iter().map(|id| intended(owner, journal, *id)).collect();
    assert_eq!(store.intend(&intended).await.unwrap(), vec![Written::Yes; MESSAGES]);
    let ended = |(message, key): (&Uuid, &String)| Record {
        effects: vec![effect(&format!("did/{key}"), key)],
        outbox: vec![sends(*message, Purpose::Flow)],
        documents: vec![document(key)],
        journey: vec![step(key, 1, "happened")],
        journal_done: vec![journal],
        progress: Some(super::progress::far(key, 7)),
        ..ends(owner, *message)
    };
    let parking = [now_due(), WaitsFor::Flow];
    let parked = parking.into_iter().zip(messages.iter().zip(&keys));
    let parked = parked.map(|(waits_for, (message, key))| parks(owner, waits(*message, key, waits_for)));
    let rest = messages.iter().zip(&keys).skip(PARKED);
    let records: Vec<_> = parked.chain(rest.map(ended)).collect();
    assert_eq!(store.record(&records).await.unwrap(), vec![Written::Yes; MESSAGES]);
    store.look_up(FLOW, &questions).await.unwrap();
    assert_eq!(store.known(&keys).await.unwrap().len(), MESSAGES - PARKED);
    assert_eq!(store.wake(&keys).await.unwrap(), 0);
    let found = store.documents(&format!(" OF {}", keys[PARKED].to_uppercase())).await.unwrap();
    assert_eq!((found.len(), found[0].document.key.as_str(), found[0].steps.len()), (1, keys[PARKED].as_str(), 1));
    assert_eq!(store.named(&format!("of {}", keys[PARKED])).await.unwrap().len(), 1);
    let mut open = ProgressFilter { limit: 5, ..super::progress::all() };
    open.states = vec![State::Sent, State::Accepted, State::Shipped];
    assert_eq!(store.progress(&open).await.unwrap().1.len(), 5);
    let day = |day: i64| Timestamp::from_microsecond(day * 10).unwrap();
    assert!(!store.became(day(0), day(1)).await.unwrap().is_empty());
    store.due(&[owner], 100).await.unwrap();
    assert_eq!(store.stopped_heads(&[owner], &WaitsFor::Flow, 100).await.unwrap().len(), 1);
    store.unsettled(owner).await.unwrap();
    store.look_again(FLOW, messages[0]).await.unwrap();
    store.let_pass(owner, &keys[0]).await.unwrap();
    store.record(&[ends(owner, messages[0]), ends(owner, messages[1])]).await.unwrap();
    let rows = store.outbox_without(FLOW, false, &keys[..2], 10).await.unwrap();
    store.delivered(&rows.iter().map(|row| row.id).collect::<Vec<_>>()).await.unwrap();
    assert!(store.accept(&sends(Uuid::new_v4(), Purpose::Ingest), u64::MAX).await.unwrap());
}

fn intended(owner: Ownership, journal: Uuid, message_id: Uuid) -> Intended {
    let intent = Intent {
        key: format!("did/{message_id}"),
        connection: "north".to_owned(),
        class: "absorbs".to_owned(),
        call: json!({}),
        committed_at: None,
    };
    Intended { owner, journal, message_id, intents: vec![intent] }
}

fn document(key: &str) -> Document {
    Document {
        key: key.to_owned(),
        kind: "order".to_owned(),
        legal_entity: Some("usmf".to_owned()),
        names: vec![("reference".to_owned(), format!("of {key}"))],
    }
}

/// Rows of other messages, documents and lanes, most of the same flow and partition.
async fn fill(hand: &mut PgConnection) {
    let rows = format!("FROM generate_series(1, {FULL}) n");
    for statement in [
        format!("INSERT INTO inbox SELECT gen_random_uuid(), 'orders', 1, 0 {rows}"),
        format!("INSERT INTO effects SELECT 'e' || n, 'd' || n, 'act', 'c', gen_random_uuid(), '{{}}', 0 {rows}"),
        format!("INSERT INTO documents SELECT 'd' || n, 'order', 'usmf', 0 {rows}"),
        format!("INSERT INTO document_names SELECT 'n' || n, 'reference', 'd' || n {rows}"),
        // Ended long ago, but for a handful.
        format!(
            "INSERT INTO progress (document, kind, released_at, stage, whole, moves, posts)
             SELECT 'd' || n, 'order', 1000 + n, 2, 1, 1, CASE WHEN n % 20000 = 0 THEN 0 ELSE 1 END {rows}"
        ),
        format!("INSERT INTO journey SELECT 'd' || n, n, gen_random_uuid(), 0, 0, 's', 'w', 'live' {rows}"),
        // A crowd that waits for a person, for another document, and of another partition; a journal of others.
        format!(
            "INSERT INTO parked (message_id, flow, partition, lane_key, ordering_key, kind, connection, bytes, position,
               waits_for, awaited, attempts, parkings, revision, unsure, first_parked_at, last_parked_at)
             SELECT gen_random_uuid(), 'orders', n % 12, 'l' || n, 'l' || n, 'k', 'c', '', n, 2 + n % 2,
               CASE WHEN n % 2 = 0 THEN 'a' || n END, 0, 0, 0, '[]', 0, 0 {rows}"
        ),
        format!("INSERT INTO journal SELECT gen_random_uuid(), 'orders', 1 + n % 11, '[]', 0 {rows}"),
        format!(
            "INSERT INTO outbox (flow, purpose, ordering_key, message_id, kind, bytes, parking, created_at)
             SELECT 'returns', 2, 'k' || n, gen_random_uuid(), 'k', '', 0, 0 {rows}"
        ),
    ] {
        sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&mut *hand).await.unwrap();
    }
}

#[tokio::test]
async fn no_statement_planned_on_nothing_reads_through_what_grows() {
    statements_keep_their_plan(0).await;
}

/// A table of one page is planned for otherwise than one that never had a row.
#[tokio::test]
async fn no_statement_planned_on_little_reads_through_what_grows() {
    statements_keep_their_plan(1).await;
}

/// Of a full batch each document and each name is looked up once, not once for each other message of the batch.
#[tokio::test]
async fn what_is_known_already_is_looked_up_once() {
    const BATCH: usize = 200;
    let house = House::fresh(Backing::Servers).await;
    let mut hand = PgConnection::connect(&house.ground.config("").store.url).await.unwrap();
    let keys: Vec<String> = (0..BATCH).map(|number| format!("order/{number}")).collect();
    let told = async |store: &Store| {
        let owner = store.take(house.worker, FLOW, 0, LIVES).await.unwrap().unwrap();
        let record = |key: &String| Record { documents: vec![document(key)], ..ends(owner, Uuid::new_v4()) };
        let records: Vec<_> = keys.iter().map(record).collect();
        assert_eq!(store.record(&records).await.unwrap(), vec![Written::Yes; BATCH]);
        store.close().await;
    };
    told(&house.store).await;
    until_our_sessions_ended(&mut hand).await;
    let before = reads(&mut hand).await;
    told(&Store::open(&house.ground.config("")).await.unwrap()).await;
    until_our_sessions_ended(&mut hand).await;
    let after = reads(&mut hand).await;
    for table in ["documents", "document_names"] {
        let entries = after[table][2] - before[table][2];
        assert!(
            (1..=i64::try_from(4 * BATCH).unwrap()).contains(&entries),
            "{entries} entries of indexes of {table} were read"
        );
    }
    house.ground.leave().await;
}

/// `rounds`: how much there is when the first statements are planned.
async fn statements_keep_their_plan(rounds: usize) {
    let house = House::fresh(Backing::Servers).await;
    let url = house.ground.config("").store.url;
    let mut hand = PgConnection::connect(&url).await.unwrap();
    // Nobody may collect statistics while this runs.
    for table in GROWING {
        let off = format!("ALTER TABLE {table} SET (autovacuum_enabled = off)");
        sqlx::query(sqlx::AssertSqlSafe(off)).execute(&mut hand).await.unwrap();
    }
    // As a sample sees it that meets the flow with many rows alone: which rows a sample meets is chance.
    sqlx::query("ALTER TABLE outbox ALTER flow SET (n_distinct = 1)").execute(&mut hand).await.unwrap();
    let owner = house.store.take(house.worker, FLOW, 0, LIVES).await.unwrap().unwrap();
    for _ in 0..rounds {
        round(&house.store, owner).await;
    }
    // Making the indexes of the schema counts as reading.
    house.store.close().await;
    until_our_sessions_ended(&mut hand).await;
    let mut before = reads(&mut hand).await;
    // Under the sessions and plans of small tables, then by new sessions, then with statistics.
    for stage in ["filled under its plans", "filled before its plans", "full, with statistics"] {
        if stage == "full, with statistics" {
            sqlx::query("ANALYZE").execute(&mut hand).await.unwrap();
        }
        let store = Store::open(&house.ground.config("")).await.unwrap();
        let owner = store.take(house.worker, FLOW, 0, LIVES).await.unwrap().unwrap();
        round(&store, owner).await;
        if stage == "filled under its plans" {
            fill(&mut hand).await;
        }
        round(&store, owner).await;
        store.close().await;
        before = nothing_was_read_through(stage, &mut hand, before).await;
    }
    house.ground.leave().await;
}

/// A session tells what it read before it is gone.
async fn until_our_sessions_ended(hand: &mut PgConnection) {
    let ours = "SELECT count(*) FROM pg_stat_activity
                WHERE datname = current_database() AND application_name = 'drayline'";
    let mut ticks = tokio::time::interval(Duration::from_millis(10));
    for _ in 0..3000 {
        ticks.tick().await;
        let sessions: i64 = sqlx::query_scalar(ours).fetch_one(&mut *hand).await.unwrap();
        if sessions == 0 {
            return;
        }
    }
    panic!("our sessions did not end");
}

/// Compares what the server counted.
async fn nothing_was_read_through(stage: &str, hand: &mut PgConnection, before: Reads) -> Reads {
    until_our_sessions_ended(hand).await;
    let after = reads(hand).await;
    for table in GROWING {
        let [scans, rows, entries] = std::array::from_fn(|each| after[table][each] - before[table][each]);
        assert!(scans == 0 && rows == 0, "{stage}: {table} was read through {scans} times, {rows} rows");
        assert!(entries < FULL / 20, "{stage}: {entries} entries of indexes of {table} were read");
    }
    assert!(after["effects"][2] > before["effects"][2], "{stage}: the server counts nothing");
    after
}
