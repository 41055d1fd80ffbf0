//! What the simulated warehouse holds, and the facts that change it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::returning;
use crate::sandbox::side::Side;
use crate::sandbox::stock::{AVAILABLE, IN_NO_STOCK, Shelf, StockBook};

/// An order that was taken on: to ship goods, or to expect them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Order {
    #[serde(default)]
    pub(super) side: Side,
    pub(super) number: u64,
    pub(super) id: String,
    pub(super) reference: String,
    /// As it was sent.
    pub(super) content: Map<String, Value>,
    pub(super) lines: Vec<OrderLine>,
    pub(super) stage: Stage,
    /// The number of its last change.
    #[serde(default)]
    pub(super) change: u32,
    /// How often it was created while it was live.
    pub(super) creates: u32,
    /// When its next step is due.
    pub(super) due_ms: Option<i64>,
    pub(super) shipments: u32,
    /// When a cancellation that is pending is decided.
    pub(super) cancel_due_ms: Option<i64>,
    /// Cancellations that were decided later, so far.
    pub(super) resolutions: u32,
    /// What was counted of goods that were expected, as it was told last.
    #[serde(default)]
    pub(super) received: Vec<Count>,
    /// How often it was told.
    #[serde(default)]
    pub(super) reports: u64,
    /// When something was counted first.
    #[serde(default)]
    pub(super) counted_at: Option<Timestamp>,
    /// The number of the parcel that was here already when its RMA was announced: nothing further comes.
    #[serde(default)]
    pub(super) parcel: Option<u64>,
}

/// What was counted: goods of one line, lot, serial and condition.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Count {
    pub(super) line_id: String,
    pub(super) sku: String,
    pub(super) unit: String,
    pub(super) lot: String,
    pub(super) serial: String,
    pub(super) status: String,
    pub(super) quantity: Decimal,
    /// What becomes of goods that came back, and how they came.
    #[serde(default)]
    pub(super) disposition: String,
    #[serde(default)]
    pub(super) condition: String,
    #[serde(default)]
    pub(super) images: Vec<String>,
}

impl Count {
    /// Where it lies; nothing for what is put to no stock.
    fn shelf(&self) -> Option<Shelf> {
        (self.status != IN_NO_STOCK).then(|| Shelf::new(&self.sku, &self.lot, &self.status))
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct OrderLine {
    pub(super) line_id: String,
    pub(super) sku: String,
    pub(super) quantity: Decimal,
    pub(super) unit: String,
    pub(super) lot: String,
    pub(super) serial: String,
    pub(super) shipped: Decimal,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Stage {
    Received,
    Accepted,
    Picking,
    PartlyShipped,
    Shipped,
    /// Expected goods are at the door.
    Arrived,
    Counting,
    Complete,
    Cancelled,
    Rejected,
}

/// What left the house.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Shipment {
    pub(super) key: String,
    pub(super) order: u64,
    pub(super) left_at: Timestamp,
    pub(super) last: bool,
    pub(super) packages: Vec<Package>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Package {
    pub(super) key: String,
    pub(super) tracking_number: Option<String>,
    /// When a tracking number that is late comes.
    pub(super) tracking_due_ms: Option<i64>,
    pub(super) contents: Vec<Content>,
}

/// What a package holds of one line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Content {
    pub(super) line_id: String,
    pub(super) sku: String,
    pub(super) unit: String,
    pub(super) quantity: Decimal,
    pub(super) lots: Vec<(String, Decimal)>,
    pub(super) serials: Vec<String>,
}

/// What happens in the warehouse.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Fact {
    Created(Box<Order>),
    CreatedAgain {
        number: u64,
        content: Option<(Map<String, Value>, Vec<OrderLine>)>,
    },
    Changed {
        number: u64,
        change: u32,
        content: Map<String, Value>,
        lines: Vec<OrderLine>,
    },
    Moved {
        number: u64,
        stage: Stage,
        due_ms: Option<i64>,
    },
    Shipped {
        stage: Stage,
        due_ms: Option<i64>,
        shipment: Shipment,
    },
    Tracked {
        shipment: String,
        package: usize,
        tracking_number: String,
    },
    CancelAsked {
        number: u64,
        due_ms: i64,
    },
    CancelResolved {
        number: u64,
        cancelled: bool,
    },
    Adjusted(Adjustment),
    /// Whether it knows an item.
    ItemSet {
        sku: String,
        known: bool,
    },
    Counted {
        number: u64,
        stage: Stage,
        due_ms: Option<i64>,
        received: Vec<Count>,
        at: Timestamp,
    },
}

/// Stock changed for another reason than an order.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Adjustment {
    pub(super) key: String,
    /// What it does to the shelves.
    pub(super) moves: Vec<(Shelf, Decimal)>,
    /// What is told of it: the data of the event.
    pub(super) data: Value,
}

