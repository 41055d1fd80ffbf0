//! What an environment's version has is asked, and what it lacks is told with what to do.

use std::sync::{Arc, Mutex};

use drayline::failure::Code;
use drayline::gateways::GatewayError;
use drayline::sandbox::{FinanceOperations, FinanceOperationsRules, Premises};

use super::far_end::Said;
use super::scene::{Scene, dynamics_end};

/// As environments write it: with types, keys and annotations around what is looked for.
const MODEL: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx"><edmx:DataServices>
<Schema Namespace="Microsoft.Dynamics.DataEntities" xmlns="http://docs.oasis-open.org/odata/ns/edm">
  <EntityType Name="OutboundShipmentOrderRequest"><Key><PropertyRef Name="dataAreaId" /></Key>
    <Property Name="EntitySet" Type="Edm.String"/><Annotation Term="X.LabelId" String="Name=&quot;Complete&quot;" /></EntityType>
  <Action Name='Complete' IsBound="true"><Parameter Name="OutboundShipmentOrderUpdate" /></Action>
  <EntityContainer Name="Resources">
    SETS
  </EntityContainer>
</Schema></edmx:DataServices></edmx:Edmx>"#;

const SETS: [&str; 22] = [
    "OutboundShipmentOrderRequests",
    "OutboundShipmentOrderLineRequests",
    "OutboundShipmentOrderRequestStatus",
    "OutboundShipmentOrderUpdates",
    "OutboundShipmentOrderLineUpdates",
    "OutboundShipmentOrderLineInventDimUpdates",
    "InboundShipmentOrderRequests",
    "InboundShipmentOrderLineRequests",
    "InboundShipmentOrderRequestStatus",
    "InboundShipmentOrderUpdates",
    "InboundShipmentOrderLineUpdates",
    "InboundShipmentOrderLineInventDimUpdates",
    "ReleasedProductsV2",
    "ReleasedProductVariantsV2",
    "TrackingDimensionGroups",
    "UnitsOfMeasure",
    "UnitOfMeasureConversions",
    "ProductSpecificUnitOfMeasureConversions",
    "ProductVariantUnitOfMeasureConversions",
    "Warehouses",
    "ShippingCarrierServices",
    "ContosoTracking",
];

const TRACKING: &str = "dynamics.contoso.outbound.tracking_entity = \"ContosoTracking\"\n";

fn model(sets: &[&str]) -> String {
    let set =
        |name: &&str| format!("<EntitySet EntityType=\"Microsoft.Dynamics.DataEntities.Row\" Name=\"{name}\" />\n    ");
    MODEL.replace("SETS", &sets.iter().map(set).collect::<String>())
}

#[tokio::test]
async fn what_is_missing_is_one_sentence_that_says_what_to_do_about_each() {
    let end = dynamics_end(|asked| {
        assert_eq!(asked.line(), "GET /data/$metadata");
        Said::text(200, &model(&SETS))
    })
    .await;
    let scene = Scene::at(&end.url, TRACKING).await;
    let told = scene.dynamics().ask_version().await.unwrap().unwrap();
    assert_eq!(
        told,
        "This version of contoso has no entity ExternalInventoryAdjustments, which is needed for posting stock adjustments: \
         name the right one as dynamics.contoso.adjustments.entity; or have them written to journals."
    );
    assert_eq!(scene.dynamics().lacks(), Some(told), "readiness tells it, too");

    let journals = format!("{TRACKING}dynamics.contoso.adjustments.journals.name = \"Adjust\"\n");
    let scene = Scene::at(&end.url, &journals).await;
    let told = scene.dynamics().ask_version().await.unwrap().unwrap();
    assert!(told.contains("no entity InventoryAdjustmentJournalHeaders") && !told.contains("External"), "{told}");

    let own = format!(
        "{TRACKING}dynamics.contoso.adjustments.entity = \"contosoTracking\"\ndynamics.contoso.outbound.commit = \
         \"complete_action\"\ndynamics.contoso.catalogue.names.Warehouses = \"\"\n"
    );
    let scene = Scene::at(&end.url, &own).await;
    assert_eq!(scene.dynamics().ask_version().await.unwrap(), None, "names are compared without regard to case");
}

