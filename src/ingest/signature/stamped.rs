//! `t=<unix>,v1=<hex>[,v1=…]` over `t.body`, as Stripe does.

use secrecy::{ExposeSecret as _, SecretString};

use super::mac::{Hash, code, from_hexadecimal, same};
use super::{SIGNATURES_MAX, Signed, said};

pub(super) fn proved(header: &str, signed: Signed<'_>, keys: &[SecretString]) -> Option<bool> {
    let parts = || said(signed.headers, header).into_iter().flat_map(|text| text.split(','));
    let members = || parts().filter_map(|part| part.trim().split_once('='));
    let mut stamps = members().filter(|(name, _)| *name == "t").map(|(_, value)| value);
    let stamp = stamps.next()?;
    let digits = !stamp.is_empty() && stamp.bytes().all(|digit| digit.is_ascii_digit());
    if stamps.next().is_some() || !digits || !signed.is_in_window(stamp.parse().ok()?) {
        return None;
    }
    let values = members().filter(|(name, _)| *name == "v1").take(SIGNATURES_MAX);
    let offered: Vec<Vec<u8>> = values.filter_map(|(_, value)| from_hexadecimal(value)).collect();
    let signed_parts: [&[u8]; 3] = [stamp.as_bytes(), b".", signed.body];
    let codes = keys.iter().map(|key| code(Hash::Sha256, key.expose_secret().as_bytes(), &signed_parts));
    Some(codes.fold(false, |proved, right| offered.iter().fold(proved, |proved, value| proved | same(value, &right))))
}
