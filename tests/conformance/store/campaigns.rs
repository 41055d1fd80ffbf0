//! Campaigns: a frozen set, released wave by wave, and what became of each message.

use drayline::store::{
    Campaign, CampaignState, Discarded, ExceptionFilter, NewCampaign, Outcomes, Parked, ParkedFailure, Release,
    ToPatch, WaitsFor, WorkState,
};
use serde_json::json;
use uuid::Uuid;

use super::{House, both, ends, messages, parks, waits};

fn fails(message: Uuid, lane: &str, code: &str) -> Parked {
    let failure =
        ParkedFailure { code: code.to_owned(), sentence: format!("{code} happened."), detail: None, awaits: None };
    Parked { failure: Some(failure), parkings: 1, ..waits(message, lane, WaitsFor::Person) }
}

fn open() -> ExceptionFilter {
    ExceptionFilter { states: WorkState::UNFINISHED.to_vec(), limit: 1000, ..ExceptionFilter::default() }
}

async fn plan(house: &House, canary: u32, filter: &ExceptionFilter) -> Campaign {
    let new = NewCampaign {
        id: Uuid::new_v4(),
        by: "anna".to_owned(),
        wanted: "everything".to_owned(),
        options: json!({}),
        canary,
        wave_size: 2,
        rehearse: 0,
        patch: None,
    };
    house.store.plan_campaign(&new, filter).await.unwrap();
    house.store.campaign(new.id).await.unwrap().unwrap()
}

async fn run(house: &House, campaign: &Campaign, holder: Uuid) -> Campaign {
    let started =
        house.store.turn_campaign(campaign.id, &[CampaignState::Planned], CampaignState::Running, "anna", "").await;
    assert!(started.unwrap());
    let held = house.store.hold_campaigns(holder, super::LIVES).await.unwrap();
    held.into_iter().find(|held| held.id == campaign.id).unwrap()
}

async fn states(house: &House, ids: &[Uuid]) -> Vec<String> {
    let filter =
        ExceptionFilter { messages: Some(ids.to_vec()), states: WorkState::ALL.to_vec(), limit: 100, ..open() };
    let (_, found) = house.store.exceptions(&filter).await.unwrap();
    ids.iter().map(|id| found.iter().find(|it| it.message_id == *id).unwrap().state.clone()).collect()
}

/// The heads that were released, and run when there is room.
async fn released(house: &House) -> Vec<Uuid> {
    let heads = house.store.stopped_heads(&[house.owner], &WaitsFor::Room, 100).await.unwrap();
    heads.into_iter().map(|parked| parked.message_id).collect()
}

#[tokio::test]
async fn what_is_frozen_is_released_and_every_message_has_an_outcome() {
    both(async |house| {
        let [good, again, gone, follower, other, before] = messages();
        for (message, lane) in [(good, "a"), (again, "b"), (gone, "c"), (before, "e")] {
            house.park(fails(message, lane, "mapping.missing")).await;
        }
        // A follower that is chosen, too; another one stands behind what failed again.
        house.park(waits(follower, "b", WaitsFor::Head)).await;
        house.park(fails(other, "d", "order.unknown")).await;
        let all = [good, again, gone, follower, before];
        let filter = ExceptionFilter { messages: Some(all.to_vec()), ..open() };
        let campaign = plan(&house, 0, &filter).await;
        let selected = |outcomes: Outcomes| (outcomes.selected, outcomes.waiting);
        assert_eq!(selected(house.store.campaign_outcomes(campaign.id).await.unwrap()), (5, 5));
        // Nothing is due before somebody starts it, nor for whoever does not hold it.
        let (holder, stranger) = (Uuid::new_v4(), Uuid::new_v4());
        assert_eq!(house.store.release(&campaign, holder, 10).await.unwrap(), 0);
        assert_eq!(released(&house).await, Vec::<Uuid>::new());
        house.end(before).await;
        let mut campaign = run(&house, &campaign, holder).await;
        assert_eq!(house.store.hold_campaigns(stranger, super::LIVES).await.unwrap().len(), 0);
        assert_eq!(house.store.release(&campaign, stranger, 10).await.unwrap(), 0);
        campaign.wave = 9;
        assert_eq!(house.store.release(&campaign, holder, 10).await.unwrap(), 5);
        let mut due = released(&house).await;
        due.sort();
        let mut heads = vec![good, again, gone];
        heads.sort();
        assert_eq!(due, heads);
        assert_eq!(states(&house, &[good, other]).await, ["replaying", "open"]);

        house.end(good).await;
        let parked = house.look(again, "b").await.parked.unwrap();
        house.park(Parked { parkings: 2, ..Parked { waits_for: WaitsFor::Person, ..parked } }).await;
        assert_eq!(house.store.discard(gone, "anna", "wrong").await.unwrap(), Discarded::Yes);
        let outcomes = house.store.campaign_outcomes(campaign.id).await.unwrap();
        let expected = Outcomes {
            selected: 5,
            applied: 1,
            already_applied: 1,
            failed_again: 1,
            held: 1,
            waiting: 0,
            discarded: 1,
        };
        assert_eq!(outcomes, expected);
        let failed = house.store.campaign_messages(campaign.id, Some("failed_again"), (-1, -1), 10).await.unwrap();
        assert_eq!((failed[0].id, failed[0].why.as_deref()), (again, Some("mapping.missing happened.")));
        assert_eq!(states(&house, &[good, again, gone]).await, ["resolved", "open", "discarded"]);
    })
    .await;
}

