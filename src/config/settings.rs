//! Every value that can be configured, with its unit in its name. The defaults stand in `config/default.toml` alone.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::connections::{Dynamics, Warehouse};

/// All configuration: parsed once, checked at start, then immutable.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The data folder.
    pub data: PathBuf,
    /// How messages travel.
    pub transport: Transport,
    /// What is remembered, and where.
    pub store: Store,
    /// Where events enter.
    pub ingest: Ingest,
    /// Where operators look.
    pub operations: Operations,
    /// What people are answered, and what programs of theirs.
    pub console: Console,
    /// How messages are worked on.
    pub processor: Processor,
    /// How far ends are called.
    pub gateways: Gateways,
    /// How exceptions are kept.
    pub exceptions: Exceptions,
    /// How campaigns are released.
    pub replays: Replays,
    /// How what events did not tell is looked for.
    pub scan: Scan,
    /// What is watched.
    pub watch: Watch,
    /// Failures on purpose.
    pub rehearsal: Rehearsal,
    /// The Dynamics environments by their public names.
    #[serde(default)]
    pub dynamics: BTreeMap<String, Dynamics>,
    /// The warehouse connections by their public names.
    #[serde(default)]
    pub warehouses: BTreeMap<String, Warehouse>,
}

/// How messages travel.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each value is explained beside its default in config/default.toml")]
pub struct Transport {
    pub kind: TransportKind,
    #[serde(serialize_with = "masked")]
    pub url: String,
    #[serde(serialize_with = "masked")]
    pub management_url: String,
    pub namespace: String,
    pub heartbeat_s: u16,
    pub confirm_deadline_ms: u64,
    pub publish_window: usize,
    pub prefetch: u16,
    pub worker_prefetch: usize,
    pub front_stuck_ms: u64,
    pub reconnect_delay_ms_min: u64,
    pub reconnect_delay_ms_max: u64,
    pub partitions: Partitions,
}

/// The two transports.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum TransportKind {
    /// A durable queue in the data folder.
    Embedded,
    /// A RabbitMQ broker.
    Rabbitmq,
}

/// Partitions of each flow. Changing a count of a running installation needs `drayline topology reshard`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "named after the flows")]
pub struct Partitions {
    pub orders: u16,
    pub shipments: u16,
    pub goods_received: u16,
    pub stock_adjustments: u16,
    pub returns: u16,
    pub stock_snapshots: u16,
}

/// What is remembered, and where.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each value is explained beside its default in config/default.toml")]
pub struct Store {
    pub kind: StoreKind,
    #[serde(serialize_with = "masked")]
    pub url: String,
    pub connections_max: u32,
    pub statement_timeout_ms: u64,
    pub statement_bytes_max: usize,
    pub kept_s: u64,
}

/// The two stores.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum StoreKind {
    /// A file in the data folder.
    Sqlite,
    /// A PostgreSQL server.
    Postgresql,
}

/// Where events enter.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each value is explained beside its default in config/default.toml")]
pub struct Ingest {
    pub listen: SocketAddr,
    pub body_bytes_max: usize,
    pub drain_bytes_max: usize,
    pub json_depth_max: usize,
    pub read_deadline_ms: u64,
    pub connections_max: usize,
    pub requests_max: usize,
    pub signature_window_s: u64,
    pub retry_window_s: u64,
    pub outbox_rows_max: u64,
    pub accept_deadline_ms: u64,
    pub retry_after_s: u64,
    pub scan_look_ms: u64,
}

/// Where operators look.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each value is explained beside its default in config/default.toml")]
pub struct Operations {
    pub listen: SocketAddr,
}

/// What people are answered, and what programs of theirs.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each value is explained beside its default in config/default.toml")]
pub struct Console {
    pub url: String,
    pub body_bytes_max: usize,
    pub read_deadline_ms: u64,
    pub requests_per_minute_max: u32,
    pub requests_at_once_max: u32,
    pub page_rows: u32,
    pub page_rows_max: u32,
    pub answers_kept_s: u64,
    pub link_valid_s: u64,
    pub token_valid_s: u64,
    pub token_valid_s_max: u64,
}

