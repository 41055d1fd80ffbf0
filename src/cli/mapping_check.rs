//! `mapping check`: what does not map, before the first order finds it.

use std::sync::Arc;

use serde_json::json;

use super::exceptions::who;
use super::{Failed, Global, output, sentence, store};
use crate::clock::Clock;
use crate::config::{Adjustments, Finding, Severity};
use crate::gateways::Gateways;
use crate::ingest::CatalogueScans;
use crate::mapping::{At, Mapping, Reasons};
use crate::message::{Connection, LegalEntity};
use crate::store::CatalogueScan;

/// What is checked: a company's goods at a warehouse.
struct Place {
    environment: Connection,
    legal_entity: LegalEntity,
    connection: Connection,
}

pub(super) async fn check(global: &Global, connection: Option<&str>, last: bool) -> Result<(), Failed> {
    let (config, store) = (Arc::new(global.load("")?), store::made(global).await?);
    let clock = Clock::system();
    let gateways = Gateways::new(&config, &clock)?;
    if let Some(name) = connection.filter(|name| !config.warehouses.contains_key(*name)) {
        let all: Vec<_> = config.warehouses.keys().map(String::as_str).collect();
        return Err(Failed::Usage(format!("No warehouse {name} is configured; there are {}.", all.join(", "))));
    }
    let places = places(global, &gateways, connection)?;
    if !last {
        let scans =
            CatalogueScans { config: Arc::clone(&config), clock, store: store.clone(), gateways: gateways.clone() };
        let mut companies: Vec<_> = places.iter().map(|place| (&place.environment, &place.legal_entity)).collect();
        companies.sort();
        companies.dedup();
        for company in companies {
            scans.scan(company, &who()).await?;
        }
    }
    let (mapping, scans) = (store.mapping(None).await?, store.catalogue_scans().await?);
    let mut findings = Vec::new();
    for place in &places {
        let of = |scan: &&CatalogueScan| {
            scan.environment == place.environment.as_str() && scan.legal_entity == place.legal_entity.as_str()
        };
        let adjustments = config.dynamics.get(place.environment.as_str()).map(|dynamics| &dynamics.adjustments);
        let reasons = adjustments.map_or(Reasons::Untold, reasons);
        let Some(scan) = scans.iter().find(of) else {
            let Place { environment, legal_entity, .. } = place;
            return Err(Failed::Work(format!(
                "{environment} was never scanned for {legal_entity}. Leave --last away: that scans it now."
            )));
        };
        findings.extend(of_scan(scan));
        findings.extend(of_place(&mapping, place, &gateways, reasons));
    }
    findings.dedup();
    store.close().await;
    report(global, &findings, (&mapping, &scans))
}

/// Every company's goods at every warehouse, or at the one that is named.
fn places(global: &Global, gateways: &Gateways, only: Option<&str>) -> Result<Vec<Place>, Failed> {
    let mut places = Vec::new();
    for dynamics in gateways.environments() {
        let environment = dynamics.name();
        let (companies, served) = (gateways.companies(environment), gateways.served(environment));
        let served: Vec<_> = served.filter(|name| only.is_none_or(|only| only == name.as_str())).cloned().collect();
        if companies.is_empty() && !served.is_empty() {
            return Err(Failed::Work(format!(
                "Nobody says which companies of {environment} take part. Name them under \
                 dynamics.{environment}.legal_entities."
            )));
        }
        for connection in served {
            let own = gateways.company_of(&connection);
            let companies = companies.iter().filter(|company| own.as_ref().is_none_or(|own| own == *company));
            places.extend(companies.map(|legal_entity| Place {
                environment: environment.clone(),
                legal_entity: legal_entity.clone(),
                connection: connection.clone(),
            }));
        }
    }
    if places.is_empty() {
        return Err(nothing_to_map_to(global));
    }
    Ok(places)
}

/// Where it was looked for warehouses, and what to do.
fn nothing_to_map_to(global: &Global) -> Failed {
    let looked = global.config.as_ref().map_or_else(
        || "no file was given with --config, and the variables DRAYLINE__WAREHOUSES__… name none".to_owned(),
        |file| format!("neither {} nor the variables DRAYLINE__WAREHOUSES__… name one", file.display()),
    );
    Failed::Work(format!(
        "No warehouse is configured, so that there is nothing to map to: {looked}. Give the file with the sections \
         [warehouses.NAME] and [dynamics.NAME] with --config. The simulated far ends of a demo are known to that process \
         alone."
    ))
}

/// What a scan could not read: less is known then.
fn of_scan(scan: &CatalogueScan) -> impl Iterator<Item = Finding> + '_ {
    let place = format!("{} {}", scan.environment, scan.legal_entity);
    scan.lacks.iter().map(move |lack| {
        let remedy =
            format!("name the right one under dynamics.{}.catalogue.names, or \"\" to do without", scan.environment);
        Finding::warning(place.clone(), lack, &remedy)
    })
}

/// Whether each reason for an adjustment needs a row.
fn reasons(adjustments: &Adjustments) -> Reasons {
    match (adjustments.by_journal(), adjustments.type_field.as_str()) {
        (Some(_), _) => Reasons::Defaulted,
        (None, "") => Reasons::Untold,
        (None, _) => Reasons::Typed,
    }
}

fn of_place(mapping: &Mapping, place: &Place, gateways: &Gateways, reasons: Reasons) -> Vec<Finding> {
    let Place { environment, legal_entity, connection } = place;
    let meanings = mapping.at(At { environment, legal_entity: Some(legal_entity), connection });
    let unfit = meanings.unfit(&gateways.places(connection), reasons);
    let finding = |unfit: crate::mapping::Unfit| {
        let place = format!("{environment} {legal_entity} {connection} {}", unfit.about);
        let told = if unfit.stops { Finding::error } else { Finding::warning };
        told(place, &unfit.problem, &unfit.remedy)
    };
    unfit.into_iter().map(finding).collect()
}

fn report(global: &Global, findings: &[Finding], (mapping, scans): (&Mapping, &[CatalogueScan])) -> Result<(), Failed> {
    let items = |scan: &CatalogueScan| {
        let named = scan.environment.parse().ok().zip(scan.legal_entity.parse().ok());
        let catalogue = named.and_then(|(environment, company)| mapping.catalogue(&environment, &company));
        catalogue.map_or(0, |catalogue| catalogue.items().count())
    };
    let errors = findings.iter().filter(|finding| finding.severity == Severity::Error).count();
    if global.json {
        let scans: Vec<_> = scans
            .iter()
            .map(|scan| {
                json!({ "environment": scan.environment, "legal_entity": scan.legal_entity, "scanned_at": scan.scanned_at,
                        "items": items(scan), "lacks": scan.lacks })
            })
            .collect();
        output::json(&json!({ "findings": findings, "version": mapping.version(), "scans": scans }))?;
        return if errors == 0 { Ok(()) } else { Err(Failed::Work(String::new())) };
    }
    let mut lines: Vec<_> =
        findings.iter().map(|each| format!("{}: {}. {}.", each.place, each.problem, sentence(&each.remedy))).collect();
    lines.extend(scans.iter().map(|scan| {
        let CatalogueScan { environment, legal_entity, scanned_at, .. } = scan;
        format!("{environment} {legal_entity}: {} items, scanned at {scanned_at:.0}.", items(scan))
    }));
    if errors == 0 {
        lines.push(format!("All of it maps (version {}).", mapping.version()));
    }
    output::lines(&lines)?;
    if errors == 0 { Ok(()) } else { Err(Failed::Work(format!("{errors} items or codes do not map."))) }
}
