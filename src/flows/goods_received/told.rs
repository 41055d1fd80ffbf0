//! What people see of a receipt on its document's journey.

use rust_decimal::Decimal;

use super::received::Received;
use crate::flows::history::moved;
use crate::flows::ledger::{OrderedLine, PostedDimension, PostedLine, PostedUpdate};
use crate::message::ReceiptStateCode;

impl Received<'_> {
    pub(super) fn steps(&self, own: &[&PostedUpdate]) -> Vec<(String, String)> {
        let warehouse = self.report.warehouse.to_string();
        let mut steps = Vec::new();
        for posted in own {
            let told: Vec<_> = posted.lines.iter().map(told).collect();
            steps.push((warehouse.clone(), format!("Received {} as {}.", told.join(", "), posted.shipment_key)));
            let mapped = posted.mapping.map(|version| format!("Read in Dynamics' words by mapping version {version}."));
            steps.extend(mapped.map(|step| ("drayline".to_owned(), step)));
            let handed = format!("Was handed receipt {} (update {}) to post.", posted.packing_slip, posted.update_id);
            steps.push(("dynamics".to_owned(), handed));
        }
        let complete_before =
            self.report.counted().any(|counted| counted.is_final && counted.reported != self.report.reported);
        if complete_before && !own.is_empty() {
            steps.push((warehouse.clone(), format!("Counted on after {} was complete.", self.report.receipt)));
        }
        if self.is_final() {
            steps.push((warehouse.clone(), format!("Has counted all of {}.", self.report.receipt)));
            steps.extend(self.lines.iter().filter_map(|line| Some((warehouse.clone(), self.short(line)?))));
        }
        if self.body.state.code == ReceiptStateCode::Cancelled {
            steps.push((warehouse, format!("Cancelled the receipt {}.", self.report.receipt)));
        }
        steps
    }

    /// What is missing of a line when no more will come.
    fn short(&self, line: &OrderedLine) -> Option<String> {
        let total = moved(self.report.postings, &line.line_id);
        let missing = line.quantity - total;
        let tolerated = line.quantity * line.under_percent / Decimal::ONE_HUNDRED;
        let beyond = if missing > tolerated { "beyond" } else { "within" };
        let OrderedLine { line_id, sku, quantity, unit, .. } = line;
        let (missing, quantity) = (missing.normalize(), quantity.normalize());
        let what = format!(
            "Short: {missing} of {quantity} {unit} of line {line_id} ({sku}) did not come, {beyond} its tolerance."
        );
        missing.is_sign_positive().then_some(what).filter(|_| !missing.is_zero())
    }
}

/// A posted line as people read it.
fn told(line: &PostedLine) -> String {
    let piece = |piece: &PostedDimension| {
        let words = [
            piece.lot.as_ref().map(|lot| format!("lot {lot}")),
            piece.serial.as_ref().map(|serial| format!("serial {serial}")),
            piece.status.clone().or_else(|| piece.disposition.clone()),
        ];
        let words: Vec<_> = words.into_iter().flatten().collect();
        let apart = if words.is_empty() { "sound".to_owned() } else { words.join(" ") };
        format!("{} {apart}", piece.quantity.normalize())
    };
    let apart: Vec<_> = line.dimensions.iter().map(piece).collect();
    let apart = if apart.is_empty() { String::new() } else { format!(" ({})", apart.join(", ")) };
    format!("{} {} of line {}{apart}", line.moved.normalize(), line.unit, line.line_id)
}