/// How messages are worked on.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each value is explained beside its default in config/default.toml")]
pub struct Processor {
    pub batch_max: usize,
    pub lane_s_max: u64,
    pub lane_deliveries_max: usize,
    pub heartbeat_ms: u64,
    pub dead_after_ms: u64,
    pub sessionless_ms_max: u64,
    pub drain_ms_max: u64,
    pub retry_delays_ms: Vec<u64>,
    pub retry_jitter_percent: u8,
    pub busy_delay_ms_min: u64,
    pub busy_delay_ms_max: u64,
    pub store_retry_delay_ms_min: u64,
    pub store_retry_delay_ms_max: u64,
    pub look_again_ms: u64,
    pub period_look_again_ms: u64,
    pub document_wait_s_max: u64,
    pub due_poll_ms: u64,
    pub stop_poll_ms: u64,
    pub mapping_poll_ms: u64,
    pub mapping_age_ms_max: u64,
    pub waiting_per_far_end_max: u64,
    pub outbox_poll_ms: u64,
    pub posting_poll_delays_ms: Vec<u64>,
    pub posting_wait_s_max: u64,
    pub measure_ms: u64,
}

/// How far ends are called.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each value is explained beside its default in config/default.toml")]
pub struct Gateways {
    pub connect_ms_max: u64,
    pub call_ms_max: u64,
    pub settle_ms: u64,
    pub calls_at_once_max: usize,
    pub response_bytes_max: usize,
    pub exchange_bytes_max: usize,
    pub metadata_bytes_max: usize,
    pub metadata_ms_max: u64,
    pub pages_max: usize,
    pub breaker_failures_max: u32,
    pub breaker_open_ms_min: u64,
    pub breaker_open_ms_max: u64,
    pub retry_after_s_max: u64,
    pub throttled_ms: u64,
    pub moment_ms_max: u64,
    pub token_margin_s: u64,
    pub private_addresses: bool,
}

/// How exceptions are kept.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each value is explained beside its default in config/default.toml")]
pub struct Exceptions {
    pub scan_ms: u64,
    pub scan_rows_max: u32,
    pub retry_ms: u64,
    pub lately_ms: u64,
    pub unpromised_s: u64,
    pub thousand_s: u64,
    pub value_s_max: u64,
    pub owners: BTreeMap<String, String>,
}

/// How campaigns are released.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each value is explained beside its default in config/default.toml")]
pub struct Replays {
    pub canary_rows_max: u32,
    pub wave_rows_max: u32,
    pub dry_run_rows_max: u32,
    pub dry_runs_at_once_max: u32,
    pub dry_run_poll_ms: u64,
    pub patches_tried_rows_max: u32,
    pub unapproved_rows_max: u32,
    pub rows_max: u32,
    pub rate_per_s: u32,
    pub at_once_max: u32,
    pub beside_live_rows_max: usize,
    pub stop_percent: u32,
    pub tick_ms: u64,
    pub lease_ms: u64,
}

/// How what events did not tell is looked for.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each value is explained beside its default in config/default.toml")]
pub struct Scan {
    pub interval_ms: u64,
    pub patience_ms: u64,
    pub overlap_s: u64,
    pub page_rows_max: usize,
}

/// What is watched.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each value is explained beside its default in config/default.toml")]
pub struct Watch {
    pub outbox_age_s_max: u64,
}

/// Failures on purpose.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each value is explained beside its default in config/default.toml")]
pub struct Rehearsal {
    pub kill_at: String,
    pub freeze_at: String,
}

/// Milliseconds of the configuration as a duration.
#[must_use]
pub fn ms(value: u64) -> Duration {
    Duration::from_millis(value)
}

/// An address as it may be shown: without its password.
fn masked<S: serde::Serializer>(address: &str, serializer: S) -> Result<S::Ok, S::Error> {
    let masked = address.split_once("://").and_then(|(scheme, rest)| {
        let (user, place) = rest.rsplit_once('@')?;
        let (name, _) = user.split_once(':')?;
        Some(format!("{scheme}://{name}:***@{place}"))
    });
    serializer.serialize_str(masked.as_deref().unwrap_or(address))
}
