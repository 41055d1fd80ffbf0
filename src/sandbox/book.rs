//! A world with all that is written about it: state in memory, every change on disk before anybody hears of it.
//!
//! Whoever changes something holds the pages, decides, writes one transaction and lets go; then waits for the disk. So
//! the file has the order in which things happened, and many calls share one write.

use std::collections::{BTreeSet, HashSet};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::clock::Clock;

use super::call::{Answer, Call};
use super::chance::Chance;
use super::delivery::{Delivery, Notice, Outgoing};
use super::faults::{Fault, FaultCounts, Faults};
use super::journal::{Journal, JournalError, Ticket};
use super::ledger::{Effect, LedgerLine};
use super::premises::{DeliveryRules, Premises};
use super::world::{Set, Setting, World};

/// One thing that is written down.
#[derive(Serialize, Deserialize)]
pub(super) enum Entry<F> {
    Line(LedgerLine),
    Fact(F),
    Raised(Delivery),
    Attempted { number: u64, taken: bool, due_ms: i64 },
    Struck(Fault),
    Faults { faults: Faults, down_until_ms: i64 },
    DeliverTo(String),
}

/// A world, its ledger, its events and its switches.
pub(super) struct Pages<W: World> {
    pub(super) world: W,
    pub(super) ledger: Vec<LedgerLine>,
    pub(super) outgoing: Outgoing,
    pub(super) faults: Faults,
    pub(super) down_until_ms: i64,
    pub(super) struck: FaultCounts,
    /// The calls that were struck since the switches were turned.
    met: HashSet<u64>,
    pub(super) deliver_to: Option<String>,
    journal: Option<Journal>,
}

/// The pages and what does not change.
pub(super) struct Book<W: World> {
    pages: Mutex<Pages<W>>,
    pub(super) setting: Setting<W::Rules>,
    pub(super) delivery: DeliveryRules,
    pub(super) clock: Clock,
    pub(super) raised: Notify,
    calls: AtomicU64,
}

/// An answer, and when it may be given.
pub(super) type Performed<F> = (Answer<F>, Ticket);

/// The sandbox is closing: nothing is remembered any more, so nothing may be answered.
pub(super) struct Closed;

impl<W: World> Pages<W> {
    fn blank() -> Self {
        Self {
            world: W::default(),
            ledger: Vec::new(),
            outgoing: Outgoing::default(),
            faults: Faults::default(),
            down_until_ms: 0,
            struck: FaultCounts::new(),
            met: HashSet::new(),
            deliver_to: None,
            journal: None,
        }
    }

    /// Reads what a file says, without using it.
    pub(super) fn read(&mut self, line: &str) -> Result<(), String> {
        let entries: Vec<Entry<W::Fact>> = serde_json::from_str(line).map_err(|error| error.to_string())?;
        for entry in entries {
            self.apply(entry);
        }
        Ok(())
    }

    /// Writes one transaction and lets it happen.
    pub(super) fn write(&mut self, entries: Vec<Entry<W::Fact>>) -> Result<Ticket, Closed> {
        let journal = self.journal.as_ref().ok_or(Closed)?;
        let line = if entries.is_empty() { Vec::new() } else { serde_json::to_vec(&entries).map_err(|_| Closed)? };
        let ticket = journal.append(line);
        for entry in entries {
            self.apply(entry);
        }
        Ok(ticket)
    }

    fn apply(&mut self, entry: Entry<W::Fact>) {
        match entry {
            Entry::Line(line) => {
                line.faults.iter().for_each(|fault| self.count(*fault));
                self.ledger.push(line);
            }
            Entry::Fact(fact) => self.world.apply(fact),
            Entry::Raised(delivery) => {
                if delivery.copies > 1 {
                    self.count(Fault::Duplicate);
                }
                if delivery.held_back {
                    self.count(Fault::Reorder);
                }
                self.outgoing.raise(delivery);
            }
            Entry::Attempted { number, taken, due_ms } => self.outgoing.attempted(number, taken, due_ms),
            Entry::Struck(fault) => self.count(fault),
            Entry::Faults { faults, down_until_ms } => {
                (self.faults, self.down_until_ms) = (faults, down_until_ms);
                self.met.clear();
            }
            Entry::DeliverTo(address) => self.deliver_to = Some(address),
        }
    }

