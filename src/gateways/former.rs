//! What the integration before us called its documents at warehouses.

use jiff::Timestamp;

use super::Dynamics;
use super::documents::{Direction, ReleasedOrder};
use crate::config::filled;

impl Dynamics {
    /// Documents released before are never sent.
    #[must_use]
    pub fn go_live(&self) -> Option<Timestamp> {
        self.go_live
    }

    /// Whether orders from before are looked up at their warehouses.
    #[must_use]
    pub fn adopts_orders(&self) -> bool {
        self.go_live.is_some() && !self.adoption.outbound_reference.is_empty()
    }

    /// Where the first scan of requests begins: before go-live, where documents from before it are to be found.
    #[must_use]
    pub fn scans_since(&self) -> Option<Timestamp> {
        self.adoption.since.or(self.go_live)
    }

    /// What the former integration called a document; the word of the pattern that the document lacks. Nothing where no pattern
    /// is configured.
    #[must_use]
    pub fn former_reference(&self, released: &ReleasedOrder) -> Option<Result<String, String>> {
        let pattern = match released.direction {
            Direction::Outbound => &self.adoption.outbound_reference,
            Direction::Inbound => &self.adoption.inbound_reference,
            // No former integration is known to have announced returns.
            Direction::Returned => return None,
        };
        let value = |word: &str| match word {
            "legal_entity" => Some(released.legal_entity.to_string()),
            "request" => Some(released.request_id.to_string()),
            "order_number" => released.order_number.clone(),
            "purchase_order" => released.purchase_order.clone(),
            _ => None,
        };
        (!pattern.is_empty()).then(|| filled(pattern, value))
    }
}
