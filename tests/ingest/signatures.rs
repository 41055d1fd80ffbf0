//! The vectors of the reference: those that must pass and those that must fail.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use drayline::ingest::{BodyMac, Encoding, Hash, Scheme, Signed};
use jiff::Timestamp;
use secrecy::SecretString;

const BODY: &str = r#"{"type":"shipment.confirmed","data":{"order_ref":"SO-1001","recipient":"Zoë","qty":2.50}}"#;
const ID: &str = "msg_ex4mpl30001";
const STAMP: i64 = 1_764_345_600;
const A: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
const B: &str = "whsec_ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=";
const BY_A: &str = "v1,52K0rtXElAu+/IwITB9r5QZ2fVyIHzUgnyN9+FAwTr4=";
const BY_B: &str = "v1,mC8FORVlZGnH2+Al5QAIhwfo2IH/4/5LX5A4ZHqvolI=";
const PUBLIC: &str = "whpk_A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=";
const BY_PUBLIC: &str = "v1a,eJDnjuLpNKiSkQzkM9HSJbkdeJh02lvmmY4dH/n1aouIH9ZlcvoDvAzbLwMWcTgYx6md8xTaYP1SyGDjBHJcCw==";
const SHARED: &str = "example-shared-secret";

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap());
    }
    headers
}

fn keys(keys: &[&str]) -> Vec<SecretString> {
    keys.iter().map(|key| SecretString::from(*key)).collect()
}

fn verdict(scheme: &Scheme, headers: &HeaderMap, now: i64, with: &[&str]) -> bool {
    let now = Timestamp::from_second(now).unwrap();
    let signed = Signed { headers, body: BODY.as_bytes(), now, window_s: 300 };
    scheme.is_authentic(signed, &keys(with))
}

fn webhook(signature: &str, with: &[&str]) -> bool {
    let stamp = STAMP.to_string();
    let headers = headers(&[("webhook-id", ID), ("webhook-timestamp", &stamp), ("webhook-signature", signature)]);
    verdict(&Scheme::StandardWebhooks, &headers, STAMP, with)
}

#[test]
fn the_body_of_the_vectors_is_what_was_signed() {
    assert_eq!(BODY.len(), 90);
}

#[test]
fn standard_webhooks_vectors_pass() {
    assert!(webhook(BY_A, &[A]));
    assert!(webhook(BY_B, &[B]));
    assert!(webhook(BY_A.trim_end_matches('='), &[A]), "unpadded");
    assert!(webhook(&format!("v9,AAAA {BY_A}"), &[A]), "an unknown version first");
    assert!(webhook(BY_PUBLIC, &[PUBLIC]), "Ed25519");
    assert!(webhook(&format!("{BY_A} {BY_PUBLIC}"), &[PUBLIC]), "both kinds of signature");
}

#[test]
fn rotation_passes_with_either_key_and_either_order() {
    for list in [format!("{BY_A} {BY_B}"), format!("{BY_B} {BY_A}")] {
        for with in [vec![A], vec![B], vec![A, B], vec![B, A]] {
            assert!(webhook(&list, &with), "{list} with {with:?}");
        }
    }
    assert!(webhook(BY_A, &[B, A]), "a new secret beside the old");
}

#[test]
fn svix_names_pass() {
    let stamp = STAMP.to_string();
    let svix = headers(&[("svix-id", ID), ("svix-timestamp", &stamp), ("svix-signature", BY_A)]);
    assert!(verdict(&Scheme::StandardWebhooks, &svix, STAMP, &[A]));
    let mixed = headers(&[("webhook-id", ID), ("svix-timestamp", &stamp), ("svix-signature", BY_A)]);
    assert!(!verdict(&Scheme::StandardWebhooks, &mixed, STAMP, &[A]), "one request speaks one family of names");
}

#[test]
fn the_window_has_two_ends_that_belong_to_it() {
    let stamp = STAMP.to_string();
    let signed = headers(&[("webhook-id", ID), ("webhook-timestamp", &stamp), ("webhook-signature", BY_A)]);
    for (now, passes) in [(300, true), (-300, true), (301, false), (-301, false)] {
        assert_eq!(verdict(&Scheme::StandardWebhooks, &signed, STAMP + now, &[A]), passes, "{now} s away");
    }
}

