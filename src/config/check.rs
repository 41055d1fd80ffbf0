//! What the types cannot say: values that contradict each other, names that lead nowhere, ends that are not configured.

use std::collections::BTreeMap;

use super::connections::{Dynamics, DynamicsKind, Warehouse};
use super::settings::{Config, StoreKind, TransportKind};
use super::{Adoption, Finding, Secret, changes, filled, limits};

/// Checks a configuration that has the right shape.
#[must_use]
pub fn check(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    addresses(config, &mut findings);
    limits(config, &mut findings);
    for (name, dynamics) in &config.dynamics {
        public_name("dynamics", name, &mut findings);
        dynamics_environment(name, dynamics, &mut findings);
    }
    for (name, warehouse) in &config.warehouses {
        public_name("warehouses", name, &mut findings);
        warehouse_connection(name, warehouse, &config.dynamics, &mut findings);
        if config.dynamics.contains_key(name) {
            let problem = format!("{name:?} is the name of a Dynamics environment, too");
            findings.push(Finding::error(format!("warehouses.{name}"), &problem, "give every connection its own name"));
        }
    }
    findings
}

fn addresses(config: &Config, findings: &mut Vec<Finding>) {
    if config.transport.kind == TransportKind::Rabbitmq && config.transport.url.is_empty() {
        let remedy = "give the broker's address, like amqp://user:password@host:5672/vhost, or env:NAME";
        findings.push(Finding::error("transport.url", "is empty, but transport.kind is \"rabbitmq\"", remedy));
    }
    if config.store.kind == StoreKind::Postgresql && config.store.url.is_empty() {
        let remedy = "give the database's address, like postgres://user:password@host:5432/database, or env:NAME";
        findings.push(Finding::error("store.url", "is empty, but store.kind is \"postgresql\"", remedy));
    }
}

fn limits(config: &Config, findings: &mut Vec<Finding>) {
    let processor = &config.processor;
    let transport = &config.transport;
    let partitions = &transport.partitions;
    let console = &config.console;
    let positive: [(&str, u64); 41] = [
        ("console.body_bytes_max", console.body_bytes_max as u64),
        ("console.read_deadline_ms", console.read_deadline_ms),
        ("console.requests_per_minute_max", console.requests_per_minute_max.into()),
        ("console.requests_at_once_max", console.requests_at_once_max.into()),
        ("console.page_rows", console.page_rows.into()),
        ("console.page_rows_max", console.page_rows_max.into()),
        ("console.answers_kept_s", console.answers_kept_s),
        ("console.link_valid_s", console.link_valid_s),
        ("console.token_valid_s", console.token_valid_s),
        ("console.token_valid_s_max", console.token_valid_s_max),
        ("scan.interval_ms", config.scan.interval_ms),
        ("scan.page_rows_max", config.scan.page_rows_max as u64),
        ("exceptions.scan_ms", config.exceptions.scan_ms),
        ("exceptions.scan_rows_max", config.exceptions.scan_rows_max.into()),
        ("exceptions.retry_ms", config.exceptions.retry_ms),
        ("replays.wave_rows_max", config.replays.wave_rows_max.into()),
        ("replays.dry_runs_at_once_max", config.replays.dry_runs_at_once_max.into()),
        ("replays.dry_run_poll_ms", config.replays.dry_run_poll_ms),
        ("replays.at_once_max", config.replays.at_once_max.into()),
        ("transport.prefetch", transport.prefetch.into()),
        ("transport.worker_prefetch", transport.worker_prefetch as u64),
        ("transport.publish_window", transport.publish_window as u64),
        ("transport.heartbeat_s", transport.heartbeat_s.into()),
        ("transport.partitions.orders", partitions.orders.into()),
        ("transport.partitions.shipments", partitions.shipments.into()),
        ("transport.partitions.goods_received", partitions.goods_received.into()),
        ("transport.partitions.stock_adjustments", partitions.stock_adjustments.into()),
        ("transport.partitions.returns", partitions.returns.into()),
        ("transport.partitions.stock_snapshots", partitions.stock_snapshots.into()),
        ("store.connections_max", config.store.connections_max.into()),
        ("ingest.body_bytes_max", config.ingest.body_bytes_max as u64),
        ("ingest.requests_max", config.ingest.requests_max as u64),
        ("ingest.connections_max", config.ingest.connections_max as u64),
        ("ingest.scan_look_ms", config.ingest.scan_look_ms),
        ("processor.batch_max", processor.batch_max as u64),
        ("processor.waiting_per_far_end_max", processor.waiting_per_far_end_max),
        ("processor.stop_poll_ms", processor.stop_poll_ms),
        ("processor.mapping_poll_ms", processor.mapping_poll_ms),
        ("processor.mapping_age_ms_max", processor.mapping_age_ms_max),
        ("gateways.calls_at_once_max", config.gateways.calls_at_once_max as u64),
        ("gateways.breaker_failures_max", config.gateways.breaker_failures_max.into()),
    ];
    for (place, _) in positive.into_iter().filter(|(_, value)| *value == 0) {
        findings.push(Finding::error(place, "is 0", "give a number of at least 1"));
    }
    for (place, delays) in [
        ("processor.retry_delays_ms", &processor.retry_delays_ms),
        ("processor.posting_poll_delays_ms", &processor.posting_poll_delays_ms),
    ] {
        if delays.is_empty() {
            findings.push(Finding::error(place, "is empty", "give at least one delay"));
        }
    }
    if processor.dead_after_ms < processor.heartbeat_ms.saturating_mul(3) {
        let remedy = "give at least three heartbeats, so that one that is late kills nobody";
        findings.push(Finding::error("processor.dead_after_ms", "is shorter than three heartbeats", remedy));
    }
    if transport.reconnect_delay_ms_max < transport.reconnect_delay_ms_min {
        let problem = "is smaller than transport.reconnect_delay_ms_min";
        findings.push(Finding::error("transport.reconnect_delay_ms_max", problem, "give the larger one here"));
    }
}

