//! Shipments: confirmed by the warehouse, posted in Dynamics.

use drayline::sandbox::Faults;

use super::world::{Making, World};
use crate::support::Backing;

#[tokio::test]
async fn an_update_that_dynamics_refuses_is_an_exception_with_its_words() {
    let faults = Faults { refuse_updates: 1.0, ..Faults::default() };
    let world = World::start(Backing::Embedded, Making { faults, ..Making::default() }).await;
    world.release(1).await;
    world.until("refused", |dynamics, _| dynamics["updates_failed"].as_u64() >= Some(1)).await;
    let exceptions = world.until_exceptions_at_least(1).await;
    assert!(exceptions.iter().all(|each| each.code == "dynamics.posting_failed"), "{exceptions:#?}");
    assert!(exceptions[0].next_step.contains("Dynamics"));
}
