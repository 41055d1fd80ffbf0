//! What a message is about, for people who look for everything of one item. Pure; it decides nothing.

use super::goods::Item;
use super::kind::Body;

impl Body {
    /// The items that it speaks of, line by line. Those messages that only name a document have none, and of a snapshot
    /// nobody looks for a line.
    #[must_use]
    pub fn items(&self) -> Vec<&Item> {
        match self {
            Self::OrderRejected(body) => body.lines.iter().map(|line| &line.item).collect(),
            Self::ShipmentConfirmed(body) => {
                let packed = body.packages.iter().flat_map(|package| &package.contents);
                let contents = packed.chain(&body.unpacked_lines).map(|content| &content.item);
                contents.chain(body.shorts.iter().map(|short| &short.item)).collect()
            }
            Self::GoodsReceived(body) => body.lines.iter().map(|line| &line.item).collect(),
            Self::StockAdjusted(body) => vec![&body.item],
            Self::ReturnRequested(body) => body.lines.iter().map(|line| &line.item).collect(),
            Self::ReturnReceived(body) => body.lines.iter().map(|line| &line.item).collect(),
            Self::OrderReleased(_)
            | Self::OrderChanged(_)
            | Self::OrderCancelled(_)
            | Self::OrderAccepted(_)
            | Self::OrderStatusChanged(_)
            | Self::OrderCancelResolved(_)
            | Self::TrackingUpdated(_)
            | Self::ShipmentVoided(_)
            | Self::ReceiptAnnounced(_)
            | Self::ReturnAuthorised(_)
            | Self::ReturnStatusChanged(_)
            | Self::StockSnapshotTaken(_)
            | Self::ItemChanged(_)
            | Self::PostingSettled(_)
            | Self::Unreadable(_) => Vec::new(),
        }
    }
}
