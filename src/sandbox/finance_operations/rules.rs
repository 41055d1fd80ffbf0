//! How the simulated Finance & Operations behaves.

use super::relayed::EventShapes;
use crate::sandbox::catalogue::STOCK_AT_FIRST;

/// How the simulated Finance & Operations behaves.
#[derive(Clone, Debug)]
pub struct FinanceOperationsRules {
    /// The registered application.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// How long a token is good.
    pub token_s: u64,
    /// The company that is meant when a call names none.
    pub company: String,
    /// The warehouse that orders are released to.
    pub warehouse: String,
    /// Rows in one page; then `@odata.nextLink`.
    pub page_rows: usize,
    /// How long an update waits until it is processed, on average.
    pub process_ms: u64,
    /// The share of lines (0 to 1) whose items are held in lots.
    pub lots_share: f64,
    /// The share of lines (0 to 1) whose items are held piece by piece.
    pub serials_share: f64,
    /// The share of lines (0 to 1) whose items are weighed, in fractions.
    pub weighed_share: f64,
    /// The share of lines with lots (0 to 1) that demand a certain lot.
    pub demanded_share: f64,
    /// How much less than ordered lines of expected goods tolerate, in percent.
    pub under_percent: u32,
    /// How much more than ordered all items tolerate, in percent, where no line says it; nothing: every line says its own.
    pub items_tolerate_percent: Option<u32>,
    /// The entity that holds tracking numbers: the customer's own.
    pub tracking_entity: String,
    /// Its key; parts that a row does not have are empty.
    pub tracking_keys: Vec<String>,
    /// Whether one line of an update takes several lots and serials. The documented key has no part for them; who keeps
    /// to it writes one update for each.
    pub several_dimensions_per_line: bool,
    /// What there is of every item and lot at first, where it is available, for whoever must not take more than that.
    /// What `/sandbox/state` shows counts from 1,000,000 whatever this says.
    pub stock_at_first: i64,
    /// Whether an adjustment is refused that would leave less than nothing.
    pub negative_stock_refused: bool,
    /// How long a journal waits until the job of the house posts it; 0: there is no such job.
    pub journals_posted_after_ms: u64,
    /// The member of an update with Dynamics' words about it.
    pub message_field: String,
    /// The event of a released order.
    pub released_event: String,
    /// The event of a changed order, from the customer's own catalog.
    pub changed_event: String,
    /// The event of a cancelled order, from the customer's own catalog.
    pub cancelled_event: String,
    /// The event of an update that was processed or refused.
    pub settled_event: String,
    /// The event of goods that are expected, or expected otherwise than before.
    pub expected_event: String,
    /// The event of an inbound update that was processed or refused.
    pub received_event: String,
    /// The event of a return order, from the customer's own catalog; nothing: only a scan finds it.
    pub return_event: String,
    /// From the posting of what came back until it is credited.
    pub credit_ms: u64,
    /// Entities and actions that its version does not have.
    pub lacks: Vec<String>,
    /// In which shapes all of them are posted.
    pub event_shapes: EventShapes,
}

impl Default for FinanceOperationsRules {
    fn default() -> Self {
        let keys = ["dataAreaId", "PackingSlipNumber", "TrackingNumber"];
        Self {
            client_id: "drayline".to_owned(),
            client_secret: "sandbox-secret".to_owned(),
            token_s: 3600,
            company: "usmf".to_owned(),
            warehouse: "24".to_owned(),
            page_rows: 10_000,
            process_ms: 200,
            lots_share: 0.25,
            serials_share: 0.15,
            weighed_share: 0.2,
            demanded_share: 0.3,
            under_percent: 100,
            items_tolerate_percent: None,
            tracking_entity: "SalesPackingSlipTrackingInformations".to_owned(),
            tracking_keys: keys.map(str::to_owned).to_vec(),
            several_dimensions_per_line: false,
            stock_at_first: STOCK_AT_FIRST,
            negative_stock_refused: false,
            journals_posted_after_ms: 300,
            message_field: "ProcessingMessage".to_owned(),
            released_event: "WHSEWOutboundShipmentOrderRequestCreatedBusinessEvent".to_owned(),
            changed_event: "DraylineOrderChangedBusinessEvent".to_owned(),
            cancelled_event: "DraylineOrderCancelledBusinessEvent".to_owned(),
            settled_event: "WHSEWOutboundShipmentOrderUpdateChangedStatusBusinessEvent".to_owned(),
            expected_event: "WHSEWInboundShipmentOrderRequestCreatedBusinessEvent".to_owned(),
            received_event: "WHSEWInboundShipmentOrderUpdateChangedStatusBusinessEvent".to_owned(),
            return_event: String::new(),
            credit_ms: 200,
            lacks: Vec::new(),
            event_shapes: EventShapes::Direct,
        }
    }
}
