//! The calls of a plan, made; and the calls that may have happened, looked up.
//!
//! It decides nothing but what an answer means for the ledger. Invariant: a call that is given up after it started is
//! unsure, never refused.

use std::time::Duration;

use serde_json::{Value, json};

use super::answer::{Acted, Call, Lookup, Past, Planned, Settled};
use super::history::is_dead;
use super::keys;
use super::ledger::{EndedReference, kept};
use super::orders::{held_difference, unknown};
use super::words;
use crate::clock::{Clock, Mark};
use crate::failure::{Class, Code, Failure};
use crate::gateways::{
    CancelAnswer, CreateAnswer, Direction, Dynamics, FulfilmentOrder, Gateways, HeldOrder, MadeReturn, ReturnWish,
    ShipmentUpdate, StockAdjustment, StockJournal, UpdateState, Warehouse,
};
use crate::message::{CancelOutcomeCode, Connection, LegalEntity, Reference};
use crate::rehearsal::{Variant, broken};

/// Makes one call; gives it up when `within` has passed since `mark`, and then sends nothing more of it.
///
/// # Errors
/// The [`Failure`] of the far end; of class unsure when there was silence after something was sent.
pub async fn act(
    gateways: &Gateways,
    planned: &Planned,
    clock: &Clock,
    (mark, within): (Mark, Duration),
) -> Result<Acted, Failure> {
    let made = async {
        match &planned.call {
            Call::CreateOrder(order) => create(warehouse(gateways, planned)?, order).await,
            Call::ChangeOrder { order_id, number, order } => {
                change(warehouse(gateways, planned)?, (order_id, *number), order).await
            }
            Call::CancelOrder { direction, order_id, reference, reason } => {
                cancel(warehouse(gateways, planned)?, *direction, (order_id, reference), reason).await
            }
            Call::WriteStatus { .. } | Call::PostShipment(_) | Call::WriteTracking(_) => {
                write(dynamics(gateways, planned)?, &planned.call).await
            }
            Call::CreateReturn(wish) => make(dynamics(gateways, planned)?, wish).await,
            Call::PostJournal(journal) => post(dynamics(gateways, planned)?, journal).await,
            Call::AdjustStock(adjustment) => adjust(dynamics(gateways, planned)?, adjustment, (mark, within)).await,
        }
    };
    let code = match planned.call {
        Call::CreateOrder(_) | Call::ChangeOrder { .. } | Call::CancelOrder { .. } => Code::WarehouseUnsure,
        Call::WriteStatus { .. }
        | Call::PostShipment(_)
        | Call::WriteTracking(_)
        | Call::AdjustStock(_)
        | Call::CreateReturn(_)
        | Call::PostJournal(_) => Code::DynamicsUnsure,
    };
    let silent = || Err(silence(code, &planned.connection, &planned.key));
    clock.in_time(mark, within, made).await.unwrap_or_else(silent)
}

/// Asks a far end whether a call happened.
///
/// # Errors
/// The [`Failure`] of a far end that could not be asked.
pub async fn settle(gateways: &Gateways, connection: &Connection, lookup: &Lookup) -> Result<Settled, Failure> {
    let (direction, reference, cancelling) = match lookup {
        Lookup::Again => return Ok(Settled::Again),
        Lookup::Order { direction, reference } => (*direction, reference, false),
        Lookup::Cancellation { direction, reference } => (*direction, reference, true),
        Lookup::Change { reference, number } => return changed(gateways, connection, (reference, *number)).await,
        Lookup::Update(update) => return written(gateways, connection, update).await,
        Lookup::Return { legal_entity, reference, lines } => {
            return made(gateways, connection, (legal_entity, reference, *lines)).await;
        }
    };
    let warehouse = gateways.warehouse(connection).ok_or_else(|| unknown(connection))?;
    let found = warehouse.find_order(direction, reference).await;
    Ok(match found.map_err(|error| warehouse.failure(&error, &format!("read the order {reference}")))? {
        None => Settled::NotThere,
        Some(held) if cancelling && is_dead(&held) => {
            Settled::Happened(json!({ "outcome": CancelOutcomeCode::Confirmed.as_str(), "text": "" }))
        }
        Some(_) if cancelling => Settled::Again,
        // Whether it was ours or an older one, nothing will ship under this reference: the next revision is taken.
        Some(held) if is_dead(&held) => match reference.parse() {
            Ok(reference) => Settled::Instead(burned(warehouse, direction, &reference)),
            Err(_) => Settled::Again,
        },
        Some(held) => Settled::Happened(json!({ "order_id": held.order_id })),
    })
}

