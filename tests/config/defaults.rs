//! `config/default.toml` is the documentation and the defaults at once.

use std::collections::BTreeSet;

use drayline::config::DEFAULTS;
use figment::Figment;
use figment::providers::{Format as _, Toml};
use serde_json::Value;

use super::{loaded, refused};

/// The keys with values, as paths: `processor.batch_max`.
fn leaves(value: &Value, path: &str, found: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                leaves(member, &path, found);
            }
        }
        leaf => found.push((path.to_owned(), leaf.clone())),
    }
}

fn leaves_of(value: &Value) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    leaves(value, "", &mut found);
    found
}

#[test]
fn the_file_says_every_value_and_every_value_is_the_file_s() {
    let said: Value = Figment::from(Toml::string(DEFAULTS)).extract().unwrap();
    let in_force = serde_json::to_value(loaded("")).unwrap();
    assert_eq!(leaves_of(&in_force), leaves_of(&said));
}

#[test]
fn nobody_is_called_unless_somebody_says_so() {
    let config = loaded("");
    assert!(config.dynamics.is_empty() && config.warehouses.is_empty());
    assert!(config.rehearsal.kill_at.is_empty() && config.rehearsal.freeze_at.is_empty());
    assert!(!config.gateways.private_addresses);
    assert!(config.ingest.listen.ip().is_loopback() && config.operations.listen.ip().is_loopback());
}

/// The keys that no comment speaks for: a comment speaks for the keys right below it, up to the next blank line.
fn uncommented(text: &str) -> Vec<String> {
    let mut spoken = false;
    let mut silent = Vec::new();
    for line in text.lines() {
        if line.starts_with('#') {
            spoken = true;
        } else if line.is_empty() {
            spoken = false;
        } else if let Some((key, _)) = line.split_once(" = ").filter(|_| !spoken) {
            silent.push(key.to_owned());
        }
    }
    silent
}

#[test]
fn every_value_has_a_comment() {
    assert_eq!(uncommented(DEFAULTS), Vec::<String>::new());
    assert_eq!(uncommented("[a]\nb = 1\n\n# Why.\nc = 2\nd = 3\n\ne = 4\n"), ["b", "e"]);
}

/// A number tells its unit in its name, or counts things that its name names.
#[test]
fn every_number_has_a_unit_in_its_name() {
    let counted = ["partitions.", "prefetch", "publish_window", "connections_max", "deliveries_max", "depth_max"];
    let counted =
        [&counted[..], &["requests_max", "connections_max", "rows_max", "batch_max", "at_once_max", "pages_max"]]
            .concat();
    let counted = [&counted[..], &["failures_max", "far_end_max", "page_rows", "per_minute_max"]].concat();
    let unit = |path: &str| ["_ms", "_s", "_bytes", "_percent"].iter().any(|unit| path.contains(unit));
    let in_force = serde_json::to_value(loaded("")).unwrap();
    let bare: Vec<String> = leaves_of(&in_force)
        .into_iter()
        .filter(|(_, value)| value.is_number() || value[0].is_number())
        .map(|(path, _)| path)
        .filter(|path| !unit(path) && !path.contains("bytes_max") && !counted.iter().any(|word| path.contains(word)))
        .collect();
    assert_eq!(bare, Vec::<String>::new());
}

/// The keys of a section, as the refusal of an unknown one lists them.
fn keys(section: &str) -> BTreeSet<String> {
    let findings = refused(&format!("{section}\nnonsense = 1\n"));
    let remedy = findings.iter().find_map(|finding| finding.remedy.strip_prefix("use one of: "));
    let remedy = remedy.unwrap_or_else(|| panic!("{findings:#?}"));
    remedy.split(", ").map(str::to_owned).collect()
}

#[test]
fn every_key_of_a_connection_is_shown_in_the_file() {
    let shown = |key: &str, section: &str| {
        let line = format!("# {key} = ");
        DEFAULTS.lines().any(|each| each.starts_with(&line) || each.starts_with(&format!("# [{section}.{key}]")))
    };
    for (section, header) in [
        ("dynamics.contoso", "[dynamics.contoso]\nkind = \"finance_operations\""),
        ("dynamics.contoso.outbound", "[dynamics.contoso]\nkind = \"finance_operations\"\n[dynamics.contoso.outbound]"),
        ("warehouses.north", "[warehouses.north]\nconnector = \"standard\""),
    ] {
        let hidden: Vec<String> = keys(header).into_iter().filter(|key| !shown(key, section)).collect();
        assert_eq!(hidden, Vec::<String>::new(), "[{section}] has keys that config/default.toml does not show");
    }
}
