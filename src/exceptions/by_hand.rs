//! Done by hand: a person says whether an effect exists at the far end, and the message runs again knowing that.

use uuid::Uuid;

use crate::message::Envelope;
use crate::store::{ByHand, ExceptionFilter, ParkedFilter, Store, StoreError, WaitsFor, WorkState};

/// Numbers of documents are no longer than this, in characters.
const NUMBER_MAX: usize = 100;

/// Asked again so often when a message changed between reading and writing.
const TRIES_MAX: u32 = 5;

/// A person's verdict on the calls of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The business effect exists at the far end, under this number.
    ExistsAs(String),
    /// What is unsure did not take place.
    DidNotHappen,
}

/// What became of a person's verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolved {
    /// It stands in the ledger, and the message is due.
    Due,
    /// It stands behind this message, which must be solved first.
    Behind(Uuid),
    /// It does not wait for a person now: it runs, or goes on by itself.
    GoesOn,
    /// None of its calls is unsure: nothing can be said not to have happened.
    NothingUnsure,
    /// It is no exception any more: the word of its state.
    Over(String),
    /// Nothing is known of a message of this id.
    Unknown,
}

impl Verdict {
    /// Exactly one of both.
    ///
    /// # Errors
    /// What is wrong, and what to do.
    pub fn of(exists_as: Option<&str>, did_not_happen: bool) -> Result<Self, String> {
        let number = exists_as.map(str::trim);
        match (number, did_not_happen) {
            (Some(number), false) if number.is_empty() || number.chars().count() > NUMBER_MAX => {
                Err(format!("the number has 1 to {NUMBER_MAX} characters"))
            }
            (Some(number), false) if number.chars().any(char::is_control) => {
                Err("the number has a control character in it".to_owned())
            }
            (Some(number), false) => Ok(Self::ExistsAs(number.to_owned())),
            (None, true) => Ok(Self::DidNotHappen),
            (Some(_), true) | (None, false) => {
                Err("say either under which number it exists, or that it did not happen".to_owned())
            }
        }
    }

    /// The name in the trail.
    #[must_use]
    pub fn field(&self) -> &'static str {
        match self {
            Self::ExistsAs(_) => "exists_as",
            Self::DidNotHappen => "did_not_happen",
        }
    }
}

impl Resolved {
    /// For people: what it means, and what to do.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self {
            Self::Due => "It stands in the ledger, and the message goes on; what stands behind it follows.".to_owned(),
            Self::Behind(head) => format!("It stands behind {head}, which must be solved first."),
            Self::GoesOn => "It does not wait for a person now: it runs, or goes on by itself. Look again later.".to_owned(),
            Self::NothingUnsure => {
                "Every call of it is known to have happened or not, so that nothing is repeated that exists: replay it instead."
                    .to_owned()
            }
            Self::Over(state) => format!("It is {state} already."),
            Self::Unknown => "Nothing is known of a message of this id.".to_owned(),
        }
    }
}

/// Enters a person's verdict on a message that waits for a person, and makes it due.
///
/// # Errors
/// The store's.
pub async fn resolve(store: &Store, id: Uuid, verdict: &Verdict, by: &str) -> Result<Resolved, StoreError> {
    for _ in 0..TRIES_MAX {
        let filter = ParkedFilter { message_id: Some(id), limit: 1, ..ParkedFilter::default() };
        let Some(listed) = store.parked(&filter).await?.1.pop() else { return over(store, id).await };
        if let Some(head) = listed.behind {
            return Ok(Resolved::Behind(head));
        }
        let parked = listed.parked;
        if parked.waits_for != WaitsFor::Person {
            return Ok(Resolved::GoesOn);
        }
        let number = match verdict {
            Verdict::ExistsAs(number) => Some(number.clone()),
            Verdict::DidNotHappen if parked.unsure.is_empty() => return Ok(Resolved::NothingUnsure),
            Verdict::DidNotHappen => None,
        };
        let envelope = Envelope::decode(&parked.bytes);
        let document = envelope.map_or_else(|_| parked.ordering_key.clone(), |envelope| envelope.ledger_key());
        if store.resolve(&parked, &ByHand::of(&parked, number, by), &document).await? {
            return Ok(Resolved::Due);
        }
    }
    // It waits for a person and was made due by something else: it runs.
    Ok(Resolved::GoesOn)
}

async fn over(store: &Store, id: Uuid) -> Result<Resolved, StoreError> {
    let one = ExceptionFilter {
        messages: Some(vec![id]),
        states: WorkState::ALL.to_vec(),
        limit: 1,
        ..ExceptionFilter::default()
    };
    Ok(match store.exceptions(&one).await?.1.pop() {
        Some(work) => Resolved::Over(work.state),
        None => Resolved::Unknown,
    })
}
