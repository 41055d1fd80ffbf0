//! How fast the doors are, on RabbitMQ: signed webhooks at a fixed rate, then as many as fit, beside what lapin's own
//! confirmed publishes reach on the same queues in the same run.
//!
//! `scripts/bench ingest` starts the servers it needs. The process under test is the program itself, `drayline ingest`;
//! whoever sends, the broker and the doors share the machine. A latency counts from the instant at which a request was
//! due, not from when a busy sender got round to it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a measurement that fails shall stop")]
#![allow(clippy::disallowed_methods, reason = "it measures real time")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::process::{Child, Command};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Parser;
use drayline::config::Config;
use drayline::message::{Connection, Flow};
use drayline::translation::{Received, translate_standard};
use drayline::transport::Transport;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::{BasicProperties, ConnectionProperties};
use ring::hmac;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};

use support::broker::Broker;
use support::{Backing, Ground, amqp_url};

const KEY: &[u8] = b"0123456789abcdef0123456789abcdef";

/// Unconfirmed publishes of the comparison at a time.
const WINDOW: usize = 256;

/// Senders at a time where as many as fit are sent.
const SENDERS: usize = 64;

/// Ingest of signed webhooks on RabbitMQ with confirms.
#[derive(Debug, Parser)]
struct Options {
    /// Webhooks per second
    #[arg(long, default_value_t = 1000)]
    rate: u32,
    /// Ten-second windows at that rate
    #[arg(long, default_value_t = 6)]
    windows: u32,
    /// Seconds of each of the measurements beside it
    #[arg(long, default_value_t = 10)]
    beside_s: u64,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Given by `cargo bench`
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() {
    let options = Options::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let figures = runtime.block_on(measure(&options));
    if options.json {
        println!("{figures}");
        return;
    }
    for (name, value) in figures.as_object().unwrap() {
        println!("{name:>28}  {value}");
    }
}

async fn measure(options: &Options) -> Value {
    let ground = Ground::fresh(Backing::Servers).await;
    let secret = ground.data().join("secret");
    std::fs::write(&secret, format!("whsec_{}", STANDARD.encode(KEY))).unwrap();
    let dynamics_secret = ground.data().join("dynamics-secret");
    std::fs::write(&dynamics_secret, "nobody-posts-there").unwrap();
    let file = ground.data().join("drayline.toml");
    let text = ground.toml(&format!(
        "ingest.listen = \"127.0.0.1:0\"\noperations.listen = \"127.0.0.1:0\"\n{}",
        connections(secret.to_str().unwrap(), dynamics_secret.to_str().unwrap())
    ));
    std::fs::write(&file, &text).unwrap();
    let config = drayline::config::load_text(&text).unwrap();
    let beside = Duration::from_secs(options.beside_s);

    assert!(Transport::topology_apply(&config).await.unwrap().is_empty(), "the queues are as they shall be");
    let doors = Doors::open(&file, ground.data()).await;
    eprintln!("lapin's own confirmed publishes for {} s", options.beside_s);
    let raw_before = raw(&config, beside).await;
    eprintln!("{} webhooks per second for {} s", options.rate, options.windows * 10);
    let steady = steady(&doors, options).await;
    eprintln!("as many as {SENDERS} senders can for {} s", options.beside_s);
    let most = most(&doors, beside).await;
    let raw_after = raw(&config, beside).await;
    // The queues stay: RabbitMQ 3.10 may lose its log of quorum queues when one is deleted that was just emptied of many
    // messages (its segment writer ends with enoent, and no queue of the node takes messages any more).
    drop(doors);

    let raw = f64::midpoint(raw_before, raw_after);
    let mut p99: Vec<f64> = steady.windows.iter().map(|window| at(window, 0.99)).collect();
    p99.sort_by(f64::total_cmp);
    let all: Vec<f64> = sorted(steady.windows.into_iter().flatten().collect());
    json!({
        "webhooks_per_s": round(steady.rate),
        "answered_200": steady.accepted,
        "answered_otherwise": steady.refused,
        "p50_ms": round(at(&all, 0.5)),
        "p99_ms_median_of_windows": round(f64::midpoint(p99[(p99.len() - 1) / 2], p99[p99.len() / 2])),
        "p99_ms_worst_window": round(p99[p99.len() - 1]),
        "worst_ms": round(all[all.len() - 1]),
        "most_webhooks_per_s": round(most),
        "lapin_publishes_per_s": round(raw),
        "lapin_to_rate": round(raw / steady.rate),
        "most_to_lapin": round(most / raw),
    })
}

fn connections(secret: &str, dynamics_secret: &str) -> String {
    format!(
        "[dynamics.contoso]\nkind = \"finance_operations\"\nurl = \"https://d.example\"\n\
         token_url = \"https://t.example\"\nclient_id = \"c\"\nclient_secret = \"file:{dynamics_secret}\"\n\
         secrets = [\"file:{dynamics_secret}\"]\nlegal_entities = [\"usmf\"]\n\
         [warehouses.north]\nconnector = \"standard\"\nurl = \"https://north.example\"\ntoken = \"file:{dynamics_secret}\"\n\
         secrets = [\"file:{secret}\"]\ndynamics = \"contoso\"\nlocations = {{ \"24\" = \"NORTH-1\" }}\n"
    )
}

/// The doors, as a process of their own.
struct Doors {
    process: Child,
    url: String,
    client: reqwest::Client,
    sent: AtomicU64,
}

impl Doors {
    async fn open(config: &std::path::Path, data: &std::path::Path) -> Arc<Self> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_drayline"));
        let mut process = command.args(["ingest", "--config"]).arg(config).env("RUST_LOG", "warn").spawn().unwrap();
        let addresses = data.join("addresses.json");
        let mut looks = tokio::time::interval(Duration::from_millis(20));
        let door = loop {
            looks.tick().await;
            assert!(process.try_wait().unwrap().is_none(), "the doors did not open");
            let text = std::fs::read_to_string(&addresses).unwrap_or_default();
            if let Ok(addresses) = serde_json::from_str::<BTreeMap<String, SocketAddr>>(&text) {
                break addresses["ingest"];
            }
        };
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().pool_max_idle_per_host(SENDERS).build().unwrap();
        Arc::new(Self {
            process,
            url: format!("http://{door}/ingest/warehouse/north"),
            client,
            sent: AtomicU64::new(0),
        })
    }

