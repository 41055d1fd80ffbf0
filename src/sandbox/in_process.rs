//! A far end without a socket and without a time of its own: for simulations that hold everything in one process.
//!
//! The same world, book and ledger as behind the door. Whoever simulates makes the calls, moves the clock, says what
//! strikes a call, and carries the events; so what happens depends on a seed alone.

use axum::body::{Body, Bytes};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, Request};

use super::book::Book;
use super::call::{Call, sent};
use super::delivery::{self, Delivery};
use super::faults::Fault;
use super::journal::JournalError;
use super::premises::Premises;
use super::verdict::FarEnd;
use super::world::World;

/// A far end in this process.
pub struct InProcess(Box<dyn FarEndInProcess>);

/// What it answered.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the words of HTTP")]
pub struct Answered {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    /// The document it was about, where it was about one.
    pub reference: Option<String>,
}

/// An event on its way out.
#[derive(Debug)]
pub struct Event(Delivery);

impl Event {
    /// What is sent.
    #[must_use]
    pub fn body(&self) -> &str {
        &self.0.body
    }
}

impl InProcess {
    pub(super) fn open<W: World>(premises: &Premises, name: &str, rules: W::Rules) -> Result<Self, JournalError> {
        Ok(Self(Box::new(Book::<W>::open(premises, name, rules)?)))
    }

    /// Answers a call; `struck` is what goes wrong with it. Calls below `/sandbox` are those of people there.
    /// Nothing when it is not to be answered.
    #[must_use]
    pub fn answer(
        &self,
        (method, path_and_query): (&Method, &str),
        headers: &HeaderMap,
        body: Vec<u8>,
        struck: Option<Fault>,
    ) -> Option<Answered> {
        let mut request = Request::new(Body::empty());
        *request.method_mut() = method.clone();
        *request.uri_mut() = path_and_query.parse().ok()?;
        headers.clone_into(request.headers_mut());
        self.0.answer(request.into_parts().0, Bytes::from(body), struck)
    }

    /// Lets happen what happens by itself until now.
    pub fn move_on(&self) {
        self.0.move_on();
    }

    /// The events that are due now; each must be [`Self::sent`].
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        self.0.events()
    }

    /// How sending an event ended: the status, 0 for none.
    pub fn sent(&self, event: &Event, status: u16) {
        self.0.sent(event, status);
    }

    /// Its ledger and its state.
    #[must_use]
    pub fn far_end(&self) -> FarEnd {
        self.0.far_end()
    }
}

/// A book, whatever its world.
trait FarEndInProcess: Send + Sync {
    fn answer(&self, parts: Parts, body: Bytes, struck: Option<Fault>) -> Option<Answered>;
    fn move_on(&self);
    fn events(&self) -> Vec<Event>;
    fn sent(&self, event: &Event, status: u16);
    fn far_end(&self) -> FarEnd;
}

impl<W: World> FarEndInProcess for Book<W> {
    fn answer(&self, parts: Parts, body: Bytes, struck: Option<Fault>) -> Option<Answered> {
        let call = Call::new(parts, body, self.now());
        let (answer, _) = if call.path.starts_with("/sandbox/") {
            self.control(&call).ok()??
        } else {
            self.perform(&call, struck).ok()?
        };
        let body = sent(&answer.headers, answer.body.as_ref()).into_bytes();
        Some(Answered { status: answer.status, headers: answer.headers, body, reference: answer.reference })
    }

    fn move_on(&self) {
        self.move_on();
    }

    fn events(&self) -> Vec<Event> {
        self.due().into_iter().map(Event).collect()
    }

    fn sent(&self, event: &Event, status: u16) {
        delivery::attempted(self, &event.0, self.now(), status);
    }

    fn far_end(&self) -> FarEnd {
        let pages = self.pages();
        FarEnd { ledger: pages.ledger.clone(), state: pages.state() }
    }
}
