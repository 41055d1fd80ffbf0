//! A Dynamics and a warehouse over real HTTP, just large enough for the processor: what they took, in order, and
//! switches for what goes wrong.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};
use tokio::sync::watch;

/// What the warehouse does with a create.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Creates {
    /// Takes it and answers.
    #[default]
    Answered,
    /// Takes it, and answers only when it is told to go on.
    HeldAfter,
    /// Does not take it before it is told to go on.
    HeldBefore,
    /// Answers that it is busy.
    Busy,
}

/// One create, from arrival to the end of its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Took {
    pub reference: String,
    pub new: bool,
}

#[derive(Default)]
struct Kept {
    forbidden: HashSet<String>,
    creates: Creates,
    orders: HashMap<String, Value>,
    took: Vec<Took>,
    asked: Vec<String>,
    at_once: HashMap<String, usize>,
    overlaps: usize,
    /// What was written into Dynamics: entity and row.
    rows: Vec<(String, Value)>,
    /// An entity whose rows are shown only when they are told to go on.
    hidden: Option<String>,
    /// How often rows of it were asked for.
    sought: usize,
    posted: usize,
    /// Whether an adjustment is refused for want of stock.
    short: bool,
    adjusted: usize,
}

#[derive(Clone)]
pub struct FarEnds {
    pub url: String,
    kept: Arc<Mutex<Kept>>,
    go_on: Arc<watch::Sender<bool>>,
    _server: Arc<Server>,
}

struct Server(tokio::task::JoinHandle<()>);

impl Drop for Server {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[derive(Clone)]
struct Shop {
    kept: Arc<Mutex<Kept>>,
    go_on: watch::Receiver<bool>,
}

impl FarEnds {
    pub async fn open() -> Self {
        Self::open_at("127.0.0.1:0").await
    }

    /// The same at an address where nobody listened until now.
    pub async fn open_at(address: &str) -> Self {
        let kept = Arc::new(Mutex::new(Kept::default()));
        let (go_on, told) = watch::channel(false);
        let shop = Shop { kept: Arc::clone(&kept), go_on: told };
        let router = Router::new()
            .route("/token", post(|| async { axum::Json(json!({"access_token": "t", "expires_in": 3600})) }))
            .route("/data/OutboundShipmentOrderLineRequests", get(request_lines))
            .route("/data/$batch", post(adjust))
            .route("/data/{entity}", get(read).post(write).patch(patch))
            .route("/orders", post(create).get(find))
            .with_state(shop);
        let listener = tokio::net::TcpListener::bind(address).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, kept, go_on: Arc::new(go_on), _server: Arc::new(Server(server)) }
    }

    /// Reading this document is denied from now on, or not any more.
    pub fn forbid(&self, request: &str, denied: bool) {
        let mut kept = self.kept();
        if denied {
            kept.forbidden.insert(request.to_owned());
        } else {
            kept.forbidden.remove(request);
        }
    }

    pub fn creates(&self, creates: Creates) {
        self.go_on.send_replace(false);
        self.kept().creates = creates;
    }

    /// What is held goes on, and from now on nothing is held.
    pub fn go_on(&self) {
        let mut kept = self.kept();
        kept.creates = Creates::Answered;
        kept.hidden = None;
        self.go_on.send_replace(true);
    }

    /// The creates that were taken, in order; repeats of one reference among them.
    pub fn took(&self) -> Vec<Took> {
        self.kept().took.clone()
    }

    /// References whose create is at the door now or was.
    pub fn asked(&self) -> Vec<String> {
        self.kept().asked.clone()
    }

    /// The references of the orders that there are.
    pub fn orders(&self) -> HashSet<String> {
        self.kept().orders.keys().cloned().collect()
    }

    /// The order of this reference, as it was sent first.
    pub fn order(&self, reference: &str) -> Value {
        self.kept().orders[reference].clone()
    }

    /// How often two calls of one reference were there at one time.
    pub fn overlaps(&self) -> usize {
        self.kept().overlaps
    }

    /// Puts a row there that somebody wrote before.
    pub fn put(&self, entity: &str, row: Value) {
        self.kept().rows.push((entity.to_owned(), row));
    }

