//! What the simulated environment holds, and the facts that change it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::adjustments::AdjustmentKey;
use super::credits::{Credit, Money};
use super::entities::{CONDITION, LINE, LOT, SERIAL, STATUS, text};
use super::journals::{Journal, JournalKey};
use super::processing::Refusal;
use super::returns::RECEIVED_AS;
use crate::sandbox::side::Side;
use crate::sandbox::stock::StockBook;

/// Company (in small letters) and id.
pub(super) type RequestKey = (String, String);

/// Company, id of the update, origin.
pub(super) type UpdateKey = (String, String, String);

/// A released document.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Request {
    #[serde(default)]
    pub(super) side: Side,
    pub(super) company: String,
    pub(super) id: String,
    pub(super) origin: String,
    pub(super) version: u32,
    pub(super) status: String,
    pub(super) response: String,
    pub(super) canceled: bool,
    /// Nothing is posted of it as long as it is.
    #[serde(default)]
    pub(super) on_hold: bool,
    pub(super) released_ms: i64,
    /// When it was last changed.
    #[serde(default)]
    pub(super) changed_ms: i64,
    /// Rises with every change of the row.
    pub(super) row: u32,
    /// The other fields, as `OData` shows them.
    pub(super) fields: Map<String, Value>,
    pub(super) lines: Vec<RequestLine>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct RequestLine {
    pub(super) number: i64,
    pub(super) item: String,
    pub(super) ordered: Decimal,
    pub(super) unit: String,
    pub(super) over_percent: Decimal,
    pub(super) lot: String,
    pub(super) serial: String,
    pub(super) posted: Decimal,
    pub(super) posted_serials: BTreeSet<String>,
    /// What of a line that comes back is money.
    #[serde(default)]
    pub(super) money: Money,
    pub(super) fields: Map<String, Value>,
}

/// A row that was written by somebody.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Row {
    pub(super) fields: Map<String, Value>,
    /// Rises with every change.
    pub(super) version: u32,
    /// How often it was created; more than once only where nothing is unique or everything is updated in place.
    pub(super) creates: u32,
}

/// An update of an order.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Update {
    pub(super) header: Row,
    pub(super) request: String,
    pub(super) lines: Vec<Row>,
    pub(super) dimensions: Vec<Row>,
    pub(super) state: State,
    pub(super) message: String,
    /// It was refused because it would have been more than was ordered, or a piece twice.
    pub(super) excess: bool,
    /// Which commit handed it over first, counted over the whole environment.
    pub(super) committed: Option<u64>,
    /// How often it was handed over.
    pub(super) handed_over: u32,
    /// When it was last processed.
    pub(super) changed_ms: i64,
    /// What it posted was taken back.
    #[serde(default)]
    pub(super) reversed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum State {
    Receiving,
    Received,
    Accepted,
    Failed,
}

/// What happens in the environment.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Fact {
    Released(Box<Request>),
    Replaced(Box<Request>),
    /// It is not there any more.
    Withdrawn {
        key: RequestKey,
    },
    StatusWritten {
        key: RequestKey,
        fields: Map<String, Value>,
    },
    UpdateOpened {
        key: UpdateKey,
        request: String,
        fields: Map<String, Value>,
    },
    UpdateChanged {
        key: UpdateKey,
        fields: Map<String, Value>,
        created_again: bool,
    },
    RowWritten {
        key: UpdateKey,
        table: Table,
        place: Option<usize>,
        fields: Map<String, Value>,
        created: bool,
    },
    Reopened {
        key: UpdateKey,
    },
    Committed {
        key: UpdateKey,
        due_ms: i64,
    },
    Processed {
        key: UpdateKey,
        due_ms: i64,
        refusal: Option<Refusal>,
        /// When what came back with it is credited.
        #[serde(default)]
        credit_due_ms: Option<i64>,
    },
    /// What it posted is taken back.
    Reversed {
        key: UpdateKey,
    },
    /// A return was credited: lines and quantities; without any, nothing was left to be.
    Credited {
        key: RequestKey,
        /// When that was due; nothing for a refund that waited for no goods.
        due_ms: Option<i64>,
        credit: Credit,
    },
    TrackingWritten {
        place: Option<usize>,
        fields: Map<String, Value>,
        created: bool,
    },
    Adjusted {
        key: AdjustmentKey,
        fields: Map<String, Value>,
    },
    JournalWritten {
        key: JournalKey,
        fields: Map<String, Value>,
        due_ms: i64,
    },
    JournalLineWritten {
        key: JournalKey,
        fields: Map<String, Value>,
    },
    JournalPosted {
        key: JournalKey,
    },
    /// A row that somebody put there, or took away.
    ItemsChanged {
        key: String,
        fields: Option<Map<String, Value>>,
    },
}

