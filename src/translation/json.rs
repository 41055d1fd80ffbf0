//! Foreign JSON: how it is read so that no bytes whatever can hurt.

use serde_json::Value;
use serde_json::value::RawValue;

/// Why bytes are not JSON that we read; for people.
pub(super) type Problem = String;

/// The text without a byte order mark.
pub(super) fn text(bytes: &[u8]) -> Result<&str, Problem> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes)
        .map_err(|error| format!("the body is not UTF-8 from byte {} on", error.valid_up_to()))?;
    if text.trim().is_empty() { Err("the body is empty".to_owned()) } else { Ok(text) }
}

/// Reads one value. Depth is measured before anything is parsed.
pub(super) fn value(text: &str, depth_max: usize) -> Result<Value, Problem> {
    if depth(text) > depth_max {
        return Err(format!("the body is nested deeper than {depth_max} levels"));
    }
    let value: Value = serde_json::from_str(text).map_err(|error| format!("the body is not JSON: {error}"))?;
    if holds_null_character(&value) {
        return Err("the body holds the character U+0000, which no database can keep".to_owned());
    }
    Ok(value)
}

/// The elements of an array as they were written; nothing when it is something else.
pub(super) fn elements(text: &str) -> Option<Vec<&str>> {
    if !text.trim_start().starts_with('[') {
        return None;
    }
    let elements: Vec<&RawValue> = serde_json::from_str(text).ok()?;
    Some(elements.into_iter().map(RawValue::get).collect())
}

/// How deep brackets are nested, those within text left out.
fn depth(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0_usize);
    let (mut quoted, mut escaped) = (false, false);
    for byte in text.bytes() {
        match (quoted, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => quoted = !quoted,
            (false, b'[' | b'{') => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            (false, b']' | b'}') => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// Safe to recurse: the depth was measured.
fn holds_null_character(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(elements) => elements.iter().any(holds_null_character),
        Value::Object(members) => {
            members.iter().any(|(name, value)| name.contains('\0') || holds_null_character(value))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Without members that are null: proto3 JSON takes null for absent, the generated reader does not.
pub(super) fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let told = members.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(told.map(|(name, value)| (name, without_nulls(value))).collect())
        }
        Value::Array(elements) => Value::Array(elements.into_iter().map(without_nulls).collect()),
        other => other,
    }
}
