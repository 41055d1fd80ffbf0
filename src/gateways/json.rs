//! JSON as far ends send and take it: numbers exactly as they are written, never through a binary float.
//!
//! An empty text is absent, as in Dynamics; what is there but not what it should be is a problem with its name.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

/// Dynamics has no empty date, so it writes this one.
const NO_DATE: &str = "1900-01-01";

/// A JSON object as it was answered, its members not read yet.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub(super) struct Row(BTreeMap<String, Box<RawValue>>);

impl Row {
    /// Reads an object.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(bytes).map_err(|error| format!("it is not a JSON object ({error})"))
    }

    /// A member as text; numbers and truth values are written out.
    pub(super) fn text(&self, name: &str) -> Result<Option<String>, String> {
        let Some(raw) = self.raw(name) else { return Ok(None) };
        if raw.starts_with('"') {
            let text: String = serde_json::from_str(raw).map_err(|_| strange(name, raw, "a text"))?;
            return Ok(Some(text).filter(|text| !text.trim().is_empty()));
        }
        if raw.starts_with(['{', '[']) { Err(strange(name, raw, "a text")) } else { Ok(Some(raw.to_owned())) }
    }

    /// A member that must be there, as text.
    pub(super) fn required(&self, name: &str) -> Result<String, String> {
        self.text(name)?.ok_or_else(|| missing(name))
    }

    /// A member as a decimal, exactly as it is written; in quotes or not.
    pub(super) fn decimal(&self, name: &str) -> Result<Option<Decimal>, String> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let text = text.trim();
        exact(text).map(Some).ok_or_else(|| strange(name, text, "a decimal"))
    }

    /// A member as a whole number.
    pub(super) fn integer(&self, name: &str) -> Result<Option<i64>, String> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let whole = exact(text.trim()).filter(|number| number.fract().is_zero());
        let whole = whole.and_then(|number| i64::try_from(number).ok());
        whole.map(Some).ok_or_else(|| strange(name, &text, "a whole number"))
    }

    /// A member as an instant; one without a zone is UTC, and 1900-01-01 is none.
    pub(super) fn instant(&self, name: &str) -> Result<Option<Timestamp>, String> {
        let Some(text) = self.text(name)?.filter(|text| !text.starts_with(NO_DATE)) else { return Ok(None) };
        let utc = |civil: DateTime| civil.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
        let read = text.parse::<Timestamp>().ok();
        let read = read.or_else(|| text.parse::<DateTime>().ok().and_then(utc));
        let read = read.or_else(|| text.parse::<Date>().ok().and_then(|date| utc(date.at(12, 0, 0, 0))));
        read.map(Some).ok_or_else(|| strange(name, &text, "an instant"))
    }

    /// A member that is an object itself.
    pub(super) fn row(&self, name: &str) -> Result<Option<Row>, String> {
        self.inner(name, "an object")
    }

    /// A member that is a list of objects; absent is empty.
    pub(super) fn rows(&self, name: &str) -> Result<Vec<Row>, String> {
        Ok(self.rows_if_there(name)?.unwrap_or_default())
    }

    /// A member that is a list of objects, if it is there at all.
    pub(super) fn rows_if_there(&self, name: &str) -> Result<Option<Vec<Row>>, String> {
        self.inner(name, "a list of objects")
    }

    /// Whether these members have these values already.
    pub(super) fn says(&self, members: &Members) -> bool {
        members.0.iter().all(|(name, value)| match value {
            Member::Key(text) => {
                self.text(name).is_ok_and(|held| held.is_some_and(|held| held.eq_ignore_ascii_case(text)))
            }
            Member::Text(text) => self.text(name).is_ok_and(|held| held.unwrap_or_default() == *text),
            Member::Decimal(decimal) => self.decimal(name).is_ok_and(|held| held.unwrap_or_default() == *decimal),
            Member::Integer(integer) => self.integer(name).is_ok_and(|held| held == Some(*integer)),
            Member::Instant(instant) => self.instant(name).is_ok_and(|held| held == Some(*instant)),
        })
    }

    fn inner<'a, T: Deserialize<'a>>(&'a self, name: &str, what: &str) -> Result<Option<T>, String> {
        let Some(raw) = self.raw(name) else { return Ok(None) };
        serde_json::from_str(raw).map(Some).map_err(|_| strange(name, raw, what))
    }

    fn raw(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|raw| raw.get()).filter(|raw| *raw != "null")
    }
}

