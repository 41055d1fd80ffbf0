//! Gathering without timers: while one statement is on its way, what attempts ask meanwhile waits, and goes together in
//! the next one. So a quiet flow waits for nobody and a busy one shares its commits.
//!
//! One desk per flow: look-ups, intents and records gather apart, across all lanes and partitions of the flow.
//! Invariant: an answer is given only once the store gave it; a store that is away is asked the same for ever.

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt as _;
use tokio::sync::{mpsc, oneshot};

use super::house::House;
use crate::message::Flow;
use crate::store::{Intended, Known, Ownership, Question, Record, Written};
use crate::telemetry::AssumptionBroken;

const WAKING: &str = "waking who waits for a document";

/// Where attempts of one flow ask and record.
pub(super) struct Desk {
    pub(super) look_up: Asker<Question, Known>,
    pub(super) intend: Asker<Intended, Written>,
    pub(super) record: Asker<Record, Written>,
    /// Names that are known from now on; answered when whoever waits for one of them is due.
    pub(super) wake: Asker<Vec<String>, ()>,
}

/// The other side of a desk.
pub(super) struct Desks {
    flow: Flow,
    look_up: Gathered<Question, Known>,
    intend: Gathered<Intended, Written>,
    record: Gathered<Record, Written>,
    wake: Gathered<Vec<String>, ()>,
}

/// Both sides of the desks of all flows.
pub(super) fn desks(flows: &[Flow], batch_max: usize) -> (HashMap<Flow, Desk>, Vec<Desks>) {
    let desk = |flow: &Flow| {
        let (ask_look_up, look_up) = pair(batch_max);
        let (ask_intend, intend) = pair(batch_max);
        let (ask_record, record) = pair(batch_max);
        let (ask_wake, wake) = pair(batch_max);
        let desk = Desk { look_up: ask_look_up, intend: ask_intend, record: ask_record, wake: ask_wake };
        ((*flow, desk), Desks { flow: *flow, look_up, intend, record, wake })
    };
    flows.iter().map(desk).unzip()
}

impl Desks {
    /// Starts answering.
    pub(super) fn serve(self, house: &Arc<House>) {
        let Self { flow, look_up, intend, record, wake } = self;
        let of = Arc::clone(house);
        let answer = move |questions| look_up_all(Arc::clone(&of), flow, questions);
        house.spawn(&house.tasks, look_up.serve("looking messages up", answer));
        let of = Arc::clone(house);
        house.spawn(
            &house.tasks,
            intend.serve("committing intents", move |intended| intend_all(Arc::clone(&of), intended)),
        );
        let of = Arc::clone(house);
        house.spawn(
            &house.tasks,
            record.serve("recording attempts", move |records| record_all(Arc::clone(&of), records)),
        );
        let of = Arc::clone(house);
        house.spawn(&house.tasks, wake.serve(WAKING, move |names| wake_all(Arc::clone(&of), names)));
    }
}

async fn look_up_all(house: Arc<House>, flow: Flow, questions: Vec<Question>) -> Vec<Known> {
    house.persistently("looking messages up", || house.tools.store.look_up(flow, &questions)).await
}

/// One journal row for all intents of a partition.
async fn intend_all(house: Arc<House>, mut intended: Vec<Intended>) -> Vec<Written> {
    let mut journals: HashMap<Ownership, uuid::Uuid> = HashMap::new();
    for one in &mut intended {
        one.journal = *journals.entry(one.owner).or_insert_with(|| house.tools.clock.identifier());
    }
    let written = house.persistently("committing intents", || house.tools.store.intend(&intended)).await;
    for (one, written) in intended.into_iter().zip(&written) {
        if *written == Written::Yes {
            house.journals.opened(one);
        }
    }
    written
}

async fn record_all(house: Arc<House>, mut records: Vec<Record>) -> Vec<Written> {
    house.journals.complete(&mut records);
    let written = house.persistently("recording attempts", || house.tools.store.record(&records)).await;
    for (record, written) in records.iter().zip(&written) {
        if *written == Written::Yes {
            house.journals.closed(record);
        }
    }
    written
}

/// One look for all names that became known; the due runner is told only when somebody waited for one.
async fn wake_all(house: Arc<House>, names: Vec<Vec<String>>) -> Vec<()> {
    let answers = vec![(); names.len()];
    let names: HashSet<String> = names.into_iter().flatten().collect();
    let names: Vec<String> = names.into_iter().collect();
    if house.persistently(WAKING, || house.tools.store.wake(&names)).await > 0 {
        house.due.notify_one();
    }
    answers
}

type Request<Q, A> = (Q, oneshot::Sender<A>);

/// Asks, and waits for the answer to its own question.
pub(super) struct Asker<Q, A>(mpsc::Sender<Request<Q, A>>);

/// Questions that gathered.
struct Gathered<Q, A> {
    requests: mpsc::Receiver<Request<Q, A>>,
    batch_max: usize,
}

fn pair<Q, A>(batch_max: usize) -> (Asker<Q, A>, Gathered<Q, A>) {
    let (sender, requests) = mpsc::channel(batch_max.saturating_mul(2).max(1));
    (Asker(sender), Gathered { requests, batch_max })
}

impl<Q, A> Asker<Q, A> {
    /// The answer; nothing when the worker goes.
    pub(super) async fn ask(&self, question: Q) -> Option<A> {
        let (answer, answered) = oneshot::channel();
        self.0.send((question, answer)).await.ok()?;
        answered.await.ok()
    }
}

impl<Q, A> Gathered<Q, A> {
    async fn serve<F, Fut>(mut self, doing: &'static str, answer: F)
    where
        F: Fn(Vec<Q>) -> Fut,
        Fut: Future<Output = Vec<A>>,
    {
        let mut requests = Vec::new();
        while self.requests.recv_many(&mut requests, self.batch_max).await > 0 {
            let (questions, askers): (Vec<Q>, Vec<oneshot::Sender<A>>) = requests.drain(..).unzip();
            // Those who asked see that nobody answers, and leave their deliveries unsettled.
            let Ok(answers) = AssertUnwindSafe(answer(questions)).catch_unwind().await else {
                AssumptionBroken { doing, message_id: None, why: "a panic" }.emit();
                continue;
            };
            for (asker, answer) in askers.into_iter().zip(answers) {
                // Who asked may be gone.
                let _ = asker.send(answer);
            }
        }
    }
}