#[tokio::test]
async fn what_was_told_is_told_again_only_once_it_changed() {
    let lacking: Arc<Mutex<Vec<&str>>> = Arc::default();
    let here = Arc::clone(&lacking);
    let end = dynamics_end(move |_| {
        let lacking = here.lock().unwrap();
        let all = SETS.into_iter().chain(["ExternalInventoryAdjustments"]);
        Said::text(200, &model(&all.filter(|set| !lacking.contains(set)).collect::<Vec<_>>()))
    })
    .await;
    let scene = Scene::at(&end.url, TRACKING).await;
    let told = async |lacks: &[&'static str]| {
        *lacking.lock().unwrap() = lacks.to_vec();
        let news = scene.dynamics().news_of_version().await.unwrap();
        let names = |news: String| news.matches("no entity").count();
        (news.map(names), scene.dynamics().lacks().is_some())
    };
    assert_eq!(told(&[]).await, (None, false));
    assert_eq!(told(&["Warehouses"]).await, (Some(1), true));
    assert_eq!(told(&["Warehouses"]).await, (None, true), "readiness goes on to say it");
    assert_eq!(told(&["Warehouses", "UnitsOfMeasure"]).await, (Some(2), true));
    assert_eq!(told(&["UnitsOfMeasure"]).await, (Some(1), true));
    assert_eq!(told(&[]).await, (None, false));
    assert_eq!(told(&["UnitsOfMeasure"]).await, (Some(1), true), "it was there in between");
}

#[tokio::test]
async fn a_service_that_posts_journals_is_asked_for_without_being_called() {
    let sets = [&SETS[..], &["InventoryAdjustmentJournalHeaders", "InventoryAdjustmentJournalEntriesV2"]].concat();
    let journals = "dynamics.contoso.adjustments.journals.name = \"Adjust\"\n";
    let service = "dynamics.contoso.adjustments.journals.service = \"Con/Journals/post\"\n";
    for (status, lacks) in [(200, false), (404, true), (400, false)] {
        let text = model(&sets);
        let end = dynamics_end(move |asked| match asked.line().as_str() {
            "GET /data/$metadata" => Said::text(200, &text),
            "GET /api/services/Con/Journals/post" => Said::text(status, "{}"),
            other => panic!("{other}"),
        })
        .await;
        let told = async |more: &str| {
            let scene = Scene::at(&end.url, &format!("{TRACKING}{journals}{more}")).await;
            scene.dynamics().ask_version().await.unwrap()
        };
        let said = "no service Con/Journals/post, which is needed for posting journals: name the right one as \
                    dynamics.contoso.adjustments.journals.service";
        assert_eq!(told(service).await.is_some_and(|told| told.contains(said)), lacks, "{status}");
        assert_eq!(told("").await, None, "a job posts them");
        assert_eq!(end.count("GET /api/services/Con/Journals/post"), 1);
    }
}

