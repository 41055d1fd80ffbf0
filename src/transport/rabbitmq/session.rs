//! One session with the broker: two connections, and what depends on them. It begins whole and ends whole.
//!
//! Every wait for the client library stands beside the end of the session or a deadline: when a connection breaks, the
//! library forgets questions without answering them.
//!
//! Publishing and consuming never share a connection: a broker that is short of memory stops reading from connections that
//! publish, and acknowledgements would wait behind.

use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::{Stream, StreamExt as _};
use lapin::uri::AMQPUri;
use lapin::{Connection, ConnectionProperties, ErrorKind, Event};
use tokio::sync::{OnceCell, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::config::{Config, ms};
use crate::telemetry::{BrokerBlocked, QueueLost};
use crate::transport::lane::Lane;
use crate::transport::{NotDelivered, Outgoing, TransportError};

use super::declare::{self, Obstacle, short};
use super::greeting::{self, Greeting};
use super::publisher::{self, Limits, Request};
use super::topology::{QueueNeeded, Topology};
use super::{address, properties};

/// Events tell of a lost connection; this is for those that do not.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A connection that takes longer to say good-bye is left alone.
const GOODBYE: Duration = Duration::from_secs(2);

/// A session with the broker.
pub(super) struct Session {
    pub(super) greeting: Greeting,
    pub(super) ended: CancellationToken,
    publish: Arc<Connection>,
    consume: Connection,
    requests: mpsc::Sender<Request>,
    prepared: Arc<Prepared>,
    seen: Arc<Seen>,
    blocked: Mutex<Option<String>>,
}

/// What was seen to exist in this session. Forgotten when the publishing channel was lost: an exchange may be gone.
#[derive(Default)]
struct Prepared(Mutex<HashMap<Lane, Arc<OnceCell<()>>>>);

impl Prepared {
    fn cell(&self, lane: Lane) -> Arc<OnceCell<()>> {
        Arc::clone(self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(lane).or_default())
    }

    fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn forget_one(&self, lane: Lane) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&lane);
    }
}

/// Which queues there were, in whatever session: one of them that is missing took its messages with it.
#[derive(Default)]
pub(super) struct Seen(Mutex<HashSet<Lane>>);

impl Seen {
    fn lock(&self) -> MutexGuard<'_, HashSet<Lane>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Connects twice and starts sending. A sentence when it cannot.
pub(super) async fn begin(config: &Config, seen: &Arc<Seen>) -> Result<Arc<Session>, String> {
    let uri = address::read(config).map_err(|error| error.to_string())?;
    let patience = patience(config);
    let greeting = greet(&uri, patience).await?;
    let publish = Arc::new(connect(&uri, config, "publish", patience).await?);
    let consume = connect(&uri, config, "consume", patience).await?;
    let limits = Limits { window: config.transport.publish_window, patience: ms(config.transport.confirm_deadline_ms) };
    let (requests, received) = mpsc::channel(limits.window);
    let (ended, prepared) = (CancellationToken::new(), Arc::new(Prepared::default()));
    let sending = publisher::run(Arc::clone(&publish), received, limits, {
        let prepared = Arc::clone(&prepared);
        move || prepared.forget()
    });
    let over = ended.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = sending => {}
            () = over.cancelled() => {}
        }
        // Without its sender a session is of no use.
        over.cancel();
    });
    let (seen, blocked) = (Arc::clone(seen), Mutex::default());
    Ok(Arc::new(Session { greeting, ended, publish, consume, requests, prepared, seen, blocked }))
}

/// One connection for questions about the topology.
pub(super) async fn connect_once(config: &Config) -> Result<Connection, TransportError> {
    let uri = address::read(config)?;
    let patience = patience(config);
    let unusable = |why| TransportError::new(why, "Look at transport.url, and whether the broker runs");
    greet(&uri, patience).await.map_err(unusable)?;
    connect(&uri, config, "topology", patience).await.map_err(unusable)
}

/// A broker that says nothing for two heartbeats is gone, also while connecting.
pub(super) fn patience(config: &Config) -> Duration {
    Duration::from_secs(u64::from(config.transport.heartbeat_s) * 2)
}

