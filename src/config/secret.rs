//! Secrets: named, never written down, never printed. A file is read again when it changes.

#![expect(clippy::disallowed_methods, reason = "below the clock: how fresh a file is, is no time of the trade")]

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use secrecy::SecretString;
use serde::Deserialize;

/// How often a secret's file is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Where a secret is to be found.
#[derive(Clone)]
pub struct Secret {
    place: Place,
    seen: Arc<Mutex<Option<Seen>>>,
}

#[derive(Clone)]
enum Place {
    Environment(String),
    File(PathBuf),
}

struct Seen {
    value: SecretString,
    modified: Option<SystemTime>,
    looked: Instant,
}

/// A secret that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The environment variable is not set.
    #[error("the environment variable {0} is not set")]
    Unset(String),
    /// The file cannot be read.
    #[error("the secret's file {0} cannot be read")]
    Unread(PathBuf, #[source] std::io::Error),
    /// There is nothing in it.
    #[error("the secret in {0} is empty")]
    Empty(String),
}

impl Secret {
    /// Reads where a secret is to be found: `env:NAME` or `file:PATH`.
    ///
    /// # Errors
    /// A sentence when the text is neither; it never repeats the text, which may be a secret itself.
    pub fn named(text: &str) -> Result<Self, String> {
        let place = match text.split_once(':') {
            Some(("env", name)) if !name.is_empty() => Place::Environment(name.to_owned()),
            Some(("file", path)) if !path.is_empty() => Place::File(PathBuf::from(path)),
            _ => return Err("a secret is written as env:NAME or file:PATH, never as itself".to_owned()),
        };
        Ok(Self { place, seen: Arc::default() })
    }

    /// The secret's value now.
    ///
    /// # Errors
    /// [`SecretError`] when the variable is unset, the file unreadable, or there is nothing in it.
    pub fn value(&self) -> Result<SecretString, SecretError> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(seen) = seen.as_ref().filter(|seen| seen.looked.elapsed() < LOOK_EVERY) {
            return Ok(seen.value.clone());
        }
        let modified = self.modified();
        if let Some(known) = seen.as_mut().filter(|known| modified.is_some() && known.modified == modified) {
            known.looked = Instant::now();
            return Ok(known.value.clone());
        }
        let value = self.read()?;
        *seen = Some(Seen { value: value.clone(), modified, looked: Instant::now() });
        Ok(value)
    }

    fn modified(&self) -> Option<SystemTime> {
        match &self.place {
            Place::Environment(_) => None,
            Place::File(path) => std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok(),
        }
    }

    fn read(&self) -> Result<SecretString, SecretError> {
        let text = match &self.place {
            Place::Environment(name) => std::env::var(name).map_err(|_| SecretError::Unset(name.clone()))?,
            Place::File(path) => {
                std::fs::read_to_string(path).map_err(|error| SecretError::Unread(path.clone(), error))?
            }
        };
        let text = text.trim_end_matches(['\r', '\n']);
        if text.is_empty() { Err(SecretError::Empty(self.to_string())) } else { Ok(SecretString::from(text)) }
    }
}

/// Tells the place, not the secret.
impl fmt::Display for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Environment(name) => write!(formatter, "env:{name}"),
            Place::File(path) => write!(formatter, "file:{}", path.display()),
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::named(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl serde::Serialize for Secret {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// An address of the configuration: as it is written, or where `env:NAME` or `file:PATH` leads.
///
/// # Errors
/// [`SecretError`] when it leads nowhere.
pub fn address(text: &str) -> Result<String, SecretError> {
    use secrecy::ExposeSecret as _;
    match Secret::named(text) {
        Ok(secret) => secret.value().map(|value| value.expose_secret().to_owned()),
        Err(_) => Ok(text.to_owned()),
    }
}
