//! Waiting for something to be seen, and no longer than it may take.

use std::future::Future;
use std::time::Duration;

/// Everything is awaited at most this long, on a slow and busy machine, too.
const DEADLINE: Duration = Duration::from_mins(3);

/// Looks again and again until there is something to see.
pub async fn until<T, F: Future<Output = Option<T>>>(what: &str, look: impl FnMut() -> F) -> T {
    until_within(DEADLINE, what, look).await
}

/// The same with a deadline of its own.
pub async fn until_within<T, F: Future<Output = Option<T>>>(
    deadline: Duration,
    what: &str,
    mut look: impl FnMut() -> F,
) -> T {
    let mut ticks = tokio::time::interval(Duration::from_millis(10));
    let looking = async {
        loop {
            ticks.tick().await;
            if let Some(seen) = look().await {
                return seen;
            }
        }
    };
    tokio::time::timeout(deadline, looking).await.unwrap_or_else(|_| panic!("not within {deadline:?}: {what}"))
}
