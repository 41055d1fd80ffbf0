//! Acknowledging by a watermark: everything up to the first unsettled delivery with one frame.
//!
//! A front that stays unsettled must not hold back what is settled behind it, or a crash would bring all of it again:
//! past a stuck front, deliveries are acknowledged singly. Always through the delivery's own acker, which is dead once its
//! channel is: a number of an old channel would settle something else on a new one.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use lapin::Acker;
use lapin::options::BasicAckOptions;
use tokio::sync::Notify;

/// The deliveries of one subscription that are not acknowledged yet, in order.
#[derive(Debug, Default)]
pub(super) struct Watermark {
    window: Mutex<Window>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Window {
    /// The place of the first one.
    first: u64,
    open: VecDeque<Slot>,
    closing: bool,
    ended: bool,
}

#[derive(Debug)]
struct Slot {
    acker: Acker,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Unsettled,
    Settled,
    Acknowledged,
}

/// The right to settle one delivery of RabbitMQ.
#[derive(Debug)]
pub struct Right {
    place: u64,
    watermark: Arc<Watermark>,
}

/// What can be acknowledged now.
#[derive(Default)]
struct Gathered {
    /// Everything up to this one.
    through: Option<Acker>,
    /// These, one by one.
    singly: Vec<Acker>,
    /// Where the front is.
    front: u64,
    /// Something settled waits behind the front.
    behind: bool,
    closing: bool,
    ended: bool,
}

impl Right {
    pub(in crate::transport) fn settle(self) {
        let mut window = self.watermark.window();
        let place = self.place.checked_sub(window.first).and_then(|place| usize::try_from(place).ok());
        if let Some(slot) = place.and_then(|place| window.open.get_mut(place)) {
            slot.state = State::Settled;
            self.watermark.changed.notify_one();
        }
    }
}

impl Watermark {
    /// A delivery came.
    pub(super) fn enter(self: &Arc<Self>, acker: Acker) -> Right {
        let mut window = self.window();
        let place = window.first.saturating_add(window.open.len() as u64);
        if !window.ended {
            window.open.push_back(Slot { acker, state: State::Unsettled });
        }
        Right { place, watermark: Arc::clone(self) }
    }

    /// Everything settled is acknowledged as soon as possible, then [`Self::run`] returns.
    pub(super) fn close(&self) {
        self.window().closing = true;
        self.changed.notify_one();
    }

    /// The channel is gone: nothing can be acknowledged any more.
    pub(super) fn end(&self) {
        let mut window = self.window();
        window.ended = true;
        window.open.clear();
        window.first = u64::MAX;
        self.changed.notify_one();
    }

    /// Acknowledges until the subscription closes or its channel is gone.
    pub(super) async fn run(self: Arc<Self>, stuck_after: Duration) {
        let mut front = 0;
        let mut stuck = false;
        let mut patience = None;
        loop {
            let gathered = self.gather(stuck);
            if gathered.ended {
                return;
            }
            let done = gathered.through.is_none() && gathered.singly.is_empty();
            if !acknowledge(&gathered).await {
                return self.end();
            }
            if gathered.closing && done {
                return;
            }
            if gathered.front != front {
                (front, stuck, patience) = (gathered.front, false, None);
            }
            if gathered.behind && !stuck && patience.is_none() {
                patience = Some(Box::pin(tokio::time::sleep(stuck_after)));
            }
            // While one batch was on its way the next has gathered.
            if done {
                tokio::select! {
                    () = self.changed.notified() => {}
                    () = async { if let Some(patience) = &mut patience { patience.await } }, if patience.is_some() => {
                        (stuck, patience) = (true, None);
                    }
                }
            }
        }
    }

    fn gather(&self, stuck: bool) -> Gathered {
        let mut window = self.window();
        let mut gathered = Gathered { closing: window.closing, ended: window.ended, ..Gathered::default() };
        while window.open.front().is_some_and(|slot| slot.state != State::Unsettled) {
            window.first += 1;
            // What was acknowledged singly must not be named again: the broker would take it for an error.
            let slot = window.open.pop_front().filter(|slot| slot.state == State::Settled);
            gathered.through = slot.map(|slot| slot.acker).or(gathered.through.take());
        }
        gathered.front = window.first;
        for slot in window.open.iter_mut().filter(|slot| slot.state == State::Settled) {
            if stuck || gathered.closing {
                slot.state = State::Acknowledged;
                gathered.singly.push(slot.acker.clone());
            } else {
                gathered.behind = true;
            }
        }
        gathered
    }

    fn window(&self) -> MutexGuard<'_, Window> {
        self.window.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the channel is still there.
async fn acknowledge(gathered: &Gathered) -> bool {
    if let Some(acker) = &gathered.through
        && !acker.ack(BasicAckOptions { multiple: true }).await.unwrap_or(false)
    {
        return false;
    }
    let singly = gathered.singly.iter().map(|acker| acker.ack(BasicAckOptions { multiple: false }));
    join_all(singly).await.into_iter().all(|answer| answer.unwrap_or(false))
}
