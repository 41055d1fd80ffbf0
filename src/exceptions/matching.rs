//! Goods without an RMA: which returns and orders may be meant, and a person's choice.
//!
//! What is suggested is looked for by the names under which documents are known, each time somebody looks: it is never out of
//! date. It refuses to choose, however good the only match is. The choice is a patch of this one message, as every
//! correction is: checked, kept as a revision, and subject to the second person where every patch is.

use std::collections::BTreeMap;

use serde::Serialize;
use uuid::Uuid;

use super::campaign::{NotPlanned, Pace, Plan, Turn, Turned, change, plan};
use super::patch::Patch;
use crate::config::Config;
use crate::message::{Body, Envelope, ReturnReceived};
use crate::store::{DocumentView, ExceptionFilter, ParkedFilter, Store, StoreError, WaitsFor};

/// More are no help.
const SUGGESTIONS_MAX: usize = 10;

/// What is done with it first: a return that somebody announced is likelier than one that nobody asked for.
const ANNOUNCED: u32 = 5;

/// A document that may be meant by goods without an RMA.
#[derive(Clone, Debug, Serialize)]
pub struct Suggestion {
    /// The document.
    pub document: String,
    /// `return_order`, or `order`, of which a return order would be made.
    pub kind: String,
    /// By which number people know it.
    pub number: String,
    /// How it stands.
    pub stands: Option<String>,
    /// Why it may be meant, the best reason first.
    pub why: Vec<String>,
    /// What picks it.
    pub command: String,
}

/// Whose goods are that came without an RMA.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Match {
    /// The return of this RMA.
    Return(String),
    /// The order of this key; its return order is made of what came.
    Order(String),
}

/// What became of a person's choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Matched {
    /// It goes on.
    Yes,
    /// It does not, for this reason; the sentence says what to do.
    Not(String),
    /// Nothing that waits has this id.
    Unknown,
}

impl Match {
    /// Exactly one of both.
    ///
    /// # Errors
    /// What is wrong, and what to do.
    pub fn of(rma: Option<&str>, order: Option<&str>) -> Result<Self, String> {
        match (rma.map(str::trim), order.map(str::trim)) {
            (Some(rma), None) if !rma.is_empty() => Ok(Self::Return(rma.to_owned())),
            (None, Some(order)) if !order.is_empty() => Ok(Self::Order(order.to_owned())),
            _ => Err("say either the RMA of its return, or the order of which one is made".to_owned()),
        }
    }

    /// The name in the trail.
    #[must_use]
    pub fn field(&self) -> &'static str {
        match self {
            Self::Return(_) => "rma",
            Self::Order(_) => "matched_order",
        }
    }
}

impl Matched {
    /// For people: what it means, and what to do.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self {
            Self::Yes => "It goes on by itself, and so does every later report of the same goods.".to_owned(),
            Self::Not(why) => why.clone(),
            Self::Unknown => "Nothing that waits for a person has this id.".to_owned(),
        }
    }
}

/// Something that is known of goods, and by which documents are looked for.
struct Clue {
    name: String,
    weight: u32,
    why: String,
}

/// A document that was found by clues.
struct Found {
    suggestion: Suggestion,
    weight: u32,
}

/// What may be meant by goods that came without an RMA, the likeliest first; nothing for every other message.
///
/// # Errors
/// The store's.
pub async fn suggestions(store: &Store, envelope: &Envelope) -> Result<Vec<Suggestion>, StoreError> {
    let Some((body, environment)) = without_rma(envelope) else { return Ok(Vec::new()) };
    let mut found: BTreeMap<String, Found> = BTreeMap::new();
    for clue in clues(body) {
        for view in of_the_wishes(store, store.documents(&clue.name).await?).await? {
            let Some(suggestion) = suggested(&view, environment, envelope.message_id) else { continue };
            let announced = if suggestion.kind == "order" { 0 } else { ANNOUNCED };
            let known = found.entry(suggestion.command.clone()).or_insert(Found { suggestion, weight: announced });
            if !known.suggestion.why.contains(&clue.why) {
                known.weight += clue.weight;
                known.suggestion.why.push(clue.why.clone());
            }
        }
    }
    let mut found: Vec<Found> = found.into_values().collect();
    found.sort_by_key(|candidate| std::cmp::Reverse(candidate.weight));
    found.truncate(SUGGESTIONS_MAX);
    Ok(found.into_iter().map(|found| found.suggestion).collect())
}

/// A wish for a return stands for the return that was made of it.
async fn of_the_wishes(store: &Store, found: Vec<DocumentView>) -> Result<Vec<DocumentView>, StoreError> {
    let mut views = Vec::new();
    for view in found {
        let rma = view.names().find(|(label, _)| *label == "rma").map(|(_, rma)| rma.to_owned());
        match rma.filter(|_| view.document.kind == "return_request") {
            Some(rma) => views.extend(store.documents(&rma).await?),
            None => views.push(view),
        }
    }
    Ok(views)
}

/// What came, and in which environment, where it names no RMA.
fn without_rma(envelope: &Envelope) -> Option<(&ReturnReceived, &str)> {
    let Body::ReturnReceived(body) = &envelope.body else { return None };
    let is_named = body.rma.as_deref().is_some_and(|rma| !rma.trim().is_empty());
    let environment = envelope.environment.as_ref().filter(|_| !is_named)?;
    Some((body, environment.as_str()))
}

