//! What people can do about what waits: for each cause what is wrong, the commands that mend it, and those that replay it.
//!
//! The far ends' words, not our knowledge of what we broke, say which command helps: so each hint is about what waits now.

use crate::cli::Failed;
use crate::exceptions::{Exception, Owners, filter, list, show};
use crate::store::{ExceptionFilter, Store};

use super::bad_day::{COUNTED_IN, NOT_SET_UP, SOLD_IN, WITHOUT_UNIT};

/// What the warehouse says of used goods of which nobody said what becomes of them.
const NOT_MAPPED: &str = "REFURBISH/USED";

/// Of each cause, so many are looked at.
const LOOKED_AT_MAX: usize = 100;

/// What stands before a command: nothing that would be copied with it.
const INDENT: &str = "      ";

/// Where commands go.
pub(super) struct Places {
    pub(super) dynamics_url: String,
    pub(super) warehouse_url: String,
    /// Its name in the mapping.
    pub(super) warehouse: String,
    /// The options that lead every command of ours to this demo: empty, or with a space before each.
    pub(super) options: String,
}

/// Every exception that is not over.
pub(super) async fn waiting(store: &Store) -> Result<Vec<Exception>, Failed> {
    let owners = Owners::new();
    let open = filter([], &owners).map_err(Failed::Work)?;
    Ok(list(store, &owners, &ExceptionFilter { limit: u32::MAX, ..open }).await?.1)
}

/// The order in Dynamics that an exception is about.
pub(super) fn request(exception: &Exception) -> Option<&str> {
    exception.document.strip_prefix("order/")?.rsplit('-').next()
}

/// The RMA of the return that an exception is about.
pub(super) fn rma(exception: &Exception) -> Option<&str> {
    exception.document.strip_prefix("rma/")?.rsplit('/').next()
}

/// The hints, line by line.
pub(super) async fn hints(store: &Store, places: &Places) -> Result<Vec<String>, Failed> {
    let mut causes: Vec<Vec<Exception>> = Vec::new();
    for exception in waiting(store).await? {
        match causes.iter_mut().find(|cause| cause[0].fingerprint == exception.fingerprint) {
            Some(cause) => cause.push(exception),
            None => causes.push(vec![exception]),
        }
    }
    let mut lines = Vec::new();
    for cause in &causes {
        lines.extend(told(store, places, cause).await?);
    }
    Ok(lines)
}

async fn told(store: &Store, places: &Places, cause: &[Exception]) -> Result<Vec<String>, Failed> {
    let Some(first) = cause.first() else { return Ok(Vec::new()) };
    let options = &places.options;
    let mut lines = vec![String::new(), format!("  {} × {}: {}", cause.len(), first.code, first.sentence)];
    let mut mends: Vec<String> = Vec::new();
    let mut by_itself = true;
    for exception in cause.iter().take(LOOKED_AT_MAX) {
        let shown = show(store, &Owners::new(), exception.id).await?;
        let words = shown.and_then(|shown| shown.detail).unwrap_or_default();
        by_itself &= goes_on(exception, &words);
        let mended = mend(places, exception, &words);
        mends.extend(mended.into_iter().filter(|line| !mends.contains(line)).collect::<Vec<_>>());
    }
    if mends.is_empty() {
        mends.push(format!("    {} {}", first.next_step, first.help));
        mends.push(format!("{INDENT}drayline exceptions show {}{options}", first.id));
    }
    lines.extend(mends);
    if by_itself {
        lines.push("    Then it goes on by itself.".to_owned());
        return Ok(lines);
    }
    lines.push("    Then:".to_owned());
    lines.extend(replayed(cause, options).into_iter().map(|command| format!("{INDENT}{command}")));
    Ok(lines)
}

/// Whether one goes on once it is mended: the thing that it waits for is there, or Dynamics tells that its order changed.
fn goes_on(exception: &Exception, words: &str) -> bool {
    exception.awaits.is_some() || is_bad_address(exception, words)
}

fn is_bad_address(exception: &Exception, words: &str) -> bool {
    exception.code == "warehouse.refused" && words.contains("postalCode")
}

/// What mends one: a sentence, then commands.
fn mend(places: &Places, exception: &Exception, words: &str) -> Vec<String> {
    let Places { dynamics_url, warehouse_url, warehouse, options } = places;
    let order = request(exception).unwrap_or_default();
    let (sentence, commands) = match exception.code.as_str() {
        "mapping.missing" if exception.sentence.contains(WITHOUT_UNIT) => (
            format!("Say how many {COUNTED_IN} of the warehouse one {SOLD_IN} of {WITHOUT_UNIT} is:"),
            vec![format!(
                "drayline mapping set unit connection={warehouse} item={WITHOUT_UNIT} dynamics={SOLD_IN} \
                 warehouse={COUNTED_IN} factor=1 --reason 'one is one'{options}"
            )],
        ),
        "mapping.missing" if exception.sentence.contains(NOT_MAPPED) => (
            "Say what becomes of used goods that can be refurbished:".to_owned(),
            vec![format!(
                "drayline mapping set disposition connection={warehouse} warehouse={NOT_MAPPED} dynamics=CREDIT \
                 --reason 'they are sold again'{options}"
            )],
        ),
        "warehouse.refused" if words.contains(NOT_SET_UP) => (
            format!("The warehouse sets the SKU {NOT_SET_UP} up:"),
            vec![format!("curl -X POST {warehouse_url}/sandbox/items -d '{{\"known\": [\"{NOT_SET_UP}\"]}}'")],
        ),
        _ if is_bad_address(exception, words) => (
            format!("Somebody corrects the address of {order} in Dynamics:"),
            vec![format!(
                "curl -X POST {dynamics_url}/sandbox/orders/{order}/change -d '{{\"fields\": {{\"ReceiverZipCode\": \
                 \"62701\"}}}}'"
            )],
        ),
        "dynamics.posting_failed" => (
            format!("Somebody in Dynamics lets the customer of {order} go, and has the update processed again:"),
            vec![
                format!("curl -X POST {dynamics_url}/sandbox/orders/{order}/unhold"),
                format!("curl -X POST {dynamics_url}/sandbox/updates/process"),
            ],
        ),
        _ => return Vec::new(),
    };
    std::iter::once(format!("    {sentence}"))
        .chain(commands.into_iter().map(|command| format!("{INDENT}{command}")))
        .collect()
}

/// What makes them go on.
fn replayed(cause: &[Exception], options: &str) -> Vec<String> {
    if let [one] = cause {
        return vec![format!("drayline replay start --message {}{options}", one.id)];
    }
    let fingerprint = cause.first().map(|one| one.fingerprint.as_str()).unwrap_or_default();
    vec![
        format!(
            "PLAN=$(drayline replay plan --fingerprint {fingerprint} --json{options} | grep -o '\"id\":\"[^\"]*' | \
             cut -d '\"' -f 4)"
        ),
        format!("drayline replay start \"$PLAN\" --yes{options}"),
        format!("drayline replay status \"$PLAN\" --follow{options}"),
    ]
}