/// Whether the order has come as far as a change of this number. One that is dead changes no more.
async fn changed(
    gateways: &Gateways,
    connection: &Connection,
    (reference, number): (&str, u32),
) -> Result<Settled, Failure> {
    let warehouse = gateways.warehouse(connection).ok_or_else(|| unknown(connection))?;
    let found = warehouse.find_order(Direction::Outbound, reference).await;
    let found = found.map_err(|error| warehouse.failure(&error, &format!("read the order {reference}")))?;
    Ok(match found {
        Some(held) if !is_dead(&held) && held.change >= number => {
            Settled::Happened(json!({ "outcome": CancelOutcomeCode::Confirmed.as_str(), "text": "" }))
        }
        _ => Settled::NotThere,
    })
}

/// What is there of an update. Whoever wrote it half may have handed a part of it over.
async fn written(gateways: &Gateways, connection: &Connection, update: &ShipmentUpdate) -> Result<Settled, Failure> {
    let dynamics = gateways.dynamics(connection).ok_or_else(|| unknown(connection))?;
    let state = dynamics.update_state(&update.named()).await;
    let state = state.map_err(|error| dynamics.failure(&error, &format!("look for {}", update.packing_slip)))?;
    Ok(if state == UpdateState::Missing { Settled::NotThere } else { Settled::Half(Box::new(update.clone())) })
}

/// Completes an update of which a part is there, as it was meant; within its time, as [`act`] makes a call.
///
/// # Errors
/// As [`act`].
pub async fn complete(
    gateways: &Gateways,
    (connection, key): (&Connection, &str),
    update: &ShipmentUpdate,
    clock: &Clock,
    (mark, within): (Mark, Duration),
) -> Result<Value, Failure> {
    let dynamics = gateways.dynamics(connection).ok_or_else(|| unknown(connection))?;
    let posted = clock.in_time(mark, within, dynamics.post_shipment(update)).await;
    let posted = posted.ok_or_else(|| silence(Code::DynamicsUnsure, connection, key))?;
    posted.map_err(|error| dynamics.failure(&error, &format!("hand over {}", update.packing_slip)))?;
    Ok(json!({}))
}

async fn make(dynamics: &Dynamics, wish: &ReturnWish) -> Result<Acted, Failure> {
    let made = dynamics.create_return(wish).await;
    let doing = || format!("make the return order of {}", wish.reference);
    made.map(|made| Acted::Happened(numbers(&made))).map_err(|error| dynamics.failure(&error, &doing()))
}

/// A return order that lacks lines is completed by the call that is made again.
async fn made(
    gateways: &Gateways,
    connection: &Connection,
    (legal_entity, reference, lines): (&LegalEntity, &str, usize),
) -> Result<Settled, Failure> {
    let dynamics = gateways.dynamics(connection).ok_or_else(|| unknown(connection))?;
    let found = dynamics.find_return(legal_entity, reference).await;
    let found =
        found.map_err(|error| dynamics.failure(&error, &format!("look for the return order of {reference}")))?;
    Ok(match found.filter(|_| !broken(Variant::MakeWithoutLooking)) {
        None => Settled::NotThere,
        Some(made) if made.lines < lines => Settled::Again,
        Some(made) => Settled::Happened(numbers(&made)),
    })
}

fn numbers(made: &MadeReturn) -> Value {
    json!({ "return_order": made.number, "rma": made.rma })
}

fn burned(warehouse: &Warehouse, direction: Direction, reference: &Reference) -> Past {
    Past {
        key: keys::burn_reference(direction, warehouse.name(), reference),
        act: "burn_reference".to_owned(),
        connection: warehouse.name().to_string(),
        facts: kept(&EndedReference { reference: reference.clone() }),
    }
}

async fn create(warehouse: &Warehouse, order: &FulfilmentOrder) -> Result<Acted, Failure> {
    let reference = &order.reference;
    let answer = match warehouse.create_order(order).await {
        Ok(answer) => answer,
        Err(error) => {
            let failure = warehouse.failure(&error, &format!("create the order {reference}"));
            // A refusal for good is worth telling Dynamics, which is the plan's business.
            return if failure.code == Code::WarehouseRefused { Ok(Acted::Refused(failure)) } else { Err(failure) };
        }
    };
    match answer {
        CreateAnswer::Created(held) => Ok(happened(&held)),
        CreateAnswer::Existing(held) if is_dead(&held) => {
            Ok(Acted::Instead(burned(warehouse, order.direction, reference)))
        }
        CreateAnswer::Existing(held) => match held_difference(order, &held) {
            None => Ok(happened(&held)),
            Some(difference) => {
                let name = warehouse.name();
                let sentence = format!(
                    "{name} holds another order under {reference}. Find out which is right: have {name} cancel theirs and \
                     replay this, or correct the order in Dynamics."
                );
                Err(Failure::new(Code::OrderDiffers, sentence).with_detail(difference))
            }
        },
    }
}

fn happened(held: &HeldOrder) -> Acted {
    Acted::Happened(json!({ "order_id": held.order_id }))
}

