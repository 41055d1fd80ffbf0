//! Tokens for applications. They say themselves until when they are good, so a restart forgets none.

use serde_json::json;

use super::rules::FinanceOperationsRules;
use super::state::Fact;
use crate::message::sha256;
use crate::sandbox::call::{Answer, Call, pairs};
use crate::sandbox::ledger::Effect;
use crate::sandbox::world::Setting;

/// Answers a request for a token.
pub(super) fn issue(setting: &Setting<FinanceOperationsRules>, call: &Call) -> Answer<Fact> {
    let form = pairs(&String::from_utf8_lossy(&call.body));
    let field = |name: &str| form.iter().find(|(each, _)| each == name).map_or("", |(_, value)| value.as_str());
    if call.method != axum::http::Method::POST || field("grant_type") != "client_credentials" {
        return refused(400, "unsupported_grant_type", "AADSTS70003: The grant type is not supported.");
    }
    if !field("scope").ends_with("/.default") {
        return refused(
            400,
            "invalid_scope",
            "AADSTS70011: The scope is not of the form https://environment/.default.",
        );
    }
    let rules = &setting.rules;
    if field("client_id") != rules.client_id || field("client_secret") != rules.client_secret {
        return refused(401, "invalid_client", "AADSTS7000215: Invalid client secret provided.");
    }
    let until = call.at.as_second().saturating_add(i64::try_from(rules.token_s).unwrap_or(i64::MAX));
    let token = format!("{until}.{}", seal(setting, until));
    let body = json!({
        "token_type": "Bearer",
        "expires_in": rules.token_s,
        "ext_expires_in": rules.token_s,
        "access_token": token,
    });
    Answer::new(200, Effect::None, body)
}

/// Whether a call carries a token of ours that is still good.
pub(super) fn good(setting: &Setting<FinanceOperationsRules>, call: &Call) -> bool {
    let told = call.bearer().and_then(|token| token.split_once('.'));
    told.is_some_and(|(until, given)| {
        until.parse().is_ok_and(|until: i64| call.at.as_second() < until && seal(setting, until) == given)
    })
}

fn seal(setting: &Setting<FinanceOperationsRules>, until: i64) -> String {
    sha256(format!("{}/{until}/{}", setting.rules.client_id, setting.rules.client_secret).as_bytes())
}

fn refused(status: u16, code: &str, text: &str) -> Answer<Fact> {
    Answer::new(status, Effect::Refused, json!({"error": code, "error_description": text}))
}
