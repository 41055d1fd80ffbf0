//! Which rows of an entity are meant: by their key, or by what chooses several.

use std::fmt::Write as _;

use super::fields::COMPANY;
use crate::message::LegalEntity;

/// An entity and what chooses its rows: all parts of the key for one row, some of them for several.
#[derive(Clone, Debug)]
pub(super) struct Rows<'a> {
    entity: &'a str,
    parts: Vec<(&'a str, Vec<String>)>,
    /// The members that are asked for; all of them when none are named.
    select: Vec<&'a str>,
}

/// A list that is read page by page, in an order that is asked for.
pub(super) struct Query {
    pub(super) filter: String,
    pub(super) order: String,
    pub(super) skip: usize,
    pub(super) top: usize,
}

impl<'a> Rows<'a> {
    /// The rows of a company.
    pub(super) fn of(entity: &'a str, legal_entity: &LegalEntity) -> Self {
        Self::configured(entity).with(COMPANY, legal_entity.as_str())
    }

    /// The rows of an entity whose key is configured.
    pub(super) fn configured(entity: &'a str) -> Self {
        Self { entity, parts: Vec::new(), select: Vec::new() }
    }

    /// Where a member has this text.
    pub(super) fn with(self, name: &'a str, text: &str) -> Self {
        self.with_any(name, [text])
    }

    /// Where a member has one of these texts.
    pub(super) fn with_any<'b>(mut self, name: &'a str, texts: impl IntoIterator<Item = &'b str>) -> Self {
        let literal = |text: &str| format!("'{}'", text.replace('\'', "''"));
        self.parts.push((name, texts.into_iter().map(literal).collect()));
        self
    }

    /// Where a member has this number.
    pub(super) fn with_number(mut self, name: &'a str, number: i64) -> Self {
        self.parts.push((name, vec![number.to_string()]));
        self
    }

    /// Only these members of a list.
    pub(super) fn select(mut self, names: Vec<&'a str>) -> Self {
        self.select = names;
        self
    }

    pub(super) fn entity(&self) -> &'a str {
        self.entity
    }

    /// The members that are asked for, as a query names them; nothing when all are.
    pub(super) fn selected(&self) -> Option<String> {
        (!self.select.is_empty()).then(|| self.select.join(","))
    }

    /// As an address names one row.
    pub(super) fn keyed(&self) -> String {
        let part = |(name, literals): &(&str, Vec<String>)| format!("{name}={}", literals.join(" or "));
        let parts: Vec<_> = self.parts.iter().map(part).collect();
        format!("{}({})", self.entity, parts.join(","))
    }

    /// As a query chooses several rows.
    pub(super) fn filter(&self) -> String {
        let part = |(name, literals): &(&str, Vec<String>)| {
            let each: Vec<_> = literals.iter().map(|literal| format!("{name} eq {literal}")).collect();
            if each.len() > 1 { format!("({})", each.join(" or ")) } else { each.concat() }
        };
        let parts: Vec<_> = self.parts.iter().map(part).collect();
        parts.join(" and ")
    }
}

/// Percent-encodes a value behind the question mark.
pub(super) fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut all, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~'".contains(&byte) {
            all.push(char::from(byte));
        } else {
            // Writing into a text cannot fail.
            let _ = write!(all, "%{byte:02X}");
        }
        all
    })
}
