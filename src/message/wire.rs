//! Between the wire and the domain: one trait, and the macros that write its implementations field by field.
//!
//! A generated type never leaves `message`. A field that is missing in one of the two does not compile, because
//! both sides are taken apart by name.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;

/// The types that `build.rs` generates from `proto/drayline/v1`.
#[allow(clippy::all, clippy::pedantic, missing_docs, reason = "generated code is not ours to polish")]
pub(super) mod generated {
    include!(concat!(env!("OUT_DIR"), "/drayline.v1.rs"));
    include!(concat!(env!("OUT_DIR"), "/drayline.v1.serde.rs"));
}

/// What is wrong with a value, and where: `packages[2].contents[0].quantity.value: "2,5" is not a decimal`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    place: String,
    problem: String,
}

impl Invalid {
    /// A problem with the value itself; the callers add the place.
    pub fn new(problem: impl Into<String>) -> Self {
        Self { place: String::new(), problem: problem.into() }
    }

    /// The same problem, seen from the value that contains it.
    #[must_use]
    pub fn within(mut self, name: &str) -> Self {
        let separator = if self.place.is_empty() || self.place.starts_with('[') { "" } else { "." };
        self.place = format!("{name}{separator}{}", self.place);
        self
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.place.is_empty() {
            return formatter.write_str(&self.problem);
        }
        write!(formatter, "{}: {}", self.place, self.problem)
    }
}

impl std::error::Error for Invalid {}

/// A domain type that travels as `W`.
pub(super) trait Wire<W>: Sized {
    /// Reads a wire value.
    ///
    /// # Errors
    /// [`Invalid`] names the place and the problem of the first value that cannot be.
    fn from_wire(wire: W) -> Result<Self, Invalid>;
    /// Writes the wire value.
    fn into_wire(self) -> W;
}

impl<T: Wire<W>, W> Wire<Option<W>> for Option<T> {
    fn from_wire(wire: Option<W>) -> Result<Self, Invalid> {
        wire.map(T::from_wire).transpose()
    }
    fn into_wire(self) -> Option<W> {
        self.map(T::into_wire)
    }
}

impl<T: Wire<W>, W> Wire<Vec<W>> for Vec<T> {
    fn from_wire(wire: Vec<W>) -> Result<Self, Invalid> {
        let element = |(index, value)| T::from_wire(value).map_err(|invalid| invalid.within(&format!("[{index}]")));
        wire.into_iter().enumerate().map(element).collect()
    }
    fn into_wire(self) -> Vec<W> {
        self.into_iter().map(T::into_wire).collect()
    }
}

/// Types that are the same on both sides.
macro_rules! same {
    ($($type:ty),*) => { $(impl Wire<$type> for $type {
        fn from_wire(wire: $type) -> Result<Self, Invalid> { Ok(wire) }
        fn into_wire(self) -> $type { self }
    })* };
}
same!(bool, u32, u64, String, BTreeMap<String, String>);

/// Types that travel as text, where the empty text means absent.
macro_rules! textual {
    ($($type:ty = $read:expr;)*) => { $(
        impl Wire<String> for $type {
            fn from_wire(wire: String) -> Result<Self, Invalid> {
                if wire.is_empty() { return Err(Invalid::new("is required")); }
                $read(wire)
            }
            fn into_wire(self) -> String { self.to_string() }
        }
        impl Wire<String> for Option<$type> {
            fn from_wire(wire: String) -> Result<Self, Invalid> {
                if wire.is_empty() { return Ok(None); }
                $read(wire).map(Some)
            }
            fn into_wire(self) -> String { self.map(|value| value.to_string()).unwrap_or_default() }
        }
    )* };
}
pub(super) use textual;

textual! {
    Decimal = |wire: String| Decimal::from_str(&wire).map_err(|_| Invalid::new(format!("{wire:?} is not a decimal")));
    Date = |wire: String| Date::from_str(&wire).map_err(|_| Invalid::new(format!("{wire:?} is not a date (YYYY-MM-DD)")));
    uuid::Uuid = |wire: String| uuid::Uuid::from_str(&wire).map_err(|_| Invalid::new(format!("{wire:?} is not a UUID")));
}

impl Wire<String> for Option<String> {
    fn from_wire(wire: String) -> Result<Self, Invalid> {
        Ok((!wire.is_empty()).then_some(wire))
    }
    fn into_wire(self) -> String {
        self.unwrap_or_default()
    }
}

impl Wire<pbjson_types::Timestamp> for Timestamp {
    fn from_wire(wire: pbjson_types::Timestamp) -> Result<Self, Invalid> {
        Self::new(wire.seconds, wire.nanos).map_err(|_| Invalid::new("is outside the years that can be told"))
    }
    fn into_wire(self) -> pbjson_types::Timestamp {
        pbjson_types::Timestamp { seconds: self.as_second(), nanos: self.subsec_nanosecond() }
    }
}

impl Wire<Option<pbjson_types::Timestamp>> for Timestamp {
    fn from_wire(wire: Option<pbjson_types::Timestamp>) -> Result<Self, Invalid> {
        wire.ok_or_else(|| Invalid::new("is required")).and_then(Self::from_wire)
    }
    fn into_wire(self) -> Option<pbjson_types::Timestamp> {
        Some(self.into_wire())
    }
}

/// A domain record: the generated message of the same name and fields, with types that cannot hold nonsense.
macro_rules! record {
    ($($(#[$meta:meta])* $name:ident { $($(#[$field_meta:meta])* $field:ident: $type:ty,)* })*) => { $(
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq)]
        #[allow(clippy::struct_field_names, reason = "fields are named as in the protocol")]
        pub struct $name { $($(#[$field_meta])* pub $field: $type,)* }

        impl Wire<generated::$name> for $name {
            fn from_wire(wire: generated::$name) -> Result<Self, Invalid> {
                let generated::$name { $($field,)* } = wire;
                Ok(Self { $($field: Wire::from_wire($field).map_err(|invalid: Invalid| invalid.within(stringify!($field)))?,)* })
            }
            fn into_wire(self) -> generated::$name {
                generated::$name { $($field: self.$field.into_wire(),)* }
            }
        }

        impl Wire<Option<generated::$name>> for $name {
            fn from_wire(wire: Option<generated::$name>) -> Result<Self, Invalid> {
                wire.ok_or_else(|| Invalid::new("is required")).and_then(Self::from_wire)
            }
            fn into_wire(self) -> Option<generated::$name> { Some(self.into_wire()) }
        }
    )* };
}
pub(super) use record;
