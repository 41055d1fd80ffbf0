//! What moved in a closed period and waits for finance: one question for all documents of the period.
//!
//! Each document waits for the period by its name, without a deadline. The first of them asks; the question is a message of
//! the period's own lane, and the same one whoever asks. Whoever finds the period open has the question look again
//! (`processor/wake.rs`); its end makes the period known, and so wakes all who wait for it. A person who discards it wakes
//! them, too, and the first of them asks the next one: nothing waits without anybody being asked.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;

use super::answer::{About, ClosedPeriod, Decision, Done, Emit, KnownDocument};
use super::orders::{environment, unknown};
use crate::failure::{Code, Failure};
use crate::gateways::{Calendar, Gateways};
use crate::message::{
    ASKS_FOR_A_PERIOD, Body, Connection, Envelope, FactKey, Flow, LegalEntity, OrderingKey, PostingOutcomeCode,
    PostingSettled,
};

/// What happened at an instant in a company of an environment.
pub(super) struct Moved<'a> {
    pub(super) at: Timestamp,
    pub(super) environment: &'a Connection,
    pub(super) legal_entity: &'a LegalEntity,
}

/// What becomes of a posting whose period waits for finance; nothing where it may be posted.
pub(super) fn waits(calendar: &Calendar, moved: &Moved<'_>) -> Option<Decision> {
    let Moved { at, environment, legal_entity } = moved;
    let until = calendar.waits_for(*at, legal_entity)?;
    let document = OrderingKey::period(environment, legal_entity.as_str(), &until.to_string());
    let body = PostingSettled {
        update_id: FactKey::new(document.to_string()).ok()?,
        // One flow asks for all that post.
        flow: Flow::Shipments,
        outcome: PostingOutcomeCode::Pending.into(),
        text: Some(until.to_string()),
    };
    let about = Some(About {
        document: document.clone(),
        legal_entity: Some((*legal_entity).clone()),
        connection: (*environment).clone(),
    });
    Some(Decision::WaitForFinance(Box::new(ClosedPeriod {
        period: document.to_string(),
        failure: failure(environment, legal_entity, until),
        question: Emit { purpose: ASKS_FOR_A_PERIOD, ordinal: 0, body: Body::PostingSettled(body), about },
    })))
}

fn failure(environment: &Connection, legal_entity: &LegalEntity, until: Date) -> Failure {
    let sentence = format!(
        "What moved in {legal_entity} ({environment}) until {until} waits for finance: that period is closed. {}",
        Code::PeriodClosed.next_step()
    );
    Failure::new(Code::PeriodClosed, sentence)
}

/// The days of the environment that is asked about.
pub(super) fn look(gateways: &Gateways, message: &Envelope) -> Result<Arc<Calendar>, Failure> {
    let environment = environment(gateways, message)?;
    let dynamics = gateways.dynamics(&environment).ok_or_else(|| unknown(&environment))?;
    Ok(Arc::clone(dynamics.calendar()))
}

/// The question itself.
pub(super) fn plan(message: &Envelope, calendar: &Calendar) -> Decision {
    let environment = message.environment.as_ref().unwrap_or(&message.connection);
    let asked = match &message.body {
        Body::PostingSettled(body) => body.text.as_deref().and_then(|until| until.parse::<Date>().ok()),
        _ => None,
    };
    match asked.zip(message.legal_entity.as_ref()) {
        Some((until, legal_entity)) if calendar.waits_until(until, legal_entity) => {
            Decision::Fail(failure(environment, legal_entity, until))
        }
        // What waits for it looks again, whoever finds it open; where another day is the last closed one now, it waits for that.
        _ => {
            let key = message.ordering_key.to_string();
            let step = "Periods are not closed until this day any more: what waited for it looks again.".to_owned();
            Decision::Done(Done {
                documents: vec![KnownDocument { key, kind: "period", names: Vec::new() }],
                steps: vec![("drayline".to_owned(), step)],
                ..Done::default()
            })
        }
    }
}
