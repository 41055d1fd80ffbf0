//! Standard Webhooks 1.0 and Svix: `id.timestamp.body`, several signatures, several keys.
//!
//! The kind of key decides what is checked: a `whsec_` key looks at `v1` signatures alone, a `whpk_` key at `v1a`
//! alone. So a sender with a public key can never be imitated by somebody who uses that key as a shared secret.

use axum::http::HeaderMap;
use ed25519_dalek::{Signature, VerifyingKey};
use secrecy::{ExposeSecret as _, SecretString};

use super::mac::{Hash, code, from_base64, same};
use super::{SIGNATURES_MAX, Signed, said};

/// The two families of names. One request speaks one of them.
const FAMILIES: [[&str; 3]; 2] =
    [["webhook-id", "webhook-timestamp", "webhook-signature"], ["svix-id", "svix-timestamp", "svix-signature"]];

/// The shortest shared secret that the standard allows, in bytes.
const SECRET_LENGTH_MIN: usize = 24;

enum Key {
    Shared(Vec<u8>),
    Public(Box<VerifyingKey>),
}

/// Nothing, or false: not proved.
pub(super) fn proved(signed: Signed<'_>, keys: &[SecretString]) -> Option<bool> {
    let [id, stamp, signatures] = family(signed.headers).map(|name| said(signed.headers, name));
    let (id, stamp, signatures) = (id?, stamp?, signatures?);
    let digits = !stamp.is_empty() && stamp.bytes().all(|digit| digit.is_ascii_digit());
    let sound = !id.is_empty() && !id.contains('.') && digits;
    if !sound || !signed.is_in_window(stamp.parse().ok()?) {
        return None;
    }
    let parts: [&[u8]; 5] = [id.as_bytes(), b".", stamp.as_bytes(), b".", signed.body];
    let offered: Vec<(&str, Vec<u8>)> = signatures
        .split_ascii_whitespace()
        .take(SIGNATURES_MAX)
        .filter_map(|each| each.split_once(','))
        .filter_map(|(version, value)| Some((version, from_base64(value)?)))
        .collect();
    let keys = keys.iter().filter_map(|key| read(key.expose_secret()).ok());
    Some(keys.fold(false, |proved, key| proved | matches(&key, &offered, &parts)))
}

fn matches(key: &Key, offered: &[(&str, Vec<u8>)], parts: &[&[u8]]) -> bool {
    match key {
        Key::Shared(secret) => {
            let right = code(Hash::Sha256, secret, parts);
            let values = offered.iter().filter(|(version, _)| *version == "v1");
            values.fold(false, |found, (_, value)| found | same(value, &right))
        }
        Key::Public(key) => {
            let message = parts.concat();
            let values = offered.iter().filter(|(version, _)| *version == "v1a");
            let mut signatures = values.filter_map(|(_, value)| Signature::from_slice(value).ok());
            signatures.any(|signature| key.verify_strict(&message, &signature).is_ok())
        }
    }
}

/// The id of the delivery, the same in every attempt.
pub(in crate::ingest) fn delivery_id(headers: &HeaderMap) -> Option<&str> {
    said(headers, family(headers)[0])
}

fn family(headers: &HeaderMap) -> [&'static str; 3] {
    let [webhook, svix] = FAMILIES;
    if webhook.iter().any(|name| headers.contains_key(*name)) { webhook } else { svix }
}

/// What is wrong with a configured key, never with a part of it.
pub(in crate::ingest) fn key_problem(text: &str) -> Option<&'static str> {
    read(text).err()
}

fn read(text: &str) -> Result<Key, &'static str> {
    if let Some(encoded) = text.strip_prefix("whsec_") {
        let secret = from_base64(encoded).ok_or("is not base64 after whsec_")?;
        let long_enough = secret.len() >= SECRET_LENGTH_MIN;
        return if long_enough { Ok(Key::Shared(secret)) } else { Err("holds fewer than 24 bytes after whsec_") };
    }
    let encoded = text.strip_prefix("whpk_").ok_or("begins with neither whsec_ nor whpk_")?;
    let bytes = from_base64(encoded).and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    let bytes = bytes.ok_or("is not base64 of 32 bytes after whpk_")?;
    let key = VerifyingKey::from_bytes(&bytes).map_err(|_| "is not an Ed25519 key after whpk_")?;
    if key.is_weak() { Err("is a weak Ed25519 key") } else { Ok(Key::Public(Box::new(key))) }
}
