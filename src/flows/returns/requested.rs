//! The plan for somebody's wish for a return: a return order in Dynamics, made once.

use rust_decimal::Decimal;

use super::parcel::made_lines;
use super::{MadeFrom, ReturnLook};
use crate::failure::{Code, Failure};
use crate::flows::answer::{About, Call, Decision, Done, Emit, KnownDocument, Planned, Repeat};
use crate::flows::keys;
use crate::flows::ledger::{Ledger, kept};
use crate::gateways::{ReturnWish, WishedLine};
use crate::message::{
    Body, Connection, Envelope, FactKey, LegalEntity, OrderingKey, PlaceCode, RequestedReturnLine, ReturnAuthorised,
    ReturnReasonCode, ReturnRequested,
};

pub(in crate::flows) fn plan(
    (message, body): (&Envelope, &ReturnRequested),
    look: &ReturnLook,
    ledger: &Ledger,
) -> Decision {
    let Some(legal_entity) = &message.legal_entity else {
        return Decision::Fail(incomplete(body, "it names no company"));
    };
    match make((legal_entity, body), look, ledger) {
        Ok(made) => done(message, body, look, &made),
        Err(decision) => *decision,
    }
}

/// The return order of a wish; what is to be done where it is not there.
pub(super) fn make(
    (legal_entity, body): (&LegalEntity, &ReturnRequested),
    look: &ReturnLook,
    ledger: &Ledger,
) -> Result<MadeFrom, Box<Decision>> {
    let key = keys::create_return(&look.environment, legal_entity, &body.request_key);
    if let Some(made) = ledger.kept::<MadeFrom>(&key) {
        return Ok(made);
    }
    let reference = keys::return_reference(&look.environment, legal_entity, &body.request_key);
    let wish = match wish(body, look, &reference) {
        Ok((customer_account, warehouse, lines)) => ReturnWish {
            legal_entity: legal_entity.clone(),
            reference: reference.clone(),
            customer_account,
            warehouse,
            reason: body.lines.iter().find_map(|line| line.reason.as_ref()?.raw.clone()),
            lines,
            held: look.held.clone(),
        },
        Err(lacks) => return Err(Box::new(Decision::Fail(incomplete(body, &lacks)))),
    };
    let lines = made_lines(body);
    Err(Box::new(Decision::Act(vec![Planned {
        key,
        act: "create_return",
        connection: look.environment.clone(),
        class: Repeat::Findable,
        call: Call::CreateReturn(wish),
        facts: kept(&MadeFrom { reference, return_order: String::new(), rma: String::new(), lines }),
    }])))
}

/// Who sends it back, whereto, and what.
///
/// # Errors
/// What is missing, in words.
fn wish(
    body: &ReturnRequested,
    look: &ReturnLook,
    reference: &str,
) -> Result<(String, PlaceCode, Vec<WishedLine>), String> {
    let customer = body.customer_account.clone().ok_or("it names no customer account")?;
    let warehouse = PlaceCode::new(look.returns.warehouse.as_str())
        .map_err(|_| "nobody said at which warehouse returns are expected (dynamics.NAME.returns.warehouse)")?;
    if body.lines.is_empty() {
        return Err(format!("it names nothing that comes back ({reference})"));
    }
    let lines = body.lines.iter().map(|line| wished(line, look)).collect::<Result<_, _>>()?;
    Ok((customer, warehouse, lines))
}

fn wished(line: &RequestedReturnLine, look: &ReturnLook) -> Result<WishedLine, String> {
    let sku = &line.item.sku;
    let unit = line.quantity.unit.clone().ok_or_else(|| format!("it does not say in which unit {sku} is counted"))?;
    if line.quantity.value <= Decimal::ZERO {
        return Err(format!("it wants {} of {sku} to come back", line.quantity.value));
    }
    if line.serials.len() > 1 {
        let pieces = line.serials.len();
        return Err(format!(
            "it names {pieces} serials of {sku} in one line, and a line of a return order takes one: ask line by line"
        ));
    }
    let exchanged = line.reason.as_ref().is_some_and(|reason| reason.code == ReturnReasonCode::Exchange);
    let code = &look.returns.exchange_code;
    if exchanged && code.is_empty() {
        return Err(format!(
            "{sku} is exchanged, and nobody said which disposition code that is (dynamics.NAME.returns.exchange_code)"
        ));
    }
    Ok(WishedLine {
        item_number: line.item.item_number.clone().unwrap_or_else(|| sku.to_string()),
        quantity: line.quantity.value,
        unit,
        serial: line.serials.first().cloned(),
        disposition: exchanged.then(|| code.clone()),
    })
}

fn incomplete(body: &ReturnRequested, lacks: &str) -> Failure {
    let sentence =
        format!("The return {} is not made: {lacks}. {}", body.request_key, Code::ReturnRequestIncomplete.next_step());
    Failure::new(Code::ReturnRequestIncomplete, sentence)
}

/// The return order is there: from now on it is looked at under its RMA.
fn done(message: &Envelope, body: &ReturnRequested, look: &ReturnLook, made: &MadeFrom) -> Decision {
    let Some(emit) = authorise(&look.environment, message.legal_entity.as_ref(), made) else {
        return Decision::Fail(incomplete(body, "Dynamics gave its return order no number"));
    };
    let mut names = vec![
        ("return_request", body.request_key.to_string()),
        ("return_order", made.return_order.clone()),
        ("rma", made.rma.clone()),
    ];
    names.extend(body.order.order_number.clone().map(|number| ("order_number", number)));
    names.extend(body.order.reference.clone().map(|reference| ("reference", reference)));
    let known = KnownDocument {
        key: message.ordering_key.to_string(),
        kind: "return_request",
        names: names.into_iter().map(|(label, name)| (label.to_owned(), name)).collect(),
    };
    let step = format!("Made the return order {} with the RMA {}.", made.return_order, made.rma);
    Decision::Done(Done {
        emits: vec![emit],
        documents: vec![known],
        steps: vec![("dynamics".to_owned(), step)],
        ..Done::default()
    })
}

/// Has a return order looked at under its RMA, so that it is announced; nothing where Dynamics gave it no number.
pub(super) fn authorise(environment: &Connection, legal_entity: Option<&LegalEntity>, made: &MadeFrom) -> Option<Emit> {
    let return_order_number = FactKey::new(made.return_order.as_str()).ok()?;
    let authorised = ReturnAuthorised { return_order_number, rma: Some(made.rma.clone()), warehouse: None };
    Some(Emit {
        purpose: "authorised",
        ordinal: 0,
        body: Body::ReturnAuthorised(authorised),
        about: Some(About {
            document: OrderingKey::rma(environment, &made.rma),
            legal_entity: legal_entity.cloned(),
            connection: environment.clone(),
        }),
    })
}