/// What waits for its time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
    Step(u64),
    Cancel(u64),
    Tracking(String, usize),
}

/// The simulated warehouse.
#[derive(Default)]
pub(super) struct Floor {
    pub(super) orders: BTreeMap<u64, Order>,
    by_reference: HashMap<String, Vec<u64>>,
    by_id: HashMap<String, u64>,
    pub(super) shipments: BTreeMap<String, Shipment>,
    pub(super) due: BTreeSet<(i64, Due)>,
    /// What moved: what left, and what was adjusted.
    pub(super) stock: StockBook,
    pub(super) adjustments: Vec<Adjustment>,
    /// Items that it does not know.
    pub(super) unknown: BTreeSet<String>,
    pub(super) shipped: u64,
    /// What was expected, and what of it is counted to the end.
    pub(super) expected: u64,
    pub(super) complete: u64,
    /// What came back or is to, and what of it is inspected to the end.
    pub(super) returned: u64,
    pub(super) inspected: u64,
    /// Parcels that nobody took, each with the document under which it was announced since.
    pub(super) parcels: BTreeMap<u64, Option<String>>,
    pub(super) cancelled: u64,
    pub(super) packages: u64,
}

impl Content {
    /// What it holds of each lot; of no lot where the item is not held in lots.
    fn by_lot(&self) -> Vec<(&str, Decimal)> {
        if self.lots.is_empty() {
            return vec![("", self.quantity)];
        }
        self.lots.iter().map(|(lot, quantity)| (lot.as_str(), *quantity)).collect()
    }
}

impl Stage {
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::Received | Self::Accepted => "RECEIVED",
            Self::Picking => "PICKING",
            Self::Arrived | Self::Counting | Self::Complete => "PROCESSING",
            Self::PartlyShipped => "PARTIALLY_SHIPPED",
            Self::Shipped => "SHIPPED",
            Self::Cancelled | Self::Rejected => "CANCELLED",
        }
    }

    /// Whether the order is still, or was, fulfilled.
    pub(super) fn live(self) -> bool {
        !matches!(self, Self::Cancelled | Self::Rejected)
    }

    /// Whether nothing was picked yet.
    pub(super) fn early(self) -> bool {
        matches!(self, Self::Received | Self::Accepted)
    }
}

impl Floor {
    pub(super) fn with_reference(&self, side: Side, reference: &str) -> impl Iterator<Item = &Order> {
        let orders = self.by_reference.get(reference).into_iter().flatten();
        orders.filter_map(|number| self.orders.get(number)).filter(move |order| order.side == side)
    }

    pub(super) fn with_id(&self, side: Side, id: &str) -> Option<&Order> {
        self.orders.get(self.by_id.get(id)?).filter(|order| order.side == side)
    }

    /// The orders of a side.
    pub(super) fn of(&self, side: Side) -> impl Iterator<Item = &Order> {
        self.orders.values().filter(move |order| order.side == side)
    }

