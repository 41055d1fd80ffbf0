//! `/v1/exceptions`: what people work on, and what they do about it.

use std::collections::HashMap;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Deserializer, Serialize};
use uuid::Uuid;

use super::asked::{Ask, Id, Sent};
use super::caller::Caller;
use super::pages::Page;
use super::problem::Problem;
use super::{Access, Api, Route};
use crate::exceptions::{
    self, Exception, Match, Matched, OnceMore, Patch, Resolved, Shown, Verdict, documents_of, filter, match_return,
    once_more, page, parts, resolve, show,
};
use crate::store::{Act, Acted, Cause, Changed, Discarded, ExceptionFilter, Handling, Replayed, Role, Seen};

/// More are not changed by one request.
const MESSAGES_MAX: usize = 1000;

/// A query's names and values: those of `drayline exceptions list`.
type Parts = Vec<(String, String)>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Work {
    messages: Vec<Uuid>,
    #[serde(rename = "do")]
    handling: Handling,
    /// The versions of some of them, as the author saw them: nothing is done where one is another now.
    #[serde(default)]
    seen: HashMap<Uuid, i64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Discard {
    #[serde(default, deserialize_with = "said")]
    messages: Option<Vec<Uuid>>,
    /// `flow=orders,code=warehouse.rejected`, instead of messages.
    #[serde(default, deserialize_with = "said")]
    filter: Option<String>,
    reason: String,
    /// Tells which it would be, and discards none.
    #[serde(default)]
    dry_run: bool,
}

/// What is said is a value: null is none.
fn said<'de, D: Deserializer<'de>, T: Deserialize<'de>>(value: D) -> Result<Option<T>, D::Error> {
    T::deserialize(value).map(Some)
}

/// Exactly one of both.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ByHand {
    exists_as: Option<String>,
    did_not_happen: Option<bool>,
}

/// Exactly one of both.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Chosen {
    rma: Option<String>,
    order: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Replaying {
    /// Also if it has ended already.
    #[serde(default)]
    again: bool,
    /// With `again`: corrected first by this jq filter.
    #[serde(default, deserialize_with = "said")]
    patch: Option<String>,
}

/// Of which messages it was done; the rest were not in a state in which it can be done.
#[derive(Debug, Serialize)]
struct Done {
    done: Vec<Uuid>,
}

/// What was discarded; in a dry run, what would be.
#[derive(Debug, Default, Serialize)]
struct Discarding {
    done: Vec<Uuid>,
    would_discard: Vec<Uuid>,
}

pub(super) fn routes() -> Vec<Route> {
    let (look, work) = (Access::From(Role::Viewer), Access::From(Role::Operator));
    vec![
        Route::get("/v1/exceptions", look, &[200], list),
        Route::get("/v1/exceptions/causes", look, &[200], causes),
        Route::get("/v1/exceptions/{id}", look, &[200, 404], one),
        Route::post("/v1/exceptions/work", work, &[200, 404, 415], handle),
        Route::post("/v1/exceptions/discard", work, &[200, 404, 415], discard),
        Route::post("/v1/exceptions/{id}/replay", work, &[200, 404, 415], replay),
        Route::post("/v1/exceptions/{id}/resolve", work, &[200, 404, 415], by_hand),
        Route::post("/v1/exceptions/{id}/match", work, &[200, 404, 415], matched),
    ]
}

/// What a query wants. A token that is limited names its flow and its connection.
fn asked(api: &Api, caller: &Caller, parts: &Parts) -> Result<ExceptionFilter, Problem> {
    let parts = parts.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let wanted = filter(parts, &api.config.exceptions.owners).map_err(|why| Problem::query(&why))?;
    caller.may_touch(wanted.flow, wanted.connection.as_deref())?;
    Ok(wanted)
}

async fn list(State(api): State<Api>, caller: Caller, ask: Ask<Parts>) -> Result<Json<Page<Exception>>, Problem> {
    let Ask { paging, filter } = ask;
    let filter = ExceptionFilter { after: paging.after()?, limit: paging.rows(), ..asked(&api, &caller, &filter)? };
    let (total, placed) = page(&api.store, &api.config.exceptions.owners, &filter).await?;
    let page = paging.page(Some(total), placed, |(cursor, _)| cursor.clone());
    Ok(Json(page.map(|(_, exception)| exception)))
}

async fn causes(State(api): State<Api>, caller: Caller, ask: Ask<Parts>) -> Result<Json<Page<Cause>>, Problem> {
    let filter = ExceptionFilter { limit: ask.paging.limit, ..asked(&api, &caller, &ask.filter)? };
    let causes = api.store.causes(&filter).await?;
    Ok(Json(ask.paging.page(None, causes, |cause| cause.fingerprint.clone())))
}

