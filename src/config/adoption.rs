//! How documents from before go-live are found at warehouses: by the references that the former integration gave them.

use serde::{Deserialize, Serialize};

/// What the former integration called documents. `{legal_entity}`, `{request}`, `{order_number}` and `{purchase_order}` stand for
/// what Dynamics says of the document; which member the order number is read from is `order_number_field`'s.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Adoption {
    /// Its reference of an order at the warehouse (`WMS-{order_number}`); empty: orders are not looked up.
    pub outbound_reference: String,
    /// Its reference of an inbound order; empty: they are not looked up.
    pub inbound_reference: String,
    /// The first scan finds what was released or changed since; absent: since go-live. RFC 3339.
    pub since: Option<jiff::Timestamp>,
}

/// A pattern with its words replaced.
///
/// # Errors
/// The word that has no value, or the rest of a pattern whose brace is not closed.
pub fn filled(pattern: &str, value: impl Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut filled = String::new();
    let mut rest = pattern;
    while let Some((plain, word)) = rest.split_once('{') {
        let (word, after) = word.split_once('}').ok_or_else(|| word.to_owned())?;
        filled.push_str(plain);
        filled.push_str(&value(word).ok_or_else(|| word.to_owned())?);
        rest = after;
    }
    Ok(filled + rest)
}

impl Adoption {
    /// What a pattern may name.
    pub const WORDS: [&str; 4] = ["legal_entity", "request", "order_number", "purchase_order"];

    /// Its patterns, by the names of their keys.
    #[must_use]
    pub fn patterns(&self) -> [(&'static str, &str); 2] {
        [("outbound_reference", &self.outbound_reference), ("inbound_reference", &self.inbound_reference)]
    }
}
