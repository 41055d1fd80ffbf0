//! Where the broker is, and how to say so without its password.

use lapin::uri::AMQPUri;

use crate::config::{Config, address};
use crate::transport::TransportError;

const REMEDY: &str =
    "Give transport.url as amqp://user:password@host:5672/vhost or amqps://…, or as env:NAME or file:PATH";

/// The broker's address as it is now: a secret in a file may have changed since the last session.
pub(super) fn read(config: &Config) -> Result<AMQPUri, TransportError> {
    let wrong = |problem: String| TransportError::new(format!("transport.url {problem}"), REMEDY);
    let text = address(&config.transport.url).map_err(|error| wrong(format!("leads nowhere: {error}")))?;
    let scheme = text.split_once("://").map_or("", |(scheme, _)| scheme);
    if scheme != "amqp" && scheme != "amqps" {
        return Err(wrong("does not begin with amqp:// or amqps://".to_owned()));
    }
    // The parser's own text may repeat the whole address, and with it the password.
    let mut uri: AMQPUri = text.parse().map_err(|_| wrong("is not an address".to_owned()))?;
    if let Some(host) = bracketed_host(&text) {
        // The parser reads names only, and would take an IPv6 address for "localhost".
        host.clone_into(&mut uri.authority.host);
    }
    uri.query.heartbeat = Some(config.transport.heartbeat_s);
    Ok(uri)
}

/// The host and the virtual host, for sentences.
pub(super) fn describe(uri: &AMQPUri) -> String {
    format!("{}:{} (virtual host {:?})", uri.authority.host, uri.authority.port, uri.vhost)
}

fn bracketed_host(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("://")?;
    let authority = rest.split(['/', '?']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    host.strip_prefix('[')?.split_once(']').map(|(host, _)| host)
}

#[cfg(test)]
mod tests {
    use super::bracketed_host;

    #[test]
    fn an_address_in_brackets_is_found_beside_passwords_with_brackets() {
        assert_eq!(bracketed_host("amqp://user:p[w@[::1]:5672/%2f"), Some("::1"));
        assert_eq!(bracketed_host("amqp://user:p[w]@broker:5672/"), None);
    }
}
