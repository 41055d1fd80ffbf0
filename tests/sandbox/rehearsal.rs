//! What the tests of this suite share: sandboxes in fresh folders, and clients that speak with them.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use drayline::sandbox::{
    DeliveryRules, FinanceOperations, FinanceOperationsRules, Premises, Running, Warehouse, WarehouseRules,
};
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

/// Asks until there is an answer; a named condition that is never met is a failure.
pub async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut ask: impl FnMut() -> F) -> T {
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    let asked = async {
        loop {
            ticks.tick().await;
            if let Some(answer) = ask().await {
                return answer;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), asked).await.unwrap_or_else(|_| panic!("never: {what}"))
}

/// On a free port, with retries that do not keep a test waiting.
pub fn quick(premises: Premises) -> Premises {
    let delivery =
        DeliveryRules { retry_delays_ms: vec![20, 20, 50], answer_ms_max: 2000, at_once_max: 8, hold_back_ms_max: 200 };
    Premises { listen: SocketAddr::from(([127, 0, 0, 1], 0)), delivery, ..premises }
}

pub fn quick_dynamics() -> FinanceOperationsRules {
    FinanceOperationsRules { process_ms: 40, several_dimensions_per_line: true, ..FinanceOperationsRules::default() }
}

pub fn quick_warehouse() -> WarehouseRules {
    let (accept_ms, pick_ms, ship_ms, track_ms, cancel_ms) = (10, 20, 20, 20, 20);
    WarehouseRules { accept_ms, pick_ms, ship_ms, track_ms, cancel_ms, ..WarehouseRules::default() }
}

/// A simulated Dynamics with a client that has a token.
pub struct Dynamics {
    pub sandbox: Running,
    pub client: Client,
    token: String,
}

impl Dynamics {
    pub async fn start(premises: Premises, rules: FinanceOperationsRules) -> Self {
        let (id, secret) = (rules.client_id.clone(), rules.client_secret.clone());
        let sandbox = FinanceOperations::start(premises, rules).await.unwrap();
        let client = client();
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", &id),
            ("client_secret", &secret),
            ("scope", &format!("{}/.default", sandbox.url())),
        ];
        let url = format!("{}/tenant/oauth2/v2.0/token", sandbox.url());
        let answer: Value = client.post(url).form(&form).send().await.unwrap().json().await.unwrap();
        let token = answer["access_token"].as_str().expect("a token").to_owned();
        Self { sandbox, client, token }
    }

    pub fn call(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}/data/{path}", self.sandbox.url())).bearer_auth(&self.token)
    }

    pub async fn get(&self, path: &str) -> (StatusCode, Value) {
        answered(self.call(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: Value) -> (StatusCode, Value) {
        answered(self.call(Method::POST, path).json(&body)).await
    }

    pub async fn release(&self, body: Value) -> Vec<String> {
        let answer =
            self.client.post(format!("{}/sandbox/orders", self.sandbox.url())).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), 201);
        let answer: Value = answer.json().await.unwrap();
        answer["released"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect()
    }

    pub async fn state(&self) -> Value {
        state(&self.client, &self.sandbox).await
    }

    /// Posts an update with one line per (line, quantity, unit), lots and serials beside, and commits it.
    pub async fn post_update(&self, update: &str, origin: &str, lines: &[(i64, Value, &str)], dimensions: &[Value]) {
        let base = json!({
            "dataAreaId": "usmf",
            "OutboundShipmentOrderUpdateId": update,
            "OutboundShipmentOrderOriginId": origin,
        });
        let with = |more: &Value| {
            let mut all = base.clone();
            all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            all
        };
        let header = with(&json!({"PackingSlipNumber": update, "ActualShippingDateTime": "2026-11-27T10:00:00Z"}));
        let (status, answer) = self.post("OutboundShipmentOrderUpdates", header).await;
        assert_eq!(status, 201, "{answer}");
        for (line, shipped, unit) in lines {
            let row = json!({"OrderLineNumber": line, "TotalShippedQuantity": shipped, "OrderedUnitSymbol": unit});
            let (status, answer) = self.post("OutboundShipmentOrderLineUpdates", with(&row)).await;
            assert_eq!(status, 201, "{answer}");
        }
        for dimension in dimensions {
            let (status, answer) = self.post("OutboundShipmentOrderLineInventDimUpdates", with(dimension)).await;
            assert_eq!(status, 201, "{answer}");
        }
        let committed =
            self.call(Method::PATCH, &update_path(update, origin)).json(&json!({"ProcessingStatus": "Received"}));
        assert_eq!(answered(committed).await.0, 204);
    }

    /// How Dynamics ended an update: its state and its words.
    pub async fn settled(&self, update: &str, origin: &str) -> (String, String) {
        until("the update is processed", async || {
            let (_, row) = self.get(&update_path(update, origin)).await;
            let state = row["ProcessingStatus"].as_str()?.to_owned();
            let ended = state == "Accepted" || state == "Failed";
            ended.then(|| (state, row["ProcessingMessage"].as_str().unwrap().to_owned()))
        })
        .await
    }
}

