//! What people see of a receipt on its document's journey.

use super::received::Received;
use crate::flows::ledger::{PostedDimension, PostedLine, PostedUpdate};
use crate::message::ReceiptStateCode;

impl Received<'_> {
    pub(super) fn steps(&self, own: &[&PostedUpdate]) -> Vec<(String, String)> {
        let warehouse = self.report.warehouse.to_string();
        let mut steps = Vec::new();
        if self.message.found_its_order() {
            let order = &self.body.inbound_order;
            let number =
                order.order_number.as_ref().or(order.purchase_order.as_ref()).or(order.external_order_id.as_ref());
            let number = number.map(|number| format!(" ({number})")).unwrap_or_default();
            let named =
                format!("The warehouse named the order of {} by its number alone{number}.", self.report.receipt);
            steps.push(("drayline".to_owned(), named));
        }
        for posted in own {
            let told: Vec<_> = posted.lines.iter().map(told).collect();
            steps.push((warehouse.clone(), format!("Received {} as {}.", told.join(", "), posted.shipment_key)));
            let mapped = posted.mapping.map(|version| format!("Read in Dynamics' words by mapping version {version}."));
            steps.extend(mapped.map(|step| ("drayline".to_owned(), step)));
            let handed = format!("Was handed receipt {} (update {}) to post.", posted.packing_slip, posted.update_id);
            steps.push(("dynamics".to_owned(), handed));
            let day = self.look.calendar.posting_day(posted.moved_at, &posted.legal_entity);
            steps.extend(day.told().map(|what| ("dynamics".to_owned(), what)));
        }
        let complete_before =
            self.report.counted().any(|counted| counted.is_final && counted.reported != self.report.reported);
        if complete_before && !own.is_empty() {
            steps.push((warehouse.clone(), format!("Counted on after {} was complete.", self.report.receipt)));
        }
        if self.is_final() {
            steps.push((warehouse.clone(), format!("Has counted all of {}.", self.report.receipt)));
            steps.extend(self.shorts().map(|short| (warehouse.clone(), short.to_string())));
        }
        steps.extend(self.found().map(|found| (warehouse.clone(), found)));
        if self.body.state.code == ReceiptStateCode::Cancelled {
            steps.push((warehouse, format!("Cancelled the receipt {}.", self.report.receipt)));
        }
        steps
    }
}

impl Received<'_> {
    /// What the warehouse found out about pieces that came back: its words, and where its pictures are.
    fn found(&self) -> impl Iterator<Item = String> {
        let lines = self.came_back.iter().flat_map(|came_back| &came_back.body.lines);
        let pieces = lines.flat_map(|line| line.dispositions.iter().map(|piece| (&line.item.sku, piece)));
        pieces.filter_map(|(sku, piece)| {
            let words = piece.note.iter().cloned().chain((!piece.images.is_empty()).then(|| piece.images.join(" ")));
            let words: Vec<_> = words.collect();
            (!words.is_empty()).then(|| format!("Found of {} of {sku}: {}", piece.quantity.value, words.join(" ")))
        })
    }
}

/// A posted line as people read it.
fn told(line: &PostedLine) -> String {
    let piece = |piece: &PostedDimension| {
        let words = [
            piece.lot.as_ref().map(|lot| format!("lot {lot}")),
            piece.serial.as_ref().map(|serial| format!("serial {serial}")),
            piece.status.clone(),
            piece.disposition.clone(),
        ];
        let words: Vec<_> = words.into_iter().flatten().collect();
        let apart = if words.is_empty() { "sound".to_owned() } else { words.join(" ") };
        format!("{} {apart}", piece.quantity.normalize())
    };
    let apart: Vec<_> = line.dimensions.iter().map(piece).collect();
    let apart = if apart.is_empty() { String::new() } else { format!(" ({})", apart.join(", ")) };
    format!("{} {} of line {}{apart}", line.moved.normalize(), line.unit, line.line_id)
}
