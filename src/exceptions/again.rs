//! Once more: a person has a message run that ended already. The ledger stands: what happened is found by its keys and not done
//! again; only what its new revision says anew is done.

use uuid::Uuid;

use super::patch::Patch;
use crate::config::Config;
use crate::store::{Again, Ended, Ending, KeptMessage, ParkedFilter, Store, StoreError};

/// What became of the wish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OnceMore {
    /// It is due, in its next revision.
    Due,
    /// It is not, for this reason; the sentence says what to do.
    Not(String),
    /// Nothing is known of a message of this id.
    Unknown,
}

/// Has a message that ended run once more, as it was or patched.
///
/// # Errors
/// The store's.
pub async fn once_more(
    (store, config): (&Store, &Config),
    id: Uuid,
    patch: Option<&Patch>,
    by: &str,
) -> Result<OnceMore, StoreError> {
    let Some(ended) = store.ended(id).await? else {
        let filter = ParkedFilter { message_id: Some(id), limit: 1, ..ParkedFilter::default() };
        let is_parked = store.parked(&filter).await?.0 > 0;
        let parked = "It has not ended: replay it without asking for it to run again.".to_owned();
        return Ok(if is_parked { OnceMore::Not(parked) } else { OnceMore::Unknown });
    };
    let kept = match kept(&ended, config) {
        Ok(kept) => kept,
        Err(why) => return Ok(OnceMore::Not(why)),
    };
    let bytes = match patch.map(|patch| patched(kept, patch, config)).transpose() {
        Ok(patched) => patched.unwrap_or_else(|| kept.bytes.clone()),
        Err(why) => return Ok(OnceMore::Not(why)),
    };
    let patch = patch.map(Patch::as_str).unwrap_or_default();
    let done = store.run_again(&Again { ended: &ended, bytes: &bytes, patch, by }).await?;
    let faster = "Somebody else had it run again at the same moment: look at how it is now.".to_owned();
    Ok(if done { OnceMore::Due } else { OnceMore::Not(faster) })
}

/// What is kept of it, where it may run again.
fn kept<'a>(ended: &'a Ended, config: &Config) -> Result<&'a KeptMessage, String> {
    match (ended.ending, &ended.kept) {
        (Ending::Discarded, _) => {
            Err("It was discarded, and stays so. Have the sender send it again if it is wanted after all.".to_owned())
        }
        (Ending::Applied | Ending::NotOurs, None) => Err(format!(
            "It has ended, and its bytes are not kept any more: store.kept_s is {}. Have the sender send it again, or \
             release the document again.",
            config.store.kept_s
        )),
        (Ending::Applied | Ending::NotOurs, Some((_, kept))) => Ok(kept),
    }
}

fn patched(kept: &KeptMessage, patch: &Patch, config: &Config) -> Result<Vec<u8>, String> {
    if config.replays.unapproved_rows_max == 0 {
        return Err(
            "Every patch needs a second person here (replays.unapproved_rows_max is 0), and what ended is in no \
                    campaign that somebody could approve."
                .to_owned(),
        );
    }
    let patched = patch.apply(std::iter::once(kept.bytes.clone()), config).pop();
    let patched = patched.unwrap_or_else(|| Err("Nothing came of the patch.".to_owned()))?;
    if patched.changes.is_empty() { Err("The patch changes nothing of it.".to_owned()) } else { Ok(patched.bytes) }
}
