//! Message authentication codes, and decoded bytes compared in constant time.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use ring::hmac;

/// Strict letters, padding or not.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The hash inside a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    /// Only for what is old and offers nothing else.
    Sha1,
    /// The usual one.
    Sha256,
    /// The long one.
    Sha512,
}

/// The code of what the parts say one after another.
pub(super) fn code(hash: Hash, key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let algorithm = match hash {
        Hash::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        Hash::Sha256 => hmac::HMAC_SHA256,
        Hash::Sha512 => hmac::HMAC_SHA512,
    };
    let mut code = hmac::Context::with_key(&hmac::Key::new(algorithm, key));
    for part in parts {
        code.update(part);
    }
    code.sign().as_ref().to_vec()
}

/// Whether two secrets or codes are the same, without telling where they differ or how long the right one is: what is
/// compared, in constant time, are codes of both.
pub(in crate::ingest) fn same(left: &[u8], right: &[u8]) -> bool {
    let key = hmac::Key::new(hmac::HMAC_SHA256, &[]);
    hmac::verify(&key, right, hmac::sign(&key, left).as_ref()).is_ok()
}

pub(super) fn from_base64(text: &str) -> Option<Vec<u8>> {
    BASE64.decode(text).ok()
}

pub(super) fn from_hexadecimal(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    let value = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    digits.chunks_exact(2).map(|pair| Some((value(pair[0])? << 4) | value(pair[1])?)).collect()
}
