//! Which order a body names.

use super::{Body, OrderRefs};

impl Body {
    /// What names an order, an inbound order or the order that came back.
    #[must_use]
    pub fn order(&self) -> Option<&OrderRefs> {
        match self {
            Self::OrderAccepted(body) => Some(&body.order),
            Self::OrderRejected(body) => Some(&body.order),
            Self::OrderStatusChanged(body) => Some(&body.order),
            Self::OrderCancelResolved(body) => Some(&body.order),
            Self::ShipmentConfirmed(body) => Some(&body.order),
            Self::TrackingUpdated(body) => Some(&body.order),
            Self::ShipmentVoided(body) => Some(&body.order),
            Self::GoodsReceived(body) => Some(&body.inbound_order),
            Self::ReturnStatusChanged(body) => body.order.as_ref(),
            Self::ReturnReceived(body) => body.order.as_ref(),
            _ => None,
        }
    }

    /// The same of an outbound order, to name it otherwise.
    pub fn order_mut(&mut self) -> Option<&mut OrderRefs> {
        match self {
            Self::OrderAccepted(body) => Some(&mut body.order),
            Self::OrderRejected(body) => Some(&mut body.order),
            Self::OrderStatusChanged(body) => Some(&mut body.order),
            Self::OrderCancelResolved(body) => Some(&mut body.order),
            Self::ShipmentConfirmed(body) => Some(&mut body.order),
            Self::TrackingUpdated(body) => Some(&mut body.order),
            Self::ShipmentVoided(body) => Some(&mut body.order),
            _ => None,
        }
    }

    /// Names no line of its order any more: the items tell which are meant.
    pub fn forget_lines(&mut self) {
        match self {
            Self::OrderRejected(body) => body.lines.iter_mut().for_each(|line| line.line = None),
            Self::ShipmentConfirmed(body) => {
                let packed = body.packages.iter_mut().flat_map(|package| &mut package.contents);
                packed.chain(&mut body.unpacked_lines).for_each(|content| content.line = None);
                body.shorts.iter_mut().for_each(|short| short.line = None);
            }
            Self::GoodsReceived(body) => body.lines.iter_mut().for_each(|line| line.line = None),
            Self::ReturnReceived(body) => body.lines.iter_mut().for_each(|line| line.line = None),
            _ => {}
        }
    }
}
