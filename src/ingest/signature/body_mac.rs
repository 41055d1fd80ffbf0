//! A code of the raw body in one header, as many warehouses and shops send it.

use secrecy::{ExposeSecret as _, SecretString};

use super::mac::{Hash, code, from_base64, from_hexadecimal, same};
use super::{Signed, said};

/// Where the code stands and how it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BodyMac {
    /// The header's name.
    pub header: &'static str,
    /// The hash inside.
    pub hash: Hash,
    /// How the bytes are written.
    pub encoding: Encoding,
    /// What may stand in front: `sha256=`.
    pub prefix: &'static str,
}

/// How bytes are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Padding or not.
    Base64,
    /// Any case.
    Hexadecimal,
    /// The sender does not say which.
    Either,
}

impl BodyMac {
    pub(super) fn proved(&self, signed: Signed<'_>, keys: &[SecretString]) -> Option<bool> {
        let text = said(signed.headers, self.header)?;
        let text = text.strip_prefix(self.prefix).unwrap_or(text);
        let offered: Vec<Vec<u8>> = match self.encoding {
            Encoding::Base64 => from_base64(text).into_iter().collect(),
            Encoding::Hexadecimal => from_hexadecimal(text).into_iter().collect(),
            Encoding::Either => from_base64(text).into_iter().chain(from_hexadecimal(text)).collect(),
        };
        let codes = keys.iter().map(|key| code(self.hash, key.expose_secret().as_bytes(), &[signed.body]));
        Some(
            codes
                .fold(false, |proved, right| offered.iter().fold(proved, |proved, value| proved | same(value, &right))),
        )
    }
}
