//! `/v1/replays`: campaigns are planned, started, watched, stopped.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use serde::Deserialize;
use uuid::Uuid;

use super::asked::{Ask, Id, NoFilter, Sent};
use super::caller::Caller;
use super::exceptions::Nothing;
use super::pages::Page;
use super::problem::Problem;
use super::{Access, Api, Route};
use crate::exceptions::{
    self, CampaignView, NotPlanned, Pace, Patch, Plan, Turn, Turned, approve, change, parts, plan, status,
};
use crate::store::{Act, Campaign, CampaignMessage, Outcomes, Role, StoreError};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// `flow=orders,code=warehouse.rejected`
    filter: String,
    #[serde(default)]
    pace: Pace,
    /// `.goodsReceived.lines[].item.itemNumber = "A-1"`
    patch: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Why {
    #[serde(default)]
    reason: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Of {
    outcome: Option<String>,
}

pub(super) fn routes() -> Vec<Route> {
    let (look, work) = (Access::From(Role::Viewer), Access::From(Role::Operator));
    vec![
        Route::get("/v1/replays", look, &[200], list),
        Route::post("/v1/replays", work, &[201, 415], new),
        Route::get("/v1/replays/{id}", look, &[200, 404], one),
        Route::get("/v1/replays/{id}/messages", look, &[200, 404], messages),
        Route::post("/v1/replays/{id}/approve", Access::From(Role::Approver), &[200, 404, 415], agree),
        Route::post("/v1/replays/{id}/start", work, &[200, 404, 415], start),
        Route::post("/v1/replays/{id}/pause", work, &[200, 404, 415], pause),
        Route::post("/v1/replays/{id}/resume", work, &[200, 404, 415], resume),
        Route::post("/v1/replays/{id}/cancel", work, &[200, 404, 415], cancel),
    ]
}

async fn list(State(api): State<Api>, caller: Caller, ask: Ask<NoFilter>) -> Result<Json<Page<CampaignView>>, Problem> {
    let Ask { paging, filter: NoFilter {} } = ask;
    caller.may_touch(None, None)?;
    let before: Option<Timestamp> = paging.after()?;
    let mut views = Vec::new();
    for campaign in api.store.campaigns(before, paging.rows()).await? {
        views.push(status(&api.store, campaign).await?);
    }
    Ok(Json(paging.page(None, views, |view| view.planned_at)))
}

async fn known(api: &Api, caller: &Caller, id: Uuid) -> Result<Campaign, Problem> {
    caller.may_touch(None, None)?;
    api.store.campaign(id).await?.ok_or_else(|| Problem::not_found(format!("There is no campaign {id}.")))
}

async fn one(State(api): State<Api>, caller: Caller, Id(id): Id) -> Result<Json<CampaignView>, Problem> {
    let campaign = known(&api, &caller, id).await?;
    Ok(Json(status(&api.store, campaign).await?))
}

async fn messages(
    State(api): State<Api>,
    caller: Caller,
    Id(id): Id,
    ask: Ask<Of>,
) -> Result<Json<Page<CampaignMessage>>, Problem> {
    let outcome = ask.filter.outcome.as_deref();
    if let Some(other) = outcome.filter(|outcome| !Outcomes::WORDS.contains(outcome)) {
        let words = Outcomes::WORDS.join(", ");
        return Err(Problem::query(&format!("outcome: {other:?} is none; they are {words}")));
    }
    let campaign = known(&api, &caller, id).await?;
    status(&api.store, campaign).await?;
    let after = ask.paging.after()?.unwrap_or((-1, -1));
    let rows = api.store.campaign_messages(id, outcome, after, ask.paging.rows()).await?;
    Ok(Json(ask.paging.page(None, rows, |row| (row.wave, row.ordinal))))
}

async fn new(
    State(api): State<Api>,
    caller: Caller,
    Sent(Wanted { filter, pace, patch }): Sent<Wanted>,
) -> Result<(StatusCode, Json<CampaignView>), Problem> {
    let wrong = |why: String| Problem::invalid("/filter", why);
    let owners = &api.config.exceptions.owners;
    let chosen = exceptions::filter(parts(&filter).map_err(wrong)?, owners).map_err(wrong)?;
    // Nobody plans what they could not look at afterwards.
    caller.may_touch(None, None)?;
    let id = api.clock.identifier();
    let act = Act { action: "replay.plan", documents: vec![id.to_string()], ..Act::default() };
    let patch = patch.map(|text| Patch::new(&text)).transpose();
    let patch = patch.map_err(|why| Problem::invalid("/patch", why))?;
    let wanted = Plan { filter: chosen, wanted: filter, pace, patch };
    let doing = Box::pin(async {
        plan((&api.store, &api.config), (id, &caller.name), wanted).await.map_err(|why| match why {
            NotPlanned::Store(error) => error.into(),
            NotPlanned::Patch(why) => Problem::invalid("/patch", why),
        })
    });
    api.act(&caller, &act, doing).await?;
    let campaign = api.store.campaign(id).await?.ok_or_else(Problem::broken)?;
    Ok((StatusCode::CREATED, Json(status(&api.store, campaign).await?)))
}

async fn turn(api: &Api, caller: &Caller, id: Uuid, turn: Turn, why: &Why) -> Result<Json<CampaignView>, Problem> {
    known(api, caller, id).await?;
    let doing = change((&api.store, &api.config), id, turn, &caller.name, why.reason.trim());
    acted(api, caller, (id, turn.action()), Box::pin(doing)).await
}

/// Does something about a campaign, and tells how it stands then.
async fn acted(
    api: &Api,
    caller: &Caller,
    (id, action): (Uuid, &'static str),
    doing: impl Future<Output = Result<Turned, StoreError>> + Send,
) -> Result<Json<CampaignView>, Problem> {
    let act = Act { action, documents: vec![id.to_string()], ..Act::default() };
    let doing = Box::pin(async {
        match doing.await? {
            Turned::Done => Ok(()),
            Turned::Unknown => Err(Problem::not_found(format!("There is no campaign {id}."))),
            Turned::Not(why) => Err(Problem::conflict(why)),
        }
    });
    api.act(caller, &act, doing).await?;
    let campaign = known(api, caller, id).await?;
    Ok(Json(status(&api.store, campaign).await?))
}

async fn agree(
    State(api): State<Api>,
    caller: Caller,
    Id(id): Id,
    Sent(Nothing {}): Sent<Nothing>,
) -> Result<Json<CampaignView>, Problem> {
    known(&api, &caller, id).await?;
    acted(&api, &caller, (id, "replay.approve"), Box::pin(approve(&api.store, id, &caller.name))).await
}

async fn start(
    State(api): State<Api>,
    caller: Caller,
    Id(id): Id,
    Sent(why): Sent<Why>,
) -> Result<Json<CampaignView>, Problem> {
    turn(&api, &caller, id, Turn::Start, &why).await
}

async fn pause(
    State(api): State<Api>,
    caller: Caller,
    Id(id): Id,
    Sent(why): Sent<Why>,
) -> Result<Json<CampaignView>, Problem> {
    turn(&api, &caller, id, Turn::Pause, &why).await
}

async fn resume(
    State(api): State<Api>,
    caller: Caller,
    Id(id): Id,
    Sent(why): Sent<Why>,
) -> Result<Json<CampaignView>, Problem> {
    turn(&api, &caller, id, Turn::Resume, &why).await
}

async fn cancel(
    State(api): State<Api>,
    caller: Caller,
    Id(id): Id,
    Sent(why): Sent<Why>,
) -> Result<Json<CampaignView>, Problem> {
    turn(&api, &caller, id, Turn::Cancel, &why).await
}
