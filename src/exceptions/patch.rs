//! One correction for many messages: a jq filter over their JSON form, checked against the schema of messages.
//!
//! It reads the message and nothing else: no environment, no other input, no clock; and it comes to an end, because nothing
//! in it may repeat for ever. So what a preview shows is what is done later. A patch that begins with `translated` reads what was
//! kept of what the sender said, by today's translation, and corrects that.

use jaq_all::data::{self, Filter, Runner};
use jaq_all::jaq_core::{Vars, unwrap_valr};
use jaq_all::json::{Val, read};
use jaq_all::load::FileReportsDisp;

use crate::config::Config;
use crate::message::{Change, Envelope};
use crate::translation::translated;

/// The longest filter, in bytes.
const LENGTH_MAX: usize = 4096;

/// What reads something else than the message, writes elsewhere, or may not come to an end.
const FORBIDDEN: [&str; 24] = [
    "def",
    "recurse",
    "repeat",
    "while",
    "until",
    "range",
    "walk",
    "combinations",
    "input",
    "inputs",
    "input_filename",
    "env",
    "ENV",
    "now",
    "localtime",
    "strflocaltime",
    "halt",
    "halt_error",
    "debug",
    "debug_empty",
    "stderr",
    "stderr_empty",
    "import",
    "include",
];

/// A patch that begins with it corrects the message as its kept body is translated today.
const TRANSLATED: &str = "translated";

/// A filter that was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patch(String);

/// A message after the patch.
#[derive(Clone, Debug)]
pub struct Patched {
    /// The bytes that stand for it from now on.
    pub bytes: Vec<u8>,
    /// What changed; none: the patch does not concern it.
    pub changes: Vec<Change>,
}

impl Patch {
    /// Checks a filter.
    ///
    /// # Errors
    /// A sentence that says what is wrong with it, and where.
    pub fn new(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.is_empty() {
            return Err(
                "The patch is empty: it is a jq filter, such as .shipmentConfirmed.shipFrom.code = \"N1\".".to_owned()
            );
        }
        if text.len() > LENGTH_MAX {
            return Err(format!("The patch has {} bytes; at most {LENGTH_MAX} are taken.", text.len()));
        }
        if let Some(word) = words(text).find(|word| FORBIDDEN.contains(word)) {
            return Err(format!(
                "The patch says \"{word}\": a patch sees the message alone, and defines and repeats nothing, so that it ends."
            ));
        }
        compile(split(text).1).map(|_| Self(text.to_owned()))
    }

    /// The filter.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Applies it to the bytes of messages; of each what it is afterwards, or why it stays as it is.
    #[must_use]
    pub fn apply(&self, messages: impl Iterator<Item = Vec<u8>>, config: &Config) -> Vec<Result<Patched, String>> {
        let (anew, filter) = split(&self.0);
        match compile(filter) {
            Ok(filter) => messages.map(|bytes| patched(&filter, anew.then_some(config), bytes)).collect(),
            Err(why) => messages.map(|_| Err(why.clone())).collect(),
        }
    }
}

/// Whether the message is translated anew first, and the filter that corrects it then.
fn split(text: &str) -> (bool, &str) {
    let rest = text.strip_prefix(TRANSLATED).map(str::trim_start);
    match rest.map(|rest| (rest.is_empty(), rest.strip_prefix('|'))) {
        Some((true, _)) => (true, "."),
        Some((_, Some(filter))) => (true, filter),
        _ => (false, text),
    }
}

/// The words of a filter. Texts are left out, unless something is worked out within one.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let interpolates = text.contains("\\(");
    let quoted = text.replace("\\\\", "  ").replace("\\\"", "  ");
    let mut spans = Vec::new();
    let mut inside = false;
    let mut start = 0;
    for (at, letter) in quoted.char_indices() {
        let is_word = (letter.is_alphanumeric() || letter == '_') && (!inside || interpolates);
        if !is_word {
            spans.push(start..at);
            start = at + letter.len_utf8();
        }
        if letter == '"' {
            inside = !inside;
        }
    }
    spans.push(start..quoted.len());
    spans.into_iter().filter_map(move |span| text.get(span)).filter(|word| !word.is_empty())
}

fn compile(text: &str) -> Result<Filter, String> {
    jaq_all::compile_with(text, jaq_all::defs(), data::base_funs(), &[]).map_err(|reports| {
        let reports: Vec<_> = reports.iter().map(|report| FileReportsDisp::new(report).to_string()).collect();
        format!("The patch is no jq filter:\n{}", reports.concat().trim_end())
    })
}

fn patched(filter: &Filter, anew: Option<&Config>, bytes: Vec<u8>) -> Result<Patched, String> {
    let message = Envelope::decode(&bytes).map_err(|invalid| format!("It cannot be read: {invalid}."))?;
    // What its sender said may change what tells its effects apart: it is what it should have been from the first. Its identity and
    // its document stay, and calls that may have happened are looked up by their old keys all the same.
    let today = anew.map(|config| translated(config, &message)).transpose()?;
    let base = today.as_ref().unwrap_or(&message);
    let json = run(filter, &base.to_json().to_string())?;
    let json =
        serde_json::from_str(&json).map_err(|error| format!("What the patch makes of it is no JSON: {error}."))?;
    let (revised, _) = base.revised(&json).map_err(|invalid| format!("Patched, {invalid}."))?;
    let changes = message.changes(&revised);
    let bytes = if changes.is_empty() { bytes } else { revised.encode() };
    Ok(Patched { bytes, changes })
}

/// The one value that the filter makes of a text of JSON.
fn run(filter: &Filter, json: &str) -> Result<String, String> {
    let value = read::parse_single(json.as_bytes()).map_err(|error| format!("It cannot be read: {error}."))?;
    let mut values: Vec<Val> = Vec::new();
    let input = std::iter::once(Ok::<_, String>(value));
    let name = Val::Null;
    data::run(
        &Runner::default(),
        filter,
        Vars::new([]),
        (&name, input),
        |error| error,
        |value| {
            values.push(unwrap_valr(value).map_err(|error| format!("The patch fails on it: {error}."))?);
            if values.len() > 1 { Err("The patch makes several messages of it.".to_owned()) } else { Ok(()) }
        },
    )?;
    values.pop().map(|value| value.to_string()).ok_or_else(|| "The patch makes nothing of it.".to_owned())
}