fn public_name(section: &str, name: &str, findings: &mut Vec<Finding>) {
    let first = name.starts_with(|letter: char| letter.is_ascii_lowercase());
    let rest = name.chars().all(|each| each.is_ascii_lowercase() || each.is_ascii_digit() || each == '_');
    if !(first && rest && name.len() <= 40) {
        let remedy = "use at most 40 small letters, digits and underscores, beginning with a letter";
        findings.push(Finding::error(format!("{section}.{name}"), "is not a public name", remedy));
    }
}

fn dynamics_environment(name: &str, dynamics: &Dynamics, findings: &mut Vec<Finding>) {
    let place = |key: &str| format!("dynamics.{name}.{key}");
    for (key, value) in [("url", &dynamics.url), ("token_url", &dynamics.token_url)] {
        http_address(&place(key), value, findings);
    }
    if dynamics.client_id.is_empty() {
        findings.push(Finding::error(place("client_id"), "is missing", "give the registered application's id"));
    }
    secret(&place("client_secret"), dynamics.client_secret.as_ref(), findings);
    if dynamics.secrets.is_empty() {
        let remedy = "give the last part of the event URL as env:NAME or file:PATH";
        findings.push(Finding::error(place("secrets"), "is empty, so that no event could be believed", remedy));
    }
    for (index, each) in dynamics.secrets.iter().enumerate() {
        secret(&place(&format!("secrets[{index}]")), Some(each), findings);
    }
    for entity in dynamics.legal_entities.iter().filter(|entity| entity.chars().any(char::is_uppercase)) {
        let problem = format!("{entity:?} holds capitals");
        findings.push(Finding::error(place("legal_entities"), &problem, "write legal entities in small letters"));
    }
    for (entity, zone) in &dynamics.outbound.time_zones {
        if jiff::tz::TimeZone::get(zone).is_err() {
            let problem = format!("{zone:?} is not the name of a time zone");
            let remedy = "give an IANA name, like \"America/Los_Angeles\"";
            findings.push(Finding::error(place(&format!("outbound.time_zones.{entity}")), &problem, remedy));
        }
    }
    for (key, value) in [
        ("adjustments.lines_max", dynamics.adjustments.lines_max),
        ("adjustments.requests_at_once_max", dynamics.adjustments.requests_at_once_max),
        ("together.documents_max", dynamics.together.documents_max),
        ("together.reads_at_once_max", dynamics.together.reads_at_once_max),
    ] {
        if value == 0 {
            findings.push(Finding::error(place(key), "is 0", "give a number of at least 1"));
        }
    }
    let journals = &dynamics.adjustments.journals;
    let service = &journals.service;
    if !service.is_empty() && (service.split('/').count() != 3 || service.split('/').any(str::is_empty)) {
        let problem = format!("{service:?} does not name a service");
        let remedy = "give GROUP/SERVICE/OPERATION, as it stands behind /api/services/ in its address";
        findings.push(Finding::error(place("adjustments.journals.service"), &problem, remedy));
    }
    for (key, name) in [
        ("headers", &journals.headers),
        ("lines", &journals.lines),
        ("name_field", &journals.name_field),
        ("posted_field", &journals.posted_field),
        ("warehouse_field", &journals.warehouse_field),
    ] {
        if name.is_empty() {
            let remedy = "leave it out, or give the name that your version has";
            findings.push(Finding::error(place(&format!("adjustments.journals.{key}")), "is empty", remedy));
        }
    }
    adoption(name, dynamics, findings);
    if dynamics.kind == DynamicsKind::BusinessCentral {
        let problem = "Business Central is not supported by this release";
        findings.push(Finding::error(place("kind"), problem, "use finance_operations, or leave the section out"));
    }
}

