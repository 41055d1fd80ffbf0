//! The plan for what a warehouse says of how far a return is. Arrival is not receipt: it is shown, and nothing is posted.

use crate::failure::{Code, Failure};
use crate::flows::answer::{Decision, Done, KnownDocument, Past};
use crate::flows::history::History;
use crate::flows::keys;
use crate::flows::ledger::{CancelledOrder, Ledger, kept};
use crate::flows::orders::OrderLook;
use crate::gateways::Direction;
use crate::message::{Envelope, ReturnStatusChanged, ReturnStatusCode};

pub(in crate::flows) fn plan(
    (message, body): (&Envelope, &ReturnStatusChanged),
    look: &OrderLook,
    ledger: &Ledger,
) -> Decision {
    let history = History::of(ledger);
    let said = body.status.raw.as_deref().unwrap_or(body.status.code.as_str());
    let step = (message.connection.to_string(), format!("Says of the return {}: {said}.", body.return_key));
    let mut done = Done { steps: vec![step], ..Done::default() };
    let latest = history.latest().filter(|latest| latest.created.warehouse == message.connection);
    let Some(sent) = latest.filter(|_| body.status.code == ReturnStatusCode::Cancelled) else {
        return Decision::Done(done);
    };
    let created = &sent.created;
    // A warehouse may speak of an earlier announcement than the one that stands.
    if sent.end.is_some() || created.order_id != body.return_key.as_str() {
        return Decision::Done(done);
    }
    if sent.cancel.is_some() {
        let outcome = "CONFIRMED".to_owned();
        let key = keys::cancel_resolved(Direction::Returned, &created.warehouse, &created.reference, &outcome);
        let cancelled = CancelledOrder { reference: created.reference.clone(), outcome, text: String::new() };
        done.facts.push(Past {
            key,
            act: "cancel_resolved".to_owned(),
            connection: created.warehouse.to_string(),
            facts: kept(&cancelled),
        });
        let key = keys::cancel_name(Direction::Returned, &look.environment, &created.reference);
        done.documents.push(KnownDocument { key, kind: "cancellation", names: Vec::new() });
        return Decision::Done(done);
    }
    let wanted = look.released.as_ref().is_some_and(|released| !released.cancelled);
    if !wanted {
        return Decision::Done(done);
    }
    let sentence = format!(
        "{} gave up the return {} without our asking. {}",
        created.warehouse,
        created.reference,
        Code::ReturnGivenUp.next_step()
    );
    Decision::Fail(Failure::new(Code::ReturnGivenUp, sentence))
}
