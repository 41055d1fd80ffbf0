//! What people do about exceptions that stay, and what whoever was slower is told.
//!
//! Invariant: who says which version was seen never sets something over what somebody else did since.

use jiff::Timestamp;
use serde::Deserialize;
use sqlx::FromRow;
use uuid::Uuid;

/// An exception as somebody saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its message.
    pub message_id: Uuid,
    /// Its version then; nothing: whatever it is now.
    pub version: Option<i64>,
}

impl From<Uuid> for Seen {
    fn from(message_id: Uuid) -> Self {
        Self { message_id, version: None }
    }
}

/// What became of what somebody did about exceptions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Acted {
    /// It was done about these; the rest were not in a state in which it can be done.
    Done(Vec<Uuid>),
    /// Nothing was done: these are not as they were seen any more.
    Changed(Vec<Changed>),
}

/// An exception that was changed meanwhile.
#[derive(Clone, Debug, FromRow, PartialEq, Eq)]
pub struct Changed {
    /// Its message.
    pub message_id: Uuid,
    /// Its version now.
    pub version: i64,
    /// Its state now.
    pub state: String,
    /// Whom somebody named as its owner.
    pub owner: Option<String>,
    /// Who did something about it last.
    pub by: Option<String>,
    /// What that was: a word of [`super::ActView::act`].
    pub act: Option<String>,
    /// What it says.
    pub what: Option<String>,
}

impl Changed {
    /// Who changed it, to what, and what to do.
    #[must_use]
    pub fn sentence(&self) -> String {
        let (id, version, state) = (self.message_id, self.version, &self.state);
        let who = match (&self.by, self.act.as_deref(), self.what.as_deref().unwrap_or_default()) {
            (Some(by), Some("assigned"), "") => format!("{by} gave it back to the team of its code"),
            (Some(by), Some("assigned"), what) => format!("{by} assigned it to {what}"),
            (Some(by), Some("due"), "") => format!("{by} set it due no more"),
            (Some(by), Some(act), "") => format!("last, {by}: {act}"),
            (Some(by), Some(act), what) => format!("last, {by}: {act}: {what}"),
            _ => "it failed again".to_owned(),
        };
        let owner = self.owner.as_deref().map(|owner| format!(", owned by {owner}")).unwrap_or_default();
        format!(
            "{id} was changed meanwhile: {who}. It is {state}{owner} now, in version {version}. Look at it, and say it \
             again with this version if it still holds."
        )
    }
}

/// Those that are not as they were seen any more, with what was done last: bound are the messages and their versions.
macro_rules! changed {
    ($seen:literal) => {
        concat!(
            "
SELECT e.message_id, e.version, e.state, e.owner, a.acted_by AS by, a.act, a.what
FROM exceptions e JOIN (",
            $seen,
            ") seen ON seen.message_id = e.message_id AND seen.version <> e.version
LEFT JOIN exception_acts a ON a.id = (
  SELECT l.id FROM exception_acts l WHERE l.message_id = e.message_id ORDER BY l.acted_at DESC, l.id DESC LIMIT 1)
ORDER BY e.message_id"
        )
    };
}
pub(super) use changed;

/// What a person does about exceptions that stay.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Handling {
    /// Somebody, or some team, has it from now on; nobody: the team of its code.
    Assign(Option<String>),
    /// A note.
    Note(String),
    /// A tag more.
    Tag(String),
    /// A tag less.
    Untag(String),
    /// When it shall be done; nothing: no more.
    Due(Option<Timestamp>),
    /// A person is at it.
    Investigate,
    /// Nobody is at it any more.
    Leave,
}

impl Handling {
    /// The word in the history.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Assign(_) => "assigned",
            Self::Note(_) => "noted",
            Self::Tag(_) => "tagged",
            Self::Untag(_) => "untagged",
            Self::Due(_) => "due",
            Self::Investigate => "investigating",
            Self::Leave => "open",
        }
    }

    /// Whether it says nothing where something must be said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Note(text) | Self::Tag(text) | Self::Untag(text) if text.trim().is_empty())
    }

    /// What the history says of it.
    #[must_use]
    pub fn what(&self) -> String {
        match self {
            Self::Assign(Some(text)) | Self::Note(text) | Self::Tag(text) | Self::Untag(text) => text.clone(),
            Self::Due(Some(at)) => at.to_string(),
            Self::Assign(None) | Self::Due(None) | Self::Investigate | Self::Leave => String::new(),
        }
    }
}
