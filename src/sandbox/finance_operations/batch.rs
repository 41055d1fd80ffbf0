//! `$batch`: many calls in one request. A changeset is one transaction: all of it happens, or nothing.

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::Value;

use super::state::Fact;
use crate::sandbox::call::{Answer, Call, pairs};
use crate::sandbox::ledger::Effect;
use crate::sandbox::world::Set;

/// The boundary of our answers.
const BOUNDARY: &str = "batchresponse_sandbox";

/// Calls in one request, at most.
const CALLS_MAX: usize = 5000;

/// Whether a call brings several.
pub(super) fn is_batch(call: &Call) -> bool {
    call.method == Method::POST && matches!(call.path.as_str(), "/data/$batch" | "/data/%24batch")
}

/// The changesets of a request; a call that stands alone is one of its own.
pub(super) fn sets(call: &Call) -> Result<Vec<Set>, String> {
    let body = std::str::from_utf8(&call.body).map_err(|_| "the batch is not text")?;
    let kind = call.header("content-type").unwrap_or_default();
    let boundary = boundary(kind).ok_or("the content type is not multipart/mixed with a boundary")?;
    let sets: Vec<_> = parts(body, &boundary)?.into_iter().map(|part| set(call, part)).collect::<Result<_, _>>()?;
    let calls: usize = sets.iter().map(|set: &Set| set.calls.len()).sum();
    if calls > CALLS_MAX { Err(format!("a batch has at most {CALLS_MAX} calls")) } else { Ok(sets) }
}

fn set(outer: &Call, part: &str) -> Result<Set, String> {
    let (head, body) = split(part)?;
    let Some(boundary) = head.lines().find_map(|line| value_of(line, "content-type")).and_then(boundary) else {
        return Ok(Set { alone: true, calls: vec![one(outer, body)?] });
    };
    let calls = parts(body, &boundary)?.into_iter().map(|part| one(outer, split(part)?.1));
    Ok(Set { alone: false, calls: calls.collect::<Result<_, _>>()? })
}

/// Reads `POST /data/Entity?query HTTP/1.1`, headers and a body.
fn one(outer: &Call, text: &str) -> Result<Call, String> {
    let (head, body) = split(text.trim_start())?;
    let mut lines = head.lines();
    let mut words = lines.next().unwrap_or_default().split_whitespace();
    let method = words.next().and_then(|word| word.parse::<Method>().ok()).ok_or("a part has no method")?;
    let target = words.next().ok_or("a part has no address")?;
    let path_and_query =
        target.find("/data/").and_then(|at| target.get(at..)).ok_or("an address is not below /data/")?;
    let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
    let mut headers: HeaderMap = outer.headers.clone();
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        let name = name.trim().to_ascii_lowercase().parse::<HeaderName>();
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value.trim())) {
            headers.insert(name, value);
        }
    }
    let body = Bytes::copy_from_slice(body.trim_end().as_bytes());
    Ok(Call { method, path: path.to_owned(), query: pairs(query), headers, body, at: outer.at })
}

fn split(text: &str) -> Result<(&str, &str), String> {
    let found = text.split_once("\r\n\r\n").or_else(|| text.split_once("\n\n"));
    found.ok_or_else(|| "a part has no empty line behind its head".to_owned())
}

/// The parts between the boundaries; the last one is followed by `--`.
fn parts<'a>(body: &'a str, boundary: &str) -> Result<Vec<&'a str>, String> {
    let mark = format!("--{boundary}");
    let mut pieces = body.split(mark.as_str()).skip(1);
    let mut found = Vec::new();
    for piece in pieces.by_ref() {
        if piece.starts_with("--") {
            return Ok(found);
        }
        found.push(piece.trim_start_matches(['\r', '\n']));
    }
    Err(format!("the closing {mark}-- is missing"))
}

fn boundary(kind: &str) -> Option<String> {
    let rest = kind.trim().strip_prefix("multipart/mixed")?;
    let (_, boundary) = rest.split_once("boundary=")?;
    Some(boundary.split(';').next()?.trim().trim_matches('"').to_owned()).filter(|boundary| !boundary.is_empty())
}

fn value_of<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let (found, value) = line.split_once(':')?;
    found.trim().eq_ignore_ascii_case(name).then(|| value.trim())
}

/// The answer of a whole request. A changeset that was taken has a multipart of its own; of one that was refused there
/// is the refusal alone.
pub(super) fn together(outcomes: &[(&Set, Vec<Answer<Fact>>)]) -> Answer<Fact> {
    let strength = |effect: &Effect| {
        [Effect::None, Effect::Refused, Effect::Repeated, Effect::Changed, Effect::Created]
            .iter()
            .position(|each| each == effect)
    };
    let effects = outcomes.iter().flat_map(|(_, answers)| answers.iter().map(|answer| answer.effect));
    let effect = effects.max_by_key(strength).unwrap_or_default();
    let parts: Vec<_> =
        outcomes.iter().enumerate().map(|(number, (set, answers))| outcome(number, set, answers)).collect();
    let text = format!("{}--{BOUNDARY}--\r\n", parts.concat());
    let kind = format!("multipart/mixed; boundary={BOUNDARY}");
    Answer::new(200, effect, Value::String(text)).header("content-type", kind)
}

fn outcome(number: usize, set: &Set, answers: &[Answer<Fact>]) -> String {
    if set.alone || answers.iter().any(|answer| answer.status >= 400) {
        let parts: String = answers.iter().map(part).collect();
        return format!("--{BOUNDARY}\r\n{parts}");
    }
    let inner = format!("changesetresponse_{number}");
    let parts: Vec<_> = answers.iter().map(|answer| ["--", &inner, "\r\n", &part(answer)].concat()).collect();
    let parts = parts.concat();
    format!("--{BOUNDARY}\r\nContent-Type: multipart/mixed; boundary={inner}\r\n\r\n{parts}--{inner}--\r\n")
}

fn part(answer: &Answer<Fact>) -> String {
    let body = answer.body.as_ref().map(Value::to_string).unwrap_or_default();
    format!(
        "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n\
         HTTP/1.1 {} Status\r\nContent-Type: application/json; charset=utf-8\r\n\r\n{body}\r\n",
        answer.status
    )
}
