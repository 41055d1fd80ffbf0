//! Who the broker is: product and version from the first frame that it sends.
//!
//! The client library does not hand the broker's properties on, and a handshake that it once began with a broker that
//! never answers keeps a thread for ever. So each session begins with a connection of our own that only reads the
//! broker's greeting: a frozen broker costs a deadline and nothing else.

use std::io;

use futures_util::io::{AsyncReadExt as _, AsyncWriteExt as _};
use lapin::tcp::AMQPUriTcpExt as _;
use lapin::uri::AMQPUri;

/// Protocol 0-9-1 is asked for by these eight bytes.
const HEADER: &[u8] = b"AMQP\x00\x00\x09\x01";

/// A greeting of RabbitMQ has a few hundred bytes.
const GREETING_BYTES_MAX: usize = 64 * 1024;

/// Oldest and newest release lines that were tried.
const SUPPORTED: std::ops::RangeInclusive<(u32, u32)> = (3, 10)..=(4, 99);

/// What the broker says it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Greeting {
    product: String,
    version: String,
}

/// Reads the broker's greeting.
pub(super) async fn read(uri: &AMQPUri) -> io::Result<Greeting> {
    let runtime = lapin::runtime::default_runtime().map_err(io::Error::other)?;
    let mut stream = uri.connect_async(&runtime).await?;
    stream.write_all(HEADER).await?;
    stream.flush().await?;
    let mut head = [0; 7];
    stream.read_exact(&mut head).await?;
    let strange = || io::Error::other("what answers there does not speak AMQP 0-9-1");
    let length = usize::try_from(u32::from_be_bytes([head[3], head[4], head[5], head[6]])).unwrap_or(usize::MAX);
    if head[0] != 1 || length > GREETING_BYTES_MAX {
        return Err(strange());
    }
    let mut payload = vec![0; length];
    stream.read_exact(&mut payload).await?;
    greeting(&payload).ok_or_else(strange)
}

impl Greeting {
    /// What people should know about this broker, one sentence each.
    pub(super) fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let Self { product, version } = self;
        if product != "RabbitMQ" {
            warnings.push(format!("The broker says that it is {product:?}; only RabbitMQ 3.10 to 4.x was tried."));
        }
        let Some(line) = self.line() else { return warnings };
        if line < *SUPPORTED.start() {
            warnings.push(format!(
                "RabbitMQ {version} is older than 3.10: what a policy of yours makes it dead-letter may be lost. Upgrade it."
            ));
        } else if line < (4, 0) {
            warnings.push(format!(
                "RabbitMQ {version} belongs to a release line without free patches, and keeps queue definitions in a \
                 store that a network partition can split (set cluster_partition_handling = pause_minority). Plan for 4.x."
            ));
        } else if !SUPPORTED.contains(&line) {
            warnings.push(format!("RabbitMQ {version} is newer than what was tried (4.x)."));
        }
        warnings
    }

    fn line(&self) -> Option<(u32, u32)> {
        let mut parts = self.version.split('.');
        Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
    }
}

/// `connection.start`: class 10, method 10, two bytes of protocol version, then the server's properties.
fn greeting(payload: &[u8]) -> Option<Greeting> {
    let (method, rest) = payload.split_at_checked(6)?;
    if method[..4] != [0, 10, 0, 10] {
        return None;
    }
    let mut table = take_long(&mut { rest })?;
    let mut greeting = Greeting::default();
    while !table.is_empty() {
        let (name_length, rest) = table.split_first()?;
        let (name, rest) = rest.split_at_checked(usize::from(*name_length))?;
        let (kind, rest) = rest.split_first()?;
        table = rest;
        let value = take_value(*kind, &mut table)?;
        match name {
            b"product" => String::from_utf8_lossy(value).as_ref().clone_into(&mut greeting.product),
            b"version" => String::from_utf8_lossy(value).as_ref().clone_into(&mut greeting.version),
            _ => {}
        }
    }
    Some(greeting)
}

/// The bytes of one value; only what brokers send here is known.
fn take_value<'a>(kind: u8, bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = match kind {
        b'S' | b'F' | b'A' | b'x' => return take_long(bytes),
        b'V' => 0,
        b't' | b'b' | b'B' => 1,
        b's' | b'u' => 2,
        b'I' | b'i' | b'f' => 4,
        b'D' => 5,
        b'L' | b'l' | b'd' | b'T' => 8,
        _ => return None,
    };
    let (value, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(value)
}

fn take_long<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (value, rest) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
    *bytes = rest;
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::{Greeting, greeting};

    fn said(product: &str, version: &str) -> Greeting {
        Greeting { product: product.to_owned(), version: version.to_owned() }
    }

    #[test]
    fn product_and_version_are_found_among_other_properties() {
        let mut table = vec![];
        let mut add = |name: &str, kind: u8, value: &[u8]| {
            table.push(u8::try_from(name.len()).unwrap_or_default());
            table.extend(name.as_bytes());
            table.push(kind);
            if kind == b'S' || kind == b'F' {
                table.extend(u32::try_from(value.len()).unwrap_or_default().to_be_bytes());
            }
            table.extend(value);
        };
        add("capabilities", b'F', b"\x03abct\x01");
        add("number", b'I', &[0, 0, 0, 7]);
        add("product", b'S', b"RabbitMQ");
        add("version", b'S', b"3.10.8");
        let mut payload = vec![0, 10, 0, 10, 0, 9];
        payload.extend(u32::try_from(table.len()).unwrap_or_default().to_be_bytes());
        payload.extend(&table);
        assert_eq!(greeting(&payload), Some(said("RabbitMQ", "3.10.8")));
        for cut in 0..payload.len() {
            assert_eq!(greeting(&payload[..cut]), None, "cut after {cut} bytes");
        }
    }

    #[test]
    fn only_what_was_not_tried_is_worth_a_warning() {
        assert_eq!(said("RabbitMQ", "4.1.3").warnings(), Vec::<String>::new());
        assert_eq!(said("RabbitMQ", "3.9.29").warnings().len(), 1);
        assert_eq!(said("RabbitMQ", "3.13.7").warnings().len(), 1);
        assert_eq!(said("LavinMQ", "2.1.0").warnings().len(), 2);
        assert_eq!(said("RabbitMQ", "5.0.0").warnings().len(), 1);
    }
}
