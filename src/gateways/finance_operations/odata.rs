//! OData as Finance & Operations speaks it: token, `cross-company`, pages, keys, error bodies.

use std::collections::BTreeMap;
use std::str::FromStr as _;

use jiff::Timestamp;
use reqwest::header::HeaderValue;
use reqwest::{Method, Url};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::super::error::GatewayError;
use super::super::http::{Answer, Call, Http};
use super::fields::NO_DATE_YEAR;
use super::token::Tokens;

/// More pages than this are an endless loop.
const PAGES_MAX: usize = 1000;

pub(super) struct OData {
    http: Http,
    tokens: Tokens,
    root: Url,
}

/// A row as it was sent: numbers keep their digits.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct Row(BTreeMap<String, Box<RawValue>>);

#[derive(Deserialize)]
struct Page {
    value: Vec<Row>,
    #[serde(rename = "@odata.nextLink")]
    next: Option<String>,
}

/// A row to be written; members keep their digits, too.
#[derive(Debug, Default, Serialize)]
#[serde(transparent)]
pub(super) struct Written(BTreeMap<&'static str, Box<RawValue>>);

impl Written {
    pub(super) fn text(self, name: &'static str, value: &str) -> Self {
        let quoted = serde_json::Value::String(value.to_owned()).to_string();
        self.raw(name, quoted)
    }

    /// Only a text that is there: blanks would override the server's defaults.
    pub(super) fn maybe(self, name: &'static str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.text(name, value),
            None => self,
        }
    }

    pub(super) fn number(self, name: &'static str, value: Decimal) -> Self {
        self.raw(name, value.normalize().to_string())
    }

    pub(super) fn instant(self, name: &'static str, value: Timestamp) -> Self {
        self.text(name, &value.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
    }

    fn raw(mut self, name: &'static str, json: String) -> Self {
        // Both callers write valid JSON; anything else would be left out here and refused there.
        if let Ok(value) = RawValue::from_string(json) {
            self.0.insert(name, value);
        }
        self
    }

    fn bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

impl Row {
    /// A text; empty means absent. Numbers and symbols are given as they are written.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let raw = self.0.get(name)?.get();
        let text = serde_json::from_str::<String>(raw).unwrap_or_else(|_| raw.to_owned());
        (!text.trim().is_empty() && text != "null").then_some(text)
    }

    /// The first of these names that has a text.
    pub(super) fn first(&self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| self.text(name))
    }

    pub(super) fn decimal(&self, name: &str) -> Result<Option<Decimal>, GatewayError> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let read = Decimal::from_str(&text).or_else(|_| Decimal::from_scientific(&text));
        read.map(Some).map_err(|_| GatewayError::Unreadable(format!("{name} is {text:?}, which is no number")))
    }

    /// An instant; 1900-01-01 means absent.
    pub(super) fn instant(&self, name: &str) -> Option<Timestamp> {
        let at = Timestamp::from_str(&self.text(name)?).ok()?;
        (at.strftime("%Y").to_string() != NO_DATE_YEAR).then_some(at)
    }
}

/// `name eq 'value'`, with quotes doubled.
pub(super) fn equals(pairs: &[(&str, &str)]) -> String {
    let one = |(name, value): &(&str, &str)| format!("{name} eq '{}'", value.replace('\'', "''"));
    pairs.iter().map(one).collect::<Vec<_>>().join(" and ")
}

/// `Entity(name='value',…)`.
pub(super) fn keyed(entity: &str, pairs: &[(&str, &str)]) -> String {
    let one = |(name, value): &(&str, &str)| format!("{name}='{}'", value.replace('\'', "''"));
    format!("{entity}({})", pairs.iter().map(one).collect::<Vec<_>>().join(","))
}

impl OData {
    pub(super) fn new(http: Http, tokens: Tokens, root: Url) -> Self {
        Self { http, tokens, root }
    }

    /// All rows that a filter holds for, page by page.
    pub(super) async fn rows(&self, name: &'static str, entity: &str, filter: &str) -> Result<Vec<Row>, GatewayError> {
        let mut url = self.url(entity)?;
        url.query_pairs_mut().append_pair("cross-company", "true").append_pair("$filter", filter);
        let mut rows = Vec::new();
        for _ in 0..PAGES_MAX {
            let answer = self.call(Call::read(name, url)).await?;
            let page: Page = serde_json::from_slice(&answer.body)
                .map_err(|error| GatewayError::Unreadable(format!("{entity} is no list of rows: {error}")))?;
            rows.extend(page.value);
            let Some(next) = page.next else { return Ok(rows) };
            url = self.next(&next)?;
        }
        Err(GatewayError::Unreadable(format!("{entity} has more than {PAGES_MAX} pages: it goes round in circles")))
    }