async fn change(
    warehouse: &Warehouse,
    (order_id, number): (&str, u32),
    order: &FulfilmentOrder,
) -> Result<Acted, Failure> {
    let answer = warehouse.change_order(order_id, order, number).await;
    let doing = || format!("change the order {}", order.reference);
    let CancelAnswer { outcome, reason } = answer.map_err(|error| warehouse.failure(&error, &doing()))?;
    let text = reason.as_ref().map(words::reason).unwrap_or_default();
    Ok(Acted::Happened(json!({ "outcome": outcome.code.as_str(), "text": text })))
}

async fn cancel(
    warehouse: &Warehouse,
    direction: Direction,
    (order_id, reference): (&str, &str),
    reason: &str,
) -> Result<Acted, Failure> {
    let answer = warehouse.cancel_order(direction, order_id, reference, reason).await;
    let answer = answer.map_err(|error| warehouse.failure(&error, &format!("cancel the order {reference}")))?;
    let CancelAnswer { outcome, reason } = answer;
    let text = reason.as_ref().map(words::reason).unwrap_or_default();
    let refused = matches!(outcome.code, CancelOutcomeCode::Rejected | CancelOutcomeCode::Partial);
    // An order that is dead already is often refused as "cannot be cancelled": that is what we wanted.
    let dead =
        refused && warehouse.find_order(direction, reference).await.ok().flatten().is_some_and(|held| is_dead(&held));
    let outcome = if dead { CancelOutcomeCode::Confirmed } else { outcome.code };
    Ok(Acted::Happened(json!({ "outcome": outcome.as_str(), "text": text })))
}

async fn write(dynamics: &Dynamics, call: &Call) -> Result<Acted, Failure> {
    let (written, doing) = match call {
        Call::WriteStatus { legal_entity, request_id, verdict, seen } => (
            dynamics.write_status((legal_entity, request_id), verdict, seen.as_deref()).await,
            format!("tell Dynamics what became of {request_id}"),
        ),
        Call::PostShipment(update) => {
            (dynamics.post_shipment(update).await, format!("hand over {}", update.packing_slip))
        }
        Call::WriteTracking(row) => {
            (dynamics.write_tracking(row).await, format!("write the tracking of package {}", row.package_key))
        }
        Call::CreateOrder(_)
        | Call::ChangeOrder { .. }
        | Call::CancelOrder { .. }
        | Call::CreateReturn(_)
        | Call::AdjustStock(_)
        | Call::PostJournal(_) => {
            return Ok(Acted::Happened(json!({})));
        }
    };
    match written {
        Ok(()) => Ok(Acted::Happened(json!({}))),
        Err(error) => {
            let failure = dynamics.failure(&error, &doing);
            // What Dynamics will not hear must not hide why we wanted to tell it.
            let verdict = matches!(call, Call::WriteStatus { .. }) && failure.class() == Class::Permanent;
            if verdict { Ok(Acted::Refused(failure)) } else { Err(failure) }
        }
    }
}

async fn adjust(
    dynamics: &Dynamics,
    adjustment: &StockAdjustment,
    deadline: (Mark, Duration),
) -> Result<Acted, Failure> {
    match dynamics.adjust_stock(adjustment, deadline).await {
        Ok(()) => Ok(Acted::Happened(match dynamics.journal_of(adjustment) {
            Some(journal) => json!({ "journal": journal }),
            None => json!({}),
        })),
        Err(error) => {
            let item = adjustment.rows.first().map(|row| row.item_number.as_str()).unwrap_or_default();
            short(dynamics.failure(&error, &format!("post the adjustment of {item}")))
        }
    }
}

async fn post(dynamics: &Dynamics, journal: &StockJournal) -> Result<Acted, Failure> {
    match dynamics.post_journal(journal).await {
        Ok(()) => Ok(Acted::Happened(json!({}))),
        Err(error) => short(dynamics.failure(&error, &format!("post the journal {}", journal.number))),
    }
}

/// What is short may come in yet, which is the plan's business.
fn short(failure: Failure) -> Result<Acted, Failure> {
    if failure.code == Code::DynamicsStockShort { Ok(Acted::Refused(failure)) } else { Err(failure) }
}

fn warehouse<'a>(gateways: &'a Gateways, planned: &Planned) -> Result<&'a Warehouse, Failure> {
    gateways.warehouse(&planned.connection).ok_or_else(|| unknown(&planned.connection))
}

fn dynamics<'a>(gateways: &'a Gateways, planned: &Planned) -> Result<&'a Dynamics, Failure> {
    gateways.dynamics(&planned.connection).ok_or_else(|| unknown(&planned.connection))
}

fn silence(code: Code, connection: &Connection, key: &str) -> Failure {
    let sentence = format!(
        "{connection} did not answer in time, so that it is open whether this happened: {key}. It is looked up before \
         anything is repeated; there is nothing to do."
    );
    Failure::new(code, sentence)
}
