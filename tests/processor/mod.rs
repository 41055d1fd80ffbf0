//! Suite `processor`.

mod by_hand;
mod crashes;
mod far_ends;
mod gate;
mod half;
mod interleavings;
mod mapping;
mod modes;
mod order;
mod ownership;
mod parking;
mod relay;
mod stops;
mod triage;
mod waiting;
mod waits;
mod world;

/// Runs a test on both backings.
macro_rules! on_both {
    ($($name:ident),* $(,)?) => {
        mod embedded { $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { super::$name(crate::support::Backing::Embedded).await; }
        )* }
        mod servers { $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { super::$name(crate::support::Backing::Servers).await; }
        )* }
    };
}
pub(crate) use on_both;