    /// Whoever asks for rows of this entity waits for the answer from now on, until it goes on.
    pub fn hide(&self, entity: &str) {
        self.go_on.send_replace(false);
        self.kept().hidden = Some(entity.to_owned());
    }

    /// How often rows were asked for that are hidden.
    pub fn sought(&self) -> usize {
        self.kept().sought
    }

    /// How many rows of an entity there are.
    pub fn rows(&self, entity: &str) -> usize {
        self.kept().rows.iter().filter(|(of, _)| of == entity).count()
    }

    /// From now on Dynamics refuses every adjustment for want of stock, or takes it; it answers when it is told to go on.
    pub fn adjusts(&self, short: bool) {
        self.go_on.send_replace(false);
        self.kept().short = short;
    }

    /// How many adjustments came to the door.
    pub fn adjusted(&self) -> usize {
        self.kept().adjusted
    }

    /// How many updates were handed over.
    pub fn posted(&self) -> usize {
        self.kept().posted
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap()
    }
}

fn rows(rows: &[Value]) -> axum::Json<Value> {
    axum::Json(json!({ "value": rows }))
}

type Parameters = Query<HashMap<String, String>>;

/// `Entity(name='value',number=1)` taken apart; no parts when it names the whole entity.
fn address(entity: &str) -> (&str, Vec<(String, String)>) {
    let (name, key) = entity.split_once('(').unwrap_or((entity, ""));
    (name, key.trim_end_matches(')').split(',').filter_map(|part| pair(part, "=")).collect())
}

fn pair(part: &str, between: &str) -> Option<(String, String)> {
    let (name, literal) = part.split_once(between)?;
    Some((name.to_owned(), literal.trim_matches('\'').to_owned()))
}

fn holds(row: &Value, parts: &[(String, String)]) -> bool {
    parts.iter().all(|(name, wanted)| match &row[name] {
        Value::String(text) => text == wanted,
        Value::Number(number) => wanted.parse().is_ok_and(|wanted: serde_json::Number| *number == wanted),
        _ => false,
    })
}

/// One row by its key, or all that a filter chooses.
async fn read(State(mut shop): State<Shop>, Path(entity): Path<String>, query: Parameters) -> Response {
    let (name, key) = address(&entity);
    if shop.is_hidden(name) {
        shop.go_on.wait_for(|go_on| *go_on).await.unwrap();
    }
    if name == "OutboundShipmentOrderRequests" {
        return shop.request(&key);
    }
    let filter =
        query.get("$filter").map(|filter| filter.split(" and ").filter_map(|part| pair(part, " eq ")).collect());
    let parts = filter.unwrap_or(key);
    let kept = shop.kept.lock().unwrap();
    let found: Vec<Value> =
        kept.rows.iter().filter(|(of, row)| of == name && holds(row, &parts)).map(|(_, row)| row.clone()).collect();
    match (entity.contains('('), found.first()) {
        (false, _) => rows(&found).into_response(),
        (true, Some(row)) => axum::Json(row.clone()).into_response(),
        (true, None) => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn request_lines() -> axum::Json<Value> {
    rows(&[json!({"OrderLineNumber": 1, "ItemNumber": "D0001", "OrderedQuantity": 2, "OrderedUnitSymbol": "pcs"})])
}

async fn write(State(shop): State<Shop>, Path(entity): Path<String>, row: axum::Json<Value>) -> Response {
    shop.kept.lock().unwrap().rows.push((entity, row.0.clone()));
    (StatusCode::CREATED, row).into_response()
}

/// Dynamics processes what it is handed over at once.
async fn patch(State(shop): State<Shop>, Path(entity): Path<String>) -> StatusCode {
    let (name, key) = address(&entity);
    let mut kept = shop.kept.lock().unwrap();
    for (_, row) in kept.rows.iter_mut().filter(|(of, row)| of == name && holds(row, &key)) {
        row["ProcessingStatus"] = json!("Processed");
    }
    kept.posted += usize::from(name.ends_with("ShipmentOrderUpdates"));
    StatusCode::NO_CONTENT
}

/// One changeset with one adjustment. What becomes of it was decided when it came.
async fn adjust(State(mut shop): State<Shop>) -> impl IntoResponse {
    let short = {
        let mut kept = shop.kept.lock().unwrap();
        kept.adjusted += 1;
        kept.short
    };
    shop.go_on.wait_for(|go_on| *go_on).await.unwrap();
    let said = if short {
        "400 Bad Request\r\n\r\n{\"error\":{\"message\":\"cannot be picked because only 0 are on hand\"}}"
    } else {
        "201 Created\r\n\r\n{}"
    };
    let kind = "Content-Type: multipart/mixed; boundary=";
    let body =
        format!("--a\r\n{kind}b\r\n\r\n--b\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 {said}\r\n--b--\r\n--a--");
    ([("content-type", "multipart/mixed; boundary=a")], body)
}

async fn create(State(mut shop): State<Shop>, axum::Json(body): axum::Json<Value>) -> Response {
    let reference = body["reference"].as_str().unwrap().to_owned();
    let creates = shop.came(&reference);
    // Whoever hangs up is gone from the door, too.
    let _leaving = Leaving { kept: Arc::clone(&shop.kept), reference: reference.clone() };
    if creates == Creates::Busy {
        return (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "0")], "too busy").into_response();
    }
    if creates == Creates::HeldBefore {
        shop.go_on.wait_for(|go_on| *go_on).await.unwrap();
    }
    let (order, new) = shop.take(&reference, &body);
    if creates == Creates::HeldAfter {
        shop.go_on.wait_for(|go_on| *go_on).await.unwrap();
    }
    let status = if new { StatusCode::CREATED } else { StatusCode::CONFLICT };
    (status, axum::Json(order)).into_response()
}

