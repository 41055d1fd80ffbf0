//! What Dynamics says when it says no. The sentence that helps lies deep inside, between prefixes and noise.

use serde_json::Value;

/// Longer words are cut: they are for people.
const CHARACTERS_MAX: usize = 1000;

/// Errors inside errors deeper than this are not looked for.
const DEPTH_MAX: usize = 16;

/// Dynamics' own words in an answer, without prefixes and generic parts.
pub(super) fn words(body: &[u8]) -> Option<String> {
    let text = match serde_json::from_slice::<Value>(body) {
        Ok(value) => message(&value)?,
        Err(_) => plain(body)?,
    };
    let said = match text.split_once("Infolog:") {
        Some((_, infolog)) => sentences(infolog).unwrap_or_else(|| text.trim().to_owned()),
        None => text.trim().to_owned(),
    };
    Some(said.chars().take(CHARACTERS_MAX).collect()).filter(|said: &String| !said.is_empty())
}

/// The message of the deepest error.
fn message(value: &Value) -> Option<String> {
    let mut error = value.get("error").filter(|error| error.is_object()).unwrap_or(value);
    let mut found = own_message(error);
    for _ in 0..DEPTH_MAX {
        let deeper = error.get("innererror").or_else(|| error.get("internalexception"));
        let Some(deeper) = deeper.filter(|deeper| deeper.is_object()) else { break };
        error = deeper;
        found = own_message(error).or(found);
    }
    // Identity providers say it in another shape.
    found.or_else(|| value.get("error_description").and_then(Value::as_str).map(str::to_owned))
}

fn own_message(error: &Value) -> Option<String> {
    let message = error.get("message").or_else(|| error.get("Message"))?.as_str()?;
    Some(message.to_owned()).filter(|message| !message.trim().is_empty())
}

/// The sentences of an Infolog without their prefixes and without what says nothing.
fn sentences(infolog: &str) -> Option<String> {
    let unprefixed = |sentence: &str| {
        let prefixes = ["Warning:", "Error:", "Info:"];
        let rest = prefixes.iter().find_map(|prefix| sentence.trim().strip_prefix(prefix));
        rest.unwrap_or(sentence).trim().trim_end_matches('.').to_owned()
    };
    let generic = |sentence: &String| sentence.to_ascii_lowercase().starts_with("validatewrite failed on data source");
    let said: Vec<_> = infolog.split(';').map(unprefixed).filter(|said| !said.is_empty() && !generic(said)).collect();
    (!said.is_empty()).then(|| format!("{}.", said.join("; ")))
}

/// A body that is no JSON; pages for browsers say nothing to a person who reads an exception.
fn plain(body: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(body);
    let text = text.trim();
    (!text.is_empty() && !text.starts_with('<')).then(|| text.to_owned())
}
