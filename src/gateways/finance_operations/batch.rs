//! The multipart form of `$batch`: many calls in one request, and what became of each. Pure.
//!
//! A changeset is one transaction: Dynamics does all of its calls, or none and says why once. Answers come in the order
//! of what was asked; a far end that stops at a refusal answers less than it was asked.

use std::fmt::Write as _;

/// The boundary of our requests. It is in none of the bodies: those are JSON on one line.
pub(super) const BOUNDARY: &str = "batch_drayline";

/// Calls of which all are done or none.
pub(super) struct Changeset {
    pub(super) calls: Vec<PartCall>,
}

/// One call within a request.
pub(super) enum PartCall {
    Get(String),
    /// Address and JSON.
    Post(String, String),
    /// Address and JSON; whatever the row's version.
    Patch(String, String),
}

/// What became of one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PartAnswer {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

/// The body of a request. Reads stand outside of changesets, as the protocol has it.
pub(super) fn written(sets: &[Changeset]) -> String {
    let mut text = String::new();
    for (number, set) in sets.iter().enumerate() {
        let reads = set.calls.iter().all(|call| matches!(call, PartCall::Get(_)));
        if reads {
            for call in &set.calls {
                part(&mut text, BOUNDARY, call);
            }
            continue;
        }
        let inner = format!("changeset_{number}");
        // Writing into a text cannot fail.
        let _ = write!(text, "--{BOUNDARY}\r\nContent-Type: multipart/mixed; boundary={inner}\r\n\r\n");
        for call in &set.calls {
            part(&mut text, &inner, call);
        }
        let _ = write!(text, "--{inner}--\r\n");
    }
    let _ = write!(text, "--{BOUNDARY}--\r\n");
    text
}

fn part(text: &mut String, boundary: &str, call: &PartCall) {
    let head = "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n";
    let _ = match call {
        PartCall::Get(url) => {
            write!(text, "--{boundary}\r\n{head}GET {url} HTTP/1.1\r\nAccept: application/json\r\n\r\n\r\n")
        }
        PartCall::Post(url, json) => write!(
            text,
            "--{boundary}\r\n{head}POST {url} HTTP/1.1\r\nContent-Type: application/json\r\n\r\n{json}\r\n"
        ),
        PartCall::Patch(url, json) => write!(
            text,
            "--{boundary}\r\n{head}PATCH {url} HTTP/1.1\r\nContent-Type: application/json\r\nIf-Match: *\r\n\r\n\
             {json}\r\n"
        ),
    };
}

/// What became of each changeset or single read, in their order: its answers, or the one refusal.
pub(super) fn read(body: &[u8]) -> Result<Vec<Vec<PartAnswer>>, String> {
    let text = std::str::from_utf8(body).map_err(|_| "it is not text".to_owned())?;
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let boundary = first.trim_end().strip_prefix("--").filter(|boundary| !boundary.is_empty());
    let boundary = boundary.ok_or("it does not begin with a boundary")?;
    parts(text, boundary).map(outcome).collect()
}

fn outcome(part: &str) -> Result<Vec<PartAnswer>, String> {
    let (head, body) = split(part)?;
    match head.lines().find_map(nested) {
        Some(boundary) => parts(body, &boundary).map(|part| answer(split(part)?.1)).collect(),
        None => Ok(vec![answer(body)?]),
    }
}

/// The parts of a multipart text, without what stands before the first.
fn parts<'a>(text: &'a str, boundary: &str) -> impl Iterator<Item = &'a str> {
    let mark = format!("--{boundary}");
    let pieces: Vec<_> = text.split(mark.as_str()).skip(1).collect();
    // Behind the last one stands `--`.
    let parts = pieces.into_iter().take_while(|piece| !piece.starts_with("--"));
    parts.map(|piece| piece.trim_start_matches(['\r', '\n']))
}

fn nested(line: &str) -> Option<String> {
    let (name, value) = line.split_once(':')?;
    let boundary = value.split_once("boundary=").filter(|_| name.trim().eq_ignore_ascii_case("content-type"))?.1;
    Some(boundary.split(';').next()?.trim().trim_matches('"').to_owned())
}

/// `HTTP/1.1 201 Created`, headers, a body.
fn answer(text: &str) -> Result<PartAnswer, String> {
    let text = text.trim_start();
    let (head, body) = split(text).unwrap_or((text, ""));
    let status = head.split_whitespace().nth(1).and_then(|word| word.parse().ok());
    let status = status.filter(|_| head.starts_with("HTTP/")).ok_or("one of its parts has no status")?;
    Ok(PartAnswer { status, body: body.trim().as_bytes().to_vec() })
}

fn split(text: &str) -> Result<(&str, &str), String> {
    let found = text.split_once("\r\n\r\n").or_else(|| text.split_once("\n\n"));
    found.ok_or_else(|| "one of its parts has no empty line behind its head".to_owned())
}
