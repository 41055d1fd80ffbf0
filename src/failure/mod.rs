//! What can go wrong, sorted by who must act before these same bytes can succeed.
//!
//! Every code is stable, stands once in this list and once in `docs/exceptions.md`; a test compares the two. What is
//! not a failure (a duplicate, an event that is not for us) is an answer of the flow, not a member of this list.

mod codes;

use std::fmt;
use std::time::Duration;

pub use codes::Code;

/// A failure of one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What it is called, for ever.
    pub code: Code,
    /// What happened, to which document, and what to do next: one sentence or two, for people.
    pub sentence: String,
    /// The far end's own words.
    pub detail: Option<String>,
    /// How long the far end asked to be left alone.
    pub retry_after: Option<Duration>,
    needs: Option<Box<Need>>,
}

/// What must be there before it can go on.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Need {
    FarEnd(Box<str>),
    Thing(Box<str>),
}

/// Who must act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Nobody; wait. The far end is busy or out of reach: it costs no attempt.
    Busy,
    /// Nobody; wait. Tried again by the retry table: it costs an attempt.
    Transient,
    /// Nobody; look first. There was silence after we had sent.
    Unsure,
    /// A person elsewhere: data, mapping, rights.
    Permanent,
    /// A programmer, or a release.
    Poison,
}

impl Failure {
    /// A failure with its sentence.
    #[must_use]
    pub fn new(code: Code, sentence: impl Into<String>) -> Self {
        Self { code, sentence: sentence.into(), detail: None, retry_after: None, needs: None }
    }

    /// With the far end's own words.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// With how long the far end asked to be left alone.
    #[must_use]
    pub fn with_retry_after(mut self, delay: Option<Duration>) -> Self {
        self.retry_after = delay;
        self
    }

    /// With the connection of the far end that is in the way as a whole: whoever needs it waits for it.
    #[must_use]
    pub fn with_far_end(mut self, connection: Option<Box<str>>) -> Self {
        self.needs = connection.map(|connection| Box::new(Need::FarEnd(connection)));
        self
    }

    /// With the named thing that is missing (`mapping/sku/4711`): when somebody brings it, what failed goes on by itself.
    #[must_use]
    pub fn awaiting(mut self, name: impl Into<Box<str>>) -> Self {
        self.needs = Some(Box::new(Need::Thing(name.into())));
        self
    }

    /// The connection of the far end that is in the way as a whole.
    #[must_use]
    pub fn far_end(&self) -> Option<&str> {
        if let Some(Need::FarEnd(connection)) = self.needs.as_deref() { Some(connection) } else { None }
    }

    /// The named thing that is missing.
    #[must_use]
    pub fn awaits(&self) -> Option<&str> {
        if let Some(Need::Thing(name)) = self.needs.as_deref() { Some(name) } else { None }
    }

    /// Who must act.
    #[must_use]
    pub fn class(&self) -> Class {
        self.code.class()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.code, self.sentence)
    }
}
