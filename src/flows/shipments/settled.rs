//! The plan for what Dynamics made of an update, of a shipment or of a receipt.

use super::{ShipmentLook, is_posted, tracking};
use crate::failure::{Code, Failure};
use crate::flows::answer::{Call, Decision, Done, Emit, KnownDocument, Past, Planned, Repeat};
use crate::flows::history::{History, postings};
use crate::flows::keys;
use crate::flows::ledger::{Ledger, OrderedLine, PostedUpdate, SettledUpdate, kept};
use crate::flows::returns;
use crate::gateways::{Direction, UpdateState};
use crate::message::{Body, Envelope, FactKey, Origin, PostingOutcomeCode, PostingSettled};

pub(super) fn plan(message: &Envelope, body: &PostingSettled, look: &ShipmentLook, ledger: &Ledger) -> Decision {
    let update_id = body.update_id.as_str();
    let postings = postings(ledger);
    let posted = postings.iter().find(|posted| posted.update_id == update_id);
    match posted.filter(|_| message.origin == Origin::Emitted) {
        None => Decision::Done(wake(message, body, look)),
        Some(posted) if is_posted(ledger, &posted.update_id) => {
            Decision::NotOurs(format!("Dynamics posted {} before.", slip(posted)))
        }
        Some(posted) => settle(message, look, posted, ledger),
    }
}

/// What people call what was posted.
fn slip(posted: &PostedUpdate) -> String {
    match posted.direction {
        Direction::Outbound => format!("packing slip {}", posted.packing_slip),
        Direction::Inbound | Direction::Returned => format!("receipt {}", posted.packing_slip),
    }
}

/// The message that looks until Dynamics has made something of an update. `ordinal` tells several of one cause apart.
pub(in crate::flows) fn poll(posted: &PostedUpdate, ordinal: u32) -> Option<Emit> {
    let body = PostingSettled {
        update_id: FactKey::new(posted.update_id.clone()).ok()?,
        flow: posted.direction.posted_in(),
        outcome: PostingOutcomeCode::Pending.into(),
        text: None,
    };
    Some(Emit { purpose: "posting", ordinal, body: Body::PostingSettled(body), about: None })
}

/// Dynamics told us by an event of its own, which knows the update but not the order: it wakes the one that looks.
fn wake(message: &Envelope, body: &PostingSettled, look: &ShipmentLook) -> Done {
    let name = keys::posting_name(&look.environment, body.update_id.as_str());
    let step = format!("Says of the update {}: {}.", body.update_id, body.outcome.code.as_str());
    let woken = message.origin != Origin::Emitted;
    Done {
        documents: vec![KnownDocument { key: name, kind: "posting", names: Vec::new() }],
        steps: if woken { vec![("dynamics".to_owned(), step)] } else { Vec::new() },
        ..Done::default()
    }
}

fn settle(message: &Envelope, look: &ShipmentLook, posted: &PostedUpdate, ledger: &Ledger) -> Decision {
    let (slip, update_id, reference) = (slip(posted), &posted.update_id, &posted.reference);
    match &look.update {
        Some(UpdateState::Processed) => Decision::Done(processed(message, look, posted, ledger)),
        Some(UpdateState::Failed(text)) => Decision::Fail(
            Failure::new(
                Code::DynamicsPostingFailed,
                format!(
                    "Dynamics could not post {slip} of {reference}. Correct the cause in Dynamics and have \
                     it process the update {update_id} again, then replay this."
                ),
            )
            .with_detail(text.clone()),
        ),
        Some(UpdateState::Missing) if !ledger.has(&keys::restore_posting(&look.environment, update_id)) => {
            Decision::Act(vec![restore(look, posted)])
        }
        Some(UpdateState::Pending(_) | UpdateState::Missing) | None => Decision::Later {
            woken_by: Some(keys::posting_name(&look.environment, update_id)),
            failure: Failure::new(
                Code::DynamicsPostingOverdue,
                format!(
                    "Dynamics has not posted {slip} of {reference} in time. Look for the update {update_id} \
                     in its message queue and have it processed, then replay this."
                ),
            ),
        },
    }
}

/// What we handed over is not there: it is handed over once more. Where it only did not show yet, that changes nothing.
fn restore(look: &ShipmentLook, posted: &PostedUpdate) -> Planned {
    Planned {
        key: keys::restore_posting(&look.environment, &posted.update_id),
        act: "restore_posting",
        connection: look.environment.clone(),
        class: Repeat::Absorbs,
        call: Call::PostShipment(posted.update()),
        facts: kept(&SettledUpdate { update_id: posted.update_id.clone() }),
    }
}

/// Only now is it posted; a shipment's tracking, whatever is known of it by then, belongs to it from now on.
fn processed(message: &Envelope, look: &ShipmentLook, posted: &PostedUpdate, ledger: &Ledger) -> Done {
    let update_id = &posted.update_id;
    let fact = Past {
        key: keys::posted(&look.environment, update_id),
        act: "posted".to_owned(),
        connection: look.environment.to_string(),
        facts: kept(&SettledUpdate { update_id: update_id.clone() }),
    };
    let name = keys::posting_name(&look.environment, update_id);
    let emits = match posted.direction {
        Direction::Outbound if look.writes_tracking => tracking::write_what_is_known(message, posted),
        Direction::Returned => returns::until_credited(posted),
        Direction::Outbound | Direction::Inbound => None,
    };
    let mut documents = vec![KnownDocument { key: name, kind: "posting", names: Vec::new() }];
    documents.extend(stock_came_in(look, posted, ledger));
    Done {
        facts: vec![fact],
        emits: emits.into_iter().collect(),
        documents,
        steps: vec![("dynamics".to_owned(), format!("Posted {}.", slip(posted)))],
        ..Done::default()
    }
}

/// Whoever took more from an item than there was may look again when it comes in.
fn stock_came_in(look: &ShipmentLook, posted: &PostedUpdate, ledger: &Ledger) -> Vec<KnownDocument> {
    let history = History::of(ledger);
    let sent = history.find(&posted.reference).filter(|_| posted.direction != Direction::Outbound);
    let lines = sent.iter().flat_map(|sent| &sent.created.lines);
    let came = lines.filter(|line| posted.lines.iter().any(|posted| posted.line_id == line.line_id));
    let key = |line: &OrderedLine| keys::stock_name(&look.environment, line.sku.as_str());
    came.map(|line| KnownDocument { key: key(line), kind: "item_stock", names: Vec::new() }).collect()
}