#[tokio::test]
async fn the_canary_is_drawn_over_causes() {
    both(async |house| {
        let rows: Vec<_> = (0..30)
            .map(|number| {
                let code = ["mapping.missing", "order.unknown", "dynamics.not_found"]
                    [usize::from(number > 20) + usize::from(number > 28)];
                parks(house.owner, fails(Uuid::new_v4(), &format!("lane {number}"), code))
            })
            .collect();
        house.record(&rows).await;
        let campaign = plan(&house, 3, &open()).await;
        let frozen = house.store.campaign_messages(campaign.id, None, (-1, -1), 100).await.unwrap();
        assert_eq!(frozen.len(), 30);
        let canary: std::collections::BTreeSet<_> =
            frozen.iter().filter(|each| each.wave == 0).map(|each| each.fingerprint.clone()).collect();
        assert_eq!((canary.len(), frozen.iter().filter(|each| each.wave == 0).count()), (3, 3));
        // What fails after the set was frozen is not in it.
        house.park(fails(Uuid::new_v4(), "late", "mapping.missing")).await;
        assert_eq!(house.store.campaign_outcomes(campaign.id).await.unwrap().selected, 30);
        let holder = Uuid::new_v4();
        let campaign = run(&house, &campaign, holder).await;
        assert_eq!(house.store.release(&campaign, holder, 100).await.unwrap(), 3, "the canary alone");
        let pulse = house.store.campaign_pulse(campaign.id, 0).await.unwrap();
        assert_eq!((pulse.to_release, pulse.to_come, pulse.under_way), (0, 1, 3));
        for message in released(&house).await {
            house.record(&[ends(house.owner, message)]).await;
        }
        let pulse = house.store.campaign_pulse(campaign.id, 0).await.unwrap();
        assert_eq!((pulse.under_way, pulse.settled, pulse.failed), (0, 3, 0));
        // A paused campaign releases nothing more.
        let paused =
            house.store.turn_campaign(campaign.id, &[CampaignState::Running], CampaignState::Paused, "bob", "lunch");
        assert!(paused.await.unwrap());
        assert_eq!(house.store.release(&Campaign { wave: 1, ..campaign }, holder, 100).await.unwrap(), 0);
    })
    .await;
}

