//! Bytes made small for keeping: Zstandard.

use std::io::Read as _;

/// Packs bytes; a lower level costs less.
#[must_use]
pub fn pack(bytes: &[u8], level: i32) -> Vec<u8> {
    zstd::bulk::compress(bytes, level).unwrap_or_default()
}

/// The bytes again, at most so many; nothing when they are damaged.
#[must_use]
pub fn unpack(packed: &[u8], length_max: u64) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let decoder = zstd::stream::read::Decoder::new(packed).ok()?;
    decoder.take(length_max).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}
