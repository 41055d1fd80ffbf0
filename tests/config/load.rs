//! Unknown keys are errors, everything wrong is told at once, and every problem has its place.

use std::path::Path;

use drayline::config::{Severity, load};

use super::{connections, finding, loaded, refused};

#[test]
fn what_the_file_says_goes_before_the_defaults() {
    let config = loaded("[processor]\nbatch_max = 7\n");
    assert_eq!(config.processor.batch_max, 7);
    assert_eq!(config.processor.heartbeat_ms, 1000);
}

#[test]
fn an_unknown_key_is_refused_with_what_there_is() {
    let findings = refused("[ingest]\nlisten_on = \"0.0.0.0:80\"\n");
    let finding = finding(&findings, "ingest.listen_on");
    assert_eq!(finding.severity, Severity::Error);
    assert_eq!(finding.problem, "\"listen_on\" is not a key of this section");
    assert!(finding.remedy.contains("listen,"), "{}", finding.remedy);
}

#[test]
fn an_unknown_section_is_refused() {
    let findings = refused("[warehouse.north]\nconnector = \"standard\"\n");
    assert!(finding(&findings, "warehouse").remedy.contains("warehouses"));
}

#[test]
fn unknown_keys_of_connections_are_refused_too() {
    let folder = tempfile::tempdir().unwrap();
    let text = connections(folder.path()).replace("token = ", "tocken = ");
    let findings = refused(&text);
    assert!(finding(&findings, "warehouses.north.tocken").problem.contains("not a key"));
}

#[test]
fn everything_wrong_is_told_at_once() {
    let findings = refused(
        r#"
shoe_size = 43

[transport]
kind = "pigeon"

[ingest]
listen = "nowhere"
body_bytes_max = "large"

[processor]
batch_max = -1
retry_delays_ms = ["soon"]

[store]
connections_max = 3.5
"#,
    );
    let places = [
        "shoe_size",
        "transport.kind",
        "ingest.listen",
        "ingest.body_bytes_max",
        "processor.batch_max",
        "store.connections_max",
    ];
    for place in places {
        let finding = finding(&findings, place);
        assert!(!finding.problem.is_empty() && !finding.remedy.is_empty());
    }
    let in_list = |finding: &drayline::config::Finding| finding.place.starts_with("processor.retry_delays_ms");
    assert!(findings.iter().any(in_list), "{findings:#?}");
    assert_eq!(findings.len(), places.len() + 1, "{findings:#?}");
}

#[test]
fn shape_and_sense_are_told_together() {
    let findings = refused("[transport]\nkind = \"rabbitmq\"\nurl_of_it = \"x\"\n\n[ingest]\nlisten = \"nowhere\"\n");
    finding(&findings, "transport.url_of_it");
    finding(&findings, "ingest.listen");
    finding(&findings, "transport.url");
}

#[test]
fn the_place_names_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.toml");
    std::fs::write(&path, "[store]\nurll = \"x\"\n").unwrap();
    let findings = load(Some(&path)).unwrap_err();
    let place = &finding(&findings, "store.urll").place;
    assert!(place.contains("mine.toml"), "{place}");
}

#[test]
fn a_file_that_is_not_there_is_told() {
    let findings = load(Some(Path::new("nowhere/drayline.toml"))).unwrap_err();
    assert_eq!(finding(&findings, "nowhere/drayline.toml").problem, "there is no such file");
}

#[test]
fn what_is_no_toml_is_told_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.toml");
    std::fs::write(&path, "[store\nurl = 1\n").unwrap();
    let findings = load(Some(&path)).unwrap_err();
    assert_eq!(findings.len(), 1, "{findings:#?}");
    let all = format!("{} {}", findings[0].place, findings[0].problem);
    assert!(all.contains("line 1") && all.contains("mine.toml"), "{all}");
}
