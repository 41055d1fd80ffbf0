//! RabbitMQ, through two connections per session.
//!
//! The session is ours: the client library's own recovery is never switched on, because it resumes consumers silently,
//! with delivery numbers that mean other messages. Any sign that a session is not whole ends it; then we connect again,
//! for ever, after a random delay. `away_for` says since when there is none.
//!
//! Refuses to start with an address that cannot be one; waits for a broker that is away. Invariants: a publish is told
//! "delivered" only for a confirm that is its own and not a return; a delivery is acknowledged only on the channel it
//! came on; nothing that would lose messages when absent is left to a policy.

mod address;
mod compare;
mod declare;
mod greeting;
mod management;
mod properties;
mod publisher;
mod session;
mod subscription;
mod topology;
mod watermark;
mod yardstick;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::clock::{Clock, Mark};
use crate::config::{Config, Partitions, ms};
use crate::message::Flow;
use crate::telemetry::{BrokerWarning, SessionChanged};

use super::lane::{Lane, count};
use super::{NotDelivered, Outgoing, TransportError};

use greeting::Greeting;
use session::{Seen, Session};
use topology::Topology;

pub(super) use compare::{apply, check};
pub(super) use management::unseen;
pub use subscription::Subscription;

/// Whether the configured address can be one.
pub(super) fn check_address(config: &Config) -> Result<(), TransportError> {
    address::read(config).map(drop)
}
pub(super) use topology::export;
pub use watermark::Right;
pub use yardstick::{Queued, Yardstick};

/// Names get longer by a flow and a partition, and must stay below 255 bytes.
const NAMESPACE_LENGTH_MAX: usize = 100;

/// A RabbitMQ broker. All clones are one; when the last is dropped, the session ends.
#[derive(Clone)]
pub struct Rabbitmq {
    shared: Arc<Shared>,
    _alive: Arc<DropGuard>,
}

struct Shared {
    config: Config,
    topology: Topology,
    clock: Clock,
    state: watch::Sender<State>,
    stop: CancellationToken,
    greeting: Mutex<Option<Greeting>>,
    /// Queues there were, in whatever session.
    seen: Arc<Seen>,
}

#[derive(Clone)]
enum State {
    Away(Mark),
    Up(Arc<Session>),
    Closed,
}

impl Rabbitmq {
    pub(super) fn open(config: &Config, clock: &Clock) -> Result<Self, TransportError> {
        address::read(config)?;
        usable_namespace(&config.transport.namespace)?;
        let stop = CancellationToken::new();
        let shared = Arc::new(Shared {
            config: config.clone(),
            topology: Topology::new(config),
            clock: clock.clone(),
            state: watch::Sender::new(State::Away(clock.mark())),
            stop: stop.clone(),
            greeting: Mutex::default(),
            seen: Arc::default(),
        });
        tokio::spawn(supervise(Arc::clone(&shared)));
        Ok(Self { shared, _alive: Arc::new(stop.drop_guard()) })
    }

    pub(super) fn partitions(&self, flow: Flow) -> u16 {
        count(self.shared.partitions(), flow)
    }

    pub(super) async fn publish(&self, message: Outgoing) -> Result<(), NotDelivered> {
        let State::Up(session) = self.shared.state.borrow().clone() else { return Err(NotDelivered::Away) };
        let lane = Lane::of(&message, self.shared.partitions());
        // Around all of it: a broker that is short of memory keeps even the sending waiting.
        let deadline = ms(self.shared.config.transport.confirm_deadline_ms);
        let publish = session.publish(&self.shared.topology, lane, message, &self.shared.clock);
        tokio::time::timeout(deadline, publish).await.unwrap_or(Err(NotDelivered::Unconfirmed))
    }

    pub(super) async fn subscribe(&self, lane: Lane, window: u16) -> Result<Subscription, TransportError> {
        if !lane.exists(self.shared.partitions()) {
            return Err(TransportError::new(format!("there is no queue {lane}"), "Look at transport.partitions"));
        }
        subscription::subscribe(&self.shared, lane, window.min(self.shared.config.transport.prefetch)).await
    }

