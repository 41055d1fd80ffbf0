//! One subscription: a channel of its own on the consuming connection, a window, and a watermark.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use lapin::options::{BasicConsumeOptions, BasicQosOptions};
use lapin::types::{FieldTable, ShortString};
use lapin::{Channel, Consumer};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::config::ms;
use crate::transport::lane::Lane;
use crate::transport::{Delivery, Right as Settled, Settlement, TransportError};

use super::declare::{Obstacle, short};
use super::session::Session;
use super::watermark::Watermark;
use super::{Shared, compare, properties};

/// Saying good-bye takes a few answers of the broker; without them the channel goes with its session.
const GOODBYE: Duration = Duration::from_secs(10);

/// A subscription of RabbitMQ.
pub struct Subscription {
    channel: Channel,
    /// Nothing once it ended.
    consumer: Option<Consumer>,
    watermark: Arc<Watermark>,
    acknowledging: JoinHandle<()>,
    session_ended: CancellationToken,
}

/// Waits for a session, and for the queue to be ours to read, as long as it takes.
pub(super) async fn subscribe(shared: &Arc<Shared>, lane: Lane, prefetch: u16) -> Result<Subscription, TransportError> {
    loop {
        let session = shared.session().await?;
        // A task of its own: when the caller turns away in the middle, the consumer that the broker may have by then comes
        // to an end, or it would keep the queue from every other one.
        let begun = tokio::spawn(begin(Arc::clone(shared), Arc::clone(&session), lane, prefetch));
        match begun.await.unwrap_or(Err((lane, Obstacle::Missing))) {
            Ok(subscription) => return Ok(subscription),
            Err((_, Obstacle::Missing | Obstacle::Lost(_))) => {
                // The session is over, or somebody deletes what we declare: neither is settled by hurrying.
                tokio::time::sleep(shared.reconnect_delay()).await;
            }
            Err((lane, Obstacle::Differs(words))) => return Err(differs(shared, &session, lane, words).await),
            Err((lane, Obstacle::Refused(words))) => {
                let problem = format!("the broker refuses access to the queue of {lane}: {words}");
                let remedy = "Give its user the rights to configure, write and read in this namespace";
                return Err(TransportError::new(problem, remedy));
            }
        }
    }
}

async fn begin(
    shared: Arc<Shared>,
    session: Arc<Session>,
    lane: Lane,
    prefetch: u16,
) -> Result<Subscription, (Lane, Obstacle)> {
    tokio::select! {
        begun = Subscription::begin(&shared, &session, lane, prefetch) => begun,
        // The client library may leave a question unanswered for ever when its connection breaks just then.
        () = session.ended.cancelled() => Err((lane, Obstacle::Missing)),
    }
}

async fn differs(shared: &Shared, session: &Session, lane: Lane, words: String) -> TransportError {
    let needed = shared.topology.queue(lane);
    let name = needed.name.clone();
    let all = tokio::select! {
        all = compare::describe(session.consume(), needed) => all,
        () = session.ended.cancelled() => Vec::new(),
    };
    let problems: Vec<_> = all.into_iter().map(|difference| difference.problem).collect();
    let problem = if problems.is_empty() { words } else { format!("queue {name}: {}", problems.join("; ")) };
    TransportError::new(problem, "Messages could be lost in it: see `drayline topology check` for what to do")
}

impl Subscription {
    async fn begin(shared: &Shared, session: &Session, lane: Lane, prefetch: u16) -> Result<Self, (Lane, Obstacle)> {
        session.declare(&shared.topology, lane).await?;
        let own = |error: lapin::Error| (lane, Obstacle::from(error));
        let queue = short(&shared.topology.queue(lane).name).map_err(|obstacle| (lane, obstacle))?;
        let channel = session.consume().create_channel().await.map_err(own)?;
        // Before consuming: nothing but the window bounds what the client library keeps in memory.
        channel.basic_qos(prefetch, BasicQosOptions::default()).await.map_err(own)?;
        let options = BasicConsumeOptions::default();
        let consumer = channel.basic_consume(queue, ShortString::default(), options, FieldTable::default()).await;
        let consumer = Some(consumer.map_err(own)?);
        let watermark = Arc::new(Watermark::default());
        let acknowledging = tokio::spawn(Arc::clone(&watermark).run(ms(shared.config.transport.front_stuck_ms)));
        Ok(Self { channel, consumer, watermark, acknowledging, session_ended: session.ended.clone() })
    }

    pub(in crate::transport) async fn next(&mut self) -> Option<Delivery> {
        let consumer = self.consumer.as_mut()?;
        let received = tokio::select! {
            biased;
            () = self.session_ended.cancelled() => None,
            received = consumer.next() => received,
        };
        if let Some(Ok(received)) = received {
            let right = self.watermark.enter(received.acker.clone());
            return Some(properties::incoming(received, Settlement(Settled::Rabbitmq(right))));
        }
        self.consumer = None;
        // The broker may have cancelled only the consumer: what is settled is still acknowledged.
        self.watermark.close();
        None
    }

    pub(in crate::transport) async fn close(mut self) {
        let close = async {
            // Its consumer goes with the channel. Were it cancelled before, the queue would go on to whoever waits for it while
            // this channel still holds what came earlier, and one key's messages would pass each other.
            self.watermark.close();
            let _ = (&mut self.acknowledging).await;
            close(&self.channel).await;
        };
        let _ = tokio::time::timeout(GOODBYE, close).await;
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.watermark.end();
        self.acknowledging.abort();
        // The client library closes a channel with the last handle to it, and keeps one itself for each consumer.
        let channel = self.channel.clone();
        if channel.status().connected()
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(async move { tokio::time::timeout(GOODBYE, close(&channel)).await });
        }
    }
}

/// What was delivered on it and not acknowledged goes back.
async fn close(channel: &Channel) {
    let _ = channel.close(200, "OK".into()).await;
}