    /// Posts a webhook that never was before; tells whether it was accepted.
    async fn post(&self) -> bool {
        let number = self.sent.fetch_add(1, Ordering::Relaxed);
        let body = body(number);
        let (id, stamp) = (format!("msg_{number}"), jiff::Timestamp::now().as_second().to_string());
        let key = hmac::Key::new(hmac::HMAC_SHA256, KEY);
        let code = hmac::sign(&key, format!("{id}.{stamp}.{body}").as_bytes());
        let signature = format!("v1,{}", STANDARD.encode(code));
        let request = self.client.post(&self.url).header("content-type", "application/json").header("webhook-id", id);
        let request = request.header("webhook-timestamp", stamp).header("webhook-signature", signature).body(body);
        match request.send().await {
            Ok(answer) => answer.status() == 200 && answer.bytes().await.is_ok(),
            Err(_) => false,
        }
    }
}

impl Drop for Doors {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A shipment of an order of its own.
fn body(number: u64) -> String {
    const SAMPLE: &str = include_str!("../connectors/standard/samples/events/shipment_confirmed.json");
    SAMPLE.replace("evt-000005", &format!("evt-{number}")).replace("SHP0012", &format!("SHP{number}"))
}

struct Steady {
    /// Milliseconds from when each was due to its answer, sorted, by window.
    windows: Vec<Vec<f64>>,
    accepted: u64,
    refused: u64,
    rate: f64,
}

async fn steady(doors: &Arc<Doors>, options: &Options) -> Steady {
    let per_window = u64::from(options.rate) * 10;
    let count = per_window * u64::from(options.windows);
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / options.rate);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut posts = JoinSet::new();
    let started = Instant::now();
    for number in 0..count {
        let due = ticks.tick().await;
        let doors = Arc::clone(doors);
        posts.spawn(async move { (number / per_window, doors.post().await, due.elapsed()) });
    }
    let mut windows = vec![Vec::new(); usize::try_from(options.windows).unwrap()];
    let (mut accepted, mut refused) = (0, 0);
    while let Some(post) = posts.join_next().await {
        let (window, well, took) = post.unwrap();
        *if well { &mut accepted } else { &mut refused } += 1;
        windows[usize::try_from(window).unwrap()].push(took.as_secs_f64() * 1000.0);
    }
    let took = started.elapsed().as_secs_f64();
    Steady { windows: windows.into_iter().map(sorted).collect(), accepted, refused, rate: per_s(accepted, took) }
}

