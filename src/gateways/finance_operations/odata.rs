//! Finance & Operations' `OData`: keyed reads, lists in pages, creates, changes, actions; in every company.
//!
//! It follows next links to the configured host only. A token that is refused is renewed once, and the call is made
//! once more: what was answered 401 was not done.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE, IF_MATCH};
use reqwest::{Method, RequestBuilder, Url};
use serde::Deserialize;

use super::batch::{self, Changeset, PartAnswer, PartCall};
use super::infolog;
use super::rows::{Query, Rows, encoded};
use super::tokens::Tokens;
use crate::gateways::enter;
use crate::gateways::error::{GatewayError, NotSent};
use crate::gateways::http::{Answer, Call, Caller};
use crate::gateways::json::{Members, Row};
use crate::gateways::pace::Pace;

/// The namespace of actions.
const ACTIONS: &str = "Microsoft.Dynamics.DataEntities";

/// How often a page for which nobody waits is asked for again.
const WAITS_MAX: u32 = 20;

/// Whoever wants to be left alone for longer is asked another time.
const WAIT_MAX: Duration = Duration::from_mins(2);

/// What a row's version is called.
pub(super) const ETAG: &str = "@odata.etag";

/// One environment's `OData`.
pub(super) struct OData {
    pub(super) caller: Caller,
    pub(super) tokens: Tokens,
    /// The environment's root, with its slash.
    pub(super) root: Url,
    pub(super) pages_max: usize,
}

/// What Dynamics says of a row that it made, where it says it.
type Made<T> = Result<Option<T>, GatewayError>;

/// One page of a list.
#[derive(Deserialize)]
struct Page {
    value: Vec<Row>,
    #[serde(rename = "@odata.nextLink")]
    next: Option<String>,
}

