//! W3C trace context: the one header that joins what happens here with what happens elsewhere.

use std::fmt;
use std::str::FromStr;

use super::wire::Invalid;
use crate::clock::Clock;

/// Trace id, id of the span that is the parent of what comes next, and whether it is sampled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceContext {
    trace: u128,
    span: u64,
    sampled: bool,
}

impl TraceContext {
    /// A trace of our own.
    #[must_use]
    pub fn start(clock: &Clock) -> Self {
        let trace = (u128::from(clock.chance()) << 64) | u128::from(clock.chance());
        Self { trace: trace.max(1), span: clock.chance().max(1), sampled: true }
    }

    /// Goes on with a caller's trace when it sent one that can be read, else starts one.
    #[must_use]
    pub fn continue_or_start(header: Option<&str>, clock: &Clock) -> Self {
        header.and_then(|text| text.parse().ok()).map_or_else(|| Self::start(clock), |parent: Self| parent.child(clock))
    }

    /// The next span of the same trace.
    #[must_use]
    pub fn child(self, clock: &Clock) -> Self {
        Self { span: clock.chance().max(1), ..self }
    }

    /// The trace id, as it stands in logs.
    #[must_use]
    pub fn trace_id(&self) -> String {
        format!("{:032x}", self.trace)
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "00-{:032x}-{:016x}-{:02x}", self.trace, self.span, u8::from(self.sampled))
    }
}

impl FromStr for TraceContext {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let strange = || Invalid::new("is not a traceparent");
        let parts: Vec<&str> = text.split('-').collect();
        let [version, trace, span, flags] = parts[..] else { return Err(strange()) };
        let hexadecimal = |part: &str, length| part.len() == length && part.bytes().all(|b| b.is_ascii_hexdigit());
        let shaped =
            hexadecimal(version, 2) && hexadecimal(trace, 32) && hexadecimal(span, 16) && hexadecimal(flags, 2);
        if !shaped || version == "ff" {
            return Err(strange());
        }
        let trace = u128::from_str_radix(trace, 16).map_err(|_| strange())?;
        let span = u64::from_str_radix(span, 16).map_err(|_| strange())?;
        let flags = u8::from_str_radix(flags, 16).map_err(|_| strange())?;
        if trace == 0 || span == 0 { Err(strange()) } else { Ok(Self { trace, span, sampled: flags & 1 == 1 }) }
    }
}
