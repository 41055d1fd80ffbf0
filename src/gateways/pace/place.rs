//! A place at a far end, and who takes it.

use std::future::Future;
use std::sync::Arc;

use super::{Pace, Urgency};
use crate::message::Flow;

tokio::task_local! {
    static CALLING: Calling;
}

/// For whom far ends are called.
#[derive(Clone, Copy)]
pub(super) struct Calling {
    /// Nothing when it is no message of a flow.
    pub(super) flow: Option<Flow>,
    pub(super) urgency: Urgency,
}

impl Calling {
    pub(super) fn current() -> Self {
        CALLING.try_with(|calling| *calling).unwrap_or(Self { flow: None, urgency: Urgency::High })
    }
}

/// Does work whose calls are those of a flow: they get their turns, and are stopped, accordingly.
pub async fn calling<F: Future>(flow: Flow, replayed: bool, work: F) -> F::Output {
    CALLING.scope(Calling { flow: Some(flow), urgency: Urgency::of(flow, replayed) }, work).await
}

/// Does work that nobody waits for: it is of no flow, and everything else goes first.
pub(in crate::gateways) async fn scanning<F: Future>(work: F) -> F::Output {
    CALLING.scope(Calling { flow: None, urgency: Urgency::Low }, work).await
}

/// A place at a far end; given back when it is dropped.
pub(in crate::gateways) struct Place {
    pace: Arc<Pace>,
    probe: bool,
}

impl Place {
    pub(super) fn of(pace: &Arc<Pace>, probe: bool) -> Self {
        Self { pace: Arc::clone(pace), probe }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.pace.leave(self.probe);
    }
}
