//! What the road stands on is taken away and comes back: the product itself, the broker, the database.

use super::world::{Making, World};
use crate::support::servers::Servers;
use crate::support::wait::until;
use crate::support::{Backing, Ground};

/// Owners are taken for dead soon, so that a killed one is followed soon.
const SOON: &str = "processor.heartbeat_ms = 200\nprocessor.dead_after_ms = 1500";

/// Everything that both far ends have seen and done so far.
async fn progress(world: &World) -> u64 {
    let (dynamics, warehouse) =
        (world.to_dynamics.progress().await.unwrap(), world.to_warehouse.progress().await.unwrap());
    let of = |progress: &serde_json::Value, names: &[&str]| -> u64 {
        names.iter().filter_map(|name| progress[*name].as_u64()).sum()
    };
    of(&dynamics, &["acknowledged", "updates", "posted", "tracking"]) + of(&warehouse, &["held", "acknowledged"])
}

/// SIGKILL at instants that chance chooses, again and again, while the far ends go on.
async fn killed_at_random_instants(backing: Backing) {
    let making = Making { toml: SOON.to_owned(), ..Making::default() };
    let world = World::set(Ground::fresh(backing).await, making).await;
    let mut product = world.spawn().await;
    world.release(40).await;
    let mut chance = fastrand::Rng::with_seed(11);
    for _ in 0..5 {
        let target = progress(&world).await + chance.u64(1..40);
        until("there is progress", async || (progress(&world).await >= target).then_some(())).await;
        product.kill();
        product = world.spawn().await;
    }
    world.until_posted(40).await;
    product.stop().await;
    let verdict = world.finish().await;
    assert_eq!((verdict.orders, verdict.shipped, verdict.posted), (40, 40, 40));
}

#[tokio::test]
async fn killed_at_random_instants_embedded() {
    killed_at_random_instants(Backing::Embedded).await;
}

#[tokio::test]
async fn killed_at_random_instants_on_servers() {
    killed_at_random_instants(Backing::Servers).await;
}

/// While the broker is away, events go to the outbox; while the database is away, they go to the broker.
#[tokio::test]
async fn the_broker_and_the_database_go_and_come_back() {
    let servers = Servers::start().await;
    let making = Making { toml: SOON.to_owned(), ..Making::default() };
    let mut world = World::set(Ground::on(&servers), making).await;
    world.start_product().await;
    world.release(10).await;
    world.until("some held", |_, warehouse| warehouse["held"].as_u64() >= Some(3)).await;

    servers.stop("rabbitmq").await;
    world.release(10).await;
    world.until("events accepted", |dynamics, _| dynamics["pending_events"] == 0).await;
    servers.start_again("rabbitmq").await;
    world.until_posted(20).await;

    // The outbox is empty, and the next message of a flow finds that out: from then on events go to the broker again.
    world.release(1).await;
    world.until_posted(21).await;
    servers.stop("postgresql").await;
    world.release(10).await;
    world.until("events accepted", |dynamics, _| dynamics["pending_events"] == 0).await;
    servers.start_again("postgresql").await;
    world.until_posted(31).await;
    let verdict = world.finish().await;
    assert_eq!((verdict.orders, verdict.shipped, verdict.posted), (31, 31, 31));
}