impl OData {
    /// One row by its whole key, if it is there.
    pub(super) async fn read(&self, call: Call, row: &Rows<'_>) -> Result<Option<Row>, GatewayError> {
        let url = self.url(&[&row.keyed()], None);
        match self.send(call, row.entity(), || self.caller.request(Method::GET, url.clone())).await {
            Ok(answer) => Row::read(&answer.body).map(Some).map_err(|problem| unreadable(call, problem)),
            Err(GatewayError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What the environment says of its own version.
    pub(super) async fn metadata(&self, call: Call) -> Result<Answer, GatewayError> {
        let url = self.url(&["$metadata"], None);
        let send = || self.caller.request(Method::GET, url.clone()).header(ACCEPT, "application/xml");
        self.send(call, "$metadata", send).await
    }

    /// All rows that are chosen, page by page.
    pub(super) async fn list(&self, call: Call, rows: &Rows<'_>) -> Result<Vec<Row>, GatewayError> {
        let first = self.page(call, rows.entity(), &self.list_url(rows)).await?;
        self.rest((call, None), rows.entity(), first).await
    }

    /// The same for whom nobody waits: each page takes a place of its own, and one that is refused because it is too much is
    /// asked for again when the far end wants to be asked.
    pub(super) async fn list_patiently(
        &self,
        call: Call,
        rows: &Rows<'_>,
        pace: &Arc<Pace>,
    ) -> Result<Vec<Row>, GatewayError> {
        let first = self.patient_page((call, pace), rows.entity(), &self.list_url(rows)).await?;
        self.rest((call, Some(pace)), rows.entity(), first).await
    }

    /// The rows of several queries, asked for in one request: what became of each, in their order.
    pub(super) async fn lists(
        &self,
        call: Call,
        queries: &[Rows<'_>],
    ) -> Result<Vec<Result<Vec<Row>, GatewayError>>, GatewayError> {
        let get = |rows: &Rows<'_>| Changeset { calls: vec![PartCall::Get(self.list_url(rows).into())] };
        let gets: Vec<_> = queries.iter().map(get).collect();
        let entity = queries.first().map(Rows::entity).unwrap_or_default();
        let mut answers = self.batch(call, entity, &gets).await?.into_iter();
        let mut found = Vec::with_capacity(queries.len());
        for rows in queries {
            let answer = answers.next().and_then(|mut answers| answers.pop());
            found.push(self.part_of_lists(call, rows, answer).await);
        }
        Ok(found)
    }

    async fn part_of_lists(
        &self,
        call: Call,
        rows: &Rows<'_>,
        answer: Option<PartAnswer>,
    ) -> Result<Vec<Row>, GatewayError> {
        let Some(PartAnswer { status, body }) = answer else {
            return Err(unreadable(call, "it answers less than it was asked".to_owned()));
        };
        let first = self.caller.part(status, body).sorted(call, infolog::words);
        let first = read_page(call, &first.map_err(|error| refined(error, rows.entity()))?)?;
        self.rest((call, None), rows.entity(), first).await
    }

    /// The rows of a list whose first page is there.
    async fn rest(
        &self,
        (call, pace): (Call, Option<&Arc<Pace>>),
        entity: &str,
        first: Page,
    ) -> Result<Vec<Row>, GatewayError> {
        let (mut page, mut found) = (first, Vec::new());
        for number in 1.. {
            found.extend(page.value);
            let Some(next) = page.next else { return Ok(found) };
            if number >= self.pages_max {
                break;
            }
            let url = self.followed(call, &next)?;
            page = match pace {
                None => self.page(call, entity, &url).await?,
                Some(pace) => self.patient_page((call, pace), entity, &url).await?,
            };
        }
        Err(unreadable(call, format!("{entity} has more than {} pages", self.pages_max)))
    }

    async fn patient_page(
        &self,
        (call, pace): (Call, &Arc<Pace>),
        entity: &str,
        url: &Url,
    ) -> Result<Page, GatewayError> {
        let mut waits = 0;
        loop {
            let page = async {
                let _place = enter(pace, call.name).await?;
                self.page(call, entity, url).await
            };
            let error = match page.await {
                Ok(page) => return Ok(page),
                Err(error) => error,
            };
            waits += 1;
            match error.wish().filter(|wish| *wish <= WAIT_MAX && waits <= WAITS_MAX) {
                Some(wish) => tokio::time::sleep(wish).await,
                None => return Err(error),
            }
        }
    }

    async fn page(&self, call: Call, entity: &str, url: &Url) -> Result<Page, GatewayError> {
        read_page(call, &self.send(call, entity, || self.caller.request(Method::GET, url.clone())).await?)
    }

    /// One page of a list, and whether there is more of it.
    pub(super) async fn page_of(
        &self,
        call: Call,
        entity: &str,
        query: &Query,
    ) -> Result<(Vec<Row>, bool), GatewayError> {
        let mut url = self.url(&[entity], Some(&query.filter));
        let before = url.query().unwrap_or_default().to_owned();
        let (order, skip, top) = (encoded(&query.order), query.skip, query.top);
        url.set_query(Some(&format!("{before}&$orderby={order}&$skip={skip}&$top={top}")));
        let page = self.page(call, entity, &url).await?;
        let more = page.next.is_some() || page.value.len() >= top;
        Ok((page.value, more))
    }

    /// Writes a new row; answers its version, where Dynamics says it.
    pub(super) async fn create(&self, call: Call, entity: &str, members: &Members) -> Made<String> {
        match self.create_row(call, entity, members).await {
            Err(GatewayError::NotSent { why: NotSent::Rehearsed, .. }) => Ok(None),
            row => Ok(row?.and_then(|row| row.text(ETAG).ok().flatten())),
        }
    }

    /// The same; answers the row, with what Dynamics made of it.
    pub(super) async fn create_row(&self, call: Call, entity: &str, members: &Members) -> Made<Row> {
        let url = self.url(&[entity], None);
        let answer = self.send(call, entity, || self.caller.request(Method::POST, url.clone()).json(members)).await?;
        Ok(Row::read(&answer.body).ok())
    }

    /// Changes a row; only if it still has this version, where one is given.
    pub(super) async fn change(
        &self,
        call: Call,
        row: &Rows<'_>,
        members: &Members,
        version: Option<&str>,
    ) -> Result<(), GatewayError> {
        let url = self.url(&[&row.keyed()], None);
        let send = || {
            let request = self.caller.request(Method::PATCH, url.clone()).json(members);
            request.header(IF_MATCH, version.unwrap_or("*"))
        };
        gone_on(self.send(call, row.entity(), send).await)
    }

    /// Calls an action of a row that is there: what is not found is the action.
    pub(super) async fn act(&self, call: Call, row: &Rows<'_>, action: &str) -> Result<(), GatewayError> {
        let url = self.url(&[&row.keyed(), &format!("{ACTIONS}.{action}")], None);
        let send = || self.caller.request(Method::POST, url.clone()).json(&Members::default());
        gone_on(self.send(call, row.entity(), send).await).map_err(|error| without_action(error, action))
    }

    /// Calls a service of the customer's, `GROUP/SERVICE/OPERATION`.
    pub(super) async fn serve(&self, call: Call, service: &str, members: &Members) -> Result<(), GatewayError> {
        let url = self.service_url(service);
        let send = || self.caller.request(Method::POST, url.clone()).json(members);
        gone_on(self.send(call, service, send).await)
    }

    /// Whether there is such a service. Read with GET its address describes its parameters, and nothing is done.
    pub(super) async fn has_service(&self, call: Call, service: &str) -> Result<bool, GatewayError> {
        let url = self.service_url(service);
        match self.send(call, service, || self.caller.request(Method::GET, url.clone())).await {
            Err(GatewayError::NotFound { .. } | GatewayError::EntityMissing { .. }) => Ok(false),
            // An environment that does not describe its services may have it all the same.
            Ok(_) | Err(GatewayError::Refused { .. } | GatewayError::Forbidden { .. }) => Ok(true),
            Err(error) => Err(error),
        }
    }

    fn service_url(&self, service: &str) -> Url {
        let mut url = self.root.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(["api", "services"]).extend(service.split('/'));
        }
        url
    }

    /// Many calls in one request: what became of each changeset, as far as the far end came. It is asked to go on after a
    /// refusal.
    pub(super) async fn batch(
        &self,
        call: Call,
        entity: &str,
        sets: &[Changeset],
    ) -> Result<Vec<Vec<PartAnswer>>, GatewayError> {
        let url = self.url(&["$batch"], None);
        let body = batch::written(sets);
        let send = || {
            let request = self.caller.request(Method::POST, url.clone()).body(body.clone());
            let kind = format!("multipart/mixed; boundary={}", batch::BOUNDARY);
            request.header(CONTENT_TYPE, kind).header("Prefer", "odata.continue-on-error")
        };
        let answer = self.send(call, entity, send).await?;
        batch::read(&answer.body).map_err(|problem| unreadable(call, problem))
    }

    /// Whether all calls of a changeset were done: the first refusal, if there is one. Fewer answers than calls leave open
    /// what became of it.
    pub(super) fn done(
        &self,
        call: Call,
        entity: &str,
        (asked, answers): (usize, Vec<PartAnswer>),
    ) -> Result<(), GatewayError> {
        let count = answers.len();
        for PartAnswer { status, body } in answers {
            let part = self.caller.part(status, body).sorted(call, infolog::words);
            part.map_err(|error| refined(error, entity))?;
        }
        if count < asked { Err(unreadable(call, format!("it answers {count} of {asked} calls"))) } else { Ok(()) }
    }

    /// Where rows of an entity are created.
    pub(super) fn address(&self, entity: &str) -> String {
        self.url(&[entity], None).into()
    }

    /// Where an action of a row is called.
    pub(super) fn action_address(&self, row: &Rows<'_>, action: &str) -> String {
        self.url(&[&row.keyed(), &format!("{ACTIONS}.{action}")], None).into()
    }

    /// Where one row is.
    pub(super) fn row_address(&self, row: &Rows<'_>) -> String {
        self.url(&[&row.keyed()], None).into()
    }

    async fn send(
        &self,
        call: Call,
        entity: &str,
        request: impl Fn() -> RequestBuilder,
    ) -> Result<Answer, GatewayError> {
        let token = self.tokens.current(&self.caller).await?;
        let mut answer = self.caller.send(call, request().bearer_auth(token.bearer())).await?;
        if answer.status == 401 {
            self.tokens.discard(&token).await;
            let token = self.tokens.current(&self.caller).await?;
            answer = self.caller.send(call, request().bearer_auth(token.bearer())).await?;
        }
        answer.sorted(call, infolog::words).map_err(|error| refined(error, entity))
    }

    /// Where a list is read.
    fn list_url(&self, rows: &Rows<'_>) -> Url {
        let filter = Some(rows.filter()).filter(|filter| !filter.is_empty());
        let mut url = self.url(&[rows.entity()], filter.as_deref());
        if let Some(select) = rows.selected() {
            let query = format!("{}&$select={}", url.query().unwrap_or_default(), encoded(&select));
            url.set_query(Some(&query));
        }
        url
    }

    fn url(&self, segments: &[&str], filter: Option<&str>) -> Url {
        let mut url = self.root.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push("data").extend(segments);
        }
        let filter = filter.map(|filter| format!("&$filter={}", encoded(filter)));
        url.set_query(Some(&format!("cross-company=true{}", filter.unwrap_or_default())));
        url
    }

    /// Where a list goes on. Another host would be given our token.
    fn followed(&self, call: Call, next: &str) -> Result<Url, GatewayError> {
        let next = self.root.join(next).map_err(|_| unreadable(call, "its next link is not an address".to_owned()))?;
        if next.origin() == self.root.origin() {
            return Ok(next);
        }
        let host = next.host_str().unwrap_or("another host").to_owned();
        Err(unreadable(call, format!("its next link leads away, to {host}")))
    }
}

fn read_page(call: Call, answer: &Answer) -> Result<Page, GatewayError> {
    serde_json::from_slice(&answer.body)
        .map_err(|error| unreadable(call, format!("it is not a page of rows ({error})")))
}

/// An act of several calls goes on in a rehearsal, so that all of them are rehearsed.
fn gone_on(answer: Result<Answer, GatewayError>) -> Result<(), GatewayError> {
    match answer {
        Ok(_) | Err(GatewayError::NotSent { why: NotSent::Rehearsed, .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// A row or page that does not say what it should.
pub(super) fn unreadable(call: Call, problem: String) -> GatewayError {
    GatewayError::Unreadable { call: call.name, changing: call.changing, problem }
}

/// What only Dynamics' words tell apart.
pub(super) fn refined(error: GatewayError, entity: &str) -> GatewayError {
    match error {
        GatewayError::NotFound { call, detail: Some(detail) }
        | GatewayError::Refused { call, detail: Some(detail), .. }
            if detail.contains("Resource not found for the segment") =>
        {
            let said = detail.split('\'').nth(1).filter(|said| !said.is_empty());
            GatewayError::EntityMissing { call, entity: said.unwrap_or(entity).to_owned() }
        }
        // Dynamics rolls back what collides with another user, whatever status it answers.
        GatewayError::Unanswered { call, status: Some(status), detail: Some(detail), .. }
        | GatewayError::Refused { call, status, detail: Some(detail) }
            if detail.contains("update conflict occurred due to another user process") =>
        {
            GatewayError::Conflict { call, status, detail: Some(detail) }
        }
        other => other,
    }
}

/// What is not found where everything else is there.
pub(super) fn without_action(error: GatewayError, action: &str) -> GatewayError {
    match error {
        GatewayError::NotFound { call, .. } => GatewayError::EntityMissing { call, entity: action.to_owned() },
        other => other,
    }
}
