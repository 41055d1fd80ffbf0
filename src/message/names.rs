//! Names that cannot hold nonsense: short, without control characters, never blank.

use std::fmt;
use std::str::FromStr;

use super::wire::{Invalid, Wire, textual};

/// Writes one kind of name: the longest it may be (in characters) and, where it has one, a rule of its own.
macro_rules! names {
    ($($(#[$meta:meta])* $name:ident, $longest:literal $(, $rule:path)?;)*) => { $(
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Reads a name.
            ///
            /// # Errors
            /// [`Invalid`] when it is blank, too long or holds a control character.
            pub fn new(text: impl Into<String>) -> Result<Self, Invalid> {
                let text = text.into();
                plain(&text, $longest)?;
                $($rule(&text)?;)?
                Ok(Self(text))
            }

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str { &self.0 }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result { formatter.write_str(&self.0) }
        }

        impl FromStr for $name {
            type Err = Invalid;
            fn from_str(text: &str) -> Result<Self, Invalid> { Self::new(text) }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::new(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
            }
        }

        textual! { $name = |wire: String| $name::new(wire); }
    )* };
}

names! {
    /// The public name of a Dynamics environment or a warehouse in the configuration: `[a-z][a-z0-9_]*`.
    Connection, 40, public;
    /// A company in Dynamics (`dataAreaId`, or the company of Business Central); compared in lower case.
    LegalEntity, 60, lower;
    /// What a warehouse calls an item, exactly as it was sent.
    Sku, 200;
    /// A unit of measure as somebody spelled it; compare with [`Unit::same`].
    Unit, 20;
    /// The id of a released document in Dynamics.
    RequestId, 100;
    /// A warehouse's or Dynamics' code of a place.
    PlaceCode, 100;
    /// A warehouse's own key of a fact: shipment, package, receipt, adjustment.
    FactKey, 300;
    /// A serial number.
    Serial, 100;
    /// ISO 4217 currency code.
    Currency, 3, currency;
}

impl Unit {
    /// Units are compared without regard to case: Dynamics itself mixes `Pcs` and `pcs`.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

fn plain(text: &str, longest: usize) -> Result<(), Invalid> {
    if text.trim().is_empty() {
        return Err(Invalid::new("is required"));
    }
    if text.chars().count() > longest {
        return Err(Invalid::new(format!("is longer than {longest} characters")));
    }
    if text.chars().any(char::is_control) {
        return Err(Invalid::new(format!("{text:?} holds a control character")));
    }
    Ok(())
}

fn public(text: &str) -> Result<(), Invalid> {
    let letter = text.starts_with(|first: char| first.is_ascii_lowercase());
    let rest = text.chars().all(|each| each.is_ascii_lowercase() || each.is_ascii_digit() || each == '_');
    if letter && rest { Ok(()) } else { Err(Invalid::new(format!("{text:?} is not of the form [a-z][a-z0-9_]*"))) }
}

fn lower(text: &str) -> Result<(), Invalid> {
    if text.chars().any(char::is_uppercase) {
        return Err(Invalid::new(format!("{text:?} is a legal entity in capitals; it is kept in lower case")));
    }
    Ok(())
}

fn currency(text: &str) -> Result<(), Invalid> {
    let capitals = text.len() == 3 && text.bytes().all(|letter| letter.is_ascii_uppercase());
    if capitals { Ok(()) } else { Err(Invalid::new(format!("{text:?} is not a currency code like EUR"))) }
}
