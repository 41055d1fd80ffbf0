//! How far scans have read, and who scans: one at a time.

use super::*;

#[tokio::test]
async fn one_at_a_time_scans_and_another_begins_where_it_stopped() {
    both(async |house| {
        let [one, other] = messages();
        let lease = async |holder, within| house.store.lease("scan/contoso", holder, within).await.unwrap();
        assert!(lease(one, LIVES).await);
        assert!(!lease(other, LIVES).await, "somebody else scans");
        assert!(lease(one, LIVES).await, "whoever scans goes on");
        assert!(house.store.lease("scan/fabrikam", other, LIVES).await.unwrap(), "another environment is another's");
        assert_eq!(house.store.cursor("scan/contoso/outbound_requests").await.unwrap(), None);
        house.store.move_cursor("scan/contoso/outbound_requests", "2026-11-01T00:00:00Z").await.unwrap();
        house.store.move_cursor("scan/contoso/outbound_requests", "2026-11-02T00:00:00Z").await.unwrap();
        let cursor = house.store.cursor("scan/contoso/outbound_requests").await.unwrap();
        assert_eq!(cursor.as_deref(), Some("2026-11-02T00:00:00Z"));
        // Nobody has scanned for as long as a lease is good.
        crate::support::wait::until("the lease is over", async || {
            lease(other, Duration::from_millis(1)).await.then_some(())
        })
        .await;
        assert!(!lease(one, LIVES).await);
    })
    .await;
}