/// As many as fit, per second.
async fn most(doors: &Arc<Doors>, time: Duration) -> f64 {
    let started = Instant::now();
    let mut senders = JoinSet::new();
    for _ in 0..SENDERS {
        let doors = Arc::clone(doors);
        senders.spawn(async move {
            let mut accepted = 0_u64;
            while started.elapsed() < time {
                accepted += u64::from(doors.post().await);
            }
            accepted
        });
    }
    let accepted: u64 = senders.join_all().await.into_iter().sum();
    per_s(accepted, started.elapsed().as_secs_f64())
}

/// A message as the doors would publish it.
fn message(config: &Config) -> Vec<u8> {
    let (connection, body) = (Connection::new("north").unwrap(), body(0));
    let received = Received {
        connection: &connection,
        bytes: body.as_bytes(),
        media_type: Some("application/json"),
        header_id: Some("msg_0"),
        at: jiff::Timestamp::now(),
        traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        json_depth_max: config.ingest.json_depth_max,
        retry_window_s: config.ingest.retry_window_s,
    };
    translate_standard(&received, &config.warehouses["north"]).encode()
}

/// What the client library reaches by itself: the same queues, the same messages, a sliding window of confirms.
async fn raw(config: &Config, time: Duration) -> f64 {
    let connection = lapin::Connection::connect(&amqp_url(), ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
    let clock = drayline::clock::Clock::system();
    let transport = Transport::open(config, &clock).await.unwrap();
    let partitions = transport.partitions(Flow::Shipments);
    transport.close().await;
    let exchange = format!("{}.shipments", config.transport.namespace);
    let bytes = message(config);
    let mut unconfirmed = VecDeque::with_capacity(WINDOW);
    let (started, mut confirmed) = (Instant::now(), 0_u64);
    while started.elapsed() < time {
        let key = format!("1.{:02}", confirmed % u64::from(partitions));
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let properties = BasicProperties::default().with_delivery_mode(2);
        let publish = channel.basic_publish(exchange.as_str().into(), key.as_str().into(), options, &bytes, properties);
        unconfirmed.push_back(publish.await.unwrap());
        if unconfirmed.len() == WINDOW {
            let confirm = unconfirmed.pop_front().unwrap().await.unwrap();
            assert!(confirm.is_ack(), "{confirm:?}");
            confirmed += 1;
        }
    }
    let rate = per_s(confirmed, started.elapsed().as_secs_f64());
    // What was published must not burden what is measured next.
    let broker = Broker::connect().await;
    for partition in 0..partitions {
        broker.purge(&format!("{exchange}.{partition:02}")).await;
    }
    rate
}

fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}

/// The value below which this share lies, of sorted ones.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "counts")]
fn at(sorted: &[f64], share: f64) -> f64 {
    sorted[((sorted.len() - 1) as f64 * share).round() as usize]
}

#[allow(clippy::cast_precision_loss, reason = "counts")]
fn per_s(count: u64, seconds: f64) -> f64 {
    count as f64 / seconds
}

fn round(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
