//! Both far ends as plain data: what they hold, what they answer, what they show.

use std::collections::BTreeMap;
use std::sync::Arc;

use drayline::config::Changes;
use drayline::flows::{Acted, Call, Ledger, Lookup, OrderLook, Past, Planned, PostedUpdate, ReceiptLook, ShipmentLook};
use drayline::gateways::{
    Direction, FulfilmentOrder, HeldLine, HeldOrder, Receiving, ReleasedOrder, RequestVerdict, ShipmentUpdate,
    TrackingRow, UpdateState,
};
use drayline::message::{Body, Envelope, OrderStatusCode};
use serde_json::json;

use super::scene::{happened, order_look, shipment_look};

/// Dynamics and north.
#[derive(Clone, Debug)]
pub struct World {
    pub released: Option<ReleasedOrder>,
    pub verdict: Option<RequestVerdict>,
    pub postings: BTreeMap<String, ShipmentUpdate>,
    pub tracking: BTreeMap<String, TrackingRow>,
    /// Whether Dynamics processes what it is handed.
    pub processes: bool,
    pub orders: Vec<Held>,
    /// What north changes of an order itself.
    pub changes: Changes,
    /// Whether north takes its time to answer a cancellation.
    pub answers_later: bool,
    /// Cancellations that north has not answered.
    pub asked: Vec<String>,
}

/// An order at north.
#[derive(Clone, Debug)]
pub struct Held {
    pub order: FulfilmentOrder,
    pub dead: bool,
    /// Too far to be cancelled, or changed.
    pub picked: bool,
    /// The number of its last change.
    pub change: u32,
}

impl World {
    pub fn new(released: Option<ReleasedOrder>) -> Self {
        Self {
            released,
            verdict: None,
            postings: BTreeMap::new(),
            tracking: BTreeMap::new(),
            processes: true,
            orders: Vec::new(),
            changes: Changes::default(),
            answers_later: false,
            asked: Vec::new(),
        }
    }

    pub fn live(&mut self) -> Option<&mut Held> {
        self.orders.iter_mut().find(|held| !held.dead)
    }

    pub fn held(&mut self, reference: &str) -> Option<&mut Held> {
        self.orders.iter_mut().find(|held| held.order.reference.to_string() == reference)
    }

    pub fn call(&mut self, planned: &Planned) -> Acted {
        match &planned.call {
            Call::CreateOrder(order) => self.create(order),
            Call::ChangeOrder { number, order, .. } => {
                Acted::Happened(json!({ "outcome": self.change(*number, order) }))
            }
            Call::CancelOrder { reference, .. } => Acted::Happened(json!({ "outcome": self.cancel(reference) })),
            Call::WriteStatus { verdict, .. } => {
                self.verdict = Some(verdict.clone());
                Acted::Happened(json!({}))
            }
            Call::PostShipment(update) => {
                let known = self.postings.entry(update.update_id.clone()).or_insert_with(|| update.clone());
                assert_eq!(known, update, "an update's id stands for one content");
                Acted::Happened(json!({}))
            }
            Call::WriteTracking(row) => {
                self.tracking.insert(row.row_id.clone(), row.clone());
                Acted::Happened(json!({}))
            }
            Call::CreateReturn(wish) => panic!("nobody here sends anything back: {wish:?}"),
            Call::PostJournal(journal) => panic!("nothing here is a journal: {journal:?}"),
            Call::AdjustStock(adjustment) => panic!("nothing here is adjusted: {adjustment:?}"),
        }
    }

    fn create(&mut self, order: &FulfilmentOrder) -> Acted {
        let reference = order.reference.to_string();
        if let Some(held) = self.held(&reference) {
            assert!(held.dead || held.order == *order, "{reference} would mean two things");
            return if held.dead {
                Acted::Instead(burned(&reference))
            } else {
                Acted::Happened(json!({ "order_id": format!("N-{reference}") }))
            };
        }
        assert!(self.live().is_none(), "two live orders of one document");
        self.orders.push(Held { order: order.clone(), dead: false, picked: false, change: 0 });
        Acted::Happened(json!({ "order_id": format!("N-{reference}") }))
    }