async fn find(State(shop): State<Shop>, query: Parameters) -> axum::Json<Value> {
    let kept = shop.kept.lock().unwrap();
    let found: Vec<Value> =
        query.get("reference").and_then(|each| kept.orders.get(each)).cloned().into_iter().collect();
    axum::Json(json!({ "orders": found }))
}

impl Shop {
    fn request(&self, key: &[(String, String)]) -> Response {
        let id = key.iter().find(|(name, _)| name == "OutboundShipmentOrderRequestId").map_or("", |(_, id)| id);
        if self.kept.lock().unwrap().forbidden.contains(id) {
            return (StatusCode::FORBIDDEN, "the role is missing").into_response();
        }
        // Documents whose names begin with SOUTH leave from another warehouse.
        let place = if id.starts_with("SOUTH") { "25" } else { "24" };
        let row = json!({
            "dataAreaId": "usmf", "OutboundShipmentOrderRequestId": id,
            "OutboundShipmentOrderOriginId": format!("O-{id}"), "ShipFromWarehouseId": place, "RequestVersion": 1,
            "ConsigneeReference": format!("SO-{id}"), "ReceiverName": "Ada Example",
            "ReceiverAddressStreet": "High Street", "ReceiverAddressCity": "Springfield",
            "ReceiverAddressZipCode": "62701", "ReceiverAddressCountryRegionId": "US",
        });
        axum::Json(row).into_response()
    }

    fn is_hidden(&self, entity: &str) -> bool {
        let mut kept = self.kept.lock().unwrap();
        let hidden = kept.hidden.as_deref() == Some(entity);
        kept.sought += usize::from(hidden);
        hidden
    }

    fn came(&self, reference: &str) -> Creates {
        let mut kept = self.kept.lock().unwrap();
        kept.asked.push(reference.to_owned());
        let there = kept.at_once.entry(reference.to_owned()).or_default();
        *there += 1;
        if *there > 1 {
            kept.overlaps += 1;
        }
        kept.creates
    }

    fn take(&self, reference: &str, body: &Value) -> (Value, bool) {
        let mut kept = self.kept.lock().unwrap();
        let new = !kept.orders.contains_key(reference);
        kept.took.push(Took { reference: reference.to_owned(), new });
        let id = format!("wo-{reference}");
        let order = json!({"id": id, "reference": reference, "status": {"code": "RECEIVED"}, "lines": body["lines"]});
        (kept.orders.entry(reference.to_owned()).or_insert(order).clone(), new)
    }
}

struct Leaving {
    kept: Arc<Mutex<Kept>>,
    reference: String,
}

impl Drop for Leaving {
    fn drop(&mut self) {
        if let Some(there) = self.kept.lock().unwrap().at_once.get_mut(&self.reference) {
            *there -= 1;
        }
    }
}
