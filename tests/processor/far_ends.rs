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
    updates: HashMap<String, Value>,
    posted: usize,
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
        let kept = Arc::new(Mutex::new(Kept::default()));
        let (go_on, told) = watch::channel(false);
        let shop = Shop { kept: Arc::clone(&kept), go_on: told };
        let router = Router::new()
            .route("/token", post(|| async { axum::Json(json!({"access_token": "t", "expires_in": 3600})) }))
            .route("/data/OutboundShipmentOrderRequests", get(request))
            .route("/data/OutboundShipmentOrderRequestStatus", get(|| async { rows(&[]) }))
            .route("/data/OutboundShipmentOrderLineRequests", get(request_lines))
            .route("/data/OutboundShipmentOrderUpdates", get(updates).post(write_update))
            .route("/data/{entity}", post(|| async { StatusCode::CREATED }).patch(patch))
            .route("/orders", post(create).get(find))
            .with_state(shop);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
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
        self.kept().creates = Creates::Answered;
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

    /// How often two calls of one reference were there at one time.
    pub fn overlaps(&self) -> usize {
        self.kept().overlaps
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

/// The value that a filter asks for.
fn asked_for(query: &Parameters, name: &str) -> String {
    let filter = query.get("$filter").cloned().unwrap_or_default();
    let start = filter.find(&format!("{name} eq '")).map(|at| at + name.len() + 5);
    start.and_then(|at| filter[at..].split('\'').next()).unwrap_or_default().to_owned()
}

async fn request(State(shop): State<Shop>, query: Parameters) -> Response {
    let id = asked_for(&query, "OutboundShipmentOrderRequestId");
    if shop.kept.lock().unwrap().forbidden.contains(&id) {
        return (StatusCode::FORBIDDEN, "the role is missing").into_response();
    }
    let row = json!({
        "dataAreaId": "usmf", "OutboundShipmentOrderRequestId": id, "OutboundShipmentOrderOriginId": format!("O-{id}"),
        "ShipFromWarehouseId": "24", "RequestVersion": 1, "ConsigneeReference": format!("SO-{id}"),
        "ReceiverName": "Ada Example", "ReceiverAddressStreet": "High Street", "ReceiverAddressCity": "Springfield",
        "ReceiverAddressZipCode": "62701", "ReceiverAddressCountryRegionId": "US",
    });
    rows(&[row]).into_response()
}

async fn request_lines() -> axum::Json<Value> {
    rows(&[json!({"OrderLineNumber": 1, "ItemNumber": "D0001", "OrderedQuantity": 2, "OrderedUnitSymbol": "pcs"})])
}

async fn updates(State(shop): State<Shop>, query: Parameters) -> axum::Json<Value> {
    let origin = asked_for(&query, "OutboundShipmentOrderOriginId");
    let kept = shop.kept.lock().unwrap();
    let ours = kept.updates.values().filter(|row| row["OutboundShipmentOrderOriginId"] == origin.as_str());
    rows(&ours.cloned().collect::<Vec<_>>())
}

async fn write_update(State(shop): State<Shop>, axum::Json(row): axum::Json<Value>) -> StatusCode {
    let id = row["OutboundShipmentOrderUpdateId"].as_str().unwrap().to_owned();
    shop.kept.lock().unwrap().updates.insert(id, row);
    StatusCode::CREATED
}

/// Dynamics processes what it is handed over at once.
async fn patch(State(shop): State<Shop>, Path(entity): Path<String>) -> StatusCode {
    let mut kept = shop.kept.lock().unwrap();
    if entity.starts_with("OutboundShipmentOrderUpdates(") {
        let named = |id: &str| entity.contains(&format!("'{id}'"));
        for (_, row) in kept.updates.iter_mut().filter(|(id, _)| named(id)) {
            row["ProcessingStatus"] = json!("Processed");
        }
        kept.posted += 1;
    }
    StatusCode::NO_CONTENT
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
