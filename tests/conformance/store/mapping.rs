//! Versions of the mapping.

use drayline::mapping::{Cells, Row};
use drayline::store::MappingChange;

use super::*;

fn row(item: &str, sku: &str) -> Row {
    let cells = [("kind", "sku"), ("item", item), ("warehouse", sku)];
    let cells: Cells = cells.into_iter().map(|(column, cell)| (column.to_owned(), cell.to_owned())).collect();
    Row::read(&cells).unwrap()
}

fn change(from: u64, set: &[Row], removed: &[Row]) -> MappingChange {
    let (set, removed) = (set.to_vec(), removed.to_vec());
    MappingChange { from, set, removed, by: "anna".to_owned(), reason: format!("after {from}\0") }
}

#[tokio::test]
async fn every_version_of_the_mapping_stays_as_it_was() {
    both(async |house| {
        let store = &house.store;
        let began = store.now().await.unwrap();
        let empty = store.mapping(None).await.unwrap();
        assert_eq!((store.mapping_version().await.unwrap(), empty.version(), empty.rows().len()), (0, 0, 0));
        assert!(store.mapping_versions(10).await.unwrap().is_empty());

        let (a, b, again) = (row("A", "A-1"), row("B", "B \"quoted\""), row("A", "A-2"));
        assert_eq!(store.change_mapping(&change(0, &[a.clone(), b.clone()], &[])).await.unwrap(), Some(1));
        assert_eq!(store.change_mapping(&change(1, std::slice::from_ref(&again), &[])).await.unwrap(), Some(2));
        assert_eq!(store.change_mapping(&change(2, &[], std::slice::from_ref(&b))).await.unwrap(), Some(3));
        assert_eq!(store.mapping_version().await.unwrap(), 3);
        for (version, rows) in [(1, vec![a.clone(), b.clone()]), (2, vec![b.clone(), again.clone()]), (3, vec![again])]
        {
            let mapping = store.mapping(Some(version)).await.unwrap();
            assert_eq!((mapping.version(), mapping.rows()), (version, &*rows));
        }
        assert_eq!(store.mapping(Some(0)).await.unwrap().rows(), []);
        let newest = store.mapping(None).await.unwrap();
        assert_eq!((newest.version(), newest.rows().len()), (3, 1));

        let versions = store.mapping_versions(2).await.unwrap();
        let told: Vec<_> = versions.iter().map(|each| (each.version, each.rows_set, each.rows_ended)).collect();
        assert_eq!(told, [(3, 0, 1), (2, 1, 1)]);
        assert_eq!((versions[0].made_by.as_str(), versions[0].reason.as_str()), ("anna", "after 2\u{2400}"));
        assert!(versions[0].made_at >= began);
    })
    .await;
}

#[tokio::test]
async fn of_two_who_change_the_same_version_one_is_told_that_he_was_late() {
    both(async |house| {
        let second = Store::open(&house.ground.config("")).await.unwrap();
        let (one, two) = (change(0, &[row("A", "A-1")], &[]), change(0, &[row("A", "A-2")], &[]));
        let (one, two) = tokio::join!(house.store.change_mapping(&one), second.change_mapping(&two));
        let mut made = [one.unwrap(), two.unwrap()];
        made.sort_unstable();
        assert_eq!(made, [None, Some(1)]);
        let mapping = second.mapping(None).await.unwrap();
        assert_eq!((mapping.version(), mapping.rows().len()), (1, 1));
        second.close().await;
    })
    .await;
}
