//! Foreign crates have homes: nobody else may speak of them. What everybody may use stands in the table, too, so that a
//! new dependency is not forgotten.

use std::collections::BTreeSet;

use figment::Figment;
use figment::providers::{Format as _, Toml};

use super::source::{Source, production, sources};
use super::{caught, clean};

const EVERYWHERE: &[&str] = &[""];

/// The crate, and the beginnings of the paths below `src/` that may speak of it.
const HOMES: &[(&str, &[&str])] = &[
    ("axum", &["ingest/", "console/", "sandbox/", "app", "cli/bench"]),
    ("backoff", &["processor/retry"]),
    ("base64", &["ingest/", "gateways/", "sandbox/", "console/", "cli/demo"]),
    ("clap", &["cli", "main.rs"]),
    ("clap_complete", &["cli/completions", "cli/mod"]),
    ("ed25519_dalek", &["ingest/", "sandbox/"]),
    ("fastrand", &["clock"]),
    ("figment", &["config/"]),
    ("futures_util", EVERYWHERE),
    ("indicatif", &["cli"]),
    ("jaq_all", &["exceptions/patch"]),
    ("jiff", EVERYWHERE),
    ("lapin", &["transport/rabbitmq"]),
    ("metrics", &["telemetry/"]),
    ("metrics_exporter_prometheus", &["telemetry/"]),
    ("mimalloc", &["main.rs"]),
    ("pbjson", &["message/"]),
    ("pbjson_types", &["message/"]),
    ("prost", &["message/"]),
    ("reqwest", &["gateways/", "sandbox/", "cli/bench", "transport/rabbitmq/management"]),
    ("ring", &["ingest/", "sandbox/", "message/", "console/"]),
    ("rust_decimal", EVERYWHERE),
    ("rustls", &["gateways/", "sandbox/", "transport/rabbitmq/management"]),
    ("secrecy", EVERYWHERE),
    ("serde", EVERYWHERE),
    ("serde_json", EVERYWHERE),
    ("sqlx", &["store/", "transport/embedded"]),
    ("thiserror", EVERYWHERE),
    ("tokio", EVERYWHERE),
    ("tokio_util", EVERYWHERE),
    ("tracing", &["telemetry/", "sandbox/", "app", "cli"]),
    ("tracing_subscriber", &["telemetry/"]),
    ("uuid", EVERYWHERE),
    ("xxhash_rust", &["message/", "sandbox/"]),
    ("zstd", &["message/"]),
];

/// Quantities and money never meet a binary float here.
const WITHOUT_FLOATS: &[&str] = &["src/message/", "src/mapping/", "src/flows/", "src/gateways/", "src/store/"];

fn strangers(sources: &[Source]) -> Vec<String> {
    let mut violations = Vec::new();
    for source in sources {
        let inside = source.path.strip_prefix("src/").unwrap();
        for (name, homes) in HOMES {
            let at_home = homes.iter().any(|home| inside.starts_with(home));
            for offset in source.words(name).filter(|_| !at_home) {
                let before = source.code[..offset].trim_end_matches("::");
                let of_a_path = before.len() < offset && before.ends_with(|letter: char| letter.is_alphanumeric());
                let after = &source.code[offset + name.len()..];
                let imported = before.trim_end().ends_with("use") && after.starts_with(';');
                if !of_a_path && (after.starts_with("::") || imported) {
                    violations.push(format!("{}: {name} lives in {homes:?} alone", source.place(offset)));
                }
            }
        }
    }
    violations
}

fn floats(sources: &[Source]) -> Vec<String> {
    let strict = sources.iter().filter(|source| WITHOUT_FLOATS.iter().any(|folder| source.path.starts_with(folder)));
    let found = strict.flat_map(|source| {
        ["f32", "f64"].into_iter().flat_map(|word| source.words(word).map(|offset| source.place(offset)))
    });
    found.map(|place| format!("{place}: a binary float; quantities and money are decimals")).collect()
}

#[test]
fn foreign_crates_stay_at_home() {
    clean(&strangers(&production()));
}

#[test]
fn every_dependency_has_a_home() {
    let manifest: serde_json::Value = Figment::from(Toml::file_exact("Cargo.toml")).extract().unwrap();
    let dependencies = manifest["dependencies"].as_object().unwrap().keys().map(|name| name.replace('-', "_"));
    let homes: BTreeSet<String> = HOMES.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(dependencies.collect::<BTreeSet<_>>(), homes, "tests/tidy/homes.rs and Cargo.toml differ");
}

/// What nobody speaks of is not needed. Only generated code speaks of pbjson itself.
fn unused(names: &[&str], sources: &[Source]) -> Vec<String> {
    let used = |name: &str| sources.iter().any(|source| source.words(name).next().is_some());
    names.iter().filter(|name| !used(name)).map(|name| format!("{name}: nobody speaks of it")).collect()
}

#[test]
fn every_dependency_is_used() {
    let names: Vec<&str> = HOMES.iter().map(|(name, _)| *name).filter(|name| *name != "pbjson").collect();
    clean(&unused(&names, &production()));
    let manifest: serde_json::Value = Figment::from(Toml::file_exact("Cargo.toml")).extract().unwrap();
    let for_tests = manifest["dev-dependencies"].as_object().unwrap().keys().map(String::as_str).collect::<Vec<_>>();
    clean(&unused(&for_tests, &sources("tests", &[".rs"])));
    let for_build = manifest["build-dependencies"].as_object().unwrap().keys().map(|name| name.replace('-', "_"));
    let for_build: Vec<String> = for_build.collect();
    let build = Source::new("build.rs", &std::fs::read_to_string("build.rs").unwrap());
    clean(&unused(&for_build.iter().map(String::as_str).collect::<Vec<_>>(), &[build]));
    caught(&unused(&["left_pad"], &production()), "left_pad");
}

#[test]
fn quantities_and_money_are_decimals() {
    clean(&floats(&production()));
}

#[test]
fn a_stranger_is_found() {
    let planted = |path: &str, text: &str| strangers(&[Source::new(path, text)]);
    caught(&planted("src/processor/a.rs", "use lapin::Channel;"), "src/processor/a.rs:1: lapin");
    caught(&planted("src/flows/act.rs", "async fn f() { reqwest::get(a) }"), "reqwest");
    caught(&planted("src/ingest/mod.rs", "use sqlx;"), "sqlx");
    caught(&planted("src/transport/embedded.rs", "use ::lapin::Channel;"), "lapin");
    clean(&planted("src/transport/rabbitmq/session.rs", "use lapin::Channel;"));
    clean(&planted("src/flows/a.rs", "// sqlx::query\nlet metrics = self.metrics; crate::store::sqlx::x();"));
    caught(&floats(&[Source::new("src/flows/a.rs", "let a: f64 = 1.0;")]), "src/flows/a.rs:1");
}
