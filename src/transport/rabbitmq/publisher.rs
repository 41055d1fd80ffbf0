//! One task sends everything: up to a window of unconfirmed publishes on one channel.
//!
//! One task, because the client library numbers a publish and queues its frames in two steps: from two threads at a time
//! a confirm would answer for another message. And a return is not safely attributed by it either: it hands a returned
//! message to whichever confirm is completed next. A broker confirms many at a time, so the message that no queue took
//! could be told "confirmed" and its neighbour "returned". So nothing is believed before everything that has ended so far
//! was looked at, and a return counts for the message whose id it carries, as well as for the one that it was handed to.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use lapin::message::BasicReturnMessage;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::ShortString;
use lapin::{BasicProperties, Channel, Confirmation, Connection};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use crate::transport::NotDelivered;

/// A message with its address, on its way to the task that sends.
pub(super) struct Request {
    pub(super) exchange: ShortString,
    pub(super) routing_key: ShortString,
    pub(super) properties: BasicProperties,
    pub(super) bytes: Vec<u8>,
    pub(super) message_id: Uuid,
    pub(super) answer: oneshot::Sender<Result<(), NotDelivered>>,
}

/// How much, and how long.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    /// Unconfirmed publishes at a time.
    pub(super) window: usize,
    /// A full window in which nothing moves for so long is given up, with its channel.
    pub(super) patience: Duration,
}

type Answer = oneshot::Sender<Result<(), NotDelivered>>;
type Publish = Pin<Box<dyn Future<Output = Ended> + Send>>;

struct Ended {
    message_id: Uuid,
    answer: Answer,
    outcome: lapin::Result<Confirmation>,
}

/// What is on its way on one channel.
struct Unconfirmed {
    publishes: FuturesUnordered<Publish>,
    /// How often a message is on its way: one that was given up may be sent again.
    on_their_way: HashMap<Uuid, u32>,
    /// Returned, but their own confirm has not been seen yet.
    returned: Vec<Uuid>,
}

/// Sends until the requests end or the connection does. `began_anew` is called when a channel had to be replaced.
pub(super) async fn run(
    connection: Arc<Connection>,
    mut requests: mpsc::Receiver<Request>,
    limits: Limits,
    began_anew: impl Fn(),
) -> lapin::Result<()> {
    loop {
        let channel = connection.create_channel().await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
        if send_all(&channel, &mut requests, limits).await {
            return Ok(());
        }
        began_anew();
    }
}

/// Whether the requests ended; if not, the channel did.
async fn send_all(channel: &Channel, requests: &mut mpsc::Receiver<Request>, limits: Limits) -> bool {
    let mut unconfirmed = Unconfirmed::new();
    let mut received = Vec::with_capacity(limits.window);
    loop {
        let room = limits.window.saturating_sub(unconfirmed.publishes.len());
        let waiting = !unconfirmed.publishes.is_empty();
        tokio::select! {
            ended = unconfirmed.ended(), if waiting => unconfirmed.answer(ended),
            count = requests.recv_many(&mut received, room), if room > 0 => {
                if count == 0 {
                    // Nobody can ask any more, so nobody waits either.
                    return true;
                }
                received.drain(..).for_each(|request| unconfirmed.send(channel, request));
            }
            () = tokio::time::sleep(limits.patience), if room == 0 => {
                // Those who wait have given up; a new channel starts with an empty window.
                let _ = tokio::time::timeout(limits.patience, channel.close(200, "confirms are overdue".into())).await;
                return false;
            }
        }
        if !channel.status().connected() {
            return false;
        }
    }
}

impl Unconfirmed {
    fn new() -> Self {
        Self { publishes: FuturesUnordered::new(), on_their_way: HashMap::new(), returned: Vec::new() }
    }

    fn send(&mut self, channel: &Channel, request: Request) {
        // Whoever gave up before it was sent has it kept elsewhere by now.
        if request.answer.is_closed() {
            return;
        }
        *self.on_their_way.entry(request.message_id).or_default() += 1;
        self.publishes.push(Box::pin(publish(channel.clone(), request)));
    }

    /// All that have ended, and at least one. Not before nothing is ready any more: a return that was handed to the wrong
    /// message was handed over before the right one's confirm, so that then both are here.
    async fn ended(&mut self) -> Vec<Ended> {
        let Some(first) = self.publishes.next().await else { return Vec::new() };
        let mut ended = vec![first];
        let woken = Arc::new(Woken(AtomicBool::new(false)));
        let waker = Waker::from(Arc::clone(&woken));
        loop {
            woken.0.store(false, Ordering::SeqCst);
            match self.publishes.poll_next_unpin(&mut Context::from_waker(&waker)) {
                Poll::Ready(Some(one)) => ended.push(one),
                // The set rests after a while even if more is ready, and says so by waking.
                Poll::Pending if woken.0.load(Ordering::SeqCst) => {}
                Poll::Ready(None) | Poll::Pending => return ended,
            }
        }
    }

    fn answer(&mut self, ended: Vec<Ended>) {
        let returned = ended.iter().filter_map(|one| one.outcome.as_ref().ok().and_then(returned_message));
        let returned: Vec<Uuid> = returned.filter_map(returned_id).collect();
        self.returned.extend(returned.into_iter().filter(|id| self.on_their_way.contains_key(id)));
        for Ended { message_id, answer, outcome } in ended {
            let returned = self.take_returned(message_id);
            self.forget(message_id);
            let result = match outcome {
                Ok(Confirmation::Ack(None)) if !returned => Ok(()),
                Ok(Confirmation::Ack(_)) => Err(NotDelivered::Returned),
                Ok(Confirmation::Nack(_)) => {
                    Err(NotDelivered::Refused("the broker could not keep it, or its queue is full".to_owned()))
                }
                Ok(Confirmation::NotRequested) | Err(_) => Err(NotDelivered::Unconfirmed),
            };
            // Whoever gave up meanwhile took it as not delivered: at worst there is a second copy.
            let _ = answer.send(result);
        }
    }

    fn take_returned(&mut self, id: Uuid) -> bool {
        let place = self.returned.iter().position(|each| *each == id);
        place.map(|place| self.returned.swap_remove(place)).is_some()
    }

    fn forget(&mut self, id: Uuid) {
        if let Some(count) = self.on_their_way.get_mut(&id) {
            *count -= 1;
            if *count == 0 {
                self.on_their_way.remove(&id);
            }
        }
    }
}

async fn publish(channel: Channel, request: Request) -> Ended {
    let Request { exchange, routing_key, properties, bytes, message_id, answer } = request;
    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    let outcome = match channel.basic_publish(exchange, routing_key, options, &bytes, properties).await {
        Ok(confirm) => confirm.await,
        Err(error) => Err(error),
    };
    Ended { message_id, answer, outcome }
}

fn returned_message(confirmation: &Confirmation) -> Option<&BasicReturnMessage> {
    match confirmation {
        Confirmation::Ack(message) | Confirmation::Nack(message) => message.as_ref(),
        Confirmation::NotRequested => None,
    }
}

fn returned_id(message: &BasicReturnMessage) -> Option<Uuid> {
    message.delivery.properties.message_id().as_ref().and_then(|id| id.as_str().parse().ok())
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}