    /// Creates a row.
    pub(super) async fn create(&self, name: &'static str, entity: &str, row: &Written) -> Result<(), GatewayError> {
        let url = self.crossing(entity)?;
        self.call(Call::change(name, Method::POST, url, row.bytes())).await.map(drop)
    }

    /// Changes a row, whatever its version.
    pub(super) async fn change(&self, name: &'static str, keyed: &str, row: &Written) -> Result<(), GatewayError> {
        let call = Call::change(name, Method::PATCH, self.crossing(keyed)?, row.bytes());
        self.call(call.header("if-match", HeaderValue::from_static("*"))).await.map(drop)
    }

    /// Calls an action that is bound to a row.
    pub(super) async fn act(&self, name: &'static str, keyed: &str, action: &str) -> Result<(), GatewayError> {
        let url = self.crossing(&format!("{keyed}/Microsoft.Dynamics.DataEntities.{action}"))?;
        self.call(Call::change(name, Method::POST, url, b"{}".to_vec())).await.map(drop)
    }

    fn url(&self, path: &str) -> Result<Url, GatewayError> {
        self.root.join(&format!("data/{path}")).map_err(|error| GatewayError::NotSent(error.to_string()))
    }

    fn crossing(&self, path: &str) -> Result<Url, GatewayError> {
        let mut url = self.url(path)?;
        url.query_pairs_mut().append_pair("cross-company", "true");
        Ok(url)
    }

    /// The next page, at the configured host and nowhere else: it gets our token.
    fn next(&self, link: &str) -> Result<Url, GatewayError> {
        let url = self.root.join(link).map_err(|error| GatewayError::Unreadable(format!("nextLink: {error}")))?;
        if url.origin() == self.root.origin() {
            return Ok(url);
        }
        Err(GatewayError::Unreadable("nextLink leads to another host".to_owned()))
    }

    /// Calls with a token; with a new one once, when it is not accepted.
    async fn call(&self, call: Call) -> Result<Answer, GatewayError> {
        let Call { method, url, name, headers, body, changes } = call;
        let mut rejected = None;
        loop {
            let token = self.tokens.header(&self.http, rejected.as_ref()).await?;
            let mut headers = headers.clone();
            headers.insert("accept", HeaderValue::from_static("application/json"));
            headers.insert("authorization", token.clone());
            let again = Call { method: method.clone(), url: url.clone(), name, headers, body: body.clone(), changes };
            let answer = self.http.send(again).await?;
            if answer.succeeded() {
                return Ok(answer);
            }
            if answer.status == 401 && rejected.is_none() {
                rejected = Some(token);
                continue;
            }
            return Err(error(&answer, changes, self.http.now()));
        }
    }
}

/// Finance & Operations answers business rules with 400 or 500 and an Infolog: that is a refusal, not silence.
fn error(answer: &Answer, changes: bool, now: Timestamp) -> GatewayError {
    let text = answer.text();
    let Some(said) = infolog(&text) else { return answer.error(changes, message(&text).unwrap_or(text), now) };
    if said.contains("update conflict occurred") {
        return GatewayError::Conflict(said);
    }
    match answer.status {
        400 | 422 | 500 => GatewayError::Refused { status: answer.status, words: said },
        _ => answer.error(changes, said, now),
    }
}

/// The words after `Infolog:`, without their prefixes and the sentence that says nothing.
fn infolog(body: &str) -> Option<String> {
    let text = message(body)?;
    let (_, words) = text.split_once("Infolog:")?;
    let parts = words.split(';').map(str::trim).map(|part| {
        ["Warning:", "Error:", "Info:"].iter().find_map(|prefix| part.strip_prefix(prefix)).unwrap_or(part).trim()
    });
    let telling = parts.filter(|part| !part.is_empty() && !part.starts_with("validateWrite failed on data source"));
    Some(telling.collect::<Vec<_>>().join("; "))
}

/// The deepest message of an error body.
fn message(body: &str) -> Option<String> {
    let value: serde_json::Value = serde_json::from_str(body).ok()?;
    let mut at = value.get("error").unwrap_or(&value);
    while let Some(inner) = at.get("innererror").or_else(|| at.get("internalexception")) {
        at = inner;
    }
    at.get("message").or_else(|| at.get("Message"))?.as_str().map(str::to_owned)
}
