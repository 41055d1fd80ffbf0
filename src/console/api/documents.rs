//! `GET /v1/documents`: a document's journey by any of its keys, as `drayline documents show` tells it; or the documents in some
//! states, as `drayline documents list` does. `GET /v1/documents/totals`: what is outstanding, added up.

use std::time::Duration;

use axum::Json;
use axum::extract::State as Of;
use serde_json::{Value, json};

use super::asked::Ask;
use super::caller::Caller;
use super::pages::{Page, Paging};
use super::problem::Problem;
use super::{Access, Api, Route};
use crate::exceptions::duration;
use crate::store::{Outstanding, OutstandingFilter, OutstandingTotal, ProgressFilter, Role, State};

/// A query's names and values; `state` may stand there several times.
type Parts = Vec<(String, String)>;

pub(super) fn routes() -> Vec<Route> {
    let look = Access::From(Role::Viewer);
    vec![Route::get("/v1/documents", look, &[200], find), Route::get("/v1/documents/totals", look, &[200], totals)]
}

async fn find(Of(api): Of<Api>, caller: Caller, ask: Ask<Parts>) -> Result<Json<Page<Value>>, Problem> {
    let Ask { paging, filter } = ask;
    match filter.iter().find(|(name, _)| name == "key") {
        Some((_, key)) if filter.len() == 1 => show(&api, &caller, &paging, key.trim()).await,
        Some(_) => Err(Problem::query(&"key: it goes alone; whatever has this key is answered")),
        None => list(&api, &caller, &paging, &filter).await,
    }
}

/// Every document that has this key, with its journey: they are few, and make one page.
async fn show(api: &Api, caller: &Caller, paging: &Paging, key: &str) -> Result<Json<Page<Value>>, Problem> {
    if key.is_empty() {
        return Err(Problem::query(&"key: it is empty; a key is any number that names the document, such as SO-1001"));
    }
    // A journey crosses both systems.
    caller.may_touch(None, None)?;
    let _: Option<Value> = paging.after()?;
    let found = api.store.documents(key).await?;
    let total = u64::try_from(found.len()).ok();
    Ok(Json(Page { total, items: found.iter().map(|view| json!(view)).collect(), next_cursor: None }))
}

async fn list(api: &Api, caller: &Caller, paging: &Paging, parts: &Parts) -> Result<Json<Page<Value>>, Problem> {
    let asked = asked(parts)?;
    caller.may_touch(None, asked.warehouse.as_deref())?;
    if asked.is_of_the_outstanding() {
        return outstanding(api, paging, asked.outstanding()).await;
    }
    let Asked { states, warehouse, older_than, .. } = asked;
    let states = match states {
        states if states.is_empty() => State::ALL.into_iter().filter(|state| state.is_open()).collect(),
        states => states,
    };
    let (after, limit) = (paging.after()?, paging.rows());
    let filter = ProgressFilter { states, warehouse, older_than, released: None, after, limit };
    let (matching, documents) = api.store.progress(&filter).await?;
    // It is counted from the cursor on, so that only the first page knows how many there are.
    let total = filter.after.is_none().then_some(matching);
    let page = paging.page(total, documents, |last| (last.released_at, last.document.clone()));
    Ok(Json(page.map(|document| json!(document))))
}

async fn outstanding(api: &Api, paging: &Paging, filter: OutstandingFilter) -> Result<Json<Page<Value>>, Problem> {
    let filter = OutstandingFilter { after: paging.after()?, limit: paging.rows(), ..filter };
    let total = match &filter.after {
        None => Some(counted(&api.store.outstanding_totals(&filter).await?)),
        Some(_) => None,
    };
    let documents = api.store.outstanding(&filter).await?;
    let page = paging.page(total, documents, |last| (last.since, last.document.clone()));
    Ok(Json(page.map(|document| json!(document))))
}

/// By state and currency. They are few; whoever asks for fewer gets the others on the next page.
async fn totals(Of(api): Of<Api>, caller: Caller, ask: Ask<Parts>) -> Result<Json<Page<OutstandingTotal>>, Problem> {
    let Ask { paging, filter } = ask;
    let asked = asked(&filter)?;
    caller.may_touch(None, asked.warehouse.as_deref())?;
    if !asked.states.is_empty() {
        return Err(Problem::query(&"state: only what is outstanding is added up"));
    }
    let seen: u32 = paging.after()?.unwrap_or_default();
    let totals = api.store.outstanding_totals(&asked.outstanding()).await?;
    let total = u64::try_from(totals.len()).ok();
    let numbered = (1_u32..).zip(totals).filter(|(number, _)| *number > seen).collect();
    Ok(Json(paging.page(total, numbered, |(number, _)| *number).map(|(_, total)| total)))
}

fn counted(totals: &[OutstandingTotal]) -> u64 {
    totals.iter().map(|total| total.documents.unsigned_abs()).sum()
}

/// What a query wants.
#[derive(Default)]
struct Asked {
    states: Vec<State>,
    open: Vec<Outstanding>,
    warehouse: Option<String>,
    legal_entity: Option<String>,
    older_than: Option<Duration>,
}

impl Asked {
    /// A company is named of what is outstanding alone.
    fn is_of_the_outstanding(&self) -> bool {
        !self.open.is_empty() || self.legal_entity.is_some()
    }

    /// Of everything that is outstanding when no state is named.
    fn outstanding(self) -> OutstandingFilter {
        let states = if self.open.is_empty() { Outstanding::ALL.to_vec() } else { self.open };
        let Self { warehouse, legal_entity, older_than, .. } = self;
        OutstandingFilter { warehouse, legal_entity, older_than, ..OutstandingFilter::of(&states) }
    }
}

fn asked(parts: &Parts) -> Result<Asked, Problem> {
    let mut asked = Asked::default();
    for (name, value) in parts {
        let wrong = |why: String| Problem::query(&format!("{name}: {why}"));
        match name.as_str() {
            "state" => match Outstanding::named(value) {
                Some(state) => asked.open.push(state),
                None => asked.states.push(value.parse().map_err(wrong)?),
            },
            "warehouse" if asked.warehouse.is_none() => asked.warehouse = Some(value.clone()),
            "legal_entity" if asked.legal_entity.is_none() => asked.legal_entity = Some(value.clone()),
            "older_than" if asked.older_than.is_none() => {
                asked.older_than = Some(duration(value).map_err(wrong)?);
            }
            "warehouse" | "legal_entity" | "older_than" => return Err(wrong("it stands there twice".to_owned())),
            _ => {
                let known = "it is none of key, state, older_than, warehouse, legal_entity, limit, cursor";
                return Err(wrong(known.to_owned()));
            }
        }
    }
    if asked.is_of_the_outstanding() && !asked.states.is_empty() {
        let why = "state: how far documents are, and what of them is outstanding (the only list by legal_entity), are two lists";
        return Err(Problem::query(&why));
    }
    Ok(asked)
}