async fn greet(uri: &AMQPUri, patience: Duration) -> Result<Greeting, String> {
    let place = address::describe(uri);
    match tokio::time::timeout(patience, greeting::read(uri)).await {
        Ok(Ok(greeting)) => Ok(greeting),
        Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {
            Err(format!("nothing listens at {place}: the broker is not running, or the address is wrong"))
        }
        Ok(Err(error)) => Err(format!("the broker at {place} cannot be reached: {error}")),
        Err(_) => Err(format!("the broker at {place} does not answer")),
    }
}

async fn connect(uri: &AMQPUri, config: &Config, purpose: &str, patience: Duration) -> Result<Connection, String> {
    let name = format!("{} {purpose}", config.transport.namespace);
    let properties = ConnectionProperties::default().with_connection_name(name.as_str().into());
    match tokio::time::timeout(patience, Connection::connect_uri(uri.clone(), properties)).await {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(error)) => Err(explain(&error, uri)),
        Err(_) => Err(format!("the broker at {} greets, but does not let us in", address::describe(uri))),
    }
}

/// Why a connection did not come about, in plain words and without the password.
fn explain(error: &lapin::Error, uri: &AMQPUri) -> String {
    let place = address::describe(uri);
    let user = &uri.authority.userinfo.username;
    match error.kind() {
        ErrorKind::ProtocolError(said) => match said.get_id() {
            403 => format!("the broker at {place} refuses the user {user:?} or its password: look at transport.url"),
            530 => format!(
                "the broker at {place} has no such virtual host, or the user {user:?} may not use it: look at \
                 transport.url"
            ),
            _ => format!("the broker at {place} ended the connection: {}", said.get_message()),
        },
        _ => format!("the broker at {place} did not let us in: {error}"),
    }
}

impl Session {
    /// Waits until the session is over, and says why. What depends on it is told.
    pub(super) async fn watch(&self) -> String {
        let why = tokio::select! {
            () = self.ended.cancelled() => "the publishing connection ended".to_owned(),
            why = self.broken() => why,
        };
        self.ended.cancel();
        why
    }

    async fn broken(&self) -> String {
        let publish = self.publish.events_listener().map(|event| (event, &*self.publish));
        let consume = self.consume.events_listener().map(|event| (event, &self.consume));
        let mut events = futures_util::stream::select(publish, consume);
        let mut last = None;
        loop {
            last = self.next_event(&mut events).await.or(last);
            if !(self.publish.status().connected() && self.consume.status().connected()) {
                return last.unwrap_or_else(|| "a connection was lost".to_owned());
            }
        }
    }

    /// The text of an error, which may be one of a channel only.
    async fn next_event(&self, events: &mut (impl Stream<Item = (Event, &Connection)> + Unpin)) -> Option<String> {
        let event = tokio::time::timeout(LOOK_EVERY, events.next()).await.ok()??;
        match event {
            (Event::ConnectionBlocked(reason), _) => self.set_blocked(Some(reason)),
            (Event::ConnectionUnblocked, _) => self.set_blocked(None),
            (Event::Error(error), _) => return Some(error.to_string()),
            _ => {}
        }
        None
    }

    fn set_blocked(&self, reason: Option<String>) {
        BrokerBlocked { reason: reason.as_deref() }.emit();
        *self.blocked.lock().unwrap_or_else(PoisonError::into_inner) = reason;
    }