async fn one(State(api): State<Api>, caller: Caller, Id(id): Id) -> Result<Json<Shown>, Problem> {
    Ok(Json(known(&api, &caller, id).await?))
}

async fn known(api: &Api, caller: &Caller, id: Uuid) -> Result<Shown, Problem> {
    let shown = show(&api.store, &api.config.exceptions.owners, id).await?;
    let shown = shown.ok_or_else(|| Problem::not_found(format!("Nothing is known of a message {id}.")))?;
    caller.may_touch(Some(shown.exception.flow), Some(&shown.exception.connection))?;
    Ok(shown)
}

/// All of them are known, and within the limits of the token.
async fn all(api: &Api, caller: &Caller, messages: &[Uuid]) -> Result<Vec<String>, Problem> {
    if messages.is_empty() || messages.len() > MESSAGES_MAX {
        return Err(Problem::invalid("/messages", format!("must name 1 to {MESSAGES_MAX} messages")));
    }
    if caller.flows.is_some() || caller.connections.is_some() {
        for id in messages {
            known(api, caller, *id).await?;
        }
    } else if let [id] = messages {
        known(api, caller, *id).await?;
    }
    Ok(documents_of(&api.store, messages).await?)
}

async fn handle(
    State(api): State<Api>,
    caller: Caller,
    Sent(Work { messages, handling, seen }): Sent<Work>,
) -> Result<Json<Done>, Problem> {
    if handling.is_empty() {
        return Err(Problem::invalid("/do", "says nothing"));
    }
    if let Some(stranger) = seen.keys().find(|id| !messages.contains(id)) {
        return Err(Problem::invalid(format!("/seen/{stranger}"), "is none of the messages"));
    }
    let documents = all(&api, &caller, &messages).await?;
    let fields = vec![handling.word().to_owned()];
    let act = Act { action: "exception.work", documents, fields, ..Act::default() };
    let version = |id: &Uuid| Seen { message_id: *id, version: seen.get(id).copied() };
    let messages: Vec<_> = messages.iter().map(version).collect();
    let doing = Box::pin(async {
        match api.store.act(&messages, &handling, &caller.name).await? {
            Acted::Done(done) => Ok(done),
            Acted::Changed(changed) => Err(meanwhile(&changed)),
        }
    });
    Ok(Json(Done { done: api.act(&caller, &act, doing).await? }))
}

/// What the author saw is no more: who changed what, each at its place.
fn meanwhile(changed: &[Changed]) -> Problem {
    const DO: &str = "Look at how it is now, and say it again with its version if it still holds.";
    let first = changed.first().map(Changed::sentence).unwrap_or_default();
    let places = changed.iter().map(|each| (format!("/seen/{}", each.message_id), each.sentence()));
    Problem::conflict(first).named("changed-meanwhile", "Somebody else changed it meanwhile", DO).at(places)
}

async fn discard(
    State(api): State<Api>,
    caller: Caller,
    Sent(asked): Sent<Discard>,
) -> Result<Json<Discarding>, Problem> {
    let reason = asked.reason.trim();
    if reason.is_empty() {
        return Err(Problem::invalid("/reason", "must say why: it stays on the document's journey"));
    }
    let messages = match (&asked.filter, asked.messages) {
        (Some(filter), None) => chosen(&api, &caller, filter).await?,
        (None, messages) => messages.unwrap_or_default(),
        (Some(_), Some(_)) => return Err(Problem::invalid("/filter", "stands instead of messages, not beside them")),
    };
    if messages.is_empty() && asked.filter.is_some() {
        return Ok(Json(Discarding::default()));
    }
    let documents = all(&api, &caller, &messages).await?;
    if asked.dry_run {
        return Ok(Json(Discarding { done: Vec::new(), would_discard: messages }));
    }
    let act = Act { action: "exception.discard", documents, ..Act::default() };
    let doing = Box::pin(async {
        let mut done = Vec::new();
        for id in &messages {
            if api.store.discard(*id, &caller.name, reason).await? == Discarded::Yes {
                done.push(*id);
            }
        }
        Ok(done)
    });
    Ok(Json(Discarding { done: api.act(&caller, &act, doing).await?, would_discard: Vec::new() }))
}

/// The messages of a filter that are not over yet.
async fn chosen(api: &Api, caller: &Caller, filter: &str) -> Result<Vec<Uuid>, Problem> {
    let wrong = |why: String| Problem::invalid("/filter", why);
    let chosen = exceptions::filter(parts(filter).map_err(wrong)?, &api.config.exceptions.owners).map_err(wrong)?;
    caller.may_touch(chosen.flow, chosen.connection.as_deref())?;
    let limit = u32::try_from(MESSAGES_MAX).unwrap_or(u32::MAX);
    let (total, placed) = page(&api.store, &api.config.exceptions.owners, &ExceptionFilter { limit, ..chosen }).await?;
    if total > u64::from(limit) {
        return Err(wrong(format!("matches {total} exceptions; {limit} are discarded at once: narrow it")));
    }
    Ok(placed.into_iter().map(|(_, exception)| exception.id).collect())
}

