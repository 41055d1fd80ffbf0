//! The periodic scan: what events did not tell is found, and enters as the event that was lost would have.
//!
//! ```text
//! every interval, by whoever holds the environment's lease
//!   cursor − overlap ── what changed since? ── known already: nothing
//!                                             └─ unknown, and its event had time to come ── the event's own translator
//!                                                      ── published, and confirmed ── the cursor moves
//! ```
//!
//! A find has an id of its own, made of the document and its version (an update's of its state and when that was), so that a second scan makes
//! the same message. An event that comes later has another id and says nothing new: flows look at the document, and what
//! was sent or posted before has its key in the ledger.
//!
//! Invariants: the cursor never passes what was seen and is not settled; it moves only after a confirm. It refuses to guess
//! when a document was released: where no member tells, nothing is scanned, because what was released before go-live must
//! never be sent.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::accept::outgoing;
use crate::clock::{Clock, Mark};
use crate::config::{Config, Dynamics, Mode, ms};
use crate::gateways::{Change, Direction, Feed, Gateways, calling};
use crate::message::{Body, Connection, Envelope, Flow, Origin, TraceContext, posting_name};
use crate::store::{Known, Question, Store, StoreError};
use crate::telemetry::{ScanFailed, ScanFound};
use crate::translation::{Received, translate_finance_operations};
use crate::transport::Transport;

/// A lease is good for so many intervals.
const LEASE_INTERVALS: u32 = 3;

/// What is scanned, in this order.
const FEEDS: [Feed; 5] = [
    Feed::Requests(Direction::Outbound),
    Feed::Requests(Direction::Inbound),
    Feed::Requests(Direction::Returned),
    Feed::Updates(Direction::Outbound),
    Feed::Updates(Direction::Inbound),
];

/// What a scan needs.
#[derive(Clone)]
#[allow(missing_docs, reason = "each is explained at its type")]
pub struct Scanning {
    pub config: Arc<Config>,
    pub clock: Clock,
    pub store: Store,
    pub transport: Transport,
    pub gateways: Gateways,
}

/// Running scans of the documents of all environments; what Dynamics says of its items is scanned by
/// [`CatalogueScans`](super::CatalogueScans).
pub struct DocumentScans {
    stopping: CancellationToken,
    tasks: TaskTracker,
}

impl DocumentScans {
    /// Starts scanning every environment that has what it takes.
    #[must_use]
    pub fn start(scanning: &Scanning) -> Self {
        let scans = Self { stopping: CancellationToken::new(), tasks: TaskTracker::new() };
        for (name, dynamics) in &scanning.config.dynamics {
            let Ok(connection) = Connection::new(name.as_str()) else { continue };
            if dynamics.mode != Mode::Paused && feeds(scanning, &connection).next().is_some() {
                let scan = Scan::new(scanning.clone(), connection);
                let stopping = scans.stopping.clone();
                scans.tasks.spawn(async move { stopping.run_until_cancelled(Box::pin(scan.run())).await });
            }
        }
        scans.tasks.close();
        scans
    }

    /// Ends where it stands: what is not confirmed is found again.
    pub async fn stop(self) {
        self.stopping.cancel();
        self.tasks.wait().await;
    }
}

impl Drop for DocumentScans {
    fn drop(&mut self) {
        self.stopping.cancel();
    }
}

fn feeds<'a>(scanning: &'a Scanning, connection: &'a Connection) -> impl Iterator<Item = Feed> + 'a {
    let dynamics = scanning.gateways.dynamics(connection);
    FEEDS.into_iter().filter(move |feed| dynamics.is_some_and(|dynamics| dynamics.scans(*feed)))
}

/// The scan of one environment.
struct Scan {
    scanning: Scanning,
    connection: Connection,
    holder: Uuid,
    /// Where the first scan of all begins, when nobody said otherwise.
    began: Timestamp,
    /// What was seen and unknown, and since when; whether it was published.
    seen: HashMap<Uuid, (Mark, bool)>,
}

impl Scan {
    fn new(scanning: Scanning, connection: Connection) -> Self {
        let (holder, began) = (scanning.clock.identifier(), scanning.clock.now());
        Self { scanning, connection, holder, began, seen: HashMap::new() }
    }

    async fn run(mut self) {
        let interval = ms(self.scanning.config.scan.interval_ms);
        loop {
            tokio::time::sleep(interval).await;
            if let Err(why) = self.round(interval).await {
                ScanFailed { connection: self.connection.as_str(), why: &why }.emit();
            }
        }
    }

