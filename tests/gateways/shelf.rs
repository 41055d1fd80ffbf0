//! A far end that keeps rows as `OData` does: keyed, filtered, created once, changed by version.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Map, Value, json};

use super::far_end::{Asked, FarEnd, Said};
use super::scene::dynamics_end;

type Rows = Vec<(String, Map<String, Value>)>;

/// The rows, shared between the far end and the test.
#[derive(Clone, Default)]
pub struct Shelf(Arc<Mutex<Rows>>);

/// What a test wants answered instead, if anything.
type Interruption = Box<dyn Fn(&Asked, usize) -> Option<Said> + Send + Sync>;

impl Shelf {
    /// A far end with these rows. `interrupt` sees every call with its number and may answer in its place.
    pub async fn open(&self, interrupt: impl Fn(&Asked, usize) -> Option<Said> + Send + Sync + 'static) -> FarEnd {
        let (rows, interrupt, calls) = (self.clone(), Box::new(interrupt) as Interruption, Mutex::new(0));
        dynamics_end(move |asked| {
            let number = {
                let mut calls = calls.lock().unwrap();
                *calls += 1;
                *calls
            };
            interrupt(asked, number).unwrap_or_else(|| rows.answer(asked))
        })
        .await
    }

    /// The rows of an entity.
    pub fn rows(&self, entity: &str) -> Vec<Map<String, Value>> {
        let rows = self.0.lock().unwrap();
        rows.iter().filter(|(name, _)| name == entity).map(|(_, row)| row.clone()).collect()
    }

    pub fn put(&self, entity: &str, row: &Value) {
        let mut row = row.as_object().unwrap().clone();
        row.insert("@odata.etag".to_owned(), json!("W/\"1\""));
        self.0.lock().unwrap().push((entity.to_owned(), row));
    }

    /// Changes a member of all rows of an entity, and their version with it.
    pub fn set(&self, entity: &str, name: &str, value: &Value) {
        for (_, row) in self.0.lock().unwrap().iter_mut().filter(|(each, _)| each == entity) {
            row.insert(name.to_owned(), value.clone());
            row.insert("@odata.etag".to_owned(), json!("W/\"changed\""));
        }
    }

    /// Changes one row of an entity.
    pub fn alter(&self, entity: &str, index: usize, members: &Value) {
        let mut rows = self.0.lock().unwrap();
        let row = rows.iter_mut().filter(|(each, _)| each == entity).nth(index).unwrap();
        row.1.extend(members.as_object().unwrap().clone());
    }

    pub fn answer(&self, asked: &Asked) -> Said {
        assert_eq!(asked.param("cross-company"), Some("true"), "{asked:?}");
        let path = asked.path.strip_prefix("/data/").unwrap();
        let (entity, rest) = path.split_once('(').unwrap_or((path, ""));
        let (keys, action) = rest.split_once(')').unwrap_or((rest, ""));
        let wanted = if rest.is_empty() {
            asked.param("$filter").map(|filter| pairs(filter, " and ", " eq ")).unwrap_or_default()
        } else {
            pairs(keys, ",", "=")
        };
        let mut rows = self.0.lock().unwrap();
        let fits = |row: &Map<String, Value>| wanted.iter().all(|(name, value)| text(row, name) == *value);
        let mut found: Vec<_> = rows.iter_mut().filter(|(name, row)| name == entity && fits(row)).collect();
        match (asked.method.as_str(), rest.is_empty()) {
            ("GET", true) => Said::json(200, &json!({"value": found.iter().map(|(_, row)| row).collect::<Vec<_>>()})),
            ("GET", false) => found.first().map_or_else(missing, |(_, row)| Said::json(200, &json!(row))),
            ("PATCH", false) => {
                let Some((_, row)) = found.first_mut() else { return missing() };
                let matches = asked.header("if-match").is_some_and(|tag| tag == "*" || tag == text(row, "@odata.etag"));
                if !matches {
                    return Said::json(412, &json!({"error": {"message": "The version does not match."}}));
                }
                row.extend(asked.json().as_object().unwrap().clone());
                Said::text(204, "")
            }
            ("POST", false) if action == "/Microsoft.Dynamics.DataEntities.Complete" => {
                let Some((_, row)) = found.first_mut() else { return missing() };
                row.insert("ProcessingStatus".to_owned(), json!("Received"));
                Said::text(204, "")
            }
            ("POST", true) => {
                let body = asked.json().as_object().unwrap().clone();
                let key = |row: &Map<String, Value>| KEYS.iter().map(|name| text(row, name)).collect::<Vec<_>>();
                if rows.iter().any(|(name, row)| name == entity && key(row) == key(&body)) {
                    return exists();
                }
                drop(rows);
                self.put(entity, &Value::Object(body));
                Said::json(201, &json!({"@odata.etag": "W/\"1\""}))
            }
            _ => panic!("{asked:?}"),
        }
    }
}

const KEYS: [&str; 8] = [
    "dataAreaId",
    "InboundShipmentOrderUpdateId",
    "InboundShipmentOrderOriginId",
    "OutboundShipmentOrderUpdateId",
    "OutboundShipmentOrderOriginId",
    "OrderLineNumber",
    "TrackingNumber",
    "OutboundShipmentOrderRequestId",
];

/// What Dynamics says when a row is there already.
pub fn exists() -> Said {
    let message = "Write failed for table row of type 'X'. Infolog: Error: The record already exists.";
    Said::json(400, &json!({"error": {"message": "An error has occurred.", "innererror": {"message": message}}}))
}

fn missing() -> Said {
    Said::json(404, &json!({"error": {"code": "", "message": "No resource was found."}}))
}

fn text(row: &Map<String, Value>, name: &str) -> String {
    match row.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    }
}

fn pairs(text: &str, between: &str, within: &str) -> BTreeMap<String, String> {
    let pair = |pair: &str| {
        let (name, value) = pair.split_once(within).unwrap_or_else(|| panic!("{pair}"));
        (name.to_owned(), value.trim_matches('\'').replace("''", "'"))
    };
    text.split(between).map(pair).collect()
}
