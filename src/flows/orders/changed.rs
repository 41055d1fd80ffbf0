//! Changes that the warehouse takes itself, as its connection says: of which fields, and until which status of the order there.
//!
//! One call says the whole order as it shall be, under the number of the change; the order stays the same one, under the same
//! reference. A warehouse that says no is not asked again about this order: it is cancelled and created anew, as where nothing is
//! declared. It refuses to change what is moved, or adopted, or asked to be cancelled.

use super::answers::rank;
use super::plan::Situation;
use super::wanted::Wanted;
use crate::config::ChangedUntil;
use crate::flows::answer::{Call, Decision, Planned, Repeat};
use crate::flows::changes::ChangedOrder;
use crate::flows::history::SentOrder;
use crate::flows::keys;
use crate::flows::ledger::{CreatedOrder, SeenStatus, kept};
use crate::gateways::Direction;
use crate::message::{Connection, OrderStatusCode};

impl Situation<'_> {
    /// Has the warehouse change the live order; nothing where it would not.
    pub(super) fn change_there(&self, sent: &SentOrder) -> Option<Decision> {
        let Wanted::Order(released, warehouse, facility) = self.wanted else { return None };
        if !self.is_changeable(sent, warehouse) {
            return None;
        }
        let created = &sent.created;
        let worded = self.worded("The change of the", released, (warehouse, facility), created.reference.clone());
        let (order, changed) = match worded {
            Ok(worded) => worded,
            Err(failure) => return Some(Decision::Fail(failure)),
        };
        let order_id = created.order_id.clone();
        let number = sent.changes + 1;
        let changed = CreatedOrder { order_id: order_id.clone(), ..changed };
        Some(Decision::Act(vec![Planned {
            key: keys::change_order(warehouse, &created.reference, number),
            act: "change_order",
            connection: warehouse.clone(),
            class: Repeat::Findable,
            call: Call::ChangeOrder { order_id, number, order },
            facts: kept(&ChangedOrder { order: changed, number, outcome: String::new(), text: String::new() }),
        }]))
    }

    fn is_changeable(&self, sent: &SentOrder, warehouse: &Connection) -> bool {
        let (created, changes) = (&sent.created, &self.look.changes);
        let known = self.look.direction == Direction::Outbound
            && created.warehouse == *warehouse
            && created.adopted.is_none()
            && !created.order_id.is_empty();
        let moved = self.postings.iter().any(|posted| posted.reference == created.reference);
        let open = sent.cancel.is_none() && !sent.refuses_changes && !moved;
        let differences = self.differences(sent);
        let mut fields = differences.iter().flat_map(|difference| difference.fields);
        known && open && self.reached(created) < too_late_at(changes.until) && fields.all(|field| changes.takes(field))
    }

    /// How far the order is in the warehouse, as far as that was told or seen.
    fn reached(&self, created: &CreatedOrder) -> u8 {
        let told = self.ledger.facts::<SeenStatus>("order_status").into_iter();
        let told = told.filter(|seen| seen.reference == created.reference).map(|seen| seen.rank);
        let held = self.look.held.as_ref().filter(|held| held.reference == created.their_reference());
        told.chain(held.map(|held| rank(held.status.code))).max().unwrap_or(0)
    }
}

fn too_late_at(until: ChangedUntil) -> u8 {
    rank(match until {
        ChangedUntil::Processing => OrderStatusCode::Processing,
        ChangedUntil::Picking => OrderStatusCode::Picking,
        ChangedUntil::Packed => OrderStatusCode::Packed,
        ChangedUntil::Labelled => OrderStatusCode::Labelled,
        ChangedUntil::Shipped => OrderStatusCode::Shipped,
    })
}