#[test]
fn mistakes_of_the_reference_fail() {
    for (what, value) in [
        ("key as text", "v1,CdRuXmLTpHeri+TfKN08+T/B2eFVOdWZEtX5JhAjtOk="),
        ("body only", "v1,ZuRvANbi5B3+fIXt22hLqoYzgDfxy29FoSEwTvahKgE="),
        ("written again", "v1,bdVy5JrzzTakj9rVXKdosuLpbQXzav1Xt5VaGQxiuWA="),
        ("empty", ""),
        ("no value", "v1,"),
        ("no comma", "v1"),
        ("no base64", "v1,%%%"),
        ("31 bytes", "v1,AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg=="),
        ("HMAC offered as asymmetric", "v1a,52K0rtXElAu+/IwITB9r5QZ2fVyIHzUgnyN9+FAwTr4="),
    ] {
        for with in [vec![A], vec![PUBLIC], vec![A, PUBLIC]] {
            assert!(!webhook(value, &with), "{what} with {} keys", with.len());
        }
    }
    assert!(!webhook(BY_A, &[B]), "another secret");
    assert!(!webhook(BY_A, &[]), "no secret");
    assert!(!webhook(BY_A, &["whsec_", "whsec_AAAA", "whpk_AAAA", "plain"]), "secrets that are none");
}

#[test]
fn another_id_or_stamp_than_was_signed_fails() {
    let stamp = STAMP.to_string();
    for (id, stamp) in [("msg_other", stamp.as_str()), (ID, "1764345601"), (ID, ""), (ID, "soon"), (ID, "+1764345600")]
    {
        let other = headers(&[("webhook-id", id), ("webhook-timestamp", stamp), ("webhook-signature", BY_A)]);
        assert!(!verdict(&Scheme::StandardWebhooks, &other, STAMP, &[A]), "{id} {stamp}");
    }
    let missing = headers(&[("webhook-signature", BY_A)]);
    assert!(!verdict(&Scheme::StandardWebhooks, &missing, STAMP, &[A]));
}

#[test]
fn a_shared_secret_made_of_the_public_key_proves_nothing() {
    // What somebody who knows the public key could make of it: an HMAC over the right parts.
    use base64::Engine as _;
    use ring::hmac;
    let key = base64::engine::general_purpose::STANDARD.decode(PUBLIC.trim_start_matches("whpk_")).unwrap();
    let code = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), format!("{ID}.{STAMP}.{BODY}").as_bytes());
    let forged = base64::engine::general_purpose::STANDARD.encode(code);
    assert!(!webhook(&format!("v1,{forged}"), &[PUBLIC]));
    assert!(!webhook(&format!("v1a,{forged}"), &[PUBLIC]));
}

#[test]
fn a_signature_header_that_says_two_things_says_nothing() {
    let stamp = STAMP.to_string();
    let mut twice = headers(&[("webhook-id", ID), ("webhook-timestamp", &stamp), ("webhook-signature", BY_A)]);
    twice.append("webhook-signature", HeaderValue::from_static(BY_A));
    assert!(verdict(&Scheme::StandardWebhooks, &twice, STAMP, &[A]), "the same twice says one thing");
    twice.append("webhook-signature", HeaderValue::from_static(BY_B));
    assert!(!verdict(&Scheme::StandardWebhooks, &twice, STAMP, &[A, B]));
}

fn body_mac(hash: Hash, encoding: Encoding, prefix: &'static str) -> Scheme {
    Scheme::BodyMac(BodyMac { header: "x-signature", hash, encoding, prefix })
}