async fn replay(
    State(api): State<Api>,
    caller: Caller,
    Id(id): Id,
    Sent(Replaying { again, patch }): Sent<Replaying>,
) -> Result<Json<Done>, Problem> {
    if again {
        return run_again(&api, &caller, id, patch.as_deref()).await;
    }
    if patch.is_some() {
        return Err(Problem::invalid("/patch", "goes with again; what waits is patched by a campaign"));
    }
    let document = known(&api, &caller, id).await?.exception.document;
    let act = Act { action: "exception.replay", documents: vec![document], ..Act::default() };
    let doing = Box::pin(async {
        match api.store.replay(id, &caller.name).await? {
            Replayed::Due => Ok(vec![id]),
            Replayed::Behind(head) => {
                Err(Problem::conflict(format!("It stands behind {head}, which must be replayed first.")))
            }
            Replayed::NotParked(_) => Err(Problem::conflict(format!("{id} is not parked any more: it has ended."))),
        }
    });
    Ok(Json(Done { done: api.act(&caller, &act, doing).await? }))
}

/// One that has ended.
async fn run_again(api: &Api, caller: &Caller, id: Uuid, patch: Option<&str>) -> Result<Json<Done>, Problem> {
    let patch = patch.map(Patch::new).transpose().map_err(|why| Problem::invalid("/patch", why))?;
    let unknown = || Problem::not_found(format!("Nothing is known of a message {id}."));
    let kept = api.store.ended(id).await?.and_then(|ended| Some((ended.flow, ended.kept?.1)));
    let document = match kept {
        Some((flow, kept)) => {
            caller.may_touch(Some(flow), Some(&kept.connection))?;
            kept.ordering_key
        }
        // Whose it is, its bytes do not tell any more.
        None if caller.flows.is_some() || caller.connections.is_some() => {
            known(api, caller, id).await?.exception.document
        }
        None => id.to_string(),
    };
    let fields = patch.iter().map(|_| "patch".to_owned()).collect();
    let act = Act { action: "exception.replay", documents: vec![document], fields, ..Act::default() };
    let doing = Box::pin(async {
        match once_more((&api.store, &api.config), id, patch.as_ref(), &caller.name).await? {
            OnceMore::Due => Ok(vec![id]),
            OnceMore::Not(why) => Err(Problem::conflict(why)),
            OnceMore::Unknown => Err(unknown()),
        }
    });
    Ok(Json(Done { done: api.act(caller, &act, doing).await? }))
}

async fn by_hand(
    State(api): State<Api>,
    caller: Caller,
    Id(id): Id,
    Sent(ByHand { exists_as, did_not_happen }): Sent<ByHand>,
) -> Result<Json<Done>, Problem> {
    let verdict = Verdict::of(exists_as.as_deref(), did_not_happen.unwrap_or_default());
    let verdict = verdict.map_err(|why| Problem::invalid("", why))?;
    let document = known(&api, &caller, id).await?.exception.document;
    let fields = vec![verdict.field().to_owned()];
    let act = Act { action: "exception.resolve", documents: vec![document], fields, ..Act::default() };
    let doing = Box::pin(async {
        match resolve(&api.store, id, &verdict, &caller.name).await? {
            Resolved::Due => Ok(vec![id]),
            other => Err(Problem::conflict(other.sentence())),
        }
    });
    Ok(Json(Done { done: api.act(&caller, &act, doing).await? }))
}

async fn matched(
    State(api): State<Api>,
    caller: Caller,
    Id(id): Id,
    Sent(Chosen { rma, order }): Sent<Chosen>,
) -> Result<Json<Done>, Problem> {
    let choice = Match::of(rma.as_deref(), order.as_deref()).map_err(|why| Problem::invalid("", why))?;
    let document = known(&api, &caller, id).await?.exception.document;
    let fields = vec![choice.field().to_owned()];
    let act = Act { action: "exception.match", documents: vec![document], fields, ..Act::default() };
    let campaign = api.clock.identifier();
    let doing = Box::pin(async {
        match match_return((&api.store, &api.config), (id, campaign), &choice, &caller.name).await? {
            Matched::Yes => Ok(vec![id]),
            other => Err(Problem::conflict(other.sentence())),
        }
    });
    Ok(Json(Done { done: api.act(&caller, &act, doing).await? }))
}
