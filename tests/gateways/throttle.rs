//! Every dialect of "slow down".

use std::time::Duration;

use drayline::clock::Clock;
use drayline::failure::{Class, Code};

use super::far_end::{FarEnd, Said};
use super::scene::Scene;

/// What the far end answers, and how many milliseconds we wait.
type Dialect = (u16, &'static [(&'static str, &'static str)], &'static str, Option<u64>);

const DIALECTS: &[Dialect] = &[
    (429, &[("retry-after", "7")], "", Some(7_000)),
    (429, &[("retry-after", "1.5")], "", Some(1_500)),
    (429, &[("Retry-After", "Fri, 27 Nov 2026 10:00:30 GMT")], "", Some(30_000)),
    (429, &[("retry-after", "Fri, 27 Nov 2026 09:00:00 GMT")], "", Some(0)),
    (429, &[("x-retry-after", "12")], "", Some(12_000)),
    (429, &[("retry-after-ms", "250")], "", Some(250)),
    (429, &[("x-rate-limit-reset", "9")], "", Some(9_000)),
    (429, &[("x-ratelimit-reset", "1795773625")], "", Some(25_000)),
    (429, &[], r#"{"message":"not enough credits","time_remaining":"18 seconds"}"#, Some(18_000)),
    (429, &[], "Calls quota exceeded, wait 1500 milliseconds", Some(1_500)),
    (429, &[], "try again in 2 min", Some(120_000)),
    // One call's time at the rate that is told.
    (429, &[("x-amzn-RateLimit-Limit", "2.0")], r#"{"errors":[{"code":"QuotaExceeded"}]}"#, Some(500)),
    (429, &[("x-amzn-RateLimit-Limit", "0.0166")], "", Some(60_241)),
    // A GraphQL interface answers 200 to everything.
    (
        200,
        &[],
        r#"{"errors":[{"code":30,"message":"not enough credits","time_remaining":"18 seconds"}]}"#,
        Some(18_000),
    ),
    // Nothing said: the configured wait.
    (429, &[], "slow down", Some(5_000)),
    (429, &[("x-amzn-RateLimit-Limit", "0")], "", Some(5_000)),
    (429, &[("retry-after", "soon")], "Limit 150 per account", Some(5_000)),
    (429, &[("x-remaining-calls", "0")], "", Some(5_000)),
    (429, &[("X-AC-Call-Limit", "51/50")], r#"{"status_code":429,"message":"Too Many Requests"}"#, Some(5_000)),
    (429, &[], r#"{"error":true,"error_code":28,"error_message":"Rate limit exceeded"}"#, Some(5_000)),
    // No longer than configured.
    (429, &[("retry-after", "999999999")], "", Some(3_600_000)),
    (503, &[("retry-after", "5")], "", Some(5_000)),
    (403, &[], "Rate limit exceeded. Please wait 800 ms", Some(800)),
    // Neither is about speed.
    (503, &[], "maintenance for 10 minutes", None),
    (200, &[], r#"{"errors":[{"code":12,"message":"unknown SKU","time_remaining":"18 seconds"}]}"#, None),
    (200, &[], r#"{"data":{"time_remaining":"18 seconds"}}"#, None),
    (403, &[], "Your contract ended 3 min ago", None),
    (403, &[], "Only owners may set a limit", None),
];

#[tokio::test]
async fn every_dialect_is_understood() {
    let clock = Clock::set_at("2026-11-27T10:00:00Z".parse().unwrap(), 1);
    for (status, headers, body, wait_ms) in DIALECTS {
        let said = headers.iter().fold(Said::text(*status, body), |said, (name, value)| said.with(name, value));
        let end = FarEnd::start(move |_| said.clone()).await;
        let scene = Scene::with_clock(&end.url, "", &clock).await;
        let failure = scene.create_failure().await;
        let throttled = failure.code == Code::WarehouseThrottled;
        assert_eq!(throttled, wait_ms.is_some(), "{status} {headers:?} {body}: {failure}");
        assert_eq!(failure.retry_after, wait_ms.map(Duration::from_millis), "{status} {headers:?} {body}");
        if throttled {
            assert_eq!(failure.class(), Class::Busy);
        }
    }
}