    fn count(&mut self, fault: Fault) {
        *self.struck.entry(fault).or_default() += 1;
    }

    pub(super) fn next_line(&self) -> u64 {
        self.ledger.len() as u64 + 1
    }

    /// Everything a person may want to see.
    pub(super) fn state(&self) -> Value {
        let mut state = self.world.state();
        if let Value::Object(members) = &mut state {
            members.insert("faults".to_owned(), json!(self.struck));
            members.insert("pending_events".to_owned(), json!(self.outgoing.pending()));
            members.insert("events_taken".to_owned(), json!(self.outgoing.accepted()));
            members.insert("counts".to_owned(), self.world.progress());
        }
        state
    }

    /// Plain counts by stage.
    pub(super) fn progress(&self) -> Value {
        let mut progress = self.world.progress();
        if let Value::Object(members) = &mut progress {
            members.insert("pending_events".to_owned(), json!(self.outgoing.pending()));
            members.insert("acknowledged".to_owned(), json!(self.outgoing.accepted().values().sum::<u64>()));
            members.insert("calls".to_owned(), json!(self.ledger.len()));
            members.insert("faults".to_owned(), json!(self.struck));
        }
        progress
    }
}

impl<W: World> Book<W> {
    /// Opens the book in the premises' folder and reads it.
    pub(super) fn open(premises: &Premises, name: &str, rules: W::Rules) -> Result<Self, JournalError> {
        let mut pages = Pages::blank();
        let path = premises.folder.join(format!("{name}.jsonl"));
        pages.journal = Some(Journal::open(&path, |line| pages.read(line))?);
        let calls = AtomicU64::new(pages.next_line());
        let setting = Setting { rules, chance: Chance::new(premises.seed), uniqueness: premises.uniqueness };
        let (delivery, clock) = (premises.delivery.clone(), premises.clock.clone());
        let book = Self { pages: Mutex::new(pages), setting, delivery, clock, raised: Notify::new(), calls };
        if let Some(faults) = premises.faults.clone() {
            book.switch(faults);
        }
        if let Some(address) = premises.deliver_to.clone() {
            book.deliver_to(address);
        }
        Ok(book)
    }

    /// Reads a book that nobody has open.
    pub(super) fn read(folder: &Path, name: &str) -> Result<Pages<W>, JournalError> {
        let mut pages = Pages::blank();
        drop(Journal::open(&folder.join(format!("{name}.jsonl")), |line| pages.read(line))?);
        Ok(pages)
    }

    pub(super) fn pages(&self) -> MutexGuard<'_, Pages<W>> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Takes the events that are due, as many as may be on their way.
    pub(super) fn due(&self) -> Vec<Delivery> {
        self.pages().outgoing.take_due(self.now().as_millisecond(), self.delivery.at_once_max)
    }

    /// From now on nothing is remembered, and so nobody is answered. Returns when the file is closed.
    pub(super) fn close(&self) {
        let journal = self.pages().journal.take();
        drop(journal);
    }

    /// Turns the switches.
    pub(super) fn switch(&self, faults: Faults) -> Option<Ticket> {
        let down_ms = i64::try_from(faults.down_s.saturating_mul(1000)).unwrap_or(i64::MAX);
        let down_until_ms = self.clock.now().as_millisecond().saturating_add(down_ms);
        self.pages().write(vec![Entry::Faults { faults, down_until_ms }]).ok()
    }

    /// Says where events go.
    pub(super) fn deliver_to(&self, address: String) {
        let _ = self.pages().write(vec![Entry::DeliverTo(address)]);
        self.raised.notify_one();
    }

