//! How a sender proves that it is the sender. One closed set of schemes, as they occur in the field.
//!
//! All of them look at the bytes as they came. They compare decoded bytes in constant time, try every configured
//! key with every signature, and say yes or no, never why not.

mod basic;
mod body_mac;
mod mac;
mod stamped;
mod standard_webhooks;

use axum::http::HeaderMap;
use jiff::Timestamp;
use secrecy::SecretString;

pub use body_mac::{BodyMac, Encoding};
pub use mac::Hash;
pub(super) use mac::same;
pub(super) use standard_webhooks::{delivery_id, key_problem};

/// More signatures than this in one header are not looked at.
const SIGNATURES_MAX: usize = 16;

/// The schemes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Standard Webhooks 1.0 and Svix: keys are `whsec_…` (HMAC-SHA256) or `whpk_…` (Ed25519).
    StandardWebhooks,
    /// A code of the raw body in one header; the key is the secret as text. Nothing says when it was made, so it has no
    /// window: repeats are recognised by their identity instead.
    BodyMac(BodyMac),
    /// `t=<unix>,v1=<hex>[,v1=…]` over `t.body`, as Stripe does; the key is the secret as text.
    Stamped {
        /// The header's name.
        header: &'static str,
    },
    /// HTTP Basic; the key is `user:password`.
    Basic,
}

/// What a scheme looks at.
#[derive(Clone, Copy, Debug)]
pub struct Signed<'a> {
    /// The request's headers.
    pub headers: &'a HeaderMap,
    /// The body as it came.
    pub body: &'a [u8],
    /// Our clock.
    pub now: Timestamp,
    /// How far a signed time stamp may be away from it, in both directions.
    pub window_s: u64,
}

impl Scheme {
    /// The name in `connector.toml`.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::StandardWebhooks => "standard_webhooks",
            Self::BodyMac(_) => "body_mac",
            Self::Stamped { .. } => "stamped",
            Self::Basic => "basic",
        }
    }

    /// Whether one of the keys made one of the signatures.
    #[must_use]
    pub fn is_authentic(&self, signed: Signed<'_>, keys: &[SecretString]) -> bool {
        let proved = match self {
            Self::StandardWebhooks => standard_webhooks::proved(signed, keys),
            Self::BodyMac(scheme) => scheme.proved(signed, keys),
            Self::Stamped { header } => stamped::proved(header, signed, keys),
            Self::Basic => basic::proved(signed.headers, keys),
        };
        proved.unwrap_or(false)
    }
}

impl Signed<'_> {
    /// Whether a signed time stamp lies in the window; its ends belong to it.
    fn is_in_window(&self, stamp: i64) -> bool {
        self.now.as_second().abs_diff(stamp) <= self.window_s
    }
}

/// A header that says one thing. Twice with different values, or not as text, it says nothing.
fn said<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?;
    if values.any(|other| other != first) {
        return None;
    }
    first.to_str().ok().map(str::trim)
}
