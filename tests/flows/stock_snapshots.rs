//! The plan for snapshots of stock: kept as they are told, never acted on.

use drayline::flows::{Ledger, Look};
use drayline::message::Kind;
use serde_json::json;

use super::scene::{at, decide, done, envelope, failed, north};

#[test]
fn a_part_is_kept_as_it_was_told_and_nothing_is_called() {
    let told = |part: u32, parts: u32| {
        let body = json!({
            "snapshotId": "S-1", "asOf": at(5).to_string(), "scope": { "code": "FULL" }, "part": part, "parts": parts,
            "lines": [{ "item": { "sku": "BOLT" }, "status": { "code": "AVAILABLE" }, "quantity": { "value": "2.5" } }],
        });
        decide(&envelope(Kind::StockSnapshotTaken, &north(), body), &Look::Nothing, &Ledger::default())
    };
    let decision = told(2, 3);
    let kept = done(&decision).snapshot.as_ref().unwrap();
    assert_eq!((kept.part, kept.parts, kept.lines.len(), kept.as_of), (2, 3, 1, at(5)));
    assert!(done(&decision).steps[0].1.contains("part 2 of 3 of the snapshot S-1 (FULL, 1 lines)"), "{decision:?}");
    let whole = told(0, 0);
    let kept = done(&whole).snapshot.as_ref().unwrap();
    assert_eq!((kept.part, kept.parts), (1, 1), "who does not split says nothing of parts");
    assert_eq!(failed(&told(4, 3)), "snapshot.unclear");
}