/// The two tables below an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Table {
    Lines,
    Dimensions,
}

/// The simulated environment.
#[derive(Default)]
pub(super) struct Environment {
    pub(super) requests: BTreeMap<RequestKey, Request>,
    /// Documents by which way their goods go.
    counts: BTreeMap<Side, usize>,
    pub(super) origins: HashMap<(String, String), String>,
    pub(super) updates: BTreeMap<UpdateKey, Update>,
    pub(super) updates_of: HashMap<(String, String), Vec<UpdateKey>>,
    pub(super) tracking: Vec<Row>,
    tracking_of: HashMap<String, BTreeSet<usize>>,
    pub(super) adjustments: BTreeMap<AdjustmentKey, Row>,
    pub(super) journals: BTreeMap<JournalKey, Journal>,
    /// Rows of items, units, warehouses and carriers that are not as usual, by entity and key; nothing where one is gone.
    pub(super) items: BTreeMap<String, Option<Map<String, Value>>>,
    /// What was posted: shipments and adjustments.
    pub(super) stock: StockBook,
    pub(super) credits: Vec<(RequestKey, Credit)>,
    /// Returns of which something is to be credited, by when.
    pub(super) credit_due: BTreeSet<(i64, RequestKey)>,
    /// Updates that wait to be processed, by when.
    pub(super) received: BTreeSet<(i64, UpdateKey)>,
    commits: u64,
    pub(super) accepted: u64,
    pub(super) failed: u64,
    pub(super) posted: u64,
}

impl State {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Receiving => "Receiving",
            Self::Received => "Received",
            Self::Accepted => "Accepted",
            Self::Failed => "Failed",
        }
    }
}

impl Row {
    pub(super) fn new(fields: Map<String, Value>) -> Self {
        Self { fields, version: 1, creates: 1 }
    }

    pub(super) fn change(&mut self, fields: Map<String, Value>, created: bool) {
        self.fields.extend(fields);
        self.version += 1;
        self.creates += u32::from(created);
    }
}

impl Request {
    /// Whether all that was ordered is posted.
    pub(super) fn whole(&self) -> bool {
        self.lines.iter().all(|line| line.posted >= line.ordered)
    }
}

impl Update {
    pub(super) fn table(&self, table: Table) -> &[Row] {
        match table {
            Table::Lines => &self.lines,
            Table::Dimensions => &self.dimensions,
        }
    }
}

