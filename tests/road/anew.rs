//! Translated anew: what nobody understood, or what was understood wrongly, is read once more by what is known since.

use drayline::sandbox::FinanceOperationsRules;
use serde_json::{Value, json};

use super::world::{Making, World};
use crate::support::wait::until;
use crate::support::{Backing, Ground};

const ORDERS: usize = 3;
const MEANINGS: &str = "DraylineOrderChangedBusinessEvent = \"order_changed\"\n";

/// Plans a campaign over what this code holds, and gives its id and what its dry run says of each message.
async fn planned(world: &World, code: &str, more: &[&str]) -> (String, Value) {
    let filter = format!("code={code}");
    let (well, campaign) = world.ask(&[&["replay", "plan", "--filter", &filter], more].concat()).await;
    assert!(well, "{campaign}");
    let id = campaign["id"].as_str().unwrap().to_owned();
    let (_, told) = world.ask(&["replay", "dry-run", &id]).await;
    (id, told)
}

async fn run(world: &World, id: &str) -> Value {
    let (started, said) = world.ask(&["replay", "start", id, "--yes"]).await;
    assert!(started, "{said}");
    until("the campaign is over", async || {
        let (_, view) = world.ask(&["replay", "status", id]).await;
        let over = ["finished", "stopped"].iter().any(|state| view["state"] == *state);
        over.then_some(view)
    })
    .await
}

/// Dynamics' administrators named the event otherwise than the configuration does.
async fn named_later(backing: Backing) {
    let dynamics = FinanceOperationsRules {
        released_event: "ContosoOrderToNorth".to_owned(),
        ..FinanceOperationsRules::default()
    };
    let mut world = World::set(Ground::fresh(backing).await, Making { dynamics, ..Making::default() }).await;
    world.start_product().await;
    world.release(ORDERS as u64).await;
    let exceptions = world.until_exceptions(ORDERS as u64).await;
    assert!(exceptions.iter().all(|exception| exception.code == "message.unreadable"), "{exceptions:#?}");
    let (_, shown) = world.ask(&["exceptions", "show", &exceptions[0].id.to_string()]).await;
    let event: Value = serde_json::from_str(shown["body"].as_str().unwrap()).unwrap();
    let request = event["OutboundShipmentOrderRequestId"].as_str().unwrap();
    // As long as nobody says what it means, a replay finds the same.
    let (id, told) = planned(&world, "message.unreadable", &[]).await;
    assert_eq!(told["dry_run"], json!({ "would_fail": ORDERS }), "{told:#}");
    let view = run(&world, &id).await;
    assert!(view["failed_again"].as_u64().unwrap() > 0 && view["applied"] == 0, "{view:#}");
    assert_eq!(world.to_warehouse.state().await.unwrap()["orders"], json!([]), "nothing was sent");

    world.stop_product().await;
    world.reconfigure(MEANINGS, &format!("{MEANINGS}ContosoOrderToNorth = \"order_released\"\n"));
    world.start_product().await;
    let (id, told) = planned(&world, "message.unreadable", &[]).await;
    assert_eq!(told["dry_run"], json!({ "would_apply": ORDERS }), "{told:#}");
    let says = told["messages"][0]["rehearsal"]["sentence"].as_str().unwrap();
    assert!(says.contains("order_released of order/contoso/usmf-SHP"), "{says}");
    let view = run(&world, &id).await;
    assert_eq!((&view["applied"], &view["state"]), (&json!(ORDERS), &json!("finished")), "{view:#}");
    world.until_posted(ORDERS as u64).await;
    world.until_exceptions(0).await;
    for exception in &exceptions {
        let (_, shown) = world.ask(&["exceptions", "show", &exception.id.to_string()]).await;
        assert_eq!(shown["status"], "resolved", "{shown:#}");
    }
    // The same event, sent again, is the message that was handed in.
    world.post(&event).await;
    until("it is recognised", async || {
        let (_, shown) = world.ask(&["documents", "show", request]).await;
        shown.to_string().contains("order_released came again and was recognised").then_some(())
    })
    .await;
    world.until_nothing_parked().await;
    world.finish().await;
}

#[tokio::test]
async fn what_nobody_understood_is_handed_in_once_it_is_understood_embedded() {
    named_later(Backing::Embedded).await;
}

#[tokio::test]
async fn what_nobody_understood_is_handed_in_once_it_is_understood_on_servers() {
    named_later(Backing::Servers).await;
}
