//! Doors that nobody can hold open: slow senders lose their connection, and the end of the process waits for none.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::world::{Making, World};
use crate::support::{Backing, Ground};

const HALF: &[u8] = b"POST /ingest/warehouse/north HTTP/1.1\r\nHost: dra";

#[tokio::test]
async fn half_a_request_loses_its_connection_and_a_place_becomes_free() {
    let toml = "ingest.read_deadline_ms = 300\ningest.accept_deadline_ms = 300\ningest.connections_max = 1";
    let making = Making { toml: toml.to_owned(), ..Making::default() };
    let world = World::start(Backing::Embedded, making).await;
    let mut half = TcpStream::connect(world.app().address("ingest").unwrap()).await.unwrap();
    half.write_all(HALF).await.unwrap();
    // It holds the only place until its turn is over.
    let order = world.release(1);
    let mut rest = Vec::new();
    let closed = tokio::time::timeout(Duration::from_secs(20), half.read_to_end(&mut rest)).await;
    assert!(closed.is_ok(), "it is still open");
    assert!(rest.is_empty(), "nobody asked anything whole");
    order.await;
    world.until_posted(1).await;
    world.finish().await;
}

#[tokio::test]
async fn half_a_request_does_not_keep_the_process() {
    let making = Making { toml: "processor.drain_ms_max = 1000".to_owned(), ..Making::default() };
    let world = World::set(Ground::fresh(Backing::Embedded).await, making).await;
    let product = world.spawn().await;
    let mut half = TcpStream::connect(product.addresses["ingest"]).await.unwrap();
    half.write_all(HALF).await.unwrap();
    tokio::time::timeout(Duration::from_secs(20), product.stop()).await.expect("SIGTERM ends it");
    world.finish().await;
}
