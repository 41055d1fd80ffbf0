//! Dynamics 365 Finance & Operations: requests of an external warehouse are read, updates are written.

mod fields;
mod odata;
mod requests;
mod token;
mod updates;

use reqwest::Url;

use super::error::GatewayError;
use super::http::Http;
use super::named_url;
use crate::config::{self, Outbound};
use crate::failure::{Code, Failure};
use odata::OData;
use token::Tokens;

/// An environment of Finance & Operations.
pub(super) struct FinanceOperations {
    odata: OData,
    outbound: Outbound,
}

impl FinanceOperations {
    pub(super) fn new(http: Http, name: &str, dynamics: &config::Dynamics) -> Result<Self, super::GatewaysUnusable> {
        let root = root(named_url(&format!("dynamics.{name}.url"), &dynamics.url)?);
        let token_url = named_url(&format!("dynamics.{name}.token_url"), &dynamics.token_url)?;
        let missing = || super::GatewaysUnusable(format!("dynamics.{name}.client_secret is missing"));
        let secret = dynamics.client_secret.clone().ok_or_else(missing)?;
        let tokens = Tokens::new(token_url, dynamics.client_id.clone(), secret, &root);
        Ok(Self { odata: OData::new(http, tokens, root), outbound: dynamics.outbound.clone() })
    }

    pub(super) fn outbound(&self) -> &Outbound {
        &self.outbound
    }
}

/// With a slash at the end, so that paths are joined below it.
fn root(mut url: Url) -> Url {
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    url
}

/// Sorts what a call to Dynamics brought: the only place where that happens.
pub(super) fn failure(name: &str, error: &GatewayError, doing: &str) -> Failure {
    let say = |code, what: &str| Failure::new(code, format!("{name} {what}, so we could not {doing}."));
    match error {
        GatewayError::NotSent(why) => say(Code::DynamicsUnavailable, "cannot be reached").with_detail(why.clone()),
        GatewayError::Silence { changes: true, why } => {
            let what = format!("gave no answer to our wish to {doing}. It may have happened: it is looked up first.");
            Failure::new(Code::DynamicsUnsure, format!("{name} {what}")).with_detail(why.clone())
        }
        GatewayError::Silence { changes: false, why } => {
            say(Code::DynamicsUnavailable, "does not answer").with_detail(why.clone())
        }
        GatewayError::Throttled(delay) => {
            let delay = delay.unwrap_or(super::THROTTLED_WITHOUT_A_WORD);
            say(Code::DynamicsThrottled, "asks us to slow down").with_retry_after(Some(delay))
        }
        GatewayError::Unauthorised(words) => {
            say(Code::DynamicsUnauthorised, "does not accept our credentials").with_detail(words.clone())
        }
        GatewayError::Secret(error) => {
            say(Code::DynamicsUnauthorised, "cannot be asked without our secret").with_detail(error.to_string())
        }
        GatewayError::Forbidden(words) => say(Code::DynamicsForbidden, "denies us a right").with_detail(words.clone()),
        GatewayError::NotFound(words) => say(Code::DynamicsNotFound, "does not know it").with_detail(words.clone()),
        GatewayError::Conflict(words) => {
            say(Code::DynamicsConflict, "says that somebody else is changing it").with_detail(words.clone())
        }
        GatewayError::Refused { words, .. } => {
            say(Code::DynamicsRefused, "refuses it by a business rule").with_detail(words.clone())
        }
        GatewayError::Unreadable(problem) => {
            say(Code::DynamicsAnswerUnreadable, "answered what we cannot read").with_detail(problem.clone())
        }
    }
}

/// Whether an error says that the row is there already: our ids are made of facts, so it is ours.
fn there_already(error: &GatewayError) -> bool {
    matches!(error, GatewayError::Refused { words, .. } | GatewayError::Conflict(words) if words.contains("already exists"))
}

/// A create whose row is there already did happen.
fn absorbed(created: Result<(), GatewayError>) -> Result<(), GatewayError> {
    match created {
        Err(error) if there_already(&error) => Ok(()),
        other => other,
    }
}

/// What was not there is nothing, not an error.
fn or_nothing<T>(read: Result<T, GatewayError>, nothing: T) -> Result<T, GatewayError> {
    match read {
        Err(GatewayError::NotFound(_)) => Ok(nothing),
        other => other,
    }
}

/// A value that our types refuse.
fn strange(name: &str, error: &impl std::fmt::Display) -> GatewayError {
    GatewayError::Unreadable(format!("{name}: {error}"))
}
