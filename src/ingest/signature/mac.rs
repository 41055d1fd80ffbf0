//! Message authentication codes, and decoded bytes compared in constant time.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use hmac::digest::CtOutput;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;
use sha2::{Digest as _, Sha256, Sha512};

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
pub(super) fn code(hash: Hash, key: &[u8], parts: &[&[u8]]) -> Option<Vec<u8>> {
    macro_rules! with {
        ($digest:ty) => {{
            let mut mac = Hmac::<$digest>::new_from_slice(key).ok()?;
            for part in parts {
                mac.update(part);
            }
            Some(mac.finalize().into_bytes().to_vec())
        }};
    }
    match hash {
        Hash::Sha1 => with!(Sha1),
        Hash::Sha256 => with!(Sha256),
        Hash::Sha512 => with!(Sha512),
    }
}

/// Whether two secrets or codes are the same, without telling where they differ or how long the right one is: their digests
/// are compared, in constant time.
pub(in crate::ingest) fn same(left: &[u8], right: &[u8]) -> bool {
    let digest = |bytes| CtOutput::<Sha256>::new(Sha256::digest(bytes));
    digest(left) == digest(right)
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
