//! Coded values: a canonical code beside the sender's own text.
//!
//! A code that we do not know, in JSON or from a newer producer, is never an error: it becomes `Other` and its text
//! is kept. Documented enumerations are broken by the vendors themselves, so letters' case and separators do not
//! count when a code is compared.

use serde::de::{Deserialize, Deserializer, Error as _};
use serde_json::Value;

/// Writes one coded value: the domain struct, its code enum, both conversions and the JSON form.
macro_rules! coded {
    ($($(#[$meta:meta])* $name:ident / $code:ident in $module:ident { $($variant:ident),* $(,)? } $(+ $extra:ident)?)*) => { $(
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name {
            /// The canonical code.
            pub code: $code,
            /// The sender's own code, as sent.
            pub raw: Option<String>,
            $(/// The sender's own sentence, as sent.
            pub $extra: Option<String>,)?
        }

        /// The canonical codes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[allow(missing_docs, reason = "the words of the trade, explained in the reference of the protocol")]
        pub enum $code { $($variant,)* Other }

        impl $code {
            /// Every code, in the order of the protocol.
            pub const ALL: &[Self] = &[$(Self::$variant,)* Self::Other];

            /// The name of the protocol, as in JSON.
            #[must_use]
            pub fn as_str(self) -> &'static str { self.number().as_str_name() }

            fn number(self) -> generated::$module::Code {
                match self { $(Self::$variant => generated::$module::Code::$variant,)* Self::Other => generated::$module::Code::Other }
            }
        }

        impl From<$code> for $name {
            fn from(code: $code) -> Self { Self { code, raw: None, $($extra: None)? } }
        }

        impl Wire<generated::$name> for $name {
            fn from_wire(wire: generated::$name) -> Result<Self, Invalid> {
                use generated::$module::Code;
                let (code, unknown) = match Code::try_from(wire.code) {
                    $(Ok(Code::$variant) => ($code::$variant, None),)*
                    Ok(Code::Other | Code::Unspecified) => ($code::Other, None),
                    Err(_) => ($code::Other, Some(wire.code.to_string())),
                };
                let raw = if wire.raw.is_empty() { unknown } else { Some(wire.raw) };
                Ok(Self { code, raw, $($extra: Wire::from_wire(wire.$extra)?)? })
            }
            fn into_wire(self) -> generated::$name {
                generated::$name {
                    code: self.code.number() as i32,
                    raw: self.raw.into_wire(),
                    $($extra: self.$extra.into_wire())?
                }
            }
        }

        impl Wire<Option<generated::$name>> for $name {
            fn from_wire(wire: Option<generated::$name>) -> Result<Self, Invalid> {
                wire.ok_or_else(|| Invalid::new("is required")).and_then(Self::from_wire)
            }
            fn into_wire(self) -> Option<generated::$name> { Some(self.into_wire()) }
        }

        impl serde::Serialize for generated::$name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeMap as _;
                let code = generated::$module::Code::try_from(self.code);
                let mut map = serializer.serialize_map(None)?;
                match code {
                    Ok(code) => map.serialize_entry("code", code.as_str_name())?,
                    Err(_) => map.serialize_entry("code", &self.code)?,
                }
                if !self.raw.is_empty() { map.serialize_entry("raw", &self.raw)?; }
                $(if !self.$extra.is_empty() { map.serialize_entry(stringify!($extra), &self.$extra)?; })?
                map.end()
            }
        }

        impl<'de> serde::Deserialize<'de> for generated::$name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let spoken = $crate::message::coded::Spoken::deserialize(deserializer)?;
                let known = spoken.known($code::ALL.iter().map(|code| (code.number() as i32, code.as_str())));
                let raw = if known.is_some() { spoken.raw } else { spoken.raw_or_code() };
                Ok(Self {
                    code: known.unwrap_or(generated::$module::Code::Other as i32),
                    raw,
                    $($extra: { let $extra = spoken.text; $extra })?
                })
            }
        }
    )* };
}
pub(super) use coded;

/// A coded value as somebody wrote it in JSON: `"ON_HOLD"`, `10`, or `{"code": …, "raw": …, "text": …}`.
pub(super) struct Spoken {
    code: String,
    pub raw: String,
    pub text: String,
}

impl Spoken {
    /// The number of the code that is meant, if we know it.
    pub fn known(&self, codes: impl Iterator<Item = (i32, &'static str)>) -> Option<i32> {
        let number = self.code.parse::<i32>().ok();
        let mut codes = codes;
        codes.find(|(value, name)| Some(*value) == number || fold(name) == fold(&self.code)).map(|(value, _)| value)
    }

    /// What to keep of an unknown code.
    pub fn raw_or_code(&self) -> String {
        if self.raw.is_empty() { self.code.clone() } else { self.raw.clone() }
    }
}

fn fold(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_uppercase()).collect()
}

impl<'de> Deserialize<'de> for Spoken {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = |value: Option<&Value>| match value {
            None | Some(Value::Null) => Ok(String::new()),
            Some(Value::String(text)) => Ok(text.clone()),
            Some(Value::Number(number)) => Ok(number.to_string()),
            Some(other) => Err(D::Error::custom(format!("{other} is neither a code nor a text"))),
        };
        let value = Value::deserialize(deserializer)?;
        let Value::Object(members) = &value else {
            return Ok(Self { code: word(Some(&value))?, raw: String::new(), text: String::new() });
        };
        Ok(Self { code: word(members.get("code"))?, raw: word(members.get("raw"))?, text: word(members.get("text"))? })
    }
}