pub(super) fn missing(name: &str) -> String {
    format!("{name} is missing")
}

fn strange(name: &str, raw: &str, what: &str) -> String {
    let shown: String = raw.chars().take(60).collect();
    format!("{name} ({shown}) is not {what}")
}

/// A decimal without loss; one that would have to be rounded is none.
fn exact(text: &str) -> Option<Decimal> {
    let (digits, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let number = Decimal::from_str_exact(digits).ok()?;
    let exponent: i32 = exponent.parse().ok()?;
    let shift =
        (0..exponent.unsigned_abs().min(40)).try_fold(Decimal::ONE, |shift, _| shift.checked_mul(Decimal::TEN))?;
    if exponent >= 0 {
        return number.checked_mul(shift).map(|number| number.normalize());
    }
    let quotient = number.checked_div(shift)?;
    (quotient.checked_mul(shift)? == number).then(|| quotient.normalize())
}

/// Members to be written. Only what is set is sent: blanks would override the far end's own defaults.
#[derive(Clone, Debug, Default)]
pub(super) struct Members(BTreeMap<String, Member>);

#[derive(Clone, Debug)]
enum Member {
    Key(String),
    Text(String),
    Decimal(Decimal),
    Integer(i64),
    Instant(Timestamp),
}

impl Members {
    /// With a part of the key: capitals do not make it another one.
    pub(super) fn key(mut self, name: &str, value: impl Into<String>) -> Self {
        self.0.insert(name.to_owned(), Member::Key(value.into()));
        self
    }

    /// With a text.
    pub(super) fn text(mut self, name: &str, value: impl Into<String>) -> Self {
        self.0.insert(name.to_owned(), Member::Text(value.into()));
        self
    }

    /// With a text, if there is one.
    pub(super) fn text_if(self, name: &str, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(value) if !name.is_empty() => self.text(name, value),
            Some(_) | None => self,
        }
    }

    /// With a decimal, as a JSON number.
    pub(super) fn decimal(mut self, name: &str, value: Decimal) -> Self {
        self.0.insert(name.to_owned(), Member::Decimal(value));
        self
    }

    /// With a whole number.
    pub(super) fn integer(mut self, name: &str, value: i64) -> Self {
        self.0.insert(name.to_owned(), Member::Integer(value));
        self
    }

    /// With an instant, to the second.
    pub(super) fn instant(mut self, name: &str, value: Timestamp) -> Self {
        let second = Timestamp::from_second(value.as_second()).unwrap_or(value);
        self.0.insert(name.to_owned(), Member::Instant(second));
        self
    }

    /// The text of a member, where it is one.
    pub(super) fn written(&self, name: &str) -> Option<&str> {
        match self.0.get(name) {
            Some(Member::Key(text) | Member::Text(text)) => Some(text),
            Some(Member::Decimal(_) | Member::Integer(_) | Member::Instant(_)) | None => None,
        }
    }
}

impl Serialize for Members {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(&self.0)
    }
}

impl Serialize for Member {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Key(text) | Self::Text(text) => serializer.serialize_str(text),
            Self::Integer(integer) => serializer.serialize_i64(*integer),
            Self::Instant(instant) => serializer.collect_str(instant),
            Self::Decimal(decimal) => {
                let raw = RawValue::from_string(decimal.normalize().to_string());
                raw.map_err(serde::ser::Error::custom)?.serialize(serializer)
            }
        }
    }
}
