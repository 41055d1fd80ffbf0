//! What Dynamics says of its items: versions with the mapping's, and whose turn it is to scan.

use std::time::Duration;

use drayline::mapping::{ConversionFacts, Fact, Item, ItemFacts};
use drayline::store::{Kept, Scanned};

use super::*;

const HOUR: Duration = Duration::from_hours(1);

fn item(number: &str, unit: &str) -> Fact {
    Fact::Item(ItemFacts { number: number.to_owned(), stock_unit: unit.parse().ok(), ..ItemFacts::default() })
}

fn scanned(company: &str, facts: &[Fact]) -> Scanned {
    let (environment, legal_entity) = ("contoso".parse().unwrap(), company.parse().unwrap());
    let lacks = vec!["this version has no entity X".to_owned()];
    Scanned { environment, legal_entity, facts: facts.to_vec(), lacks, by: "anna".to_owned() }
}

#[tokio::test]
async fn what_a_scan_changes_is_a_version_and_what_it_does_not_change_is_none() {
    both(async |house| {
        let store = &house.store;
        let (a, b, boxed) = (item("A \0 Ä", "ea"), item("B", "ea"), item("B", "box"));
        let kept = store.keep_scan(&scanned("usmf", &[a.clone(), b.clone()]), HOUR).await.unwrap();
        assert_eq!(kept, Kept { version: 1, set: 2, ended: 0 });
        let kept = store.keep_scan(&scanned("usmf", &[b.clone(), a.clone()]), HOUR).await.unwrap();
        assert_eq!(kept, Kept { version: 1, set: 0, ended: 0 }, "nothing new");
        let kept = store.keep_scan(&scanned("demf", std::slice::from_ref(&a)), HOUR).await.unwrap();
        assert_eq!(kept, Kept { version: 2, set: 1, ended: 0 }, "another company has its own");
        let kept = store.keep_scan(&scanned("usmf", std::slice::from_ref(&boxed)), HOUR).await.unwrap();
        assert_eq!(kept, Kept { version: 3, set: 1, ended: 1 });

        let numbers = async |version: Option<u64>, company: &str| {
            let mapping = store.mapping(version).await.unwrap();
            let catalogue = mapping.catalogue(&"contoso".parse().unwrap(), &company.parse().unwrap()).cloned();
            let units = |item: &ItemFacts| format!("{}", item.stock_unit.as_ref().unwrap());
            catalogue.map(|catalogue| catalogue.items().map(units).collect::<Vec<_>>())
        };
        assert_eq!(numbers(None, "usmf").await, Some(vec!["box".to_owned()]));
        assert_eq!(numbers(Some(2), "usmf").await, Some(vec!["ea".to_owned(), "ea".to_owned()]), "as it was");
        assert_eq!(numbers(Some(1), "demf").await, None);
        let versions = store.mapping_versions(10).await.unwrap();
        assert_eq!(versions.len(), 3);
        assert!(versions[0].made_by == "anna" && versions[0].reason.contains("1 facts set, 1 ended"), "{versions:?}");
        let scans = store.catalogue_scans().await.unwrap();
        let told: Vec<_> = scans.iter().map(|scan| (scan.legal_entity.as_str(), scan.lacks.len())).collect();
        assert_eq!(told, [("demf", 1), ("usmf", 1)]);
    })
    .await;
}

#[tokio::test]
async fn conversions_of_a_variant_are_kept_beside_those_of_its_product() {
    both(async |house| {
        let of = |variant: Option<&str>, factor: &str| {
            let (from, to) = ("case".parse().unwrap(), "ea".parse().unwrap());
            let variant = variant.map(str::to_owned);
            let factor = Some(factor.parse().unwrap());
            Fact::Conversion(ConversionFacts { item: Some("SHIRT".to_owned()), variant, from, to, factor })
        };
        let facts = [of(None, "12"), of(Some("L/red"), "8"), of(Some("M/red"), "1/3")];
        let kept = house.store.keep_scan(&scanned("usmf", &facts), HOUR).await.unwrap();
        assert_eq!(kept, Kept { version: 1, set: 3, ended: 0 });
        let factors = async || {
            let mapping = house.store.mapping(None).await.unwrap();
            let catalogue = mapping.catalogue(&"contoso".parse().unwrap(), &"usmf".parse().unwrap()).unwrap();
            let factor = |variant: &str| {
                let item = Item { number: "SHIRT".to_owned(), variant: Some(variant.to_owned()) };
                let factor = catalogue.factor(&item, &"case".parse().unwrap(), &"ea".parse().unwrap());
                factor.map(|factor| factor.to_string()).unwrap_or_default()
            };
            ["L/red", "M/red", "S/red"].map(factor)
        };
        assert_eq!(factors().await, ["8", "1/3", "12"]);
        // It ends alone.
        let kept = house.store.keep_scan(&scanned("usmf", &facts[..2]), HOUR).await.unwrap();
        assert_eq!(kept, Kept { version: 2, set: 0, ended: 1 });
        assert_eq!(factors().await, ["8", "12", "12"]);
    })
    .await;
}

#[tokio::test]
async fn many_facts_are_kept_in_several_versions() {
    both(async |house| {
        let many: Vec<_> = (0..10_001).map(|number| item(&format!("ITEM-{number}"), "ea")).collect();
        let kept = house.store.keep_scan(&scanned("usmf", &many), HOUR).await.unwrap();
        assert_eq!(kept, Kept { version: 2, set: 10_001, ended: 0 });
        let kept = house.store.keep_scan(&scanned("usmf", &[]), HOUR).await.unwrap();
        assert_eq!(kept, Kept { version: 4, set: 0, ended: 10_001 });
    })
    .await;
}

#[tokio::test]
async fn a_scan_is_one_processs_turn() {
    both(async |house| {
        let second = Store::open(&house.ground.config("")).await.unwrap();
        let (environment, legal_entity) = ("contoso".parse().unwrap(), "usmf".parse().unwrap());
        let claim = async |store: &Store, lease| store.claim_scan(&environment, &legal_entity, lease).await.unwrap();
        let (one, two) = tokio::join!(claim(&house.store, HOUR), claim(&second, HOUR));
        assert!(one != two, "one of them: {one} {two}");
        house.store.keep_scan(&scanned("usmf", &[]), Duration::ZERO).await.unwrap();
        assert!(claim(&second, HOUR).await, "the next one is due");
        assert!(!claim(&second, Duration::ZERO).await);
        second.close().await;
    })
    .await;
}
