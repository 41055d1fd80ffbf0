//! What can go wrong, sorted by who must act before these same bytes can succeed.
//!
//! Every code is stable, stands once in this list and once in `docs/exceptions.md`; a test compares the two. What is
//! not a failure (a duplicate, an event that is not for us) is an answer of the flow, not a member of this list.

use std::fmt;
use std::time::Duration;

/// A failure of one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What it is called, for ever.
    pub code: Code,
    /// What happened, to which document, and what to do next: one sentence or two, for people.
    pub sentence: String,
    /// The far end's own words.
    pub detail: Option<String>,
    /// How long the far end asked to be left alone.
    pub retry_after: Option<Duration>,
}

/// Who must act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Nobody; wait. The far end is busy or out of reach: it costs no attempt.
    Busy,
    /// Nobody; wait. Tried again by the retry table: it costs an attempt.
    Transient,
    /// Nobody; look first. There was silence after we had sent.
    Unsure,
    /// A person elsewhere: data, mapping, rights.
    Permanent,
    /// A programmer, or a release.
    Poison,
}

impl Failure {
    /// A failure with its sentence.
    #[must_use]
    pub fn new(code: Code, sentence: impl Into<String>) -> Self {
        Self { code, sentence: sentence.into(), detail: None, retry_after: None }
    }

    /// With the far end's own words.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// With how long the far end asked to be left alone.
    #[must_use]
    pub fn with_retry_after(mut self, delay: Option<Duration>) -> Self {
        self.retry_after = delay;
        self
    }

    /// Who must act.
    #[must_use]
    pub fn class(&self) -> Class {
        self.code.class()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.code, self.sentence)
    }
}

/// Writes the list of codes: `Name = "system.reason", Class, who usually acts;`.
macro_rules! codes {
    ($($(#[$meta:meta])* $name:ident = $text:literal, $class:ident, $owner:literal;)*) => {
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
        }
    };
}

codes! {
    /// Authentic bytes that no translator understood.
    MessageUnreadable = "message.unreadable", Permanent, "integration";
    /// Bytes from the broker that are no envelope of ours.
    MessageUndecodable = "message.undecodable", Poison, "integration";
    /// A kind that this release does not handle.
    MessageUnhandled = "message.unhandled", Permanent, "integration";
    /// An attempt panicked.
    ProcessorPanicked = "processor.panicked", Poison, "integration";
    /// The store cannot hold what the attempt left behind.
    StoreRefused = "store.refused", Poison, "integration";
    /// The connection is not configured any more.
    ConnectionUnknown = "connection.unknown", Permanent, "integration";
    /// The connection's mode is "paused": its messages wait.
    ConnectionPaused = "connection.paused", Busy, "integration";
    /// The connection's mode is "dry_run": what would be sent is on the journey, and nothing is sent.
    ConnectionDryRun = "connection.dry_run", Busy, "integration";
    /// Dynamics cannot be reached, or answers with a server error.
    DynamicsUnavailable = "dynamics.unavailable", Busy, "integration";
    /// Dynamics asks us to slow down.
    DynamicsThrottled = "dynamics.throttled", Busy, "integration";
    /// Dynamics does not accept our credentials.
    DynamicsUnauthorised = "dynamics.unauthorised", Transient, "integration";
    /// Our user in Dynamics lacks a role.
    DynamicsForbidden = "dynamics.forbidden", Permanent, "integration";
    /// Dynamics does not know the document.
    DynamicsNotFound = "dynamics.not_found", Permanent, "operations";
    /// A business rule of Dynamics refuses what we wrote.
    DynamicsRefused = "dynamics.refused", Permanent, "operations";
    /// Somebody else changed the document at the same moment.
    DynamicsConflict = "dynamics.conflict", Transient, "integration";
    /// Dynamics' answer cannot be read.
    DynamicsAnswerUnreadable = "dynamics.answer_unreadable", Permanent, "integration";
    /// Silence after a changing call to Dynamics.
    DynamicsUnsure = "dynamics.unsure", Unsure, "integration";
    /// Dynamics took an update and could not post it.
    DynamicsPostingFailed = "dynamics.posting_failed", Permanent, "finance";
    /// Dynamics has not processed an update in time.
    DynamicsPostingOverdue = "dynamics.posting_overdue", Permanent, "finance";
    /// The warehouse cannot be reached, or answers with a server error.
    WarehouseUnavailable = "warehouse.unavailable", Busy, "integration";
    /// The warehouse asks us to slow down.
    WarehouseThrottled = "warehouse.throttled", Busy, "integration";
    /// The warehouse does not accept our credentials.
    WarehouseUnauthorised = "warehouse.unauthorised", Transient, "integration";
    /// The warehouse refuses the call for good.
    WarehouseRefused = "warehouse.refused", Permanent, "operations";
    /// The warehouse's answer cannot be read.
    WarehouseAnswerUnreadable = "warehouse.answer_unreadable", Permanent, "integration";
    /// Silence after a changing call to the warehouse.
    WarehouseUnsure = "warehouse.unsure", Unsure, "integration";
    /// The warehouse rejected an order that it had taken on.
    OrderRejected = "order.rejected", Permanent, "operations";
    /// The order was changed in Dynamics after the warehouse had it.
    OrderChanged = "order.changed", Permanent, "operations";
    /// The order was cancelled in Dynamics, but the warehouse went on with it.
    OrderCancelledTooLate = "order.cancelled_too_late", Permanent, "operations";
    /// The warehouse holds an order of this reference with other lines.
    OrderDiffers = "order.differs", Permanent, "operations";
    /// The warehouse reports a problem with the order.
    OrderStuck = "order.stuck", Permanent, "operations";
    /// Nothing is known of the order that the message speaks of.
    OrderUnknown = "order.unknown", Permanent, "operations";
    /// The shipment names a line that the order does not have.
    ShipmentLineUnknown = "shipment.line_unknown", Permanent, "operations";
    /// More was shipped than ordered, beyond the line's tolerance.
    ShipmentExceedsOrder = "shipment.exceeds_order", Permanent, "operations";
    /// The shipment counts in another unit than the order.
    ShipmentUnitDiffers = "shipment.unit_differs", Permanent, "operations";
    /// Lots or serials do not add up to what was shipped.
    ShipmentTrackingDiffers = "shipment.tracking_differs", Permanent, "operations";
    /// A shipment came again with other contents.
    ShipmentDiffers = "shipment.differs", Permanent, "operations";
    /// A shipment that is posted already did not happen.
    ShipmentVoided = "shipment.voided", Permanent, "finance";
    /// A call that the far end can neither absorb nor tell about may have happened.
    EffectUnsure = "effect.unsure", Permanent, "operations";
}

impl fmt::Display for Code {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
