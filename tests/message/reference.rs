//! Our reference of a document at a warehouse: what every warehouse can hold, unique, and read back.

use drayline::message::{LegalEntity, Reference, RequestId};
use proptest::prelude::*;

fn reference(entity: &str, request: &str) -> Reference {
    Reference::of(&entity.parse::<LegalEntity>().unwrap(), &request.parse::<RequestId>().unwrap())
}

/// What the strictest warehouse takes.
fn presentable(text: &str) -> bool {
    let letters = text.chars().all(|each| each.is_ascii_alphanumeric() || each == '-');
    let split_mark = text.rsplit_once('-').is_some_and(|(_, end)| end.chars().all(|each| each.is_ascii_digit()));
    letters && text.len() <= 40 && !split_mark && !text.starts_with('-')
}

#[test]
fn whatever_the_document_is_called_the_reference_is_presentable_and_read_back() {
    let entity = "[a-z0-9][a-z0-9 .&äß-]{0,29}";
    let request = "[ -~äßÜ漢]{0,49}[!-~]";
    proptest!(|(entity in entity, request in request, part in 1_u8..100, revision in 1_u16..10_000)| {
        let made = reference(&entity, &request).with_part(part).with_revision(revision);
        let text = made.to_string();
        prop_assert!(presentable(&text), "{}", text);
        prop_assert_eq!(text.parse::<Reference>(), Ok(made.clone()));
        let first = reference(&entity, &request);
        prop_assert_eq!(made.document(), first.document());
        prop_assert_eq!(made.revision(), revision);
    });
}

#[test]
fn equal_numbers_of_two_companies_are_two_documents() {
    assert_ne!(reference("usmf", "SO-1001").document(), reference("demf", "SO-1001").document());
}

#[test]
fn what_is_replaced_by_hyphens_stays_apart() {
    let alike =
        ["SO/1001", "SO 1001", "SO.1001", "SO-1001", "SO_1001"].map(|request| reference("usmf", request).to_string());
    let mut apart = alike.to_vec();
    apart.sort();
    apart.dedup();
    assert_eq!(apart.len(), alike.len(), "{alike:?}");
}

#[test]
fn parts_and_revisions_stay_apart_and_name_one_document() {
    let first = reference("usmf", "SHP0012");
    assert_eq!(first.to_string(), "usmf-SHP0012-W1");
    assert_eq!(first.clone().with_revision(2).to_string(), "usmf-SHP0012-W1R2");
    assert_eq!(first.clone().with_part(2).to_string(), "usmf-SHP0012-W2");
    // Counting begins at one.
    assert_eq!(first.clone().with_part(0).with_revision(0), first);
    assert_eq!(first.with_part(2).with_revision(7).document(), "usmf-SHP0012");
}

#[test]
fn what_is_not_ours_is_refused() {
    for foreign in [
        "",
        "usmf-SHP0012",
        "usmf-SHP0012-W",
        "usmf-SHP0012-W0",
        "usmf-SHP0012-W0x",
        "usmf-SHP0012-W1R1",
        "usmf-SHP0012-W01",
        "usmf-SHP0012-W1R",
        "usmf-SHP0012-W1-1",
        "-W1",
        "usmf-SHP0012-W+1",
        "usmf-SHP0012-w1",
        "a-document-with-a-name-of-forty-letters-W1",
    ] {
        assert!(foreign.parse::<Reference>().is_err(), "{foreign:?}");
    }
}
