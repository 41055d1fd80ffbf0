//! `openapi.json` says what the routes are, no more and no less.

use std::collections::{BTreeMap, BTreeSet};

use drayline::console::{Access, described};
use reqwest::Method;
use serde_json::Value;

use super::scene::Scene;
use crate::support::Backing;

type Paths = BTreeMap<(String, String), BTreeSet<u16>>;

fn told(description: &Value) -> Paths {
    let mut told = Paths::new();
    for (path, methods) in description["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let statuses = operation["responses"].as_object().unwrap().keys().map(|status| status.parse().unwrap());
            told.insert((method.to_uppercase(), path.clone()), statuses.collect());
        }
    }
    told
}

#[tokio::test]
async fn the_description_has_every_route_with_every_answer() {
    let scene = Scene::start(Backing::Embedded, "").await;
    let answered = Scene::sent(scene.request(Method::GET, "/openapi.json")).await;
    assert_eq!(
        (answered.status.as_u16(), &answered.headers["content-type"]),
        (200, &"application/json".parse().unwrap())
    );
    let description = answered.json();
    let routes: Paths = described()
        .into_iter()
        .map(|route| ((route.method.to_owned(), route.path.to_owned()), route.statuses()))
        .collect();
    assert_eq!(told(&description), routes);
    for route in described() {
        let operation = &description["paths"][route.path][route.method.to_lowercase()];
        let open = operation["security"] == serde_json::json!([]);
        assert_eq!(open, route.access == Access::Open, "{route:?}");
        if let Access::From(role) = route.access
            && role != drayline::store::Role::Viewer
        {
            let said = operation["description"].as_str().unwrap_or_default();
            assert!(said.contains(&format!("Needs the role {role}.")), "{route:?}: {said}");
        }
    }
    references(&description, &description);
    scene.leave().await;
}

/// Whatever is referred to is there.
fn references(all: &Value, part: &Value) {
    match part {
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get("$ref") {
                assert!(all.pointer(reference.trim_start_matches('#')).is_some(), "{reference} leads nowhere");
            }
            members.values().for_each(|member| references(all, member));
        }
        Value::Array(items) => items.iter().for_each(|item| references(all, item)),
        _ => {}
    }
}
