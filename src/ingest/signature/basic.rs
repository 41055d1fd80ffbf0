//! HTTP Basic: user and password, and no proof of what was said.

use axum::http::{HeaderMap, header};
use secrecy::{ExposeSecret as _, SecretString};

use super::mac::{from_base64, same};
use super::said;

pub(super) fn proved(headers: &HeaderMap, keys: &[SecretString]) -> Option<bool> {
    let (scheme, credentials) = said(headers, header::AUTHORIZATION.as_str())?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let offered = from_base64(credentials.trim())?;
    let keys = keys.iter().map(|key| key.expose_secret().as_bytes());
    Some(keys.fold(false, |proved, key| proved | same(&offered, key)))
}
