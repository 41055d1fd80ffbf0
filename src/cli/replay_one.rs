//! `replay start --message`: one message, that is parked or has ended.

use serde_json::json;
use uuid::Uuid;

use super::exceptions::{done, not_parked, who};
use super::{Failed, Global, trail};
use crate::exceptions::{OnceMore, Patch, documents_of, once_more};
use crate::store::{Act, Ending, Replayed, Store};

/// Makes one that is parked due now.
pub(super) async fn now(global: &Global, store: &Store, message: Uuid) -> Result<(), Failed> {
    let documents = documents_of(store, &[message]).await?;
    let act = Act { action: "exception.replay", documents, ..Act::default() };
    let doing = Box::pin(async { store.replay(message, &who()).await });
    let replayed = trail::recorded(store, &act, (doing, |replayed| *replayed == Replayed::Due)).await?;
    let (started, sentence) = match replayed {
        Replayed::Due => (true, "It is due now, with a fresh budget.".to_owned()),
        Replayed::Behind(head) => (false, format!("It stands behind {head}, which must be replayed first.")),
        Replayed::NotParked(ending) => {
            let again = if ending.is_some_and(|ending| ending != Ending::Discarded) {
                " With --again it runs once more; what happened already is not repeated."
            } else {
                ""
            };
            (false, not_parked(ending) + again)
        }
    };
    done(global, &json!({ "id": message, "started": started, "sentence": sentence }), started, sentence)
}

/// One message that has ended.
pub(super) async fn again(global: &Global, store: &Store, id: Uuid, patch: Option<&str>) -> Result<(), Failed> {
    let config = global.load("")?;
    let patch = patch.map(Patch::new).transpose().map_err(Failed::Usage)?;
    let kept = store.ended(id).await?.and_then(|ended| ended.kept);
    let documents = vec![kept.map_or_else(|| id.to_string(), |(_, kept)| kept.ordering_key)];
    let fields = patch.iter().map(|_| "patch".to_owned()).collect();
    let act = Act { action: "exception.replay", documents, fields, ..Act::default() };
    let by = who();
    let doing = Box::pin(once_more((store, &config), id, patch.as_ref(), &by));
    let (started, sentence) = match trail::recorded(store, &act, (doing, |more| *more == OnceMore::Due)).await? {
        OnceMore::Due => {
            (true, "It is due now, in its next revision; what happened already is not repeated.".to_owned())
        }
        OnceMore::Not(why) => (false, why),
        OnceMore::Unknown => (false, not_parked(None)),
    };
    done(global, &json!({ "id": id, "started": started, "sentence": sentence }), started, sentence)
}
