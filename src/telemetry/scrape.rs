//! What `/metrics` answers.

use std::sync::OnceLock;
use std::time::Duration;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

/// The process's metrics in Prometheus' text form.
#[derive(Clone)]
pub struct Scrape(PrometheusHandle);

/// Answers under 100 ms and calls of seconds both fall inside these bounds, in seconds.
const BUCKETS: &[f64] =
    &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0];

const TIDIED_EVERY: Duration = Duration::from_secs(5);

impl Scrape {
    /// Starts collecting for the whole process; later calls give the same metrics.
    #[must_use]
    pub fn start() -> Self {
        static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
        let handle = HANDLE.get_or_init(|| {
            let builder = PrometheusBuilder::new();
            let builder = builder.set_buckets(BUCKETS).unwrap_or_else(|_| PrometheusBuilder::new());
            let recorder = builder.build_recorder();
            let handle = recorder.handle();
            // A recorder of somebody else's in the same process keeps its place; ours then stays empty.
            let _ = metrics::set_global_recorder(recorder);
            tidy_up(handle.clone());
            handle
        });
        Self(handle.clone())
    }

    /// The text, as of now.
    #[must_use]
    pub fn text(&self) -> String {
        self.0.render()
    }
}

/// What histograms take in is kept singly until somebody asks or tidies up: where nobody asks, memory would grow for ever.
#[allow(clippy::disallowed_methods, reason = "a thread of its own: it keeps nobody from working")]
fn tidy_up(handle: PrometheusHandle) {
    let again_and_again = move || {
        loop {
            std::thread::sleep(TIDIED_EVERY);
            handle.run_upkeep();
        }
    };
    // Without the thread metrics are as good as before, and tidied when they are asked for.
    let _ = std::thread::Builder::new().name("metrics".to_owned()).spawn(again_and_again);
}
