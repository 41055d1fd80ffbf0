//! The store or the broker is out of reach for one worker only: another one takes over what it owns, and when it comes
//! back it has nothing more to say there.

use super::scene::{Scale, Scene};
use crate::road::world::Making;
use crate::support::proxy::Proxy;

const BROKER: &str = "DRAYLINE__TRANSPORT__URL";
const STORE: &str = "DRAYLINE__STORE__URL";

/// Connections are refused.
pub async fn store_from_one(scale: Scale) {
    cut_off("store cut off from one worker", STORE, Proxy::refuse, scale).await;
}

pub async fn broker_from_one(scale: Scale) {
    cut_off("broker cut off from one worker", BROKER, Proxy::refuse, scale).await;
}

/// Connections stand, and no byte passes.
pub async fn store_silent_for_one(scale: Scale) {
    cut_off("store silent for one worker", STORE, Proxy::stall, scale).await;
}

pub async fn broker_silent_for_one(scale: Scale) {
    cut_off("broker silent for one worker", BROKER, Proxy::stall, scale).await;
}

/// Two of three doors keep what comes in, the third goes on publishing; events come to all three in turn.
pub async fn broker_from_two_of_three_doors(scale: Scale) {
    let mut scene = Scene::set("broker cut off from two of three doors", scale, Making::default()).await;
    let (proxy, through) = Proxy::before(&scene.world.config().transport.url).await;
    scene.order_is_promised = false;
    let names = ["ingest-0", "ingest-1", "ingest-2"];
    for (number, name) in names.iter().enumerate() {
        let own = (number > 0).then(|| (BROKER, through.clone()));
        scene.ingest(name, own.as_slice()).await;
    }
    scene.worker(&[]).await;
    scene.load();
    scene.note("order between doors is not promised");
    let turns = names.iter().cycle().take(12);
    for (turn, name) in turns.enumerate() {
        match turn {
            3 => proxy.refuse(),
            9 => proxy.clear(),
            _ => {}
        }
        let door = scene.member(name).addresses["ingest"];
        scene.world.deliver_to(door);
        let more = scale.orders / 8;
        scene.until_more(more).await;
    }
    scene.finish().await;
}

async fn cut_off(fault: &str, what: &'static str, how: fn(&Proxy), scale: Scale) {
    let mut scene = Scene::set(fault, scale, Making::default()).await;
    let config = scene.world.config();
    let url = if what == BROKER { &config.transport.url } else { &config.store.url };
    let (proxy, through) = Proxy::before(url).await;
    scene.ingest("ingest", &[]).await;
    let (_, id) = scene.known_worker(&[(what, through)]).await;
    scene.until_owner(id).await;
    scene.worker(&[]).await;
    scene.load();
    scene.until_held(scale.orders / 10).await;
    how(&proxy);
    scene.until_taken_from(id).await;
    let more = scale.orders / 4;
    scene.until_more(more).await;
    proxy.clear();
    scene.finish().await;
}
