//! Snapshots of stock: kept part by part as they were told, and complete when every part is here.

use drayline::store::SnapshotPart;

use super::*;

fn part(snapshot: &str, (part, parts): (u32, u32), taken_at: i64) -> SnapshotPart {
    SnapshotPart {
        connection: "north".to_owned(),
        snapshot: snapshot.to_owned(),
        part,
        parts,
        taken_at: Timestamp::from_microsecond(taken_at).unwrap(),
        scope: "FULL".to_owned(),
        line_count: part,
        lines: format!("[{{\"item\":{{\"sku\":\"BOLT-{part}\"}}}}]"),
    }
}

fn told(owner: Ownership, parts: Vec<SnapshotPart>) -> Record {
    Record { snapshots: parts, ..ends(owner, Uuid::new_v4()) }
}

#[tokio::test]
async fn a_snapshot_is_complete_when_every_part_is_here_and_a_repeat_adds_nothing() {
    both(async |house| {
        house
            .record(&[
                told(house.owner, vec![part("S-1", (3, 3), 50)]),
                told(house.owner, vec![part("S-1", (1, 3), 50)]),
            ])
            .await;
        let seen = house.store.snapshots(None, 10).await.unwrap().remove(0);
        assert_eq!((seen.parts, seen.parts_here, seen.lines, seen.is_complete()), (3, 2, 4, false));
        house
            .record(&[
                told(house.owner, vec![part("S-1", (2, 3), 50)]),
                told(house.owner, vec![part("S-1", (1, 3), 50)]),
            ])
            .await;
        let seen = house.store.snapshots(Some("north"), 10).await.unwrap().remove(0);
        assert_eq!((seen.parts_here, seen.lines, seen.is_complete()), (3, 6, true));
        assert_eq!((seen.connection.as_str(), seen.snapshot.as_str(), seen.scope.as_str()), ("north", "S-1", "FULL"));
        assert_eq!(seen.taken_at.as_microsecond(), 50);
        let parts = house.store.snapshot_parts("north", "S-1").await.unwrap();
        assert_eq!(parts, [part("S-1", (1, 3), 50), part("S-1", (2, 3), 50), part("S-1", (3, 3), 50)]);
    })
    .await;
}

#[tokio::test]
async fn the_latest_snapshot_is_first_whatever_the_order_in_which_they_came() {
    both(async |house| {
        let parts = [part("new", (1, 1), 90), part("old", (1, 1), 10), part("middle", (1, 1), 40)];
        house.record(&[told(house.owner, parts.to_vec())]).await;
        let seen = house.store.snapshots(Some("north"), 2).await.unwrap();
        assert_eq!(seen.iter().map(|seen| seen.snapshot.as_str()).collect::<Vec<_>>(), ["new", "middle"]);
        assert!(house.store.snapshots(Some("south"), 10).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn nothing_of_a_snapshot_is_kept_by_who_owns_the_partition_no_more() {
    both(async |house| {
        let stale = Ownership { epoch: house.owner.epoch + 1, ..house.owner };
        let written = house.store.record(&[told(stale, vec![part("S-1", (1, 1), 50)])]).await.unwrap();
        assert_eq!(written, [Written::NotOwner]);
        assert!(house.store.snapshots(None, 10).await.unwrap().is_empty());
    })
    .await;
}