/// What is patched is what it was when the patch was worked out; whatever happened to a message meanwhile goes before.
#[tokio::test]
async fn a_patch_is_a_revision_of_what_it_was_worked_out_on() {
    both(async |house| {
        let [good, again, gone, follower, moved, refused] = messages();
        for (message, lane) in [(good, "a"), (again, "b"), (gone, "c"), (moved, "d"), (refused, "e")] {
            house.park(fails(message, lane, "mapping.missing")).await;
        }
        house.park(waits(follower, "b", WaitsFor::Head)).await;
        let all = [good, again, gone, follower, moved, refused];
        let campaign = plan(&house, 0, &ExceptionFilter { messages: Some(all.to_vec()), ..open() }).await;
        let (holder, stranger) = (Uuid::new_v4(), Uuid::new_v4());
        let campaign = run(&house, &campaign, holder).await;
        house.store.discard(gone, "anna", "wrong").await.unwrap();
        let rows = house.store.to_patch(campaign.id, 9, 10).await.unwrap();
        let of = |id: Uuid| rows.iter().find(|row| row.message_id == id).unwrap().clone();
        let told = |id: Uuid| (of(id).revision, of(id).bytes.is_some());
        assert_eq!([told(good), told(follower), told(gone)], [(Some(0), true), (Some(0), false), (None, false)]);
        // One runs by itself meanwhile: somebody replayed it.
        house.store.replay(moved, "bob").await.unwrap();
        let (patched, why) = (|| Release::Patched(b"corrected".to_vec()), "the schema".to_owned());
        let releases: Vec<(ToPatch, Release)> = vec![
            (of(good), patched()),
            (of(again), Release::AsItIs),
            (of(gone), Release::Gone),
            (of(moved), patched()),
            (of(refused), Release::Refused(why.clone())),
        ];
        house.store.release_patched(&campaign, stranger, &releases).await.unwrap();
        assert_eq!(house.store.campaign_outcomes(campaign.id).await.unwrap().waiting, 6, "a stranger releases nothing");
        house.store.release_patched(&campaign, holder, &releases).await.unwrap();

        let parked = house.look(good, "a").await.parked.unwrap();
        assert_eq!((parked.revision, &parked.bytes[..], parked.waits_for), (1, &b"corrected"[..], WaitsFor::Room));
        let as_it_was = |id: Uuid, lane: &'static str| {
            let house = &house;
            async move { house.look(id, lane).await.parked.map(|parked| (parked.revision, parked.bytes)) }
        };
        for (id, lane) in [(again, "b"), (moved, "d"), (refused, "e")] {
            assert_eq!(as_it_was(id, lane).await, Some((0, of(id).bytes.unwrap())), "{lane}");
        }
        let revisions = house.store.revisions(good).await.unwrap();
        let kept: Vec<_> = revisions.iter().map(|was| (was.number, &was.bytes, was.by.as_str())).collect();
        assert_eq!(kept, [(0, &of(good).bytes.unwrap(), "anna")]);
        assert!(house.store.revisions(moved).await.unwrap().is_empty());
        assert_eq!(states(&house, &[good, refused]).await, ["replaying", "open"]);
        let outcomes = house.store.campaign_outcomes(campaign.id).await.unwrap();
        assert_eq!((outcomes.failed_again, outcomes.discarded, outcomes.waiting), (1, 1, 4), "{outcomes:?}");
        let failed = house.store.campaign_messages(campaign.id, Some("failed_again"), (-1, -1), 10).await.unwrap();
        assert_eq!((failed[0].id, &failed[0].why), (refused, &Some(why)));
    })
    .await;
}

#[tokio::test]
async fn who_planned_a_campaign_does_not_approve_it() {
    both(async |house| {
        let [message] = messages();
        house.park(fails(message, "a", "mapping.missing")).await;
        let campaign = plan(&house, 0, &open()).await;
        assert!(!house.store.approve_campaign(campaign.id, "anna").await.unwrap());
        assert!(house.store.approve_campaign(campaign.id, "bob").await.unwrap());
        assert_eq!(house.store.campaign(campaign.id).await.unwrap().unwrap().approved_by.as_deref(), Some("bob"));
        run(&house, &campaign, Uuid::new_v4()).await;
        assert!(!house.store.approve_campaign(campaign.id, "carl").await.unwrap(), "it runs already");
    })
    .await;
}

#[tokio::test]
async fn a_cause_is_what_was_said_without_what_differs_from_document_to_document() {
    both(async |house| {
        let [first, second, other, unsaid] = messages();
        for (message, lane, words) in [
            (first, "a", Some("lines: 1: the SKU ITEM-7 is not set up here")),
            (second, "b", Some("lines: 12: the SKU ITEM-2002 is not set up here")),
            (other, "c", Some("recipient: the postal code 62701-X is none of its country")),
            (unsaid, "d", None),
        ] {
            let mut parked = fails(message, lane, "warehouse.refused");
            parked.failure.as_mut().unwrap().detail = words.map(str::to_owned);
            house.park(parked).await;
        }
        let mut causes: Vec<_> =
            house.store.causes(&open()).await.unwrap().into_iter().map(|cause| cause.exceptions).collect();
        causes.sort_unstable();
        assert_eq!(causes, [1, 1, 2]);
    })
    .await;
}
