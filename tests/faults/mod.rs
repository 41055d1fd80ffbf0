//! Suite `faults`: real processes on a real broker and a real database, disturbed in the middle of steady load.
//!
//! Each fault is one function: it sets a scene, disturbs it while orders and returns come in, lets the disturbance end, and
//! waits, for a bounded time, until everything is applied. Then the laws are checked on the far ends' ledgers: nothing lost,
//! nothing twice, order per document kept, every return made and credited once, stock the same on both sides. `scripts/faults` runs all of them and prints one line for each;
//! `scripts/test` runs the quick part. `docs/proof.md` says which test shows what.
//!
//! What needs three nodes, RabbitMQ 4, a promoted standby or a reshard gets a file of its own beside these.

mod broker;
mod cut_off;
mod far_ends;
mod frozen;
mod hand_overs;
mod killed;
mod returns;
mod scene;
mod store;
mod table;
mod together;

use scene::Scale;

/// Lists faults by their file: each becomes a test of its name.
macro_rules! faults {
    ($scale:ident; $($place:ident: $($fault:ident),+;)+) => { $(
        mod $place {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $fault() {
                crate::faults::$place::$fault(crate::faults::Scale::$scale).await;
            })+
        }
    )+ };
}

/// Every fault, under full load: `scripts/faults`.
mod full {
    faults! { FULL;
        killed: workers_at_every_step, workers_at_seeded_instants, relays_at_every_step, ingest_at_every_step,
            ingest_at_seeded_instants, console_at_seeded_instants, twenty_five_crashes_with_a_full_window;
        frozen: after_look_up, after_intent, in_the_call, before_record, at_seeded_instants, ingest, relay;
        broker: restart, crash, memory_alarm, connections_closed, throttled, queue_deleted_empty, queue_deleted_full;
        store: restart, crash, stalled;
        cut_off: store_from_one, broker_from_one, store_silent_for_one, broker_silent_for_one,
            broker_from_two_of_three_doors;
        far_ends: down, slow, too_many_requests, server_errors, answers_lost, duplicate_storm, reorder_storm;
        hand_overs: joins_leaves_and_kills;
        together: everything;
    }
}

/// What runs with every change.
mod quick {
    faults! { QUICK;
        killed: workers_at_every_step, ingest_at_every_step;
        frozen: before_record;
        cut_off: store_from_one, broker_from_one;
        hand_overs: joins_leaves_and_kills;
    }
}
