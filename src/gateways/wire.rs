//! What carries a request to a far end: HTTP, or a far end in this very process.
//!
//! Only the socket is replaced: addresses, bodies, tokens and the sorting of answers stay what they are. Simulations and
//! benches use it, to have far ends that cost nothing and that fail when they are told to.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use reqwest::header::HeaderMap;
use reqwest::{Client, Method, Url};

use super::http::{client, writer};
use crate::config::Gateways;

/// What carries requests to far ends. Cheap to clone.
#[derive(Clone)]
pub struct Wire(pub(super) Way);

#[derive(Clone)]
pub(super) enum Way {
    Http(Client),
    /// The client writes requests, and sends none.
    InProcess(Client, FarEnd),
}

type FarEnd = Arc<dyn Fn(WireRequest) -> Pin<Box<dyn Future<Output = WireAnswer> + Send>> + Send + Sync>;

/// A request as it would go over the wire.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the words of HTTP")]
pub struct WireRequest {
    pub method: Method,
    pub url: Url,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

/// What came of it.
#[derive(Clone, Debug)]
pub enum WireAnswer {
    /// The far end answered.
    #[allow(missing_docs, reason = "the words of HTTP")]
    Answered { status: u16, headers: HeaderMap, body: Vec<u8> },
    /// No connection came about: the far end knows nothing of it.
    NotSent,
    /// It was sent, and the connection broke without an answer.
    Silence,
}

impl Wire {
    /// Real HTTP. `secure` says whether any far end needs certificates of authorities.
    pub(super) fn http(config: &Gateways, secure: bool) -> Result<Self, reqwest::Error> {
        Ok(Self(Way::Http(client(config, secure)?)))
    }

    /// Far ends in this process: whatever the configured addresses are, `far_end` answers.
    ///
    /// # Errors
    /// When no HTTP client can be had, without which no request can be written.
    pub fn in_process<F, Fut>(far_end: F) -> Result<Self, reqwest::Error>
    where
        F: Fn(WireRequest) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = WireAnswer> + Send + 'static,
    {
        let far_end: FarEnd = Arc::new(move |request| Box::pin(far_end(request)));
        Ok(Self(Way::InProcess(writer().tls_certs_only([]).build()?, far_end)))
    }

    /// Who writes requests.
    pub(super) fn client(&self) -> &Client {
        match &self.0 {
            Way::Http(client) | Way::InProcess(client, _) => client,
        }
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self.0 {
            Way::Http(_) => "Wire(http)",
            Way::InProcess(..) => "Wire(in process)",
        })
    }
}

impl From<reqwest::Request> for WireRequest {
    fn from(request: reqwest::Request) -> Self {
        let body = request.body().and_then(reqwest::Body::as_bytes).unwrap_or_default().to_vec();
        let (method, url, headers) = (request.method().clone(), request.url().clone(), request.headers().clone());
        Self { method, url, headers, body }
    }
}
