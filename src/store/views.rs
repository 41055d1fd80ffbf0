//! Documents put together for people: the document, its names, its journey.

use std::collections::HashMap;

use sqlx::FromRow;
use uuid::Uuid;

use super::asked::DocumentView;
use super::columns::instant;
use super::rows::{Document, Step};

/// A document as it is read.
#[derive(FromRow)]
pub(super) struct DocumentColumns {
    pub(super) key: String,
    kind: String,
    legal_entity: Option<String>,
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

/// Each document with what is its own, in the order in which it was read.
pub(super) fn assemble(
    documents: Vec<DocumentColumns>,
    names: Vec<NameColumns>,
    steps: Vec<StepColumns>,
) -> Vec<DocumentView> {
    let mut names_of: HashMap<_, Vec<_>> = HashMap::new();
    for NameColumns { document, label, name } in names {
        names_of.entry(document).or_default().push((label, name));
    }
    let mut steps_of: HashMap<_, Vec<_>> = HashMap::new();
    for step in steps {
        let StepColumns { document, at, system, what, message_id, mode } = step;
        let step = Step { document: document.clone(), at: instant(at), system, what, message_id, mode };
        steps_of.entry(document).or_default().push(step);
    }
    let view = |DocumentColumns { key, kind, legal_entity }| DocumentView {
        steps: steps_of.remove(&key).unwrap_or_default(),
        document: Document { names: names_of.remove(&key).unwrap_or_default(), key, kind, legal_entity },
    };
    documents.into_iter().map(view).collect()
}