    /// What strikes the next call, and whether the far end is down.
    pub(super) fn strike(&self, call: &Call) -> Option<Fault> {
        let number = self.calls.fetch_add(1, Ordering::Relaxed);
        let mut pages = self.pages();
        if self.clock.now().as_millisecond() < pages.down_until_ms {
            return Some(Fault::Down);
        }
        let struck = pages.faults.strike(self.setting.chance, number)?;
        (!pages.faults.once || pages.met.insert(call.fingerprint())).then_some(struck)
    }

    /// Answers a call and writes down that it did, in one transaction.
    pub(super) fn perform(&self, call: &Call, struck: Option<Fault>) -> Result<Performed<W::Fact>, Closed> {
        let mut pages = self.pages();
        let sets = W::sets(&self.setting, call);
        let about = sets.as_ref().and_then(|sets| sets.as_ref().ok()).map(|sets| brought(sets));
        let mut answer = match struck {
            Some(Fault::Refuse429) => W::unwilling(429),
            Some(Fault::Fail5xx) => W::unwilling([500, 503, 504][self.draw_below(3)]),
            Some(Fault::Down) => Answer::new(0, Effect::Refused, Value::Null),
            _ => match sets {
                None => pages.world.answer(&self.setting, call),
                Some(Err(answer)) => answer,
                Some(Ok(sets)) => self.perform_sets(&mut pages, call, &sets)?,
            },
        };
        let slow = pages.faults.latency_ms > 0 && struck != Some(Fault::Down);
        let mut line = line(pages.next_line(), call, &answer);
        line.subject = about;
        line.faults = slow.then_some(Fault::Latency).into_iter().chain(struck).collect();
        let facts = std::mem::take(&mut answer.facts);
        let notices = std::mem::take(&mut answer.notices);
        let mut entries = vec![Entry::Line(line)];
        entries.extend(facts.into_iter().map(Entry::Fact));
        entries.extend(self.raise(&pages, notices));
        let ticket = pages.write(entries)?;
        drop(pages);
        self.raised.notify_one();
        Ok((answer, ticket))
    }

    /// Lets the sets of one call happen, one after another: each sees what those before it did. After one that is refused
    /// nothing more is done, unless the caller prefers so. Their calls stand in the ledger before the one that brought them.
    fn perform_sets(&self, pages: &mut Pages<W>, outer: &Call, sets: &[Set]) -> Result<Answer<W::Fact>, Closed> {
        let goes_on = outer.header("prefer").is_some_and(|prefer| prefer.contains("continue-on-error"));
        let mut outcomes = Vec::with_capacity(sets.len());
        for set in sets {
            let mut answers = pages.world.answer_set(&self.setting, &set.calls);
            let lines = (pages.next_line()..).zip(&set.calls).zip(&answers);
            let brought = |((n, call), answer): ((u64, &Call), &Answer<W::Fact>)| {
                Entry::Line(LedgerLine { within: true, ..line(n, call, answer) })
            };
            let mut entries: Vec<_> = lines.map(brought).collect();
            entries.extend(answers.iter_mut().flat_map(|answer| std::mem::take(&mut answer.facts)).map(Entry::Fact));
            pages.write(entries)?;
            let refused = answers.iter().any(|answer| answer.status >= 400);
            outcomes.push((set, answers));
            if refused && !goes_on {
                break;
            }
        }
        Ok(W::together(&outcomes))
    }

    fn draw_below(&self, count: u64) -> usize {
        let question = format!("status/{}", self.calls.load(Ordering::Relaxed));
        usize::try_from(self.setting.chance.below(&question, count)).unwrap_or(0)
    }

    /// Answers a call below `/sandbox`; it is not written into the ledger.
    pub(super) fn control(&self, call: &Call) -> Result<Option<Performed<W::Fact>>, Closed> {
        let mut pages = self.pages();
        let Some(mut answer) = pages.world.control(&self.setting, call) else { return Ok(None) };
        let facts = std::mem::take(&mut answer.facts);
        let notices = std::mem::take(&mut answer.notices);
        let mut entries: Vec<_> = facts.into_iter().map(Entry::Fact).collect();
        entries.extend(self.raise(&pages, notices));
        let ticket = pages.write(entries)?;
        drop(pages);
        self.raised.notify_one();
        Ok(Some((answer, ticket)))
    }