    /// Why the broker takes no messages now.
    pub(super) fn blocked(&self) -> Option<String> {
        self.blocked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// For channels that consume.
    pub(super) fn consume(&self) -> &Connection {
        &self.consume
    }

    /// Sends one message and waits for its confirm, as long as it takes: the caller has a deadline around it.
    pub(super) async fn publish(
        self: &Arc<Self>,
        topology: &Topology,
        lane: Lane,
        message: Outgoing,
        clock: &Clock,
    ) -> Result<(), NotDelivered> {
        if let Some(reason) = self.blocked() {
            return Err(NotDelivered::Refused(format!("the broker takes nothing now: {reason}")));
        }
        self.prepare(topology, lane).await.map_err(not_delivered)?;
        let (answer, answered) = oneshot::channel();
        let properties = properties::outgoing(&message, clock.now());
        let exchange = short(&topology.exchange(lane)).map_err(not_delivered)?;
        let routing_key = short(&Topology::routing_key(lane)).map_err(not_delivered)?;
        let Outgoing { message_id, bytes, .. } = message;
        let request = Request { exchange, routing_key, properties, bytes, message_id, answer };
        self.requests.send(request).await.map_err(|_| NotDelivered::Away)?;
        let delivered = answered.await.unwrap_or(Err(NotDelivered::Unconfirmed));
        if delivered == Err(NotDelivered::Returned) {
            // Unbound, or gone: that is looked at now, because this caller may take another way from here on.
            self.prepared.forget_one(lane);
            let _ = self.prepare(topology, lane).await;
        }
        delivered
    }

    /// Once per session: a queue that is missing is made. One that exists is left as it is, bound or not: unbinding is how
    /// producers are fenced off, and whether its arguments are right is what subscribers check.
    async fn prepare(self: &Arc<Self>, topology: &Topology, lane: Lane) -> Result<(), Obstacle> {
        let cell = self.prepared.cell(lane);
        if cell.initialized() {
            return Ok(());
        }
        let (session, topology) = (Arc::clone(self), topology.clone());
        let making = async move {
            tokio::select! {
                made = cell.get_or_try_init(|| session.find_or_make(&topology, lane)) => made.copied(),
                () = session.ended.cancelled() => Err(Obstacle::Missing),
            }
        };
        // A task of its own: it goes on when the caller's deadline has passed, or a slow broker would never be ready.
        tokio::spawn(making).await.unwrap_or(Err(Obstacle::Missing))
    }

    async fn find_or_make(&self, topology: &Topology, lane: Lane) -> Result<(), Obstacle> {
        let needed = topology.queue(lane);
        let exchange = declare::exchange(&self.consume, &needed.exchange, true).await;
        let queue = declare::queue(&self.consume, &needed, true).await;
        match (exchange, queue) {
            (Err(Obstacle::Missing), _) | (_, Err(Obstacle::Missing)) => self.declare_one(topology, lane).await,
            (Err(other), _) | (_, Err(other)) => Err(other),
            (Ok(()), Ok(())) => {
                self.seen.lock().insert(lane);
                Ok(())
            }
        }
    }

    /// What a subscription needs: its own queue, and where the broker puts what it must dead-letter.
    pub(super) async fn declare(&self, topology: &Topology, lane: Lane) -> Result<(), (Lane, Obstacle)> {
        if let Lane::Partition(flow, _) = lane {
            let dead_letters = Lane::DeadLetters(flow);
            self.declare_one(topology, dead_letters).await.map_err(|obstacle| (dead_letters, obstacle))?;
        }
        self.declare_one(topology, lane).await.map_err(|obstacle| (lane, obstacle))
    }

    async fn declare_one(&self, topology: &Topology, lane: Lane) -> Result<(), Obstacle> {
        let needed = topology.queue(lane);
        declare::exchange(&self.consume, &needed.exchange, false).await?;
        self.miss(&needed, lane).await;
        declare::queue(&self.consume, &needed, false).await?;
        self.seen.lock().insert(lane);
        declare::bind(&self.consume, &needed).await
    }

    /// A queue that was there and is not there any more is told of, once.
    async fn miss(&self, needed: &QueueNeeded, lane: Lane) {
        let was_there = self.seen.lock().contains(&lane);
        if was_there
            && matches!(declare::queue(&self.consume, needed, true).await, Err(Obstacle::Missing))
            && self.seen.lock().remove(&lane)
        {
            QueueLost { queue: &needed.name }.emit();
        }
    }

    /// Says good-bye, if there is still somebody to say it to.
    pub(super) async fn close(&self) {
        self.ended.cancel();
        // Consumers first: what they hold goes back in order.
        say_goodbye(&self.consume).await;
        say_goodbye(&self.publish).await;
    }
}

/// A broker that does not answer any more finds out by itself.
pub(super) async fn say_goodbye(connection: &Connection) {
    let _ = tokio::time::timeout(GOODBYE, connection.close(200, "OK".into())).await;
}

fn not_delivered(obstacle: Obstacle) -> NotDelivered {
    match obstacle {
        Obstacle::Lost(_) | Obstacle::Missing => NotDelivered::Away,
        Obstacle::Differs(words) | Obstacle::Refused(words) => NotDelivered::Refused(words),
    }
}