    fn change(&mut self, number: u32, order: &FulfilmentOrder) -> &'static str {
        let held = self.held(&order.reference.to_string()).expect("only what was created is changed");
        if held.dead || held.picked || number <= held.change {
            return "REJECTED";
        }
        assert_eq!(number, held.change + 1, "changes are counted without a gap");
        (held.order, held.change) = (order.clone(), number);
        "CONFIRMED"
    }

    fn cancel(&mut self, reference: &str) -> &'static str {
        let later = self.answers_later;
        let held = self.held(reference).expect("only what was created is cancelled");
        if held.dead {
            return "CONFIRMED";
        }
        if later {
            self.asked.push(reference.to_owned());
            return "PENDING";
        }
        self.answer(reference)
    }

    /// North decides about a cancellation.
    pub fn answer(&mut self, reference: &str) -> &'static str {
        let held = self.held(reference).expect("only what was created is cancelled");
        held.dead = !held.picked;
        if held.dead { "CONFIRMED" } else { "REJECTED" }
    }

    /// What is known of a call whose answer was lost, once its far end was asked.
    pub fn settle(&mut self, planned: &Planned) -> Option<Past> {
        let brought = match planned.call.lookup() {
            Lookup::Again | Lookup::Return { .. } => return None,
            Lookup::Update(update) => {
                self.postings.get(&update.update_id)?;
                json!({})
            }
            Lookup::Order { reference, .. } if self.held(&reference)?.dead => return Some(burned(&reference)),
            Lookup::Order { reference, .. } => json!({ "order_id": format!("N-{reference}") }),
            Lookup::Change { reference, number } => {
                self.held(&reference).filter(|held| !held.dead && held.change >= number)?;
                json!({ "outcome": "CONFIRMED" })
            }
            Lookup::Cancellation { reference, .. } => {
                self.held(&reference).filter(|held| held.dead)?;
                json!({ "outcome": "CONFIRMED" })
            }
        };
        Some(happened(planned, &brought))
    }

    pub fn receipt_look(&self) -> ReceiptLook {
        let statuses = drayline::config::Statuses([("DAMAGED".to_owned(), "Blocking".to_owned())].into());
        let order = OrderLook {
            direction: Direction::Inbound,
            writes_back: false,
            held: None,
            ..order_look(self.released.clone())
        };
        ReceiptLook {
            order,
            receiving: Receiving { statuses, reversals: true, ..Receiving::default() },
            calendar: Arc::default(),
        }
    }

    pub fn order_look(&self, message: &Envelope) -> OrderLook {
        let shown = self.orders.last().map(|held| HeldOrder {
            order_id: format!("N-{}", held.order.reference),
            reference: held.order.reference.to_string(),
            status: status_of(held).into(),
            change: held.change,
            lines: Vec::<HeldLine>::new(),
        });
        let direction = Direction::of(message.flow());
        let look = order_look(self.released.clone());
        let changes = Arc::new(self.changes.clone());
        let writes_back = look.writes_back && direction == Direction::Outbound;
        OrderLook { direction, writes_back, changes, held: shown, ..look }
    }

    pub fn shipment_look(&self, message: &Envelope, ledger: &Ledger) -> ShipmentLook {
        let update_id = match &message.body {
            Body::PostingSettled(body) => Some(body.update_id.to_string()),
            Body::ShipmentVoided(body) => {
                let mut posted = ledger.facts::<PostedUpdate>("post_shipment").into_iter();
                posted.find(|posted| posted.shipment_key == body.shipment_key.as_str()).map(|posted| posted.update_id)
            }
            _ => None,
        };
        let update = update_id.map(|update_id| match self.postings.get(&update_id) {
            None => UpdateState::Missing,
            Some(_) if self.processes => UpdateState::Processed,
            Some(_) => UpdateState::Pending("Received".to_owned()),
        });
        ShipmentLook { update, ..shipment_look() }
    }
}

/// How far an order is, as north shows it.
fn status_of(held: &Held) -> OrderStatusCode {
    match (held.dead, held.picked) {
        (true, _) => OrderStatusCode::Cancelled,
        (false, true) => OrderStatusCode::Picking,
        (false, false) => OrderStatusCode::Received,
    }
}

/// The reference can never be used again.
fn burned(reference: &str) -> Past {
    Past {
        key: format!("burn_reference/north/{reference}"),
        act: "burn_reference".to_owned(),
        connection: "north".to_owned(),
        facts: json!({ "reference": reference }),
    }
}
