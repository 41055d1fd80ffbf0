//! Reads where an `OData` call goes: `Entity`, `Entity(keys)`, `Entity(keys)/Namespace.Action`.

use crate::sandbox::call::decode;

/// Names and values of the parts of a key.
pub(super) type Keys = Vec<(String, String)>;

/// Where a call goes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) entity: String,
    /// Name and value of each part of the key, in the order given; nothing when the whole entity set is meant.
    pub(super) keys: Option<Keys>,
    /// The bound action, without its namespace.
    pub(super) action: Option<String>,
}

impl Address {
    /// Reads what stands behind `/data/`, still percent-encoded.
    pub(super) fn read(path: &str) -> Result<Self, String> {
        let path = decode(path);
        let Some((entity, rest)) = path.split_once('(') else {
            return Ok(Self { entity: path.trim_end_matches('/').to_owned(), keys: None, action: None });
        };
        let (keys, rest) = read_keys(rest)?;
        let action = rest.trim_matches('/').rsplit('.').next().filter(|name| !name.is_empty()).map(str::to_owned);
        Ok(Self { entity: entity.to_owned(), keys: Some(keys), action })
    }

    /// The value of one part of the key.
    pub(super) fn key(&self, name: &str) -> Option<&str> {
        let keys = self.keys.as_ref()?;
        keys.iter().find(|(each, _)| each == name).map(|(_, value)| value.as_str())
    }
}

/// Reads `name='value',name=7)` and returns what stands behind the parenthesis.
fn read_keys(mut text: &str) -> Result<(Keys, &str), String> {
    let mut keys = Vec::new();
    loop {
        text = text.trim_start_matches([' ', ',']);
        if let Some(rest) = text.strip_prefix(')') {
            return Ok((keys, rest));
        }
        let (name, rest) = text.split_once('=').ok_or_else(|| format!("the key {text:?} has no name"))?;
        let (value, rest) = literal(rest.trim_start())?;
        keys.push((name.trim().to_owned(), value));
        text = rest;
    }
}

/// Reads a literal: `'text'` (a quote inside is written twice), a number, or `Namespace.Type'Symbol'`.
pub(super) fn literal(text: &str) -> Result<(String, &str), String> {
    let Some(quote) = text.find(['\'', ',', ')', ' ']) else { return Ok((text.to_owned(), "")) };
    let (before, rest) = text.split_at(quote);
    let Some(mut rest) = rest.strip_prefix('\'') else { return Ok((before.to_owned(), rest)) };
    let mut value = String::new();
    loop {
        let (part, after) = rest.split_once('\'').ok_or_else(|| format!("{text:?} has no closing quote"))?;
        value.push_str(part);
        match after.strip_prefix('\'') {
            Some(more) => {
                value.push('\'');
                rest = more;
            }
            None => return Ok((value, after)),
        }
    }
}
