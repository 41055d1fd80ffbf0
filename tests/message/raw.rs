//! The untouched body travels with its message and comes out as it went in.

use drayline::message::RawBody;
use proptest::prelude::*;

#[test]
fn what_is_packed_comes_out_whole() {
    proptest!(|(body in proptest::collection::vec(any::<u8>(), 0..4000), media_type in proptest::option::of("[a-z/]{3,20}"))| {
        let packed = RawBody::pack(&body, media_type.clone());
        prop_assert_eq!(packed.length, body.len() as u64);
        prop_assert_eq!(&packed.media_type, &media_type);
        prop_assert_eq!(packed.unpack(), Some(body));
    });
}

#[test]
fn the_digest_is_of_the_body_as_it_was_sent() {
    let packed = RawBody::pack(b"abc", None);
    assert_eq!(packed.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

#[test]
fn json_gets_smaller() {
    let body = r#"{"sku":"A-1","quantity":"1"},"#.repeat(500);
    assert!(RawBody::pack(body.as_bytes(), None).zstd.len() * 10 < body.len());
}

#[test]
fn what_is_damaged_or_elsewhere_is_nothing() {
    let mut damaged = RawBody::pack(b"a body that matters", None);
    damaged.length += 1;
    assert_eq!(damaged.unpack(), None);
    let mut damaged = RawBody::pack(b"a body that matters", None);
    damaged.zstd[0] ^= 0xff;
    assert_eq!(damaged.unpack(), None);
    let elsewhere = RawBody { zstd: Vec::new(), reference: Some("raw/1".to_owned()), ..RawBody::pack(b"x", None) };
    assert_eq!(elsewhere.unpack(), None);
}