    pub(super) fn away_for(&self) -> Option<Duration> {
        match &*self.shared.state.borrow() {
            State::Up(_) => None,
            State::Away(since) => Some(self.shared.clock.since(*since)),
            State::Closed => Some(Duration::MAX),
        }
    }

    pub(super) fn warnings(&self) -> Vec<String> {
        let greeting = self.shared.greeting.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut warnings = greeting.map(|greeting| greeting.warnings()).unwrap_or_default();
        if let State::Up(session) = &*self.shared.state.borrow()
            && let Some(reason) = session.blocked()
        {
            warnings.push(format!("The broker takes no messages now: {reason}."));
        }
        warnings
    }

    pub(super) async fn close(&self) {
        self.shared.stop.cancel();
        // The supervisor says good-bye and ends; it cannot be gone without having said so.
        let _ = self.shared.state.subscribe().wait_for(|state| matches!(state, State::Closed)).await;
    }
}

impl Shared {
    fn partitions(&self) -> &Partitions {
        &self.config.transport.partitions
    }

    /// The session there is, or the next one.
    async fn session(&self) -> Result<Arc<Session>, TransportError> {
        let mut state = self.state.subscribe();
        let state = state.wait_for(|state| !matches!(state, State::Away(_))).await;
        match state.as_deref() {
            Ok(State::Up(session)) => Ok(Arc::clone(session)),
            _ => Err(TransportError::closed()),
        }
    }

    /// Full jitter: everybody lost the same broker at the same moment.
    fn reconnect_delay(&self) -> Duration {
        let transport = &self.config.transport;
        let (least, most) = (transport.reconnect_delay_ms_min, transport.reconnect_delay_ms_max);
        let spread = most.saturating_sub(least).saturating_add(1);
        ms(least + self.clock.chance() % spread)
    }

    fn remember(&self, greeting: &Greeting) {
        let mut known = self.greeting.lock().unwrap_or_else(PoisonError::into_inner);
        if known.as_ref() != Some(greeting) {
            greeting.warnings().iter().for_each(|sentence| BrokerWarning { sentence }.emit());
            *known = Some(greeting.clone());
        }
    }
}

/// Begins sessions, one after the other, until the transport is closed.
async fn supervise(shared: Arc<Shared>) {
    let mut generation = 0;
    let mut told = None;
    while !shared.stop.is_cancelled() {
        let begun = tokio::select! {
            () = shared.stop.cancelled() => break,
            begun = session::begin(&shared.config, &shared.seen) => begun,
        };
        let why = match begun {
            Ok(session) => {
                generation += 1;
                told = None;
                live(&shared, session, generation).await
            }
            Err(why) => why,
        };
        if shared.stop.is_cancelled() {
            break;
        }
        // The same trouble is told once, not at every try.
        if told.as_ref() != Some(&why) {
            SessionChanged { up: false, generation, why: Some(&why) }.emit();
            told = Some(why);
        }
        tokio::select! {
            () = shared.stop.cancelled() => {}
            () = tokio::time::sleep(shared.reconnect_delay()) => {}
        }
    }
    shared.state.send_replace(State::Closed);
}

/// One session from its beginning to its end; why it ended.
async fn live(shared: &Shared, session: Arc<Session>, generation: u64) -> String {
    shared.remember(&session.greeting);
    SessionChanged { up: true, generation, why: None }.emit();
    shared.state.send_replace(State::Up(Arc::clone(&session)));
    let why = tokio::select! {
        () = shared.stop.cancelled() => "the transport was closed".to_owned(),
        why = session.watch() => why,
    };
    shared.state.send_replace(State::Away(shared.clock.mark()));
    if shared.stop.is_cancelled() {
        session.close().await;
    } else {
        // What is left of a broken session need not be waited for.
        tokio::spawn(async move { session.close().await });
    }
    why
}

fn usable_namespace(namespace: &str) -> Result<(), TransportError> {
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
    if !namespace.is_empty() && namespace.len() <= NAMESPACE_LENGTH_MAX && namespace.chars().all(allowed) {
        return Ok(());
    }
    let remedy = "Use at most 100 letters, digits, dots, underscores and hyphens";
    Err(TransportError::new(format!("transport.namespace {namespace:?} cannot name queues"), remedy))
}
