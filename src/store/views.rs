//! Documents put together for people: the document, its names, how far it is, its journey.
//!
//! One document is everything under one ordering key: an order with its shipments and tracking, an inbound order with its
//! receipts. It is found also where nothing was done about it, and is then what its messages and its place in lists tell.

use std::collections::{BTreeMap, HashMap};

use serde::ser::{Serialize, SerializeStruct, Serializer};
use serde_json::{Value, json};
use sqlx::FromRow;
use uuid::Uuid;

use super::columns::{clean, instant};
use super::rows::{Document, Step};

/// One name finds no more documents than this.
pub const DOCUMENTS_MAX: usize = 100;

/// The latest steps that are shown of one document's journey.
pub const STEPS_MAX: usize = 2000;

/// A name that only messages wait for.
const FOR_MESSAGES: &str = "awaited_as";

/// A document as people search for it.
#[derive(Clone, Debug)]
pub struct DocumentView {
    /// The document; of one that is not known, what is known of it.
    pub document: Document,
    /// How far it is, where lists of documents tell it.
    pub state: Option<String>,
    /// Its journey, oldest first: the latest [`STEPS_MAX`] steps.
    pub steps: Vec<Step>,
    /// Whether there are older steps.
    pub has_older_steps: bool,
}

impl DocumentView {
    /// How far it is; where no list tells that, what happened last.
    #[must_use]
    pub fn stands(&self) -> Option<&str> {
        self.state.as_deref().or_else(|| self.steps.last().map(|step| step.what.as_str()))
    }

    /// Its names for people: (`tracking_number`, `1Z999`).
    pub fn names(&self) -> impl Iterator<Item = (&str, &str)> {
        let names = self.document.names.iter().filter(|(label, _)| label != FOR_MESSAGES);
        names.map(|(label, name)| (label.as_str(), name.as_str()))
    }
}

/// As people get it, at the command line and from the API. Of one label one name is a text, several are a list.
impl Serialize for DocumentView {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut keys: BTreeMap<&str, Value> = BTreeMap::new();
        for (label, name) in self.names() {
            keys.entry(label).and_modify(|known| several(known, name)).or_insert_with(|| name.into());
        }
        let step = |step: &Step| json!({ "at": step.at, "system": step.system, "what": step.what, "message_id": step.message_id, "mode": step.mode });
        let mut shown = serializer.serialize_struct("DocumentView", 7)?;
        shown.serialize_field("document", &self.document.key)?;
        shown.serialize_field("kind", &self.document.kind)?;
        shown.serialize_field("legal_entity", &self.document.legal_entity)?;
        shown.serialize_field("keys", &keys)?;
        shown.serialize_field("state", &self.stands())?;
        shown.serialize_field("steps", &self.steps.iter().map(step).collect::<Vec<_>>())?;
        shown.serialize_field("has_older_steps", &self.has_older_steps)?;
        shown.end()
    }
}

fn several(known: &mut Value, name: &str) {
    match known {
        Value::Array(names) => names.push(name.into()),
        one => *one = json!([one, name]),
    }
}

/// A name as people write it, and folded: both stores fold the letters from A to Z alone.
pub(super) fn asked(name: &str) -> (String, String) {
    let name = clean(name.trim()).into_owned();
    let folded = name.to_ascii_lowercase();
    (name, folded)
}

/// A known document as it is read.
#[derive(FromRow)]
pub(super) struct DocumentColumns {
    key: String,
    kind: String,
    legal_entity: Option<String>,
}

impl DocumentColumns {
    /// Without its names.
    pub(super) fn document(self) -> Document {
        let Self { key, kind, legal_entity } = self;
        Document { key, kind, legal_entity, names: Vec::new() }
    }
}

/// How far a document is, as it is read.
#[derive(FromRow)]
pub(super) struct StandColumns {
    document: String,
    kind: String,
    legal_entity: Option<String>,
    state: String,
}

/// A document's name as it is read.
#[derive(FromRow)]
pub(super) struct NameColumns {
    document: String,
    label: String,
    name: String,
}

/// A step as it is read.
#[derive(FromRow)]
pub(super) struct StepColumns {
    document: String,
    at: i64,
    system: String,
    what: String,
    message_id: Uuid,
    mode: String,
}

/// What was read of documents that were found.
pub(super) struct Found {
    pub(super) keys: Vec<String>,
    pub(super) documents: Vec<DocumentColumns>,
    pub(super) stands: Vec<StandColumns>,
    pub(super) names: Vec<NameColumns>,
    /// The latest first.
    pub(super) steps: Vec<StepColumns>,
}

/// Each document with what is its own, in the order in which it was found.
pub(super) fn assemble(found: Found) -> Vec<DocumentView> {
    let mut documents: HashMap<_, _> =
        found.documents.into_iter().map(|row| (row.key.clone(), row.document())).collect();
    let mut stands: HashMap<_, _> = found.stands.into_iter().map(|row| (row.document.clone(), row)).collect();
    let mut names_of: HashMap<_, Vec<_>> = HashMap::new();
    for NameColumns { document, label, name } in found.names {
        names_of.entry(document).or_default().push((label, name));
    }
    let mut steps_of: HashMap<_, Vec<_>> = HashMap::new();
    for step in found.steps {
        let StepColumns { document, at, system, what, message_id, mode } = step;
        let step = Step { document: document.clone(), at: instant(at), system, what, message_id, mode };
        steps_of.entry(document).or_default().push(step);
    }
    let view = |key: String| {
        let stand = stands.remove(&key);
        let (kind, legal_entity) = stand
            .as_ref()
            .map_or_else(|| (kind_of(&key), None), |stand| (stand.kind.as_str(), stand.legal_entity.clone()));
        let blank = || Document { key: key.clone(), kind: kind.to_owned(), legal_entity: None, names: Vec::new() };
        let mut document = documents.remove(&key).unwrap_or_else(blank);
        document.legal_entity = document.legal_entity.or(legal_entity);
        document.names = names_of.remove(&key).unwrap_or_default();
        let mut steps = steps_of.remove(&key).unwrap_or_default();
        let has_older_steps = steps.len() > STEPS_MAX;
        steps.truncate(STEPS_MAX);
        steps.reverse();
        DocumentView { document, state: stand.map(|stand| stand.state), steps, has_older_steps }
    };
    found.keys.into_iter().map(view).collect()
}

/// What a key that nothing else is known of names: keys begin with it.
fn kind_of(key: &str) -> &'static str {
    match key.split('/').next() {
        Some("order") => "order",
        Some("inbound") => "inbound_order",
        Some("rma") => "return",
        Some("stock") => "stock",
        Some("period") => "period",
        _ => "document",
    }
}
