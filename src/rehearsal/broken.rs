//! Laws broken on purpose: each variant is one thing done as it must not be, so that the simulation can show that it
//! notices. The table in `docs/simulation.md` says what each breaks and how it shows.
//!
//! The switch exists for our own tests alone (feature `broken`, which a released binary lacks): without it the question
//! is a constant, and nothing can be broken by any configuration.

/// One thing done as it must not be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// An effect is recorded, and its message ended, before the call is made.
    RecordBeforeAct,
    /// A delivery is acknowledged before what it led to is committed.
    AcknowledgeBeforeCommit,
    /// What arrives for a key runs, whatever of it is parked.
    NoGate,
    /// Nobody asks what is known of a message that is delivered.
    NoLookUp,
    /// The epoch is read first, and the record written later without it.
    FenceByPlainRead,
    /// A worker subscribes, and takes whatever partition delivers to it; who leaves closes first and finishes later.
    SubscribeBeforeTake,
    /// A copy is acknowledged because its ending was read, and nothing is written.
    AcknowledgeOnRead,
    /// The plan is made, and its calls, before what may have happened is asked about.
    PlanBeforeSettling,
    /// Nobody looks again after a wait is committed.
    LookBeforeWaiting,
    /// Followers whose head is gone are sent to the queue again instead of being run where they wait.
    ReleaseByRepublishing,
    /// The relay does not wait for the confirm of one message before it sends the next of the same key.
    TwoUnconfirmed,
    /// Equal bytes without an id are the same event for ever.
    HashForEver,
    /// A smaller total that arrives late is taken for a reversal.
    SmallerTotalReverses,
    /// A report posts its totals whole, whatever other reports of its receipt posted before.
    TotalTakenForDifference,
    /// A return order is made without looking whether it is there.
    MakeWithoutLooking,
    /// What was credited before its goods came is posted to be credited.
    RefundForgotten,
    /// What nobody took is posted to be credited, whoever is to decide about that.
    UndeliveredCredited,
    /// A parcel is taken in whatever came back of its order before.
    BackForgotten,
    /// What is exchanged is posted to be credited.
    ExchangeCredited,
    /// Whatever a warehouse says to a change is taken for a yes.
    RefusalTakenForChange,
}

impl Variant {
    /// Every variant.
    pub const ALL: [Self; 20] = [
        Self::RecordBeforeAct,
        Self::AcknowledgeBeforeCommit,
        Self::NoGate,
        Self::NoLookUp,
        Self::FenceByPlainRead,
        Self::SubscribeBeforeTake,
        Self::AcknowledgeOnRead,
        Self::PlanBeforeSettling,
        Self::LookBeforeWaiting,
        Self::ReleaseByRepublishing,
        Self::TwoUnconfirmed,
        Self::HashForEver,
        Self::SmallerTotalReverses,
        Self::TotalTakenForDifference,
        Self::MakeWithoutLooking,
        Self::RefundForgotten,
        Self::UndeliveredCredited,
        Self::BackForgotten,
        Self::ExchangeCredited,
        Self::RefusalTakenForChange,
    ];

    /// Its name for `scripts/simulate --broken`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RecordBeforeAct => "record-before-act",
            Self::AcknowledgeBeforeCommit => "acknowledge-before-commit",
            Self::NoGate => "no-gate",
            Self::NoLookUp => "no-look-up",
            Self::FenceByPlainRead => "fence-by-plain-read",
            Self::SubscribeBeforeTake => "subscribe-before-take",
            Self::AcknowledgeOnRead => "acknowledge-on-read",
            Self::PlanBeforeSettling => "plan-before-settling",
            Self::LookBeforeWaiting => "look-before-waiting",
            Self::ReleaseByRepublishing => "release-by-republishing",
            Self::TwoUnconfirmed => "two-unconfirmed",
            Self::HashForEver => "hash-for-ever",
            Self::SmallerTotalReverses => "smaller-total-reverses",
            Self::TotalTakenForDifference => "total-taken-for-difference",
            Self::MakeWithoutLooking => "make-without-looking",
            Self::RefundForgotten => "refund-forgotten",
            Self::UndeliveredCredited => "undelivered-credited",
            Self::BackForgotten => "back-forgotten",
            Self::ExchangeCredited => "exchange-credited",
            Self::RefusalTakenForChange => "refusal-taken-for-change",
        }
    }
}

#[cfg(feature = "broken")]
thread_local! {
    static NOW: std::cell::Cell<Option<Variant>> = const { std::cell::Cell::new(None) };
}

/// Breaks one law in this thread from now on, or none.
#[cfg(feature = "broken")]
pub fn break_in_this_thread(variant: Option<Variant>) {
    NOW.set(variant);
}

/// Whether this is broken now, in this thread.
#[cfg(feature = "broken")]
#[must_use]
pub fn broken(variant: Variant) -> bool {
    NOW.get() == Some(variant)
}

/// Nothing is broken in what is released.
#[cfg(not(feature = "broken"))]
#[must_use]
pub const fn broken(_variant: Variant) -> bool {
    false
}
