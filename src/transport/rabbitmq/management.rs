//! What the protocol does not show: policies and bindings, read from the broker's management API where its address is
//! configured.
//!
//! Our queue arguments go before policies of the same name, but for the smaller of two limits. So a policy is in the way
//! when it sets a limit or a lifetime: what it removes from a queue was accepted and is lost.

use reqwest::{Client, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::topology::QueueNeeded;
use super::{address, session};
use crate::config::{Config, address as configured};
use crate::transport::lane::Lane;
use crate::transport::{Difference, TransportError};

/// What no policy may set on a work queue.
const IN_THE_WAY: [&str; 5] = ["delivery-limit", "expires", "max-length", "max-length-bytes", "message-ttl"];

#[derive(Deserialize)]
struct QueueSeen {
    name: String,
    #[serde(default)]
    policy: Option<String>,
    #[serde(default)]
    operator_policy: Option<String>,
    /// An object, or an empty list where there is no policy.
    #[serde(default)]
    effective_policy_definition: Value,
}

#[derive(Deserialize)]
struct BindingSeen {
    source: String,
    destination: String,
    destination_type: String,
    routing_key: String,
}

/// What is not looked at, as a sentence with what to do; nothing when everything is.
pub(in crate::transport) fn unseen(config: &Config) -> Option<String> {
    config.transport.management_url.is_empty().then(|| {
        "Policies and bindings were not looked at: set transport.management_url to the broker's management API \
         (http://host:15672)."
            .to_owned()
    })
}

/// What is in the way of these queues, or missing. Nothing where no address is configured.
pub(super) async fn look(config: &Config, needed: &[(Lane, QueueNeeded)]) -> Result<Vec<Difference>, TransportError> {
    if config.transport.management_url.is_empty() {
        return Ok(Vec::new());
    }
    let desk = Desk::open(config)?;
    let queues: Vec<QueueSeen> = desk.ask("queues").await?;
    let bindings: Vec<BindingSeen> = desk.ask("bindings").await?;
    let mut differences = Vec::new();
    for (lane, queue) in needed {
        let Some(seen) = queues.iter().find(|seen| seen.name == queue.name) else { continue };
        if matches!(lane, Lane::Partition(..)) {
            differences.extend(policies(seen));
        }
        let bound = |seen: &BindingSeen| {
            seen.destination_type == "queue"
                && (&seen.source, &seen.destination, &seen.routing_key)
                    == (&queue.exchange, &queue.name, &queue.routing_key)
        };
        if !bindings.iter().any(bound) {
            differences.push(Difference {
                thing: format!("binding of queue {}", queue.name),
                problem: "is missing: what is published for it comes back".to_owned(),
                remedy: "Run `drayline topology apply`".to_owned(),
            });
        }
    }
    Ok(differences)
}

fn policies(seen: &QueueSeen) -> Vec<Difference> {
    let none = Map::new();
    let set = seen.effective_policy_definition.as_object().unwrap_or(&none);
    let names: Vec<_> = [&seen.policy, &seen.operator_policy].into_iter().flatten().map(String::as_str).collect();
    let set = set.iter().filter(|(name, _)| IN_THE_WAY.contains(&name.as_str()));
    set.map(|(name, value)| Difference {
        thing: format!("queue {}", seen.name),
        problem: format!("the policy {} sets {name} to {value}", names.join(" or ")),
        remedy: "Take it from the policy, or narrow its pattern: what it removes was accepted and would be lost"
            .to_owned(),
    })
    .collect()
}

/// Where the management API is asked.
struct Desk {
    client: Client,
    base: Url,
    user: (String, String),
    vhost: String,
}

impl Desk {
    fn open(config: &Config) -> Result<Self, TransportError> {
        let wrong = |problem: &str| {
            let remedy = "Give it as http://host:15672 or https://…, with user:password@ where the user of transport.url may \
                          not look, or as env:NAME or file:PATH";
            TransportError::new(format!("transport.management_url {problem}"), remedy)
        };
        let broker = address::read(config)?;
        let text = configured(&config.transport.management_url).map_err(|_| wrong("leads nowhere"))?;
        let mut base: Url = text.parse().map_err(|_| wrong("is not an address"))?;
        let mut user = (broker.authority.userinfo.username.clone(), broker.authority.userinfo.password.clone());
        if let Some(password) = base.password() {
            user = (base.username().to_owned(), password.to_owned());
        }
        // Neither can fail on an address that has a host.
        let _ = (base.set_username(""), base.set_password(None));
        if base.cannot_be_a_base() || !base.has_host() {
            return Err(wrong("is not an address"));
        }
        // The first in the process wins, and all of ours are the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().timeout(session::patience(config)).build();
        let client = client.map_err(|_| wrong("cannot be asked with the certificates of this machine"))?;
        Ok(Self { client, base, user, vhost: broker.vhost })
    }

    async fn ask<T: DeserializeOwned>(&self, what: &str) -> Result<T, TransportError> {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(["api", what, self.vhost.as_str()]);
        }
        let request = self.client.get(url).basic_auth(&self.user.0, Some(&self.user.1));
        let answer = async { request.send().await?.error_for_status()?.json().await };
        answer.await.map_err(|error: reqwest::Error| {
            let remedy = "Check transport.management_url, and that its user has the tag monitoring";
            TransportError::new(format!("the management API does not tell its {what}: {}", error.without_url()), remedy)
        })
    }
}
