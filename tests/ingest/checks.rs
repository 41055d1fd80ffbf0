//! What the doors find wrong with a configuration.

use drayline::config::load_text;
use drayline::ingest::check;

use super::house::{SIGNING_SECRET, sections};

fn places(more: &str, signing_secret: &str, events: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    std::fs::write(&secret, signing_secret).unwrap();
    let text = format!("{more}\n{}[dynamics.contoso.events]\n{events}\n", sections(&secret));
    let config = load_text(&text).unwrap_or_else(|findings| panic!("{findings:#?}"));
    let findings = check(&config);
    for finding in &findings {
        let told = format!("{finding:?}");
        assert!(!told.contains(signing_secret.trim_start_matches("whsec_")), "{told} repeats a secret");
    }
    findings.into_iter().map(|finding| finding.place).collect()
}

#[test]
fn a_sound_configuration_has_no_findings() {
    let events = "A = \"order_released\"\nB = \"order_cancelled\"\nC = \"posting_settled\"";
    assert_eq!(places("", SIGNING_SECRET, events), Vec::<String>::new());
    let public = "whpk_A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=";
    assert_eq!(places("", public, ""), Vec::<String>::new());
}

#[test]
fn kinds_that_dynamics_does_not_send_are_found() {
    let events = "A = \"order_release\"\nB = \"shipment_confirmed\"\nC = \"order_changed\"";
    assert_eq!(places("", SIGNING_SECRET, events), ["dynamics.contoso.events.A", "dynamics.contoso.events.B"]);
}

#[test]
fn members_that_nobody_reads_are_found() {
    let more =
        "[dynamics.contoso.event_members]\nOutboundShipmentOrderRequestId = \"Mine\"\nrma = \"\"\nSomething = \"Else\"";
    let found = ["dynamics.contoso.event_members.Something", "dynamics.contoso.event_members.rma"];
    assert_eq!(places("", SIGNING_SECRET, more), found);
}

#[test]
fn signing_secrets_of_the_wrong_form_are_found() {
    for secret in ["plain-text-secret", "whsec_%%%%%%%%", "whsec_c2hvcnQtc2VjcmV0", "whpk_c2hvcnQtc2VjcmV0"] {
        assert_eq!(places("", secret, ""), ["warehouses.north.secrets[0]"], "{secret}");
    }
}

#[test]
fn a_body_that_no_message_can_hold_is_found() {
    assert_eq!(places("ingest.body_bytes_max = 10000000", SIGNING_SECRET, ""), ["ingest.body_bytes_max"]);
}
