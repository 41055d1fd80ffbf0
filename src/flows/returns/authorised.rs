//! The plan for a return order in Dynamics: it is announced to the warehouse as goods that are expected are, under its RMA.

use crate::failure::{Code, Failure};
use crate::flows::answer::{About, Decision, Done, Emit};
use crate::flows::history::History;
use crate::flows::ledger::Ledger;
use crate::flows::orders::{self, OrderLook};
use crate::mapping::Mapping;
use crate::message::{Body, Envelope, OrderingKey, ReturnAuthorised};

pub(in crate::flows) fn plan(
    (message, body): (&Envelope, &ReturnAuthorised),
    look: &OrderLook,
    mapping: &Mapping,
    ledger: &Ledger,
) -> Decision {
    let rma = look.released.as_ref().and_then(|released| released.order_number.as_deref());
    let named = rma.map(|rma| OrderingKey::rma(&look.environment, rma));
    if let (Some(rma), Some(document)) = (rma, named.filter(|named| *named != message.ordering_key)) {
        return Decision::Done(goes_on((message, body), rma, document));
    }
    let latest = History::of(ledger).latest().map(|latest| latest.created.clone());
    let company = look.released.as_ref().map(|released| &released.legal_entity);
    if let (Some(created), Some(company)) = (latest.filter(|created| Some(&created.legal_entity) != company), company) {
        let sentence = format!(
            "The RMA {} stands for a return order of {} and for one of {company}, and a warehouse could not tell them apart. {}",
            rma.unwrap_or_default(),
            created.legal_entity,
            Code::ReturnAmbiguous.next_step()
        );
        return Decision::Fail(Failure::new(Code::ReturnAmbiguous, sentence));
    }
    orders::plan(message, look, mapping, ledger)
}

/// Whoever told of it knew its number alone: it goes on under the RMA, by which the warehouse speaks of it.
fn goes_on((message, body): (&Envelope, &ReturnAuthorised), rma: &str, document: OrderingKey) -> Done {
    let step = format!("The return order {} has the RMA {rma}.", body.return_order_number);
    let emit = Emit {
        purpose: "authorised",
        ordinal: 0,
        body: Body::ReturnAuthorised(ReturnAuthorised { rma: Some(rma.to_owned()), ..body.clone() }),
        about: Some(About {
            document,
            legal_entity: message.legal_entity.clone(),
            connection: message.connection.clone(),
        }),
    };
    Done { emits: vec![emit], steps: vec![("dynamics".to_owned(), step)], ..Done::default() }
}
