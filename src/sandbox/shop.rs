//! A simulated shop: it asks for returns as any shop or portal does.

use serde_json::Value;

use super::running::client;

/// Whoever asks for returns over `POST /v1/returns`.
#[derive(Clone, Debug)]
pub struct Shop {
    client: reqwest::Client,
    url: String,
    token: String,
}

impl Shop {
    /// A shop that knows where the API is (without a slash at the end), and a token for it.
    pub fn of(url: &str, token: &str) -> Result<Self, reqwest::Error> {
        Ok(Self { client: client()?, url: url.to_owned(), token: token.to_owned() })
    }

    /// Asks for a return under its own key of it: asked again, it is the same return.
    pub async fn ask(&self, key: &str, wish: &Value) -> Result<Value, reqwest::Error> {
        let asked = self.client.post(format!("{}/v1/returns", self.url)).bearer_auth(&self.token);
        let asked = asked.header("idempotency-key", key).json(wish);
        asked.send().await?.error_for_status()?.json().await
    }
}
