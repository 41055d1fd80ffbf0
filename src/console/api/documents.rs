//! `GET /v1/documents`: a document's journey by any of its keys, as `drayline documents show` tells it; or the documents in some
//! states, as `drayline documents list` does.

use axum::Json;
use axum::extract::State as Of;
use serde_json::{Value, json};

use super::asked::Ask;
use super::caller::Caller;
use super::pages::{Page, Paging};
use super::problem::Problem;
use super::{Access, Api, Route};
use crate::exceptions::duration;
use crate::store::{ProgressFilter, Role, State};

/// A query's names and values; `state` may stand there several times.
type Parts = Vec<(String, String)>;

pub(super) fn routes() -> Vec<Route> {
    vec![Route::get("/v1/documents", Access::From(Role::Viewer), &[200], find)]
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
    let mut filter = asked(parts)?;
    caller.may_touch(None, filter.warehouse.as_deref())?;
    filter.after = paging.after()?;
    filter.limit = paging.rows();
    let (matching, documents) = api.store.progress(&filter).await?;
    // It is counted from the cursor on, so that only the first page knows how many there are.
    let total = filter.after.is_none().then_some(matching);
    let page = paging.page(total, documents, |last| (last.released_at, last.document.clone()));
    Ok(Json(page.map(|document| json!(document))))
}

/// What a query wants: everything that is open when it names no state.
fn asked(parts: &Parts) -> Result<ProgressFilter, Problem> {
    let mut filter =
        ProgressFilter { states: Vec::new(), warehouse: None, older_than: None, released: None, after: None, limit: 0 };
    for (name, value) in parts {
        let wrong = |why: String| Problem::query(&format!("{name}: {why}"));
        match name.as_str() {
            "state" => filter.states.push(value.parse().map_err(wrong)?),
            "warehouse" if filter.warehouse.is_none() => filter.warehouse = Some(value.clone()),
            "older_than" if filter.older_than.is_none() => {
                filter.older_than = Some(duration(value).map_err(wrong)?);
            }
            "warehouse" | "older_than" => return Err(wrong("it stands there twice".to_owned())),
            _ => return Err(wrong("it is none of key, state, older_than, warehouse, limit, cursor".to_owned())),
        }
    }
    if filter.states.is_empty() {
        filter.states = State::ALL.into_iter().filter(|state| state.is_open()).collect();
    }
    Ok(filter)
}
