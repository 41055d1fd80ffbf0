//! How the simulated warehouse behaves.

/// How the simulated warehouse behaves. Shares are from 0 to 1.
#[derive(Clone, Debug)]
pub struct WarehouseRules {
    /// The bearer token that calls must carry.
    pub token: String,
    /// How it signs its events: `whsec_…` of Standard Webhooks.
    pub signing_secret: String,
    /// From taking an order on until it says so, on average.
    pub accept_ms: u64,
    /// Then until picking starts, on average.
    pub pick_ms: u64,
    /// Then until a shipment leaves, on average.
    pub ship_ms: u64,
    /// Then until a tracking number that comes late comes, on average.
    pub track_ms: u64,
    /// Until a cancellation that is pending is decided, on average.
    pub cancel_ms: u64,
    /// From an announcement until the goods arrive, on average.
    pub arrive_ms: u64,
    /// Then until they are counted in part, and then to the end, on average.
    pub count_ms: u64,
    /// Lines of expected goods that come short.
    pub short_share: f64,
    /// Lines of ten and more that come over.
    pub over_share: f64,
    /// Lines of which something is damaged.
    pub damaged_share: f64,
    /// Lines that came short and are counted as whole at first.
    pub miscount_share: f64,
    /// Lines that come back of which the customer keeps a piece.
    pub kept_share: f64,
    /// Lines that come back of which a piece, or of few all, is worn and goes to quarantine.
    pub worn_share: f64,
    /// Lines that come back of which a piece, or of few all, is broken and thrown away.
    pub broken_share: f64,
    /// Whether returns go through all dispositions, one after another by the number at the end of their RMA; what chance finds is
    /// found beside it only where a line is restocked.
    pub dispositions_in_turn: bool,
    /// Orders that leave in two shipments.
    pub split_share: f64,
    /// Shipments of several lines that leave in two packages.
    pub packages_share: f64,
    /// Lines with lots that come from two lots.
    pub two_lots_share: f64,
    /// Packages whose tracking number comes late.
    pub late_tracking_share: f64,
    /// Orders that are rejected.
    pub rejection_share: f64,
    /// Cancellations that are decided later.
    pub pending_cancel_share: f64,
    /// Orders of which it changes nothing, however early.
    pub unchangeable_share: f64,
    /// Changes of orders of which it says that it will see; half of them it makes, and tells nobody.
    pub pending_change_share: f64,
    /// Cancellations of expected goods that it takes on and never decides.
    pub unanswered_cancel_share: f64,
    /// Orders about which it tells when picking starts.
    pub status_share: f64,
}

impl Default for WarehouseRules {
    fn default() -> Self {
        Self {
            token: "sandbox-token".to_owned(),
            signing_secret: "whsec_c2FuZGJveC1zYW5kYm94LXNhbmRib3gtc2FuZGJveC0=".to_owned(),
            accept_ms: 100,
            pick_ms: 300,
            ship_ms: 300,
            track_ms: 500,
            cancel_ms: 300,
            arrive_ms: 200,
            count_ms: 300,
            short_share: 0.15,
            over_share: 0.15,
            damaged_share: 0.15,
            miscount_share: 0.5,
            kept_share: 0.1,
            worn_share: 0.25,
            broken_share: 0.15,
            dispositions_in_turn: false,
            split_share: 0.3,
            packages_share: 0.3,
            two_lots_share: 0.3,
            late_tracking_share: 0.2,
            rejection_share: 0.0,
            pending_cancel_share: 0.0,
            unchangeable_share: 0.0,
            pending_change_share: 0.0,
            unanswered_cancel_share: 0.0,
            status_share: 0.25,
        }
    }
}