/// A pattern that names nothing of the document would find the same order for each.
fn adoption(name: &str, dynamics: &Dynamics, findings: &mut Vec<Finding>) {
    let place = |key: &str| format!("dynamics.{name}.adoption.{key}");
    let named = || Adoption::WORDS.map(|word| format!("{{{word}}}")).join(", ");
    for (key, pattern) in dynamics.adoption.patterns().into_iter().filter(|(_, pattern)| !pattern.is_empty()) {
        let known = |word: &str| Adoption::WORDS.contains(&word).then(String::new);
        let problem = match filled(pattern, known) {
            Err(strange) => format!("{pattern:?} holds {strange:?}, which no document has"),
            Ok(rest) if rest == pattern => format!("{pattern:?} names nothing of the document"),
            Ok(_) => continue,
        };
        findings.push(Finding::error(place(key), &problem, &format!("build it of {}", named())));
    }
    let used = dynamics.adoption.patterns().iter().any(|(_, pattern)| !pattern.is_empty());
    if used && dynamics.go_live.is_none() {
        let place = format!("dynamics.{name}.go_live");
        let problem = "is missing, though documents from before it are to be adopted";
        findings.push(Finding::error(place, problem, "give the instant before which documents are looked up"));
    }
}

fn warehouse_connection(
    name: &str,
    warehouse: &Warehouse,
    environments: &BTreeMap<String, Dynamics>,
    findings: &mut Vec<Finding>,
) {
    let place = |key: &str| format!("warehouses.{name}.{key}");
    http_address(&place("url"), &warehouse.url, findings);
    secret(&place("token"), warehouse.token.as_ref(), findings);
    if warehouse.connector != "standard" {
        let problem = format!("{:?} is not a connector of this release", warehouse.connector);
        findings.push(Finding::error(place("connector"), &problem, "use \"standard\""));
    }
    if warehouse.secrets.is_empty() {
        let remedy = "give the signing secret (whsec_…) or public key (whpk_…) as env:NAME or file:PATH";
        findings.push(Finding::error(place("secrets"), "is empty, so that no event could be believed", remedy));
    }
    for (index, each) in warehouse.secrets.iter().enumerate() {
        secret(&place(&format!("secrets[{index}]")), Some(each), findings);
    }
    if warehouse.locations.is_empty() {
        let remedy = "map at least one Dynamics warehouse to a facility: locations = { \"24\" = \"NORTH-1\" }";
        findings.push(Finding::error(place("locations"), "is empty, so that no order could be sent there", remedy));
    }
    limits::check(&place("limits"), &warehouse.limits, findings);
    changes::check(&place("changes"), &warehouse.changes, findings);
    match environments.get(&warehouse.dynamics) {
        None => {
            let problem = format!("{:?} is not a configured Dynamics environment", warehouse.dynamics);
            findings.push(Finding::error(place("dynamics"), &problem, "name a section [dynamics.NAME]"));
        }
        Some(dynamics) if dynamics.stage != warehouse.stage => {
            let problem = "is of another stage than its Dynamics environment";
            findings.push(Finding::error(place("stage"), problem, "documents never cross from test to production"));
        }
        Some(_) => {}
    }
}

fn http_address(place: &str, value: &str, findings: &mut Vec<Finding>) {
    let rest = value.strip_prefix("https://").or_else(|| value.strip_prefix("http://"));
    if rest.is_none_or(str::is_empty) {
        let problem = if value.is_empty() { "is missing".to_owned() } else { format!("{value:?} is not an address") };
        findings.push(Finding::error(place, &problem, "give an address that begins with https://"));
    }
}

fn secret(place: &str, secret: Option<&Secret>, findings: &mut Vec<Finding>) {
    let problem = match secret {
        None => Some("is missing".to_owned()),
        Some(secret) => secret.value().err().map(|error| error.to_string()),
    };
    if let Some(problem) = problem {
        findings.push(Finding::error(place, &problem, "give it as env:NAME or file:PATH, and let it exist"));
    }
}
