//! What Dynamics says of its items, read from entities whose names differ from version to version.

use drayline::gateways::GatewayError;
use drayline::mapping::{Catalogue, Fact, Item};
use drayline::message::Unit;
use serde_json::{Value, json};

use super::far_end::Said;
use super::scene::{Scene, connection, dynamics_end, usmf};

fn page(rows: &Value) -> Said {
    Said::json(200, &json!({ "value": rows }))
}

fn missing(entity: &str) -> Said {
    let message = format!("Resource not found for the segment '{entity}'.");
    Said::json(404, &json!({ "error": { "code": "", "message": message } }))
}

fn unit(text: &str) -> Unit {
    text.parse().unwrap()
}

/// Every name that the page says can be configured.
fn documented() -> Vec<String> {
    let page = std::fs::read_to_string("docs/mapping.md").unwrap();
    let table = page.split("| entity | members |\n").nth(1).unwrap().split("\n\n").next().unwrap();
    table.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[tokio::test]
async fn every_name_that_the_page_lists_can_be_configured_and_no_other() {
    let name = |name: &str| format!("dynamics.contoso.catalogue.names.{name} = \"Other\"\n");
    let all: std::collections::BTreeSet<_> = documented().into_iter().collect();
    assert!(all.len() > 35, "{all:?}");
    Scene::at("http://127.0.0.1:1", &all.iter().map(|each| name(each)).collect::<String>()).await;
    let strange = name("ItemNumbr");
    let refused = tokio::spawn(async move { Scene::at("http://127.0.0.1:1", &strange).await });
    let Err(refused) = refused.await else { panic!("a misspelt name is taken") };
    let told = refused.into_panic();
    assert!(told.downcast_ref::<String>().is_some_and(|told| told.contains("ItemNumbr")));
}

#[tokio::test]
async fn facts_are_read_and_what_is_not_there_is_told() {
    let far_end = dynamics_end(|asked| {
        let select = asked.param("$select").unwrap_or_default().to_owned();
        let filter = asked.param("$filter").map(str::to_owned);
        match asked.path.as_str() {
            "/data/ConItems" => {
                assert_eq!(filter.as_deref(), Some("dataAreaId eq 'usmf'"));
                assert!(select.starts_with("ItemNumber,ProductNumber") && !select.contains("Overdelivery"), "{select}");
                page(&json!([
                    { "ItemNumber": "A", "ProductNumber": "P-A", "InventoryUnitSymbol": "ea", "SalesUnitSymbol": "case",
                      "TrackingDimensionGroupName": "BATCH", "PurchaseUnderdeliveryPercentage": 5 },
                    { "ItemNumber": "B", "ProductNumber": "P-B", "InventoryUnitSymbol": "ea", "PurchaseUnitSymbol": "",
                      "TrackingDimensionGroupName": "Other" },
                ]))
            }
            "/data/ReleasedProductVariantsV2" => page(&json!([
                { "ItemNumber": "B", "ProductConfigurationId": "", "ProductSizeId": "M", "ProductColorId": "red" },
                { "ItemNumber": "B", "ProductConfigurationId": "", "ProductSizeId": "L", "ProductColorId": "red" },
            ])),
            "/data/TrackingDimensionGroups" => {
                assert_eq!(filter, None, "groups are of no company");
                page(&json!([{
                    "GroupName": "Batch", "IsBatchNumberActive": "Yes", "IsBlankIssueAllowedForBatchNumber": "No",
                    "IsBlankReceiptAllowedForBatchNumber": "Yes", "IsSerialNumberActive": "No",
                }]))
            }
            "/data/UnitsOfMeasure" => page(&json!([{ "UnitSymbol": "kg", "DecimalPrecision": 3 }])),
            "/data/UnitOfMeasureConversions" => page(&json!([
                { "FromUnitSymbol": "kg", "ToUnitSymbol": "g", "Factor": 1000, "Numerator": 1, "Denominator": 1 },
                { "FromUnitSymbol": "C", "ToUnitSymbol": "F", "Factor": 1.8, "OuterOffset": 32 },
            ])),
            "/data/ProductSpecificUnitOfMeasureConversions" => page(&json!([
                { "ProductNumber": "P-A", "FromUnitSymbol": "case", "ToUnitSymbol": "ea", "Factor": 2, "Numerator": 18,
                  "Denominator": 3, "InnerOffset": 0, "OuterOffset": 0 },
                { "ProductNumber": "P-OTHER", "FromUnitSymbol": "case", "ToUnitSymbol": "ea", "Factor": 99 },
            ])),
            "/data/ProductVariantUnitOfMeasureConversions" => page(&json!([
                { "ProductNumber": "P-B", "ProductSizeId": "M", "ProductColorId": "red", "FromUnitSymbol": "case",
                  "ToUnitSymbol": "ea", "Factor": 8 },
                // Of no variant, and of another product.
                { "ProductNumber": "P-B", "FromUnitSymbol": "box", "ToUnitSymbol": "ea", "Factor": 7 },
                { "ProductNumber": "P-C", "ProductSizeId": "M", "FromUnitSymbol": "case", "ToUnitSymbol": "ea" },
            ])),
            "/data/Warehouses" => missing("Warehouses"),
            "/data/ShippingCarrierServices" => page(&json!([
                { "ShippingCarrierId": "UPS", "ServiceId": "GND" },
                { "ShippingCarrierId": "UPS", "ServiceId": "AIR" },
                { "ShippingCarrierId": "UPS", "ServiceId": "" },
            ])),
            other => panic!("{other}"),
        }
    })
    .await;
    let names = "dynamics.contoso.catalogue.names.ReleasedProductsV2 = \"ConItems\"\n\
                 dynamics.contoso.catalogue.names.SalesOverdeliveryPercentage = \"\"\n\
                 dynamics.contoso.catalogue.names.PurchaseOverdeliveryPercentage = \"\"\n";
    let scene = Scene::at(&far_end.url, names).await;
    let (facts, lacks) = scene.dynamics().catalogue(&usmf()).await.unwrap();
    assert_eq!(lacks, ["this version has no entity Warehouses"]);
    assert_eq!(facts.iter().filter(|fact| matches!(fact, Fact::Conversion(_))).count(), 4, "of our products alone");
    let catalogue = Catalogue::new(connection("contoso"), usmf(), facts);
    let (a, b) = (catalogue.item("A").unwrap(), catalogue.item("B").unwrap());
    let lots = a.tracking.unwrap().lots;
    assert_eq!((lots.issue, lots.receipt), (true, false), "blank when it comes in");
    assert_eq!((b.tracking, b.variants.as_slice()), (None, ["L/red".to_owned(), "M/red".to_owned()].as_slice()));
    assert_eq!((b.purchase_unit.as_ref(), a.tolerance.purchase_under), (None, Some("5".parse().unwrap())));
    let item =
        |number: &str, variant: Option<&str>| Item { number: number.to_owned(), variant: variant.map(str::to_owned) };
    let factor_of = |item: &Item, from: &str, to: &str| {
        catalogue.factor(item, &unit(from), &unit(to)).map(|factor| factor.to_string())
    };
    let factor = |number: &str, from: &str, to: &str| factor_of(&item(number, None), from, to);
    let medium = item("B", Some("M/red"));
    assert_eq!((factor_of(&medium, "case", "ea").as_deref(), factor_of(&medium, "box", "ea")), (Some("8"), None));
    assert_eq!(factor_of(&item("B", Some("L/red")), "case", "ea"), None);
    assert_eq!(factor("A", "Case", "EA").as_deref(), Some("12"));
    assert_eq!(factor("A", "ea", "case").as_deref(), Some("1/12"));
    assert_eq!(factor("B", "case", "ea"), None);
    assert_eq!((factor("B", "g", "kg").as_deref(), factor("B", "C", "F")), (Some("1/1000"), None));
    assert!(catalogue.unusable(&item("B", None), &unit("f"), &unit("c")).is_some());
    assert_eq!(catalogue.decimals(&unit("KG")), 3);
    let carriers: Vec<_> = catalogue.carriers().map(|(carrier, services)| (carrier, services.len())).collect();
    assert_eq!(carriers, [(&"UPS".to_owned(), 2)]);
}

/// One refuses the query; all else is read.
async fn strange(entity: &'static str) -> Result<(Vec<Fact>, Vec<String>), GatewayError> {
    let far_end = dynamics_end(move |asked| match asked.path.as_str() {
        path if path.ends_with(entity) => {
            let message = "The query is not valid. Could not find a property named 'ProductNumber' on type 'Row'.";
            Said::json(400, &json!({ "error": { "code": "", "message": message } }))
        }
        "/data/ReleasedProductsV2" => page(&json!([{ "ItemNumber": "A", "InventoryUnitSymbol": "ea" }])),
        _ => page(&json!([])),
    })
    .await;
    Scene::at(&far_end.url, "").await.dynamics().catalogue(&usmf()).await
}

#[tokio::test]
async fn a_member_that_a_version_does_not_have_is_told_and_costs_its_entity_alone() {
    let (facts, lacks) = strange("ProductVariantUnitOfMeasureConversions").await.unwrap();
    assert_eq!(lacks, ["this version's entity ProductVariantUnitOfMeasureConversions has no member ProductNumber"]);
    assert_eq!(facts.len(), 1, "{facts:?}");
    // Without its items nothing of the environment can be used.
    assert!(matches!(strange("ReleasedProductsV2").await, Err(GatewayError::Refused { .. })));
}

#[tokio::test]
async fn without_items_there_is_no_scan() {
    let far_end = dynamics_end(|_| missing("ReleasedProductsV2")).await;
    let scene = Scene::at(&far_end.url, "").await;
    let error = scene.dynamics().catalogue(&usmf()).await.unwrap_err();
    assert!(matches!(&error, GatewayError::EntityMissing { entity, .. } if entity == "ReleasedProductsV2"), "{error}");
}