    /// Lets happen what happens by itself.
    pub(super) fn move_on(&self) {
        let mut pages = self.pages();
        let moves = pages.world.move_on(&self.setting, &pages.faults, self.clock.now());
        if moves.is_empty() {
            return;
        }
        let mut entries: Vec<_> = moves.struck.into_iter().map(Entry::Struck).collect();
        entries.extend(moves.facts.into_iter().map(Entry::Fact));
        entries.extend(self.raise(&pages, moves.notices));
        let _ = pages.write(entries);
        drop(pages);
        self.raised.notify_one();
    }

    /// Waits until all that was seen so far is on disk.
    pub(super) fn settled(&self) -> Result<Ticket, Closed> {
        self.pages().write(Vec::new())
    }

    /// Decides once and for all how each notice is sent.
    fn raise(&self, pages: &Pages<W>, notices: Vec<Notice>) -> Vec<Entry<W::Fact>> {
        let now_ms = self.clock.now().as_millisecond();
        let chance = self.setting.chance;
        let decide = |(number, notice): (u64, Notice)| {
            let name = notice.events.first().map(|event| event.id.as_str()).unwrap_or_default();
            let twice = chance.strikes(pages.faults.duplicate, &format!("duplicate/{name}"));
            let behind = chance.strikes(pages.faults.reorder, &format!("reorder/{name}"));
            let longest = self.delivery.hold_back_ms_max.max(1);
            let hold_back = 1 + chance.below(&format!("hold back/{name}"), longest);
            let wait_ms = if behind { i64::try_from(hold_back).unwrap_or(0) } else { 0 };
            Entry::Raised(Delivery {
                number,
                events: notice.events,
                body: notice.body,
                copies: 1 + u8::from(twice),
                held_back: behind,
                attempts: 0,
                due_ms: now_ms + wait_ms,
            })
        };
        let told = notices.into_iter().filter(|notice| {
            let name = notice.events.first().map(|event| event.id.as_str()).unwrap_or_default();
            !chance.strikes(pages.faults.lose_events, &format!("lose event/{name}"))
        });
        (pages.outgoing.next_number()..).zip(told).map(decide).collect()
    }

    /// How long until the next event is due, at most `longest`.
    pub(super) fn until_next(&self, longest: Duration) -> Duration {
        let now_ms = self.clock.now().as_millisecond();
        let pages = self.pages();
        let addressed = pages.deliver_to.is_some();
        let next = pages.outgoing.next_due_ms(self.delivery.at_once_max).filter(|_| addressed);
        drop(pages);
        let wait = next.map_or(longest, |due| Duration::from_millis(u64::try_from(due - now_ms).unwrap_or(0)));
        wait.clamp(Duration::from_millis(1), longest)
    }
}

/// What a call that brings several is about: their entities, each once. So it can be seen what a fault struck that let none of
/// them happen.
fn brought(sets: &[Set]) -> String {
    let paths = sets.iter().flat_map(|set| &set.calls).map(|call| super::call::decode(&call.path));
    let entity = |path: String| {
        let last = path.rsplit('/').next().unwrap_or_default();
        last.split('(').next().unwrap_or_default().to_owned()
    };
    let entities: BTreeSet<String> = paths.map(entity).collect();
    entities.into_iter().collect::<Vec<_>>().join(" ")
}

/// What the ledger says of a call.
fn line<F>(n: u64, call: &Call, answer: &Answer<F>) -> LedgerLine {
    LedgerLine {
        n,
        at: call.at,
        method: call.method.to_string(),
        path: super::call::decode(&call.path),
        reference: answer.reference.clone(),
        key: answer.key.clone(),
        subject: None,
        effect: answer.effect,
        status: answer.status,
        within: false,
        attempt: None,
        answered_at: None,
        faults: Vec::new(),
    }
}
