//! Who calls: the token, what it allows, and the token of the command line on this machine.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use uuid::Uuid;

use super::Api;
use super::problem::Problem;
use crate::clock::Clock;
use crate::message::{Flow, sha256};
use crate::store::{Actor, Role};

/// Where a process that serves `/v1` writes its token for the command line, in the data folder.
pub const TOKEN_FILE: &str = "command-line-token";

/// The header in which the command line names the operating system's user; of other tokens it is not read.
pub const USER: &str = "drayline-user";

/// Every token begins so, so that whoever finds one knows what it is.
const BEGINS: &str = "drayline_";

/// The longest name of a user that is taken.
const NAME_LENGTH_MAX: usize = 100;

/// Who calls. A handler that takes one is not reached without.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Their name, as the trail shows it.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// In these flows alone; in all where it is none.
    pub flows: Option<Vec<Flow>>,
    /// With these connections alone; with all where it is none.
    pub connections: Option<Vec<String>>,
    /// Whose idempotency keys and whose pace.
    pub(super) id: Uuid,
    /// What tells their keys from those of others.
    pub(super) scope: String,
    /// The token itself, to seal answers with.
    pub(super) token: String,
}

impl Caller {
    /// Whether they have the role, or one above it.
    ///
    /// # Errors
    /// The answer 403 where they have not.
    pub fn may(&self, role: Role) -> Result<(), Problem> {
        if self.role >= role {
            return Ok(());
        }
        Err(Problem::forbidden(format!("This needs the role {role}; {} is {}.", self.name, self.role)))
    }

    /// Whether their token's limits allow what concerns this flow and this connection. What concerns no flow (or no
    /// connection) is not for tokens limited to some.
    ///
    /// # Errors
    /// The answer 403 where they do not.
    pub fn may_touch(&self, flow: Option<Flow>, connection: Option<&str>) -> Result<(), Problem> {
        let missing = |what: &str, allowed: String| {
            Err(Problem::forbidden(format!("The token of {} is limited to the {what} {allowed}.", self.name)))
        };
        if let Some(flows) = &self.flows
            && !flow.is_some_and(|flow| flows.contains(&flow))
        {
            return missing("flows", flows.iter().map(|flow| flow.as_str()).collect::<Vec<_>>().join(", "));
        }
        if let Some(connections) = &self.connections
            && !connection.is_some_and(|connection| connections.iter().any(|each| each == connection))
        {
            return missing("connections", connections.join(", "));
        }
        Ok(())
    }

    /// How the trail names them.
    #[must_use]
    pub fn actor(&self) -> Actor {
        Actor { who: self.name.clone(), role: self.role.to_string() }
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(missing)
    }
}

impl Api {
    /// Who sent these headers.
    pub(super) async fn caller(&self, headers: &HeaderMap) -> Result<Caller, Problem> {
        let header = headers.get(AUTHORIZATION).ok_or_else(missing)?;
        let token = header.to_str().ok().and_then(bearer).ok_or_else(|| {
            let title = "No bearer token";
            Problem::unauthorized("token-missing", title, "The header Authorization does not say Bearer TOKEN.")
        })?;
        let digest = sha256(token.as_bytes());
        if digest == self.own.digest {
            return self.own.caller(headers, token);
        }
        let unknown = || {
            let detail = "Nobody was given this token here; perhaps it is of another installation, or not whole.";
            Problem::unauthorized("token-unknown", "The token is not known", detail)
        };
        // What cannot be one of ours is not worth a question to the store.
        if !token.starts_with(BEGINS) {
            return Err(unknown());
        }
        let (known, now) = self.store.token_by_digest(&digest).await?.ok_or_else(unknown)?;
        if let Some(at) = known.revoked_at {
            let detail = format!("The token of {} was taken back at {at:.0}.", known.name);
            return Err(Problem::unauthorized("token-revoked", "The token was taken back", detail));
        }
        if known.expires_at <= now {
            let detail = format!("The token of {} was good until {:.0}.", known.name, known.expires_at);
            return Err(Problem::unauthorized("token-expired", "The token has expired", detail));
        }
        Ok(Caller {
            name: known.name,
            role: known.role,
            flows: known.flows,
            connections: known.connections,
            id: known.id,
            scope: known.id.to_string(),
            token: token.to_owned(),
        })
    }
}

/// The token that a process writes into its data folder, so that the command line on the same machine needs none of its
/// own: whoever may read the folder may do everything with it anyway. It is good as long as the process lives.
#[derive(Clone, Debug)]
pub struct OwnToken {
    digest: String,
    id: Uuid,
}

impl OwnToken {
    /// Makes a new one and writes it down, readable for the operating system's user alone.
    ///
    /// # Errors
    /// When it cannot be written; then there is none.
    pub fn write(folder: &Path, clock: &Clock) -> std::io::Result<Self> {
        let token = new_token();
        std::fs::create_dir_all(folder)?;
        // Written beside it first: whoever reads it reads it whole, and with these rights from its first byte on.
        let beside = folder.join(format!("{TOKEN_FILE}.new"));
        let _ = std::fs::remove_file(&beside);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
        file.write_all(token.as_bytes())?;
        drop(file);
        std::fs::rename(&beside, Self::path(folder))?;
        Ok(Self { digest: sha256(token.as_bytes()), id: clock.identifier() })
    }

    /// Removes it, where another process has not written its own there since.
    pub fn remove(&self, folder: &Path) {
        let path = Self::path(folder);
        if std::fs::read(&path).is_ok_and(|token| sha256(&token) == self.digest) {
            let _ = std::fs::remove_file(path);
        }
    }

    fn path(folder: &Path) -> PathBuf {
        folder.join(TOKEN_FILE)
    }

    fn caller(&self, headers: &HeaderMap, token: &str) -> Result<Caller, Problem> {
        let name = match headers.get(USER) {
            None => "command line".to_owned(),
            Some(value) => {
                let text = value.to_str().ok().map(str::trim).filter(|text| !text.is_empty());
                let short = text.filter(|text| text.len() <= NAME_LENGTH_MAX);
                let problem = || Problem::header("Drayline-User", "must be a name of at most 100 visible letters");
                format!("{} (command line)", short.ok_or_else(problem)?)
            }
        };
        let (scope, role) = (name.clone(), Role::Administrator);
        Ok(Caller { name, role, flows: None, connections: None, id: self.id, scope, token: token.to_owned() })
    }
}

/// A new token, as it is given once.
pub(super) fn new_token() -> String {
    format!("{BEGINS}{}", Clock::secret())
}

fn missing() -> Problem {
    Problem::unauthorized("token-missing", "No bearer token", "The request has no header Authorization.")
}

fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    Some(token.trim()).filter(|token| scheme.eq_ignore_ascii_case("bearer") && !token.is_empty())
}
