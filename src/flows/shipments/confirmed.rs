//! The plan for a shipment that the warehouse confirmed.

use jiff::Timestamp;

use super::contents::{assign, contents, fingerprint};
use super::{ShipmentLook, is_posted, is_voided, posting_of, settled, tracking};
use crate::failure::{Code, Failure};
use crate::flows::answer::{Call, Decision, Done, Emit, KnownDocument, Planned, Repeat};
use crate::flows::history::{History, postings};
use crate::flows::keys;
use crate::flows::ledger::{CreatedOrder, Ledger, PackageTracking, PostedLine, PostedUpdate, kept};
use crate::flows::meant::order_meant;
use crate::flows::periods::{self, Moved};
use crate::flows::reading::Reading;
use crate::flows::words;
use crate::gateways::Direction;
use crate::mapping::{At, Mapping};
use crate::message::{Envelope, ShipmentConfirmed};
use crate::rehearsal::{Variant, broken};

pub(super) fn plan(
    (message, body): (&Envelope, &ShipmentConfirmed),
    look: &ShipmentLook,
    mapping: &Mapping,
    ledger: &Ledger,
) -> Decision {
    let (warehouse, shipment) = (&message.connection, &body.shipment_key);
    if is_voided(ledger, warehouse, shipment) {
        return Decision::NotOurs(format!("{warehouse} voided the shipment {shipment} before; nothing is posted."));
    }
    let history = History::of(ledger);
    let order = match order_meant(message, &body.order, &look.environment, &history, None) {
        Ok(sent) => &sent.created,
        Err(decision) => return *decision,
    };
    let confirmed = Confirmed { message, body, look, ledger, order };
    if let Some(posted) = posting_of(ledger, warehouse, shipment) {
        return confirmed.again(&posted);
    }
    if order.moved_before_us(confirmed.moved_at()) {
        let (at, reference) = (confirmed.moved_at(), &order.reference);
        return Decision::NotOurs(format!(
            "{shipment} of {reference} left at {at}, before go-live: it was posted by others."
        ));
    }
    if contents(body).next().is_none() {
        return confirmed.without_contents();
    }
    let (environment, legal_entity) = (&look.environment, Some(&order.legal_entity));
    let reading =
        Reading::new(mapping.at(At { environment, legal_entity, connection: warehouse }), Code::ShipmentUnitDiffers);
    match assign(body, order, &postings(ledger), &reading) {
        Ok(lines) => {
            let moved = Moved { at: confirmed.moved_at(), environment, legal_entity: &order.legal_entity };
            let posts = || Decision::Act(vec![confirmed.post(lines, reading.version())]);
            periods::waits(&look.calendar, &moved).unwrap_or_else(posts)
        }
        Err(failure) => Decision::Fail(failure),
    }
}

/// A confirmed shipment of an order that we know.
struct Confirmed<'a> {
    message: &'a Envelope,
    body: &'a ShipmentConfirmed,
    look: &'a ShipmentLook,
    ledger: &'a Ledger,
    order: &'a CreatedOrder,
}

