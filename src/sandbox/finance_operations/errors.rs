//! How the simulated Finance & Operations says no.

use serde_json::{Value, json};

use super::state::Fact;
use crate::sandbox::call::Answer;
use crate::sandbox::ledger::Effect;

/// A business rule says no, in the words of the Infolog.
pub(super) fn infolog(status: u16, entity: &str, infolog: &str, effect: Effect) -> Answer<Fact> {
    let message = format!("Write failed for table row of type '{entity}Entity'. Infolog: {infolog}");
    let inner = json!({
        "message": message,
        "type": "Microsoft.Dynamics.Platform.Integration.Services.OData.ODataWriteException",
        "stacktrace": "",
    });
    Answer::new(
        status,
        effect,
        json!({"error": {"code": "", "message": "An error has occurred.", "innererror": inner}}),
    )
}

/// The call itself is wrong.
pub(super) fn wrong(status: u16, message: &str) -> Answer<Fact> {
    Answer::new(status, Effect::Refused, body(message))
}

/// There is no such row.
pub(super) fn missing() -> Answer<Fact> {
    Answer::new(404, Effect::None, body("No resource was found that matches the key."))
}

/// It does not want to answer now.
pub(super) fn unwilling(status: u16) -> Answer<Fact> {
    if status == 429 {
        let message = "The request is throttled because of high resource utilization. Try again later.";
        return Answer::new(429, Effect::Refused, body(message)).header("retry-after", "1");
    }
    Answer::new(status, Effect::Refused, json!({"Message": "An error has occurred."}))
}

fn body(message: &str) -> Value {
    json!({"error": {"code": "", "message": message}})
}
