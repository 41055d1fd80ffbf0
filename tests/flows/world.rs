//! Both far ends as plain data: what they hold, what they answer, what they show.

use std::collections::BTreeMap;
use std::sync::Arc;

use drayline::config::{Changes, Returns};
use drayline::flows::{
    Acted, Call, Ledger, Lookup, OrderLook, Past, Planned, PostedUpdate, ReceiptLook, ReturnLook, ShipmentLook,
};
use drayline::gateways::{
    CreditedLine, Direction, FulfilmentOrder, HeldLine, HeldOrder, Receiving, ReleasedOrder, RequestVerdict,
    ShipmentUpdate, TrackingRow, UpdateDimension, UpdateState,
};
use drayline::mapping::Mapping;
use drayline::message::{Body, Envelope, OrderStatusCode};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::scene::{contoso, happened, order_look, shipment_look};

/// Disposition codes under which Dynamics credits nothing.
pub const WITHOUT_CREDIT: [&str; 3] = ["STOCK", "WRITEOFF", "SENDBACK"];

/// The disposition code of a return line that is exchanged.
pub const EXCHANGED: &str = "REPLACE";

/// The note of what was credited before its goods came.
pub const REFUND: &str = "CN000";

/// Dynamics and north.
#[derive(Clone, Debug)]
pub struct World {
    pub released: Option<ReleasedOrder>,
    /// What Dynamics makes of a wish for a return, and under which of our keys it did.
    pub makes: Option<ReleasedOrder>,
    pub made: Vec<String>,
    /// What the house's words are in Dynamics.
    pub mapping: Mapping,
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
            makes: None,
            made: Vec::new(),
            mapping: Mapping::default(),
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
                let falls = |piece: &&UpdateDimension| piece.quantity.is_sign_negative();
                for line in &update.lines {
                    let fallen = line.dimensions.iter().filter(falls).count();
                    assert!([0, line.dimensions.len()].contains(&fallen), "falls and rises at once: {line:?}");
                }
                let known = self.postings.entry(update.update_id.clone()).or_insert_with(|| update.clone());
                assert_eq!(known, update, "an update's id stands for one content");
                Acted::Happened(json!({}))
            }
            Call::WriteTracking(row) => {
                self.tracking.insert(row.row_id.clone(), row.clone());
                Acted::Happened(json!({}))
            }
            Call::CreateReturn(wish) => {
                assert!(wish.held.is_none(), "{wish:?} is there already");
                self.made.push(wish.reference.clone());
                self.released = self.makes.clone();
                Acted::Happened(self.numbers().expect("Dynamics knows what to make of it"))
            }
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
            Lookup::Again => return None,
            Lookup::Return { .. } => self.numbers()?,
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

    /// The numbers of the return order that was made of a wish.
    fn numbers(&self) -> Option<Value> {
        self.made.first()?;
        let made = self.makes.as_ref()?;
        Some(json!({ "return_order": made.request_id.to_string(), "rma": made.order_number }))
    }

    /// Dynamics' job credits what was posted to be credited, and takes back what was taken back.
    pub fn credit(&mut self) {
        let mut asked: BTreeMap<String, Decimal> = BTreeMap::new();
        for line in self.postings.values().flat_map(|update| &update.lines) {
            let credits = |piece: &&UpdateDimension| {
                piece.disposition.as_ref().is_some_and(|code| !WITHOUT_CREDIT.contains(&code.as_str()))
            };
            *asked.entry(line.line_id.clone()).or_default() +=
                line.dimensions.iter().filter(credits).map(|piece| piece.quantity).sum::<Decimal>();
        }
        let Some(released) = self.released.as_mut().filter(|released| released.direction == Direction::Returned) else {
            return;
        };
        let note = format!("CN{:03}", released.credits.len() + 1);
        for (line_id, asked) in asked {
            let ours = released.credits.iter().filter(|credit| credit.line_id == line_id && credit.note != REFUND);
            let left = asked - ours.map(|credit| credit.quantity).sum::<Decimal>();
            if !left.is_zero() {
                released.credits.push(CreditedLine { note: note.clone(), line_id, quantity: left });
            }
        }
    }

    pub fn receipt_look(&self) -> ReceiptLook {
        let status = |ours: &str, theirs: &str| (ours.to_owned(), theirs.to_owned());
        let direction = self.released.as_ref().map_or(Direction::Inbound, |released| released.direction);
        let statuses = match direction {
            Direction::Returned => vec![status("QUARANTINE", "Quarantine"), status("ON_HOLD", "OnHold")],
            Direction::Inbound | Direction::Outbound => vec![status("DAMAGED", "Blocking")],
        };
        let order = OrderLook { direction, writes_back: false, held: None, ..order_look(self.released.clone()) };
        let receiving = Receiving {
            statuses: drayline::config::Statuses(statuses.into_iter().collect()),
            reversals: true,
            without_credit: WITHOUT_CREDIT.map(str::to_owned).to_vec(),
            credited_elsewhere: vec![EXCHANGED.to_owned()],
            ..Receiving::default()
        };
        ReceiptLook { order, receiving, calendar: Arc::default() }
    }

    pub fn return_look() -> ReturnLook {
        let returns = Returns { warehouse: "24".to_owned(), ..Returns::default() };
        ReturnLook { environment: contoso(), returns, held: None }
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
        let without_credit = (direction == Direction::Returned).then(|| WITHOUT_CREDIT.map(str::to_owned).to_vec());
        let changes = Arc::new(self.changes.clone());
        let writes_back = look.writes_back && direction == Direction::Outbound;
        OrderLook { direction, writes_back, without_credit, changes, held: shown, ..look }
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
