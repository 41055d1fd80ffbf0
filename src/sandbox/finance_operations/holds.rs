//! Orders on hold: nothing is posted of them until somebody lets go. The calls `/sandbox/orders/{id}/hold` and `/unhold`, as
//! somebody does who watches over customers' credit.

use serde::Deserialize;
use serde_json::json;

use super::state::{Fact, Request};
use crate::sandbox::call::{Answer, Call};
use crate::sandbox::ledger::Effect;

/// What Dynamics says of what is on hold.
pub(super) const WORDS: &str = "the customer is on hold for all transactions.";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// Puts an order on hold, or lets it go. It is no change of the order: nobody is told.
pub(super) fn control(request: Option<Request>, call: &Call, hold: bool) -> Answer<Fact> {
    let refused = |status, problem: &str| Answer::new(status, Effect::Refused, json!({ "error": problem }));
    if !call.body.is_empty() && serde_json::from_slice::<Nothing>(&call.body).is_err() {
        return refused(400, "nothing more is to be said");
    }
    let Some(mut request) = request else { return refused(404, "no such order") };
    let effect = if request.on_hold == hold { Effect::Repeated } else { Effect::Changed };
    request.on_hold = hold;
    Answer::new(200, effect, json!({ "id": request.id, "on_hold": hold })).by(Fact::Replaced(Box::new(request)))
}