impl Confirmed<'_> {
    fn post(&self, lines: Vec<PostedLine>, mapping: Option<u64>) -> Planned {
        let (environment, warehouse) = (&self.look.environment, &self.message.connection);
        let shipment = self.body.shipment_key.as_str();
        let update_id = keys::update_id(environment, warehouse, shipment);
        let posted = PostedUpdate {
            direction: Direction::Outbound,
            shipment_key: shipment.to_owned(),
            warehouse: warehouse.clone(),
            sequence: self.sequence(),
            digest: fingerprint(self.body, self.order),
            packing_slip: keys::packing_slip(&update_id, shipment),
            update_id,
            reference: self.order.reference.clone(),
            legal_entity: self.order.legal_entity.clone(),
            origin_id: self.order.origin_id.clone(),
            moved_at: self.moved_at(),
            lines,
            packages: self.body.packages.iter().map(|package| package.package_key.to_string()).collect(),
            reported: None,
            fact: None,
            mapping,
        };
        Planned {
            key: keys::post_shipment(environment, warehouse, shipment),
            act: "post_shipment",
            connection: environment.clone(),
            class: Repeat::Absorbs,
            call: Call::PostShipment(posted.update()),
            facts: kept(&posted),
        }
    }

    fn moved_at(&self) -> Timestamp {
        self.body.shipped_at.unwrap_or(self.message.occurred.at)
    }

    /// The shipment is handed over: by this very message just now, or before. Both leave the same behind, so that a
    /// crash in between loses nothing.
    fn again(&self, posted: &PostedUpdate) -> Decision {
        let (warehouse, shipment) = (&self.message.connection, &self.body.shipment_key);
        if posted.digest == fingerprint(self.body, self.order) {
            return Decision::Done(self.handed_over(posted));
        }
        let overtaken = matches!((self.sequence(), posted.sequence), (Some(now), Some(then)) if now < then);
        if overtaken && broken(Variant::SmallerTotalReverses) {
            return self.reversed(posted);
        }
        if overtaken {
            return Decision::NotOurs(format!("A later correction of the shipment {shipment} was posted before."));
        }
        let (reference, slip) = (&posted.reference, &posted.packing_slip);
        Decision::Fail(Failure::new(
            Code::ShipmentDiffers,
            format!(
                "{warehouse} reports the shipment {shipment} of {reference} again with other contents, after it was posted \
                 as packing slip {slip}. Ask {warehouse} what left; correct the packing slip in Dynamics if need be, then \
                 discard this."
            ),
        ))
    }

    /// [`Variant::SmallerTotalReverses`]: the difference is posted, as if it had gone out again.
    fn reversed(&self, posted: &PostedUpdate) -> Decision {
        let mut reversal = posted.clone();
        reversal.update_id = keys::update_id(&self.look.environment, &self.message.connection, &posted.update_id);
        reversal.digest = fingerprint(self.body, self.order);
        let planned = Planned {
            key: format!("{}/reversed", posted.update_id),
            act: "reverse_shipment",
            connection: self.look.environment.clone(),
            class: Repeat::Absorbs,
            call: Call::PostShipment(reversal.update()),
            facts: kept(&reversal),
        };
        if self.ledger.has(&planned.key) { Decision::Done(Done::default()) } else { Decision::Act(vec![planned]) }
    }

    fn handed_over(&self, posted: &PostedUpdate) -> Done {
        let warehouse = self.message.connection.to_string();
        let said = tracking::said(self.message, self.body);
        let news: Vec<_> = said.iter().filter(|said| !self.ledger.has(&keys::tracking("tracking", said))).collect();
        let line = |line: &PostedLine| format!("{} {} of line {}", line.moved.normalize(), line.unit, line.line_id);
        let lines: Vec<_> = posted.lines.iter().map(line).collect();
        let shipped = format!("Shipped {} as {}.", lines.join(", "), posted.shipment_key);
        let mut steps = vec![(warehouse.clone(), shipped)];
        let mapped = posted.mapping.map(|version| format!("Read in Dynamics' words by mapping version {version}."));
        steps.extend(mapped.map(|step| ("drayline".to_owned(), step)));
        steps.extend(said.iter().map(|said| (warehouse.clone(), tracking::told(said))));
        steps.extend(self.shorts());
        let handed = format!("Was handed packing slip {} (update {}) to post.", posted.packing_slip, posted.update_id);
        steps.push(("dynamics".to_owned(), handed));
        let day = self.look.calendar.posting_day(posted.moved_at, &posted.legal_entity);
        steps.extend(day.told().map(|what| ("dynamics".to_owned(), what)));
        Done {
            facts: news.iter().map(|said| tracking::fact(said)).collect(),
            emits: self.follow_up(posted, !news.is_empty()).into_iter().collect(),
            documents: self.documents(posted, &said),
            steps,
            ..Done::default()
        }
    }

    /// What follows: looking whether Dynamics posted it, or, where it has, writing tracking that is new.
    fn follow_up(&self, posted: &PostedUpdate, new_tracking: bool) -> Option<Emit> {
        match (is_posted(self.ledger, &posted.update_id), new_tracking && self.look.writes_tracking) {
            (false, _) => settled::poll(posted, 0),
            (true, true) => tracking::write_what_is_known(self.message, posted),
            (true, false) => None,
        }
    }

    fn documents(&self, posted: &PostedUpdate, said: &[PackageTracking]) -> Vec<KnownDocument> {
        let mut names = vec![
            ("shipment".to_owned(), posted.shipment_key.clone()),
            ("packing_slip".to_owned(), posted.packing_slip.clone()),
        ];
        names.extend(said.iter().map(|said| ("tracking_number".to_owned(), said.tracking_number.clone())));
        let shipment = keys::shipment_name(&self.message.connection, &posted.shipment_key);
        vec![
            KnownDocument { key: self.message.ordering_key.to_string(), kind: "order", names },
            KnownDocument { key: shipment, kind: "shipment", names: Vec::new() },
        ]
    }

    fn shorts(&self) -> impl Iterator<Item = (String, String)> {
        self.body.shorts.iter().map(|short| {
            let reason =
                short.reason.as_ref().map(|reason| format!(" ({})", words::reason(reason))).unwrap_or_default();
            let what = format!("Will not ship {} of {}{reason}.", short.quantity.value.normalize(), short.item.sku);
            (self.message.connection.to_string(), what)
        })
    }

    /// A shipment that ships nothing says what will not come; without even that, nobody knows what left.
    fn without_contents(&self) -> Decision {
        let (warehouse, shipment, reference) =
            (&self.message.connection, &self.body.shipment_key, &self.order.reference);
        if self.body.shorts.is_empty() {
            let sentence = format!(
                "{warehouse} confirms the shipment {shipment} of {reference} and does not say what it holds. Ask them, and \
                 post it by hand in Dynamics."
            );
            return Decision::Fail(Failure::new(Code::ShipmentLineUnknown, sentence));
        }
        Decision::Done(Done { steps: self.shorts().collect(), ..Done::default() })
    }

    fn sequence(&self) -> Option<u64> {
        self.body.sequence.or(self.message.sequence)
    }
}
