//! One subscriber of one lane: reads ahead, hands out no more than its window.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;
use tokio::sync::{Notify, mpsc, oneshot};
use uuid::Uuid;

use crate::telemetry::StoreAway;

use super::writer::Work;
use super::{Shared, lock};
use crate::transport::lane::Lane;
use crate::transport::{Delivery, Right as Settled, Settlement, TransportError};

const READ: &str = "
    SELECT id, message_id, ordering_key, type_name, traceparent, headers, bytes, deliveries FROM messages
    WHERE lane = ?1 AND id > ?2 ORDER BY id LIMIT ?3
";

/// What a subscription, its deliveries and the writer share.
#[derive(Debug, Default)]
pub(super) struct Window {
    changed: Notify,
    unsettled: AtomicUsize,
    handed_out: AtomicI64,
    ended: AtomicBool,
}

impl Window {
    pub(super) fn wake(&self) {
        self.changed.notify_one();
    }

    /// Ends the subscription, once: what was handed out and not settled counts as delivered before.
    pub(super) fn end(&self, lane: Lane, work: &mpsc::UnboundedSender<Work>) {
        if !self.ended.swap(true, Ordering::SeqCst) {
            let handed_out = self.handed_out.load(Ordering::SeqCst);
            // A writer that has ended wrote everything; the next opening counts instead.
            let _ = work.send(Work::End { lane, handed_out });
            self.wake();
        }
    }
}

/// The right to settle one delivery of the embedded queue.
#[derive(Debug)]
pub struct Right {
    id: i64,
    window: Arc<Window>,
    work: mpsc::UnboundedSender<Work>,
}

impl Right {
    pub(in crate::transport) fn settle(self) {
        if self.window.ended.load(Ordering::SeqCst) {
            return;
        }
        // A writer that has ended leaves the row: it comes back.
        let _ = self.work.send(Work::Settle(self.id));
        self.window.unsettled.fetch_sub(1, Ordering::SeqCst);
        self.window.wake();
    }
}

/// A subscription of the embedded queue.
pub struct Subscription {
    lane: Lane,
    window: Arc<Window>,
    shared: Arc<Shared>,
    prefetch: usize,
    ahead: VecDeque<SqliteRow>,
    read: i64,
}

impl Subscription {
    pub(super) async fn begin(shared: &Arc<Shared>, lane: Lane, prefetch: usize) -> Result<Self, TransportError> {
        let window = Arc::new(Window::default());
        {
            let mut open = lock(&shared.open);
            if open.contains_key(&lane) {
                let remedy = "Close the other subscription first: own, then subscribe";
                return Err(TransportError::new(format!("{lane} has a subscriber already"), remedy));
            }
            open.insert(lane, Arc::clone(&window));
        }
        let (answer, answered) = oneshot::channel();
        let subscription = Self { lane, window, shared: Arc::clone(shared), prefetch, ahead: VecDeque::new(), read: 0 };
        let began = Work::Begin { lane, prefetch, answer };
        shared.work.send(began).map_err(|_| TransportError::closed())?;
        match answered.await {
            Ok(Ok(())) => Ok(subscription),
            Ok(Err(why)) => {
                Err(TransportError::new(format!("the queue file cannot be written: {why}"), "Look at the disk"))
            }
            Err(_) => Err(TransportError::closed()),
        }
    }

    pub(in crate::transport) async fn next(&mut self) -> Option<Delivery> {
        loop {
            // Registered before looking, so that what happens in between wakes us.
            let window = Arc::clone(&self.window);
            let changed = window.changed.notified();
            if window.ended.load(Ordering::SeqCst) {
                return None;
            }
            if window.unsettled.load(Ordering::SeqCst) < self.prefetch {
                if self.ahead.is_empty() {
                    self.read_ahead().await?;
                }
                if let Some(row) = self.ahead.pop_front() {
                    return self.hand_out(&row);
                }
            }
            changed.await;
        }
    }

    async fn read_ahead(&mut self) -> Option<()> {
        let read = sqlx::query(READ)
            .bind(self.lane.to_string())
            .bind(self.read)
            .bind(i64::try_from(self.prefetch).unwrap_or(i64::MAX))
            .fetch_all(&self.shared.reader);
        let rows = self.shared.clock.step("queue.read", read).await;
        match rows {
            Ok(rows) => {
                self.read = rows.last().map_or(Some(self.read), |row| row.try_get(0).ok())?;
                self.ahead = rows.into();
                Some(())
            }
            Err(error) => unreadable(&error),
        }
    }

    fn hand_out(&mut self, row: &SqliteRow) -> Option<Delivery> {
        let id: i64 = row.try_get("id").ok()?;
        let settlement = Settlement(Settled::Embedded(Right {
            id,
            window: Arc::clone(&self.window),
            work: self.shared.work.clone(),
        }));
        match delivery(row, settlement) {
            Ok(delivery) => {
                self.window.unsettled.fetch_add(1, Ordering::SeqCst);
                self.window.handed_out.store(id, Ordering::SeqCst);
                Some(delivery)
            }
            Err(error) => unreadable(&error),
        }
    }

    pub(in crate::transport) async fn close(self) {
        self.window.end(self.lane, &self.shared.work);
        let (answer, answered) = oneshot::channel();
        if self.shared.work.send(Work::Flush(answer)).is_ok() {
            // No answer means that the writer has ended, after writing everything.
            let _ = answered.await;
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.window.end(self.lane, &self.shared.work);
        let mut open = lock(&self.shared.open);
        if open.get(&self.lane).is_some_and(|window| Arc::ptr_eq(window, &self.window)) {
            open.remove(&self.lane);
        }
    }
}

fn delivery(row: &SqliteRow, settlement: Settlement) -> Result<Delivery, sqlx::Error> {
    let message_id: Vec<u8> = row.try_get("message_id")?;
    let ordering_key: String = row.try_get("ordering_key")?;
    let headers: String = row.try_get("headers")?;
    let deliveries: i64 = row.try_get("deliveries")?;
    Ok(Delivery {
        bytes: row.try_get("bytes")?,
        message_id: Uuid::from_slice(&message_id).ok(),
        ordering_key: ordering_key.parse().ok(),
        type_name: Some(row.try_get("type_name")?),
        traceparent: row.try_get("traceparent")?,
        headers: serde_json::from_str(&headers).unwrap_or_default(),
        deliveries_before: u32::try_from(deliveries).unwrap_or(u32::MAX),
        settlement,
    })
}

/// Ends the subscription aloud; whoever subscribes again reads again.
fn unreadable<T>(error: &sqlx::Error) -> Option<T> {
    StoreAway { doing: "reading the embedded queue", why: &error.to_string() }.emit();
    None
}