/// What is known of the goods, the best first.
fn clues(body: &ReturnReceived) -> Vec<Clue> {
    let clue = |name: &str, weight: u32, why: String| Clue { name: name.to_owned(), weight, why };
    let tracked = body.tracking_numbers.iter();
    let mut clues: Vec<Clue> =
        tracked.map(|number| clue(number, 40, format!("the tracking number {number}"))).collect();
    if let Some(order) = &body.order {
        let reference = order.reference.iter().map(|number| (number, 30));
        let numbers = [&order.order_number, &order.purchase_order, &order.external_order_id];
        let written = reference.chain(numbers.into_iter().flatten().map(|number| (number, 20)));
        clues.extend(written.map(|(number, weight)| clue(number, weight, format!("{number}, which the goods name"))));
    }
    for line in body.lines.iter().filter(|_| body.customer_account.is_some()) {
        let (customer, sku) = (body.customer_account.as_deref().unwrap_or_default(), &line.item.sku);
        clues.push(clue(&format!("{customer}/{sku}"), 10, format!("the customer {customer} with {sku}")));
    }
    clues.retain(|clue| !clue.name.trim().is_empty());
    clues
}

/// A document as it is suggested, where goods can be of it.
fn suggested(view: &DocumentView, environment: &str, message: Uuid) -> Option<Suggestion> {
    let named = |wanted: &str| view.names().find(|(label, _)| *label == wanted).map(|(_, name)| name.to_owned());
    let document = &view.document;
    if !was_sent(view) {
        return None;
    }
    let (number, picked) = match document.kind.as_str() {
        "return_order" => {
            let rma = document.key.strip_prefix(&format!("rma/{environment}/"))?.to_owned();
            (rma.clone(), format!("--return {}", quoted(&rma)))
        }
        "order" if document.key.starts_with(&format!("order/{environment}/")) => {
            let number = named("order_number").or_else(|| named("reference")).unwrap_or_else(|| document.key.clone());
            (number, format!("--order {}", quoted(&document.key)))
        }
        _ => return None,
    };
    let kind = if document.kind == "order" { "order" } else { "return_order" };
    Some(Suggestion {
        document: document.key.clone(),
        kind: kind.to_owned(),
        number,
        stands: view.stands().map(str::to_owned),
        why: Vec::new(),
        command: format!("drayline exceptions match {message} {picked}"),
    })
}

/// Whether a warehouse has it from us: what only messages speak of is nothing that goods can be of.
fn was_sent(view: &DocumentView) -> bool {
    ["request", "warehouse_order"].iter().all(|wanted| view.names().any(|(label, _)| label == *wanted))
}

/// As a shell takes it.
fn quoted(text: &str) -> String {
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte));
    if plain { text.to_owned() } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

/// Has goods without an RMA go on as a person chose; `campaign` is the id under which the patch is kept.
///
/// # Errors
/// The store's.
pub async fn match_return(
    (store, config): (&Store, &Config),
    (id, campaign): (Uuid, Uuid),
    choice: &Match,
    by: &str,
) -> Result<Matched, StoreError> {
    let parked = store.parked(&ParkedFilter { message_id: Some(id), limit: 1, ..ParkedFilter::default() }).await?;
    let Some(listed) = parked.1.into_iter().next() else { return Ok(Matched::Unknown) };
    if let Some(head) = listed.behind {
        return Ok(Matched::Not(format!("It stands behind {head}, which must be solved first.")));
    }
    if listed.parked.waits_for != WaitsFor::Person {
        return Ok(Matched::Not("It does not wait for a person now: look again later.".to_owned()));
    }
    let envelope = Envelope::decode(&listed.parked.bytes).ok();
    let Some((_, environment)) = envelope.as_ref().and_then(without_rma) else {
        return Ok(Matched::Not("It reports no goods without an RMA: there is nothing to match.".to_owned()));
    };
    let patch = match choice {
        Match::Return(rma) => assigned("rma", rma),
        Match::Order(key) => match the_order(store, environment, key).await? {
            Ok(document) => assigned("matchedOrder", &document),
            Err(why) => return Ok(Matched::Not(why)),
        },
    };
    let patch = match Patch::new(&patch) {
        Ok(patch) => patch,
        Err(why) => return Ok(Matched::Not(why)),
    };
    let one = Plan {
        filter: ExceptionFilter { messages: Some(vec![id]), ..ExceptionFilter::default() },
        wanted: format!("message={id}"),
        pace: Pace { canary: Some(0), dry_run: Some(0), ..Pace::default() },
        patch: Some(patch),
    };
    match plan((store, config), (campaign, by), one).await {
        Ok(()) => {}
        Err(NotPlanned::Patch(why)) => return Ok(Matched::Not(why)),
        Err(NotPlanned::Store(error)) => return Err(error),
    }
    Ok(match change((store, config), campaign, Turn::Start, by, "").await? {
        Turned::Done => Matched::Yes,
        Turned::Not(why) => Matched::Not(why),
        Turned::Unknown => Matched::Unknown,
    })
}

fn assigned(member: &str, value: &str) -> String {
    format!(".returnReceived.{member} = {}", serde_json::Value::from(value))
}

/// The one order that is known by a key.
async fn the_order(store: &Store, environment: &str, key: &str) -> Result<Result<String, String>, StoreError> {
    let prefix = format!("order/{environment}/");
    let views = store.documents(key).await?;
    let sent = views.iter().filter(|view| was_sent(view)).map(|view| &view.document);
    let orders: Vec<_> = sent.filter(|known| known.kind == "order" && known.key.starts_with(&prefix)).collect();
    Ok(match orders.as_slice() {
        [order] => Ok(order.key.clone()),
        [] => Err(format!("No order of {environment} that went to a warehouse is known by {key}.")),
        [one, other, ..] => Err(format!(
            "Several orders are known by {key}, {} and {} among them: name one by its document.",
            one.key, other.key
        )),
    })
}
