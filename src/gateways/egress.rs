//! Which addresses may be called: no private, link-local or metadata address unless that is configured.

use std::net::IpAddr;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Resolves names and leaves out what must not be called.
#[derive(Clone, Copy, Debug)]
pub(super) struct Egress {
    private_addresses: bool,
}

impl Egress {
    pub(super) fn new(private_addresses: bool) -> Self {
        Self { private_addresses }
    }

    pub(super) fn resolver(self) -> Arc<Self> {
        Arc::new(self)
    }

    /// A host that is written as an address is never resolved, so it is looked at here.
    pub(super) fn refuses(self, url: &reqwest::Url) -> Option<String> {
        let address: IpAddr = url.host_str()?.trim_matches(['[', ']']).parse().ok()?;
        (!self.allows(address)).then(|| refusal(&address.to_string()))
    }

    fn allows(self, address: IpAddr) -> bool {
        self.private_addresses || public(address)
    }
}

fn refusal(host: &str) -> String {
    format!("{host} is a private address; set gateways.private_addresses = true if that is meant")
}

fn public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [first, second, ..] = v4.octets();
            let shared = first == 100 && (64..128).contains(&second);
            !(v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_unspecified() || v4.is_broadcast())
                && !v4.is_multicast()
                && !shared
                && first != 0
        }
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => public(IpAddr::V4(v4)),
            None => {
                !(v6.is_loopback() || v6.is_unspecified() || v6.is_multicast())
                    && !v6.is_unique_local()
                    && !v6.is_unicast_link_local()
            }
        },
    }
}

impl Resolve for Egress {
    fn resolve(&self, name: Name) -> Resolving {
        let egress = *self;
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let found: Vec<_> = tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            let allowed: Vec<_> = found.into_iter().filter(|address| egress.allows(address.ip())).collect();
            if allowed.is_empty() {
                return Err(refusal(&host).into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}