impl Environment {
    pub(super) fn happen(&mut self, fact: Fact) {
        match fact {
            Fact::Released(request) | Fact::Replaced(request) => {
                self.origins.insert((request.company.clone(), request.origin.clone()), request.id.clone());
                let side = request.side;
                let before = self.requests.insert((request.company.clone(), request.id.clone()), *request);
                *self.counts.entry(side).or_default() += usize::from(before.is_none());
            }
            Fact::Withdrawn { key } => {
                self.requests.remove(&key);
            }
            Fact::StatusWritten { key, fields } => {
                let Some(request) = self.requests.get_mut(&key) else { return };
                request.row += 1;
                if fields.contains_key("RequestStatus") {
                    request.status = text(&fields, "RequestStatus");
                }
                if fields.contains_key("ResponseMessage") {
                    request.response = text(&fields, "ResponseMessage");
                }
            }
            Fact::TrackingWritten { place, fields, created } => self.track(place, fields, created),
            Fact::Adjusted { key, fields } => self.adjust(key, fields),
            Fact::JournalWritten { key, fields, due_ms } => self.write_journal(key, fields, due_ms),
            Fact::JournalLineWritten { key, fields } => self.write_journal_line(&key, fields),
            Fact::JournalPosted { key } => self.post_journal(&key),
            Fact::ItemsChanged { key, fields } => {
                self.items.insert(key, fields);
            }
            Fact::UpdateOpened { key, request, fields } => self.open(key, request, fields),
            Fact::Processed { key, due_ms, refusal, credit_due_ms } => {
                self.process(&key, due_ms, refusal);
                self.credit_later(&key, credit_due_ms);
            }
            Fact::Reversed { key } => self.reverse(&key),
            Fact::Credited { key, due_ms, credit } => self.credit(key, due_ms, credit),
            Fact::UpdateChanged { key, fields, created_again } => {
                let Some(update) = self.updates.get_mut(&key) else { return };
                update.header.change(fields, created_again);
            }
            Fact::RowWritten { key, table, place, fields, created } => {
                let Some(update) = self.updates.get_mut(&key) else { return };
                let rows = if table == Table::Lines { &mut update.lines } else { &mut update.dimensions };
                match place.and_then(|place| rows.get_mut(place)) {
                    Some(row) => row.change(fields, created),
                    None => rows.push(Row::new(fields)),
                }
            }
            Fact::Reopened { key } => {
                let Some(update) = self.updates.get_mut(&key) else { return };
                update.header.version += 1;
                update.state = State::Receiving;
            }
            Fact::Committed { key, due_ms } => {
                self.commits += 1;
                let Some(update) = self.updates.get_mut(&key) else { return };
                update.header.version += 1;
                update.state = State::Received;
                update.committed = update.committed.or(Some(self.commits));
                update.handed_over += 1;
                self.received.insert((due_ms, key));
            }
        }
    }

    fn open(&mut self, key: UpdateKey, request: String, mut fields: Map<String, Value>) {
        fields.remove(STATUS);
        self.updates_of.entry((key.0.clone(), key.2.clone())).or_default().push(key.clone());
        let update = Update {
            header: Row::new(fields),
            request,
            lines: Vec::new(),
            dimensions: Vec::new(),
            state: State::Receiving,
            message: String::new(),
            excess: false,
            committed: None,
            handed_over: 0,
            changed_ms: 0,
            reversed: false,
        };
        self.updates.insert(key, update);
    }

    fn track(&mut self, place: Option<usize>, fields: Map<String, Value>, created: bool) {
        let held = place.filter(|place| *place < self.tracking.len());
        let place = held.unwrap_or(self.tracking.len());
        for name in fields.keys() {
            let value = text(&fields, name).to_lowercase();
            self.tracking_of.entry(format!("{name}={value}")).or_default().insert(place);
        }
        match self.tracking.get_mut(place) {
            Some(row) => row.change(fields, created),
            None => self.tracking.push(Row::new(fields)),
        }
    }

    /// Which way the goods of a document go.
    pub(super) fn side_of(&self, company: &str, request: &str) -> Side {
        self.requests.get(&(company.to_owned(), request.to_owned())).map(|request| request.side).unwrap_or_default()
    }

    /// How many documents there are of a side.
    pub(super) fn count(&self, side: Side) -> usize {
        self.counts.get(&side).copied().unwrap_or_default()
    }

    /// The places of tracking rows that hold, or held, a text.
    pub(super) fn tracking_with(&self, name: &str, value: &str) -> Vec<usize> {
        let places = self.tracking_of.get(&format!("{name}={}", value.to_lowercase()));
        places.into_iter().flatten().copied().collect()
    }

    /// The rows of a table of an update that have these key fields.
    pub(super) fn place(update: &Update, table: Table, fields: &Map<String, Value>, several: bool) -> Option<usize> {
        let same = |row: &Row, name: &str| text(&row.fields, name) == text(fields, name);
        let by_dimension = table == Table::Dimensions && several;
        update.table(table).iter().position(|row| {
            let apart = [LOT, SERIAL, CONDITION, RECEIVED_AS];
            same(row, LINE) && (!by_dimension || apart.iter().all(|name| same(row, name)))
        })
    }
}
