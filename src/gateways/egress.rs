//! Where calls may go: names are resolved here, and private addresses are not given out unless that is configured.
//!
//! The check sits in the resolver itself, so that the address that was checked is the one that is called.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// A name that leads to a private address.
#[derive(Debug, thiserror::Error)]
#[error("{host} leads to the private address {address}")]
pub(super) struct Private {
    pub(super) host: String,
    pub(super) address: IpAddr,
}

/// Resolves names, and keeps private addresses to itself.
pub(super) struct Egress {
    pub(super) private_addresses: bool,
}

impl Resolve for Egress {
    fn resolve(&self, name: Name) -> Resolving {
        let private_addresses = self.private_addresses;
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let found: Vec<SocketAddr> = tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            let refused = found.iter().map(SocketAddr::ip).find(|address| !private_addresses && is_private(*address));
            // One private address among public ones is refused, too: which one is called is chance.
            if let Some(address) = refused {
                return Err(Private { host, address }.into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// The private address that an URL names itself, without a name to resolve.
pub(super) fn written_out(url: &Url) -> Option<Private> {
    let host = url.host_str()?;
    let address: IpAddr = host.trim_start_matches('[').trim_end_matches(']').parse().ok()?;
    is_private(address).then(|| Private { host: host.to_owned(), address })
}

fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_private_v4(address),
        IpAddr::V6(address) => is_private_v6(address),
    }
}

fn is_private_v4(address: Ipv4Addr) -> bool {
    let [first, second, third, _] = address.octets();
    address.is_loopback()
        || address.is_private()
        // Also where clouds keep their metadata: 169.254.169.254.
        || address.is_link_local()
        || address.is_multicast()
        || first == 0
        || first >= 240
        // Carrier-grade NAT, which clouds use inside, too.
        || (first == 100 && (64..128).contains(&second))
        || (first == 192 && second == 0 && third == 0)
        || (first == 198 && (second == 18 || second == 19))
        // A cloud's own host.
        || address == Ipv4Addr::new(168, 63, 129, 16)
}

fn is_private_v6(address: Ipv6Addr) -> bool {
    let [first, second, third, .., seventh, eighth] = address.segments();
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_private_v4(Ipv4Addr::new(a, b, c, d))
    };
    if let Some(mapped) = address.to_ipv4_mapped() {
        return is_private_v4(mapped);
    }
    match first {
        // Translated addresses are as private as what they stand for.
        0x0064 if second == 0xff9b => embedded(seventh, eighth),
        0x2002 => embedded(second, third),
        0 => true,
        // Unique local, link-local, site-local, multicast.
        _ => first & 0xfe00 == 0xfc00 || first & 0xff80 == 0xfe80 || first & 0xff00 == 0xff00,
    }
}