pub fn update_path(update: &str, origin: &str) -> String {
    format!(
        "OutboundShipmentOrderUpdates(dataAreaId='usmf',OutboundShipmentOrderUpdateId='{update}',\
         OutboundShipmentOrderOriginId='{origin}')"
    )
}

/// A simulated warehouse with a client.
pub struct House {
    pub sandbox: Running,
    pub client: Client,
}

impl House {
    pub async fn start(premises: Premises, rules: WarehouseRules) -> Self {
        Self { sandbox: Warehouse::start(premises, rules).await.unwrap(), client: client() }
    }

    pub fn call(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.sandbox.url())).bearer_auth("sandbox-token")
    }

    pub async fn create(&self, order: &Value) -> (StatusCode, Value) {
        let reference = order["reference"].as_str().unwrap();
        answered(self.call(Method::POST, "/orders").header("idempotency-key", reference).json(order)).await
    }

    pub async fn cancel(&self, id: &str) -> Value {
        let call = self.call(Method::POST, &format!("/orders/{id}/cancel")).json(&json!({"reason": "a test"}));
        let (status, answer) = answered(call).await;
        assert_eq!(status, 200);
        answer
    }

    pub async fn found(&self, reference: &str) -> Vec<Value> {
        let (status, answer) = answered(self.call(Method::GET, "/orders").query(&[("reference", reference)])).await;
        assert_eq!(status, 200);
        answer["orders"].as_array().unwrap().clone()
    }

    pub async fn state(&self) -> Value {
        state(&self.client, &self.sandbox).await
    }
}

/// An order with one line.
pub fn order(reference: &str, sku: &str, quantity: &str) -> Value {
    json!({
        "reference": reference,
        "facility": "NORTH-1",
        "orderNumber": "SO-1",
        "recipient": {"name": "Ada Example", "line1": "High Street 12", "city": "Leeds", "country": "GBR"},
        "carrier": "UPS",
        "service": "GND",
        "lines": [{"lineId": "1", "sku": sku, "quantity": quantity, "unit": "ea"}],
    })
}

pub fn client() -> Client {
    // The sandbox has installed the cryptography by then, as the product does.
    Client::builder().no_proxy().build().unwrap()
}

pub async fn answered(call: RequestBuilder) -> (StatusCode, Value) {
    let answer = call.send().await.unwrap();
    let status = answer.status();
    let text = answer.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::Null))
}

pub async fn state(client: &Client, sandbox: &Running) -> Value {
    client.get(format!("{}/sandbox/state", sandbox.url())).send().await.unwrap().json().await.unwrap()
}

pub async fn ledger(client: &Client, sandbox: &Running, after: u64) -> Vec<Value> {
    let answer = client.get(format!("{}/sandbox/ledger?after={after}", sandbox.url())).send().await.unwrap();
    let text = answer.text().await.unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

pub async fn switch(client: &Client, sandbox: &Running, faults: Value) {
    let answer = client.put(format!("{}/sandbox/faults", sandbox.url())).json(&faults).send().await.unwrap();
    assert_eq!(answer.status(), 200);
}