#[tokio::test]
async fn what_a_switch_needs_is_missed_only_while_it_is_on() {
    let few: Vec<_> =
        SETS.into_iter().filter(|name| !name.ends_with("RequestStatus") && *name != "Warehouses").collect();
    let text = model(&few).replace("Action Name='Complete'", "Action Name='CompleteAll'");
    let end = dynamics_end(move |_| Said::text(200, &text)).await;
    let switched = "dynamics.contoso.outbound.commit = \"complete_action\"\n\
                    dynamics.contoso.adjustments.entity = \"ContosoTracking\"\n";
    let scene = Scene::at(&end.url, &format!("{TRACKING}{switched}")).await;
    let told = scene.dynamics().ask_version().await.unwrap().unwrap();
    for part in [
        "no entity OutboundShipmentOrderRequestStatus",
        "set dynamics.contoso.outbound.write_back = false",
        "no entity InboundShipmentOrderRequestStatus",
        "dynamics.contoso.inbound.status_entity",
        "no action Complete, ",
        "set dynamics.contoso.outbound.commit = \"status\"",
        "no entity Warehouses",
        "dynamics.contoso.catalogue.names",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let off = "dynamics.contoso.outbound.write_back = false\ndynamics.contoso.inbound.status_entity = \"\"\n\
               dynamics.contoso.catalogue.names.Warehouses = \"\"\n\
               dynamics.contoso.adjustments.entity = \"ContosoTracking\"\n";
    let scene = Scene::at(&end.url, &format!("{TRACKING}{off}")).await;
    assert_eq!(scene.dynamics().ask_version().await.unwrap(), None);
}

#[tokio::test]
async fn who_cannot_be_asked_lacks_nothing_and_is_called_all_the_same() {
    for (status, body) in [(503, "{}"), (403, "{}"), (200, "<html>Sign in</html>"), (200, ""), (404, "{}")] {
        let end = dynamics_end(move |asked| match asked.path.as_str() {
            "/data/$metadata" => Said::text(status, body),
            _ => Said::text(200, "{\"value\": []}"),
        })
        .await;
        let scene = Scene::at(&end.url, "gateways.breaker_failures_max = 2\n").await;
        for _ in 0..5 {
            let error = scene.dynamics().ask_version().await.unwrap_err();
            let sentence = scene.dynamics().failure(&error, "read what this version has").sentence;
            assert!(sentence.starts_with("Could not read what this version has: "), "{sentence}");
        }
        assert_eq!(scene.dynamics().lacks(), None);
        assert!(scene.gateways.views().iter().all(|view| view.state == "closed"), "{status}: it is not taken for ill");
    }
}

#[tokio::test]
async fn the_simulated_environment_has_everything_unless_it_is_told_to_lack_some() {
    for (lacks, missing) in [(Vec::new(), None), (vec!["Complete".to_owned(), "Warehouses".to_owned()], Some(2))] {
        let folder = tempfile::tempdir().unwrap();
        let rules = FinanceOperationsRules {
            client_secret: "s3cret-value".to_owned(),
            lacks,
            ..FinanceOperationsRules::default()
        };
        let premises = Premises::finance_operations(folder.path().to_owned());
        let premises = Premises { listen: "127.0.0.1:0".parse().unwrap(), ..premises };
        let sandbox = FinanceOperations::start(premises, rules).await.unwrap();
        let url = sandbox.url();
        let more = format!(
            "dynamics.contoso.outbound.commit = \"complete_action\"\ndynamics.contoso.token_url = \"{url}/contoso/oauth2/v2.0/token\"\n"
        );
        let scene = Scene::at(&url, &more).await;
        let told = scene.dynamics().ask_version().await.unwrap();
        assert_eq!(told.as_ref().map(|told| told.matches("which is needed for").count()), missing, "{told:?}");
        sandbox.stop().await;
    }
}

#[tokio::test]
async fn what_needs_it_fails_with_the_same_words() {
    let end = dynamics_end(|_| Said::text(500, "")).await;
    let scene = Scene::at(&end.url, "").await;
    let missing = |entity: &str| GatewayError::EntityMissing { call: "write_tracking", entity: entity.to_owned() };
    let failure =
        scene.dynamics().failure(&missing("SalesPackingSlipTrackingInformations"), "write the tracking number 1Z");
    assert_eq!(failure.code, Code::DynamicsVersionLacks);
    assert_eq!(
        failure.sentence,
        "Could not write the tracking number 1Z: this version of contoso has no entity SalesPackingSlipTrackingInformations, \
         which is needed for tracking numbers: name the right one as dynamics.contoso.outbound.tracking_entity, or \"\" to do \
         without. Then replay this."
    );
    let failure = scene.dynamics().failure(&missing("Nobody's"), "do it");
    assert!(failure.sentence.contains("has no Nobody's. Have it updated"), "{}", failure.sentence);
}