    /// Every feed once, where nobody else does it and nobody paused the environment.
    async fn round(&mut self, interval: Duration) -> Result<(), String> {
        let store = &self.scanning.store;
        let held = store.lease(&format!("scan/{}", self.connection), self.holder, interval * LEASE_INTERVALS).await;
        if !held.map_err(words)? || store.pause_of(&self.connection).await.map_err(words)?.is_some() {
            self.seen.clear();
            return Ok(());
        }
        let feeds: Vec<_> = feeds(&self.scanning, &self.connection).collect();
        for feed in feeds {
            self.scan(feed).await?;
        }
        // What is older is not read again.
        let limits = &self.scanning.config.scan;
        let kept = Duration::from_secs(limits.overlap_s) + ms(limits.patience_ms) * 2;
        let clock = &self.scanning.clock;
        self.seen.retain(|_, (since, _)| clock.since(*since) < kept);
        Ok(())
    }

    /// Reads a feed from a while before its cursor on, and moves the cursor as far as everything is settled.
    async fn scan(&mut self, feed: Feed) -> Result<(), String> {
        let limits = &self.scanning.config.scan;
        let (rows_max, pages_max) = (limits.page_rows_max, self.scanning.config.gateways.pages_max);
        let overlap = Duration::from_secs(limits.overlap_s);
        let name = format!("scan/{}/{}", self.connection, label(feed));
        let cursor = self.scanning.store.cursor(&name).await.map_err(words)?.and_then(|text| text.parse().ok());
        let begin = cursor.unwrap_or_else(|| self.first());
        let from = cursor.and_then(|_| begin.checked_sub(overlap).ok()).unwrap_or(begin);
        let (mut skip, mut settled, mut waits) = (0, begin, None);
        for _ in 0..pages_max {
            let page = self.page(feed, (from, skip, rows_max)).await?;
            for (change, is_settled) in self.take_in(feed, page.found).await? {
                if is_settled {
                    settled = settled.max(change.at);
                } else {
                    waits = Some(waits.map_or(change.at, |at: Timestamp| at.min(change.at)));
                }
            }
            skip += page.read;
            if !page.more || page.read == 0 {
                break;
            }
        }
        let reached = waits.map_or(settled, |waits| settled.min(waits));
        if cursor.is_none() || reached > begin {
            self.scanning.store.move_cursor(&name, &reached.to_string()).await.map_err(words)?;
        }
        Ok(())
    }

    /// Where the first scan of all begins: with go-live, or before it, where documents from before are adopted; where there is
    /// none, with the start of this process.
    fn first(&self) -> Timestamp {
        let dynamics = self.scanning.gateways.dynamics(&self.connection);
        dynamics.and_then(crate::gateways::Dynamics::scans_since).unwrap_or(self.began)
    }

    async fn page(&self, feed: Feed, from: (Timestamp, usize, usize)) -> Result<crate::gateways::Changes, String> {
        let dynamics = self.scanning.gateways.dynamics(&self.connection).ok_or("it is not configured any more")?;
        // After everything else that wants to call.
        let read = calling(flow(feed), true, dynamics.changes(feed, from)).await;
        read.map_err(|error| dynamics.failure(&error, &format!("read what changed ({})", label(feed))).sentence)
    }

    /// Publishes what is unknown and had time to become known; answers, for each, whether it is settled.
    async fn take_in(&mut self, feed: Feed, changes: Vec<Change>) -> Result<Vec<(Change, bool)>, String> {
        let Some(dynamics) = self.scanning.config.dynamics.get(self.connection.as_str()) else { return Ok(Vec::new()) };
        let found: Vec<_> = changes
            .into_iter()
            .map(|change| {
                let message = self.message(feed, &change, dynamics);
                (change, message)
            })
            .collect();
        let questions: Vec<_> = found.iter().filter_map(|(_, message)| message.as_ref()).map(question).collect();
        let known = self.scanning.store.look_up(flow(feed), &questions).await.map_err(words)?;
        let mut known = known.into_iter();
        let mut settled = Vec::with_capacity(found.len());
        for (change, message) in found {
            let is_settled = match message {
                None => true,
                Some(message) => match known.next() {
                    Some(known) if self.is_known(&change, &message, &known).await? => true,
                    _ => self.found(message).await?,
                },
            };
            settled.push((change, is_settled));
        }
        Ok(settled)
    }

    /// Whether it is worked on, or was.
    async fn is_known(&self, change: &Change, message: &Envelope, known: &Known) -> Result<bool, String> {
        // What waits reads the document as it stands when it goes on.
        if known.ending.is_some() || known.parked.is_some() || known.gate.is_some() {
            return Ok(true);
        }
        if let Body::PostingSettled(settled) = &message.body {
            let name = [posting_name(&self.connection, settled.update_id.as_str())];
            return Ok(!self.scanning.store.known(&name).await.map_err(words)?.is_empty());
        }
        // The document was sent in this version, or a newer one.
        let version = |facts: &serde_json::Value| facts.get("version").and_then(serde_json::Value::as_u64);
        let mut sent = known
            .effects
            .iter()
            .filter(|effect| matches!(effect.act.as_str(), "create_order" | "create_receipt" | "announce_return"));
        Ok(sent.any(|effect| version(&effect.facts).is_some_and(|sent| sent >= u64::from(change.version))))
    }