    pub(super) fn happen(&mut self, fact: Fact) {
        match fact {
            Fact::Created(order) => {
                self.by_reference.entry(order.reference.clone()).or_default().push(order.number);
                self.by_id.insert(order.id.clone(), order.number);
                self.due.extend(order.due_ms.map(|due_ms| (due_ms, Due::Step(order.number))));
                self.expected += u64::from(order.side == Side::Inbound);
                self.returned += u64::from(order.side == Side::Returned);
                if returning::is_undelivered(&order) {
                    self.parcels.insert(order.number, None);
                }
                self.parcels.extend(order.parcel.map(|parcel| (parcel, returning::document(&order.reference))));
                self.orders.insert(order.number, *order);
            }
            Fact::Counted { number, stage, due_ms, received, at } => self.count(number, (stage, due_ms), received, at),
            Fact::CreatedAgain { number, content } => {
                let Some(order) = self.orders.get_mut(&number) else { return };
                order.creates += 1;
                if let Some((content, lines)) = content {
                    (order.content, order.lines) = (content, lines);
                }
            }
            Fact::Changed { number, change, content, lines } => {
                let Some(order) = self.orders.get_mut(&number) else { return };
                (order.change, order.content, order.lines) = (change, content, lines);
            }
            Fact::Moved { number, stage, due_ms } => self.step(number, stage, due_ms),
            Fact::Shipped { stage, due_ms, shipment } => self.ship(stage, due_ms, shipment),
            Fact::Tracked { shipment, package, tracking_number } => {
                let packages = self.shipments.get_mut(&shipment).map(|shipment| &mut shipment.packages);
                let Some(held) = packages.and_then(|packages| packages.get_mut(package)) else { return };
                held.tracking_number = Some(tracking_number);
                if let Some(due_ms) = held.tracking_due_ms.take() {
                    self.due.remove(&(due_ms, Due::Tracking(shipment, package)));
                }
            }
            Fact::CancelAsked { number, due_ms } => {
                let Some(order) = self.orders.get_mut(&number) else { return };
                order.cancel_due_ms = Some(due_ms);
                self.due.insert((due_ms, Due::Cancel(number)));
            }
            Fact::Adjusted(adjustment) => {
                for (shelf, quantity) in &adjustment.moves {
                    self.stock.move_by(shelf.clone(), *quantity);
                }
                self.adjustments.push(adjustment);
            }
            Fact::ItemSet { sku, known: true } => {
                self.unknown.remove(&sku);
            }
            Fact::ItemSet { sku, known: false } => {
                self.unknown.insert(sku);
            }
            Fact::CancelResolved { number, cancelled } => {
                let Some(order) = self.orders.get_mut(&number) else { return };
                order.resolutions += 1;
                if let Some(due_ms) = order.cancel_due_ms.take() {
                    self.due.remove(&(due_ms, Due::Cancel(number)));
                }
                if cancelled {
                    self.step(number, Stage::Cancelled, None);
                }
            }
        }
    }

    fn step(&mut self, number: u64, stage: Stage, due_ms: Option<i64>) {
        let Some(order) = self.orders.get_mut(&number) else { return };
        if let Some(before) = order.due_ms {
            self.due.remove(&(before, Due::Step(number)));
        }
        self.due.extend(due_ms.map(|due_ms| (due_ms, Due::Step(number))));
        order.due_ms = due_ms;
        order.stage = stage;
        self.shipped += u64::from(stage == Stage::Shipped);
        self.cancelled += u64::from(!stage.live() && order.side == Side::Outbound);
    }

    /// What is on the floor is what was counted last.
    fn count(&mut self, number: u64, (stage, due_ms): (Stage, Option<i64>), received: Vec<Count>, at: Timestamp) {
        let Some(order) = self.orders.get_mut(&number) else { return };
        let before = order.received.iter().map(|count| (count.shelf(), -count.quantity));
        for (shelf, quantity) in before.chain(received.iter().map(|count| (count.shelf(), count.quantity))) {
            if let Some(shelf) = shelf {
                self.stock.move_by(shelf, quantity);
            }
        }
        order.reports += 1;
        if !received.is_empty() {
            order.counted_at.get_or_insert(at);
        }
        order.received = received;
        // What was cancelled stays so, whatever is found of it.
        let stage = if order.stage.live() { stage } else { order.stage };
        self.complete += u64::from(stage == Stage::Complete && order.side == Side::Inbound);
        self.inspected += u64::from(stage == Stage::Complete && order.side == Side::Returned);
        self.step(number, stage, due_ms);
    }

    fn ship(&mut self, stage: Stage, due_ms: Option<i64>, shipment: Shipment) {
        if let Some(order) = self.orders.get_mut(&shipment.order) {
            order.shipments += 1;
            for content in shipment.packages.iter().flat_map(|package| &package.contents) {
                for (lot, quantity) in content.by_lot() {
                    self.stock.move_by(Shelf::new(&content.sku, lot, AVAILABLE), -quantity);
                }
                let lines = order.lines.iter_mut().filter(|line| line.line_id == content.line_id);
                lines.take(1).for_each(|line| line.shipped += content.quantity);
            }
        }
        self.packages += shipment.packages.len() as u64;
        let late = (0..).zip(&shipment.packages).filter_map(|(index, package)| Some((index, package.tracking_due_ms?)));
        self.due.extend(late.map(|(index, due_ms)| (due_ms, Due::Tracking(shipment.key.clone(), index))));
        self.step(shipment.order, stage, due_ms);
        self.shipments.insert(shipment.key.clone(), shipment);
    }
}
