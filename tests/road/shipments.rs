//! Shipments: confirmed by the warehouse, posted in Dynamics.

use drayline::exceptions::{Owners, show};
use drayline::sandbox::Faults;

use super::world::{Making, World};
use crate::support::Backing;

/// Broken, seen, mended, replayed: the whole way of an exception.
async fn refused_mended_and_replayed(backing: Backing) {
    let world = World::start(backing, Making::default()).await;
    world.to_dynamics.disturb(&Faults { refuse_updates: 1.0, ..Faults::default() }).await.unwrap();
    world.release(3).await;
    world
        .until("shipped and refused", |dynamics, warehouse| {
            warehouse["shipped"] == 3
                && warehouse["steps_due"] == 0
                && warehouse["pending_events"] == 0
                && dynamics["updates_failed"] == dynamics["updates"]
        })
        .await;
    // An update of each shipment and lot was refused; those that stand behind a refused one wait for it.
    let exceptions = world.until_exceptions_at_least(3).await;
    for each in &exceptions {
        assert_eq!(each.code, "dynamics.posting_failed");
        assert!(each.next_step.contains("Dynamics"), "{each:?}");
        let shown = show(&world.store().await, &Owners::new(), each.id).await.unwrap().unwrap();
        assert!(shown.detail.unwrap().contains("fiscal period"));
    }

    world.to_dynamics.disturb(&Faults::default()).await.unwrap();
    world.to_dynamics.process_again().await.unwrap();
    world.until("processed", |dynamics, _| dynamics["posted"] == 3 && dynamics["updates_waiting"] == 0).await;
    while let (1.., exceptions) = world.exceptions(false).await {
        for each in exceptions {
            world.store().await.replay(each.id, "a test").await.unwrap();
        }
    }
    world.until_posted(3).await;
    assert_eq!(world.exceptions(true).await.0, 0);
    world.finish().await;
}

#[tokio::test]
async fn an_update_that_dynamics_refuses_is_an_exception_and_is_posted_once_replayed_embedded() {
    refused_mended_and_replayed(Backing::Embedded).await;
}

#[tokio::test]
async fn an_update_that_dynamics_refuses_is_an_exception_and_is_posted_once_replayed_on_servers() {
    refused_mended_and_replayed(Backing::Servers).await;
}