    /// Something unknown: published once its event had time to come and to be worked on. Whether it is settled.
    async fn found(&mut self, message: Envelope) -> Result<bool, String> {
        let patience = ms(self.scanning.config.scan.patience_ms);
        let clock = &self.scanning.clock;
        let (since, published) = *self.seen.entry(message.message_id).or_insert_with(|| (clock.mark(), false));
        if published {
            return Ok(true);
        }
        if clock.since(since) < patience {
            return Ok(false);
        }
        let bytes = message.encode();
        let published = self.scanning.transport.publish(outgoing(&message, bytes)).await;
        published.map_err(|why| format!("a find could not be published: {why}"))?;
        self.seen.insert(message.message_id, (since, true));
        let kind = message.kind().as_str();
        ScanFound { connection: self.connection.as_str(), kind, document: message.ordering_key.as_str() }.emit();
        Ok(true)
    }

    /// The message as its event would have become it; nothing where a customer's own table gives that event another meaning.
    fn message(&self, feed: Feed, change: &Change, dynamics: &Dynamics) -> Option<Envelope> {
        let (event, member) = event(feed);
        // An update may be refused twice.
        let told = match &change.state {
            Some(state) => format!("{state}/{}", change.at),
            None => change.version.to_string(),
        };
        let body = json!({
            "BusinessEventId": event,
            "BusinessEventLegalEntity": change.legal_entity.as_str(),
            "EventId": format!("scan/{}/{}/{told}", change.legal_entity, change.id),
            "EventTimeIso8601": change.at.to_string(),
            member: change.id,
            "ProcessingStatus": change.state,
        })
        .to_string();
        let limits = &self.scanning.config.ingest;
        let received = Received {
            connection: &self.connection,
            bytes: body.as_bytes(),
            media_type: Some("application/json"),
            header_id: None,
            at: self.scanning.clock.now(),
            traceparent: &TraceContext::continue_or_start(None, &self.scanning.clock).to_string(),
            json_depth_max: limits.json_depth_max,
            retry_window_s: limits.retry_window_s,
        };
        let message = translate_finance_operations(&received, dynamics).into_iter().next()?;
        let meant = message.flow() == flow(feed) && message.unreadable().is_none();
        meant.then_some(Envelope { origin: Origin::Poll, ..message })
    }
}

fn question(message: &Envelope) -> Question {
    Question {
        message_id: message.message_id,
        lane_key: message.lane_key(),
        document: message.ordering_key.to_string(),
    }
}

/// The event that should have told, and its member for the id.
fn event(feed: Feed) -> (&'static str, &'static str) {
    match feed {
        Feed::Requests(Direction::Outbound) => {
            ("WHSEWOutboundShipmentOrderRequestCreatedBusinessEvent", "OutboundShipmentOrderRequestId")
        }
        Feed::Requests(Direction::Inbound) => {
            ("WHSEWInboundShipmentOrderRequestCreatedBusinessEvent", "InboundShipmentOrderRequestId")
        }
        Feed::Requests(Direction::Returned) => ("ReturnOrderChangedBusinessEvent", "ReturnOrderNumber"),
        Feed::Updates(Direction::Outbound) => {
            ("WHSEWOutboundShipmentOrderUpdateChangedStatusBusinessEvent", "OutboundShipmentOrderUpdateId")
        }
        Feed::Updates(Direction::Inbound | Direction::Returned) => {
            ("WHSEWInboundShipmentOrderUpdateChangedStatusBusinessEvent", "InboundShipmentOrderUpdateId")
        }
    }
}

fn flow(feed: Feed) -> Flow {
    match feed {
        Feed::Requests(Direction::Outbound) => Flow::Orders,
        Feed::Updates(Direction::Outbound) => Flow::Shipments,
        Feed::Requests(Direction::Returned) => Flow::Returns,
        Feed::Requests(Direction::Inbound) | Feed::Updates(Direction::Inbound | Direction::Returned) => {
            Flow::GoodsReceived
        }
    }
}

/// What people and cursors call a feed.
fn label(feed: Feed) -> &'static str {
    match feed {
        Feed::Requests(Direction::Outbound) => "outbound_requests",
        Feed::Requests(Direction::Inbound) => "inbound_requests",
        Feed::Updates(Direction::Outbound) => "outbound_updates",
        Feed::Updates(Direction::Inbound | Direction::Returned) => "inbound_updates",
        Feed::Requests(Direction::Returned) => "return_orders",
    }
}

#[allow(clippy::needless_pass_by_value, reason = "it is handed to map_err")]
fn words(error: StoreError) -> String {
    error.to_string()
}
