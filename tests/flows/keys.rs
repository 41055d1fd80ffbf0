//! Golden vectors. A change here is a breaking change: effects would happen twice.

use drayline::flows::{Call, Decision};
use drayline::message::Kind;

use super::scene::{
    call, contoso, created, decide_order, decide_shipment, done, from_dynamics, order_look, reference, released,
    shipment_look, shipped,
};

#[test]
fn keys_are_made_of_business_facts() {
    let create = decide_order(&from_dynamics(Kind::OrderReleased), &order_look(Some(released())), &created(&[]));
    assert_eq!(call(&create).key, "create_order/north/usmf-SHP0012-W1");
    assert_eq!(call(&create).connection.as_str(), "north");

    let ledger = created(&[released()]);
    let post = decide_shipment(&shipped("S1", &reference(1), &[("1", "BOLT", "10")]), &shipment_look(), &ledger);
    assert_eq!(call(&post).key, "post_shipment/contoso/north/S1");
    assert_eq!(call(&post).connection, contoso());
    let Call::PostShipment(update) = &call(&post).call else { panic!("{post:?}") };
    assert_eq!(update.update_id, "D0ACDD28C31095813161");
    assert_eq!(update.packing_slip, "S1-D0ACDD28C");
}

#[test]
fn a_long_or_strange_shipment_key_gives_its_packing_slip_a_number_of_ours() {
    let ledger = created(&[released()]);
    for key in ["shipment/2026/08/0000000000042", "Ü1"] {
        let post = decide_shipment(&shipped(key, &reference(1), &[("1", "BOLT", "10")]), &shipment_look(), &ledger);
        let Call::PostShipment(update) = &call(&post).call else { panic!("{post:?}") };
        assert_eq!(update.packing_slip, update.update_id);
        assert_eq!(update.packing_slip.len(), 20);
    }
}

#[test]
fn a_created_order_is_known_by_every_number_that_people_have() {
    let ledger = created(&[released()]);
    let again = decide_order(&from_dynamics(Kind::OrderReleased), &order_look(Some(released())), &ledger);
    let Decision::Done(_) = &again else { panic!("{again:?}") };
    let known = &done(&again).documents[0];
    assert_eq!((known.key.as_str(), known.kind), ("order/contoso/usmf-SHP0012", "order"));
    let names: Vec<(&str, &str)> = known.names.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(
        names,
        [
            ("reference", "usmf-SHP0012-W1"),
            ("awaited_as", "order/contoso/usmf-SHP0012-W1"),
            ("warehouse_order", "N-1"),
            ("request", "SHP0012"),
            ("origin", "ORIGIN-1"),
            ("order_number", "SO-1001"),
            ("purchase_order", "PO-77"),
        ]
    );
}
