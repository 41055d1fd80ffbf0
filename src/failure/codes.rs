//! The codes: each is stable, and says who must act, which team usually does, and what that does next.
//!
//! A code is never given another meaning: people's notes, filters and owners speak of it for years.

use std::fmt;
use std::str::FromStr;

use super::Class;

/// Writes the list of codes: `Name = "system.reason", Class, who usually acts, what to do next;`.
macro_rules! codes {
    ($($(#[$meta:meta])* $name:ident = $text:literal, $class:ident, $owner:literal, $step:literal;)*) => {
        /// A stable name of a failure: `system.reason`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code { $($(#[$meta])* $name),* }

        impl Code {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The code as text.
            #[must_use]
            pub fn as_str(self) -> &'static str { match self { $(Self::$name => $text),* } }

            /// Who must act.
            #[must_use]
            pub fn class(self) -> Class { match self { $(Self::$name => Class::$class),* } }

            /// The team that usually acts.
            #[must_use]
            pub fn owner(self) -> &'static str { match self { $(Self::$name => $owner),* } }

            /// What that team does next.
            #[must_use]
            pub fn next_step(self) -> &'static str { match self { $(Self::$name => $step),* } }
        }
    };
}

codes! {
    /// Authentic bytes that no translator understood.
    MessageUnreadable = "message.unreadable", Permanent, "integration",
        "Compare the raw body with the sender's documentation; correct the sender or the translation, then replay it.";
    /// Bytes from the broker that are no envelope of ours.
    MessageUndecodable = "message.undecodable", Poison, "integration",
        "Find out who publishes to this exchange; upgrade if a newer release wrote it, else discard it.";
    /// The broker took it out of its queue: a policy, or a foreign consumer.
    BrokerGaveUp = "broker.gave_up", Permanent, "integration",
        "Look at the document's journey, then replay it or discard it; remove the policy or the consumer that took it out of its queue.";
    /// A kind that this release does not handle.
    MessageUnhandled = "message.unhandled", Permanent, "integration",
        "Upgrade to a release that handles this kind, then replay it.";
    /// An attempt panicked.
    ProcessorPanicked = "processor.panicked", Poison, "integration",
        "Report it with the message's id; replay it after an upgrade.";
    /// The store cannot hold what the attempt left behind.
    StoreRefused = "store.refused", Poison, "integration",
        "Report it with the message's id; replay it after an upgrade.";
    /// The connection is not configured any more.
    ConnectionUnknown = "connection.unknown", Permanent, "integration",
        "Configure the connection again, then replay it; or discard it.";
    /// A message of one stage would reach a connection of the other.
    ConnectionStage = "connection.other_stage", Permanent, "integration",
        "Give both connections the same stage again and replay it; or discard it.";
    /// A person, or the configuration, paused the connection: its messages wait.
    ConnectionPaused = "connection.paused", Busy, "integration",
        "Let it go on with `drayline resume` when it may, or set its mode to live; its messages then go on by themselves.";
    /// A person paused the flow: its messages wait.
    FlowPaused = "flow.paused", Busy, "integration",
        "Let it go on with `drayline resume` when it may; its messages then go on by themselves.";
    /// The connection's mode is `dry_run`: what would be sent is on the journey, and nothing is sent.
    ConnectionDryRun = "connection.dry_run", Busy, "integration",
        "Read on the journey what would be sent; set the connection's mode to live when it is right.";
    /// No row of the mapping says what is needed.
    MappingMissing = "mapping.missing", Permanent, "integration",
        "Set the row that the sentence names with `drayline mapping set`; it then goes on by itself.";
    /// Several rows of the mapping could be meant.
    MappingAmbiguous = "mapping.ambiguous", Permanent, "integration",
        "Say which one is meant with `drayline mapping set`, then replay it.";
    /// A quantity does not come out exactly in the other unit.
    MappingIndivisible = "mapping.indivisible", Permanent, "operations",
        "Ask the warehouse what it counted; correct the quantity or the conversion, then replay it.";
    /// Parts of a kit that make no whole kit.
    MappingKitIncomplete = "mapping.kit_incomplete", Permanent, "operations",
        "Ask the warehouse what became of the parts left over; correct the shipment or the kit, then replay it.";
    /// Nothing is known of an item of which something must be known.
    MappingItemUnknown = "mapping.item_unknown", Transient, "integration",
        "Have Dynamics scanned with `drayline mapping check`; it then goes on by itself.";
    /// Dynamics cannot be reached, or answers with a server error.
    DynamicsUnavailable = "dynamics.unavailable", Busy, "integration",
        "Nothing, it goes on by itself; if it lasts, look at the environment's health.";
    /// Dynamics asks us to slow down.
    DynamicsThrottled = "dynamics.throttled", Busy, "integration",
        "Nothing, it goes on by itself; if it lasts, give our application a higher priority in Dynamics.";
    /// Dynamics does not accept our credentials.
    DynamicsUnauthorised = "dynamics.unauthorised", Transient, "integration",
        "Check the client id, its secret and whether it has expired, then replay it.";
    /// Our user in Dynamics lacks a role.
    DynamicsForbidden = "dynamics.forbidden", Permanent, "integration",
        "Give our user in Dynamics the missing role, then replay it.";
    /// Dynamics does not know the document.
    DynamicsNotFound = "dynamics.not_found", Permanent, "operations",
        "Check whether the document exists in that company; release it again or discard this.";
    /// A business rule of Dynamics refuses what we wrote.
    DynamicsRefused = "dynamics.refused", Permanent, "operations",
        "Correct in Dynamics what its words name, then replay it.";
    /// The environment's version has not what the configuration needs of it.
    DynamicsVersionLacks = "dynamics.version_lacks", Permanent, "integration",
        "Configure what its sentence names, or have the environment updated, then replay it.";
    /// Somebody else changed the document at the same moment.
    DynamicsConflict = "dynamics.conflict", Transient, "integration",
        "Replay it; if it stays, find out who holds the document open.";
    /// Dynamics' answer cannot be read.
    DynamicsAnswerUnreadable = "dynamics.answer_unreadable", Permanent, "integration",
        "Check the version of the environment and the configured names, then replay it.";
    /// Silence after a changing call to Dynamics.
    DynamicsUnsure = "dynamics.unsure", Unsure, "integration",
        "Nothing, it looks and goes on by itself.";
    /// Dynamics took an update and could not post it.
    DynamicsPostingFailed = "dynamics.posting_failed", Permanent, "finance",
        "Correct in Dynamics what its words name, let it process the update again, then replay it.";
    /// Dynamics has not processed an update in time.
    DynamicsPostingOverdue = "dynamics.posting_overdue", Permanent, "finance",
        "Look in Dynamics whether the batch job that processes updates runs, then replay it.";
    /// Dynamics has not so much on hand as an adjustment takes.
    DynamicsStockShort = "dynamics.stock_short", Permanent, "operations",
        "Find the receipt or adjustment that is not posted yet and post it; it then goes on by itself, or with a replay.";
    /// The warehouse cannot be reached, or answers with a server error.
    WarehouseUnavailable = "warehouse.unavailable", Busy, "integration",
        "Nothing, it goes on by itself; if it lasts, ask the warehouse.";
    /// The warehouse asks us to slow down.
    WarehouseThrottled = "warehouse.throttled", Busy, "integration",
        "Nothing, it goes on by itself; if it lasts, ask the warehouse for a higher limit.";
    /// The warehouse does not accept our credentials.
    WarehouseUnauthorised = "warehouse.unauthorised", Transient, "integration",
        "Check the connection's token, then replay it.";
    /// The warehouse refuses the call for good.
    WarehouseRefused = "warehouse.refused", Permanent, "operations",
        "Correct what the warehouse's words name, in Dynamics or at the warehouse, then replay it.";
    /// The warehouse's answer cannot be read.
    WarehouseAnswerUnreadable = "warehouse.answer_unreadable", Permanent, "integration",
        "Ask the warehouse what changed in its interface, then replay it.";
    /// Silence after a changing call to the warehouse.
    WarehouseUnsure = "warehouse.unsure", Unsure, "integration",
        "Nothing, it looks and goes on by itself.";
    /// The warehouse rejected an order that it had taken on.
    OrderRejected = "order.rejected", Permanent, "operations",
        "Correct the order in Dynamics and release it again, or cancel it there.";
    /// The order was changed in Dynamics after the warehouse had it.
    OrderChanged = "order.changed", Permanent, "operations",
        "Decide with the warehouse: change the order there by hand, or undo the change in Dynamics.";
    /// The order was cancelled in Dynamics, but the warehouse went on with it.
    OrderCancelledTooLate = "order.cancelled_too_late", Permanent, "operations",
        "Expect the goods to be shipped: arrange a return, or let the warehouse intercept the parcel.";
    /// The warehouse holds an order of this reference with other lines.
    OrderDiffers = "order.differs", Permanent, "operations",
        "Compare both orders; correct or cancel the one at the warehouse, then replay it.";
    /// The warehouse reports a problem with the order.
    OrderStuck = "order.stuck", Permanent, "operations",
        "Read the warehouse's reason and solve it there or in Dynamics.";
    /// A line names no lot or serial, and the warehouse does not choose one.
    OrderTrackingMissing = "order.tracking_missing", Permanent, "operations",
        "Reserve the lots or serials in Dynamics and release the order again; or let the warehouse choose them, then replay it.";
    /// The warehouse's system does not take a field of the order as it is.
    OrderOutsideLimits = "order.outside_limits", Permanent, "operations",
        "Correct the named fields in Dynamics and release the order again; or correct the connection's limits, then replay it.";
    /// Nothing is known of the order that the message speaks of.
    OrderUnknown = "order.unknown", Permanent, "operations",
        "Find out who created the order at the warehouse; discard this if it is none of ours, else release the order in Dynamics, then replay it.";
    /// A document was released before go-live, and its warehouse does not hold it as it is.
    BeforeGoLive = "order.before_go_live", Permanent, "operations",
        "Release it again in Dynamics if it is to be sent; finish it where it was begun if not. Then discard this.";
    /// The shipment names a line that the order does not have.
    ShipmentLineUnknown = "shipment.line_unknown", Permanent, "operations",
        "Ask the warehouse which line was meant; correct it there or post it in Dynamics by hand.";
    /// More was shipped than ordered, beyond the line's tolerance.
    ShipmentExceedsOrder = "shipment.exceeds_order", Permanent, "operations",
        "Ask the warehouse whether it shipped too much or counted wrongly; raise the order or correct the shipment, then replay it.";
    /// The shipment counts in another unit than the order.
    ShipmentUnitDiffers = "shipment.unit_differs", Permanent, "operations",
        "Agree on the unit of the item with the warehouse, then replay it.";
    /// Lots or serials do not add up to what was shipped.
    ShipmentTrackingDiffers = "shipment.tracking_differs", Permanent, "operations",
        "Ask the warehouse for the missing lots or serials, then replay it.";
    /// A shipment came again with other contents.
    ShipmentDiffers = "shipment.differs", Permanent, "operations",
        "Compare both versions of the shipment; correct the posting in Dynamics by hand, then discard this.";
    /// A shipment that is posted already did not happen.
    ShipmentVoided = "shipment.voided", Permanent, "finance",
        "Reverse the posting in Dynamics by hand, then say under which number.";
    /// Stock was adjusted for a reason that is mapped to nothing.
    AdjustmentReasonUnknown = "adjustment.reason_unknown", Permanent, "integration",
        "Say what the reason is posted to with `drayline mapping set adjustment_reason`; it then goes on by itself.";
    /// An adjustment names a warehouse, a company or a status that is mapped to nothing in Dynamics.
    AdjustmentPlaceUnknown = "adjustment.place_unknown", Permanent, "integration",
        "Map the warehouse, company or status that its sentence names, then replay it.";
    /// An adjustment does not say what has changed, or contradicts itself.
    AdjustmentUnclear = "adjustment.unclear", Permanent, "operations",
        "Ask the warehouse what changed; post it in Dynamics by hand and discard this, or have it sent again.";
    /// An adjustment came again with other contents.
    AdjustmentDiffers = "adjustment.differs", Permanent, "operations",
        "Ask the warehouse which of the two is right; correct the posting in Dynamics by hand, then discard this.";
    /// The journal that holds an adjustment is gone, and nothing says that it was posted.
    AdjustmentJournalMissing = "adjustment.journal_missing", Permanent, "finance",
        "Find out who deleted the journal; post the adjustment in Dynamics by hand, then discard this.";
    /// An adjustment belongs to a shipment, receipt or return that never came.
    AdjustmentDocumentMissing = "adjustment.document_missing", Permanent, "operations",
        "Find out why the document was never posted and replay this after it; or map the reason to an adjustment.";
    /// Goods that the warehouse expects were changed in Dynamics, and it goes on with what it had.
    InboundChanged = "inbound.changed", Permanent, "operations",
        "Tell the warehouse what changed, or undo the change in Dynamics, then discard this.";
    /// The inbound order was cancelled in Dynamics, but the warehouse goes on with it.
    InboundCancelledTooLate = "inbound.cancelled_too_late", Permanent, "operations",
        "Settle with the warehouse and the supplier what becomes of goods that arrive.";
    /// The warehouse will not receive what was announced.
    InboundRejected = "inbound.rejected", Permanent, "operations",
        "Read the warehouse's reason; correct the inbound order in Dynamics and release it again, or cancel it there.";
    /// The warehouse's system does not take a field of the announcement as it is.
    InboundOutsideLimits = "inbound.outside_limits", Permanent, "operations",
        "Correct the named fields in Dynamics and release it again; or correct the connection's limits, then replay it.";
    /// Nothing is known of the inbound order that a receipt speaks of.
    InboundUnknown = "inbound.unknown", Permanent, "operations",
        "Find out what arrived; discard this if it is none of ours, else release the inbound order in Dynamics, then replay it.";
    /// What moved in a closed period waits for finance, as the environment is configured.
    PeriodClosed = "dynamics.period_closed", Permanent, "finance",
        "Open the period in Dynamics, and say which day is the last closed one: drayline mapping set closed_until legal_entity=COMPANY dynamics=2026-10-31 --reason TEXT. Or let it give way with outbound.closed_periods = \"first_open_day\".";
    /// A receipt names none of our references, and several inbound orders may be meant.
    InboundAmbiguous = "inbound.ambiguous", Permanent, "operations",
        "Have the warehouse report it under our reference; then discard this.";
    /// Goods were received that nobody ordered.
    ReceiptItemUnexpected = "receipt.item_unexpected", Permanent, "operations",
        "Ask the warehouse what arrived; add it to the order in Dynamics and replay this, or send it back and discard this.";
    /// More was received than ordered, beyond the line's tolerance.
    ReceiptExceedsOrder = "receipt.exceeds_order", Permanent, "operations",
        "Decide what becomes of the surplus: raise the order in Dynamics and replay this, or send it back and discard this.";
    /// A receipt is complete, and less came than ordered, beyond the line's tolerance.
    ReceiptShort = "receipt.short", Permanent, "operations",
        "Ask the warehouse or the supplier for the rest and replay this once it came; or cancel the order in Dynamics, or discard this.";
    /// The receipt counts in another unit than the order.
    ReceiptUnitDiffers = "receipt.unit_differs", Permanent, "operations",
        "Agree on the unit of the item with the warehouse, then replay it.";
    /// Lots, serials or damaged pieces do not add up to what was received.
    ReceiptTrackingDiffers = "receipt.tracking_differs", Permanent, "operations",
        "Ask the warehouse for the missing lots, serials or damaged pieces, then replay it.";
    /// Nobody said which inventory status the goods' condition is.
    ReceiptStatusUnmapped = "receipt.status_unmapped", Permanent, "integration",
        "Name the inventory status of the condition under dynamics.NAME.statuses, then replay it.";
    /// A receipt reports less than was posted, and nothing says which report is the newer one.
    ReceiptSmaller = "receipt.smaller", Permanent, "operations",
        "Ask the warehouse what it has; correct the posting in Dynamics by hand if need be, then discard this.";
    /// Dynamics takes no update that takes goods back.
    ReceiptReversed = "receipt.reversed", Permanent, "finance",
        "Reverse the difference in Dynamics by hand, then discard this.";
    /// A receipt says something about quantities that nobody understands, or says a fact again with other quantities.
    ReceiptDiffers = "receipt.differs", Permanent, "operations",
        "Ask the warehouse what it has; post the difference in Dynamics by hand, then discard this.";
    /// Goods arrived for an inbound order that was cancelled in Dynamics.
    ReceiptCancelledOrder = "receipt.cancelled_order", Permanent, "operations",
        "Open the order in Dynamics again and replay this, or send the goods back and discard this.";
    /// Nothing is known of the RMA that a warehouse names.
    ReturnUnknown = "return.unknown", Permanent, "operations",
        "Find out whose return it is; make the return order in Dynamics and replay this, or discard it.";
    /// Goods came back without an RMA, and a person must say to which return they belong.
    ReturnBlind = "return.blind", Permanent, "operations",
        "Pick a match that `drayline exceptions show` suggests, or say with `drayline exceptions match` whose it is: --return RMA, or --order KEY, of which a return order is made; or discard this.";
    /// One RMA stands for return orders of two companies.
    ReturnAmbiguous = "return.ambiguous", Permanent, "integration",
        "Give the companies of the environment number sequences of RMAs that differ; make the return order anew, then discard this.";
    /// Somebody asked for a return and did not say all that a return order needs.
    ReturnRequestIncomplete = "return.request_incomplete", Permanent, "operations",
        "Make the return order in Dynamics by hand and discard this, or have it asked for again with what is missing.";
    /// A line of a return was credited in part without its goods.
    ReturnPartlyCredited = "return.partly_credited", Permanent, "finance",
        "Credit the rest of the line in Dynamics, or reverse its credit, then replay it.";
    /// The disposition of goods that were credited before would credit them once more.
    ReturnCreditsTwice = "return.credits_twice", Permanent, "finance",
        "Map the disposition of what was credited before (…/CREDITED) to a code of returns.without_credit, then replay it.";
    /// What came back was posted, and Dynamics has not credited it in time.
    ReturnNotCredited = "return.not_credited", Permanent, "finance",
        "Look in Dynamics why the return order is not invoiced; once it is, replay it.";
    /// The warehouse gave up a return that Dynamics still expects.
    ReturnGivenUp = "return.given_up", Permanent, "operations",
        "Ask the warehouse why; have it announced again, or cancel the return order in Dynamics, then discard this.";
    /// A parcel came back and does not hold what left.
    ReturnParcelUnfit = "return.parcel_unfit", Permanent, "operations",
        "Compare the parcel with what was shipped; make a return order in Dynamics for what came and name its RMA with `drayline exceptions match`, or discard this.";
    /// What never reached the customer came back and is posted, and a person decides about the money.
    ReturnUncredited = "return.uncredited", Permanent, "finance",
        "Credit the return order in Dynamics and replay this, or send the goods once more and discard this with the reason.";
    /// A part of a snapshot of stock contradicts itself.
    SnapshotUnclear = "snapshot.unclear", Permanent, "operations",
        "Ask the warehouse how many parts the snapshot has, and have it sent again; then discard this.";
    /// A call that the far end can neither absorb nor tell about may have happened.
    EffectUnsure = "effect.unsure", Permanent, "operations",
        "Look at the far end whether it happened, and say so with `drayline exceptions resolve`.";
}

impl FromStr for Code {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.iter().copied().find(|code| code.as_str() == text).ok_or(())
    }
}

impl fmt::Display for Code {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