#[test]
fn body_mac_vectors_pass_and_their_neighbours_fail() {
    let base64_256 = "A3/CxAPkiU/5fqDRFHmuLjaVPwBxn8nKHzNzgeLM2Co=";
    let hex_256 = "037fc2c403e4894ff97ea0d11479ae2e36953f00719fc9ca1f337381e2ccd82a";
    let prefixed = format!("sha256={hex_256}");
    let hex_512 = "df9647422e5606eeca8c8aba1fb0bb02eb6fbf4dcca98e62465c0bff18855d89443b31919fb193d229e1016191c9335425671874f5753bbe296b51906da76a16";
    let base64_512 = "35ZHQi5WBu7KjIq6H7C7Autvv03MqY5iRlwL/xiFXYlEOzGRn7GT0inhAWGRyTNUJWcYdPV1O74pa1GQbadqFg==";
    let legacy = "sha1=e6136eacad2e1978d376c4cc52591a3e029191c0";
    for (scheme, value) in [
        (body_mac(Hash::Sha256, Encoding::Base64, ""), base64_256),
        (body_mac(Hash::Sha256, Encoding::Base64, ""), base64_256.trim_end_matches('=')),
        (body_mac(Hash::Sha256, Encoding::Hexadecimal, "sha256="), hex_256),
        (body_mac(Hash::Sha256, Encoding::Hexadecimal, "sha256="), prefixed.as_str()),
        (body_mac(Hash::Sha512, Encoding::Either, ""), hex_512),
        (body_mac(Hash::Sha512, Encoding::Either, ""), base64_512),
        (body_mac(Hash::Sha1, Encoding::Hexadecimal, "sha1="), legacy),
    ] {
        let signed = headers(&[("x-signature", value)]);
        assert!(verdict(&scheme, &signed, STAMP, &[SHARED]), "{value}");
        assert!(verdict(&scheme, &signed, STAMP, &["another", SHARED]), "rotation: {value}");
        assert!(!verdict(&scheme, &signed, STAMP, &["another"]), "another secret: {value}");
        let last = if value.ends_with('0') { "1" } else { "0" };
        let bent = headers(&[("x-signature", &format!("{}{last}", &value[..value.len() - 1]))]);
        assert!(!verdict(&scheme, &bent, STAMP, &[SHARED]), "bent: {value}");
        let mut twice = signed.clone();
        twice.append("x-signature", HeaderValue::from_static("other"));
        assert!(!verdict(&scheme, &twice, STAMP, &[SHARED]), "two values: {value}");
        for strange in ["", "=", "%%%", "0", "zz", "sha256="] {
            assert!(!verdict(&scheme, &headers(&[("x-signature", strange)]), STAMP, &[SHARED]), "{strange:?}");
        }
        assert!(!verdict(&scheme, &HeaderMap::new(), STAMP, &[SHARED]), "no header");
    }
}

#[test]
fn stamped_vectors_pass_and_their_neighbours_fail() {
    let scheme = Scheme::Stamped { header: "x-signature" };
    let right = "c0ecc253e8b66e8826c6c4428b16dac3b84838497e545799293fb5537d67ef5e";
    let old = "1182f331450a74b09bf65be666b9e05ad5e5fff52d460496279b47ad252f83a6";
    let one = headers(&[("x-signature", &format!("t={STAMP},v1={right}"))]);
    let both = headers(&[("x-signature", &format!("t={STAMP},v1={old},v1={right}"))]);
    assert!(verdict(&scheme, &one, STAMP, &[SHARED]));
    assert!(verdict(&scheme, &both, STAMP, &[SHARED]));
    assert!(verdict(&scheme, &both, STAMP, &["previous-secret"]));
    assert!(verdict(&scheme, &one, STAMP + 300, &[SHARED]));
    assert!(!verdict(&scheme, &one, STAMP + 301, &[SHARED]));
    assert!(!verdict(&scheme, &one, STAMP - 301, &[SHARED]));
    for strange in [
        format!("t={},v1={right}", STAMP + 1),
        format!("t={STAMP},t={STAMP},v1={right}"),
        format!("t={STAMP},v0={right}"),
        format!("v1={right}"),
        format!("t={STAMP}"),
        "t=,v1=".to_owned(),
        String::new(),
    ] {
        assert!(!verdict(&scheme, &headers(&[("x-signature", &strange)]), STAMP, &[SHARED]), "{strange}");
    }
}

#[test]
fn basic_vector_passes_and_its_neighbours_fail() {
    let right = headers(&[("authorization", "Basic aG9vay11c2VyOmhvb2stcGFzcw==")]);
    assert!(verdict(&Scheme::Basic, &right, STAMP, &["hook-user:hook-pass"]));
    assert!(!verdict(&Scheme::Basic, &right, STAMP, &["hook-user:hook-pas"]));
    for strange in ["Bearer aG9vay11c2VyOmhvb2stcGFzcw==", "Basic", "Basic ", "Basic %%%", ""] {
        let other = headers(&[("authorization", strange)]);
        assert!(!verdict(&Scheme::Basic, &other, STAMP, &["hook-user:hook-pass"]), "{strange:?}");
    }
}
