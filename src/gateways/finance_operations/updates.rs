//! Posts what shipped, and what was received: header, lines, lots and serials, then the step that hands it over.
//!
//! ```text
//! header ─► every line ─► its lots and serials ─► handed over ─► (Dynamics processes it in its own time)
//! ```
//!
//! Ids are made of business facts, so what is there is found first, all at once: a repeat changes nothing, what was
//! written half is completed, and every attempt gets further than the one before. All rows of all parts are there before
//! the first part is handed over; once a part is, nothing of it is written any more.
//!
//! Where the environment takes changesets, all of this is tried as one, unseen: then either everything happens or
//! nothing does, and one that is there already is refused. Only what is refused is looked at, and goes row by row if a part
//! of it is there.

use std::sync::Arc;

use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;

use super::batch::{Changeset, PartCall};
use super::fields::{self as field, Names};
use super::odata::{ETAG, without_action};
use super::parts::{Part, PartLine, part_id, parts, together};
use super::released::FILTER_MAX;
use super::rows::Rows;
use super::together::{InTime, Said};
use super::{FinanceOperations, UpdateNames};
use crate::config::{Commit, DimensionRows};
use crate::gateways::documents::{Direction, ShipmentUpdate, UpdateRef, UpdateState};
use crate::gateways::enter;
use crate::gateways::error::{GatewayError, NotSent};
use crate::gateways::http::{Call, changing, reading};
use crate::gateways::json::{Members, Row};
use crate::gateways::pace::Pace;
use crate::message::LegalEntity;

/// Parts, and lines of a part, that are written side by side.
const AT_ONCE: usize = 4;

/// Parts of an update that are looked for.
const PARTS_MAX: usize = 10_000;

const POST: Call = changing("post_shipment");
const READ: Call = reading("read_update");

/// A part whose rows are all there, and its header's version.
struct Written<'a> {
    part: &'a Part<'a>,
    version: Option<String>,
}

/// The rows of a document's updates that were there before.
#[derive(Default)]
struct There {
    headers: Vec<Row>,
    lines: Vec<Row>,
    dimensions: Vec<Row>,
}

impl FinanceOperations {
    /// Writes and hands over all parts of an update, skipping what is there.
    pub(in crate::gateways) async fn post_shipment(&self, update: &ShipmentUpdate) -> Result<(), GatewayError> {
        let unwritable = |problem| GatewayError::Unwritable { call: POST.name, problem };
        let parts = parts(update, self.outbound.dimensions).map_err(unwritable)?;
        let mut refused = None;
        if self.together.changesets {
            match self.post_at_once(&parts).await {
                Err(error) if may_be_there(&error) => refused = Some(error),
                other => return other,
            }
        }
        let there = self.there(update, &parts).await?;
        if let Some(error) = refused.filter(|_| there.headers.is_empty()) {
            return Err(error);
        }
        // Gathered in a loop: what a closure makes of a borrowed part cannot be sent to another thread.
        let mut writing = Vec::with_capacity(parts.len());
        for part in &parts {
            writing.push(self.write_part(part, &there));
        }
        let writing = stream::iter(writing).buffered(AT_ONCE);
        let written: Vec<_> = writing.try_collect().await?;
        for part in written.into_iter().flatten() {
            self.hand_over(part).await?;
        }
        Ok(())
    }

    /// All parts of an update and the step that hands each over, in one changeset: all of it happens, or nothing.
    async fn post_at_once(&self, parts: &[Part<'_>]) -> Result<(), GatewayError> {
        let json = |members: &Members| serde_json::to_string(members).unwrap_or_default();
        let mut calls = Vec::new();
        for part in parts {
            let names = part.names();
            let mut post = |entity, members: &Members| {
                calls.push(PartCall::Post(self.odata.address(entity), json(members)));
            };
            post(names.updates, &part.header(self.posting_day(part)));
            for line in &part.lines {
                post(names.update_lines, &part.line(line));
                for dimension in line.dimensions {
                    post(names.update_dimensions, &part.dimension(line, dimension));
                }
            }
        }
        for part in parts {
            let row = part.rows(part.names().updates);
            calls.push(match self.outbound.commit {
                Commit::Status => PartCall::Patch(self.odata.row_address(&row), json(&received())),
                Commit::CompleteAction => {
                    let url = self.odata.action_address(&row, field::COMPLETE);
                    PartCall::Post(url, json(&Members::default()))
                }
            });
        }
        let entity = parts.first().map(|part| part.names().updates).unwrap_or_default();
        let asked = calls.len();
        let answered = self.odata.batch(POST, entity, &[Changeset { calls }]).await?;
        let done = self.odata.done(POST, entity, (asked, answered.into_iter().flatten().collect()));
        let acts = self.outbound.commit == Commit::CompleteAction;
        done.map_err(|error| if acts { without_action(error, field::COMPLETE) } else { error })
    }

    /// What Dynamics made of all parts of an update; asked together with others that are wanted at the same moment.
    pub(in crate::gateways) async fn update_state(
        self: &Arc<Self>,
        pace: &Arc<Pace>,
        update: &UpdateRef<'_>,
    ) -> Result<UpdateState, GatewayError> {
        let (direction, company) = (update.direction, update.legal_entity.clone());
        let wanted = UpdateNames { update_id: update.update_id.to_owned(), origin_id: update.origin_id.to_owned() };
        if self.together.documents_max <= 1 {
            let _place = enter(pace, "update_state").await?;
            let names = field::names(direction);
            let all = Rows::of(names.updates, &company).with(names.origin, update.origin_id);
            return Ok(self.state_of(&wanted, names, &self.odata.list(READ, &all).await?));
        }
        let (product, legal_entity) = (Arc::clone(self), company.clone());
        let work = move |updates: Vec<UpdateNames>, in_time: InTime| {
            let (product, legal_entity) = (Arc::clone(&product), legal_entity.clone());
            async move { product.states_together((direction, &legal_entity), &updates, &in_time).await }.boxed()
        };
        self.updated.ride(pace, (direction, company), (wanted, self.soon()), work).await
    }

    /// What Dynamics made of several updates, by one request.
    async fn states_together(
        &self,
        (direction, legal_entity): (Direction, &LegalEntity),
        updates: &[UpdateNames],
        in_time: &InTime,
    ) -> Vec<Said<UpdateState>> {
        let names = field::names(direction);
        let some: Vec<_> = updates.chunks(FILTER_MAX).collect();
        let query = |some: &&[UpdateNames]| {
            let origins = some.iter().map(|update| update.origin_id.as_str());
            Rows::of(names.updates, legal_entity).with_any(names.origin, origins)
        };
        let queries: Vec<_> = some.iter().map(query).collect();
        let found = if in_time.holds(0) {
            self.odata.lists(READ, &queries).await
        } else {
            Err(GatewayError::NotSent { call: READ.name, why: NotSent::Crowded })
        };
        let found = match found {
            Ok(found) => found,
            Err(error) => return updates.iter().map(|_| Err(error.clone())).collect(),
        };
        let mut said = Vec::with_capacity(updates.len());
        for (some, rows) in some.into_iter().zip(found) {
            said.extend(some.iter().map(|update| match &rows {
                Ok(rows) => Ok(self.state_of(update, names, rows)),
                Err(error) => Err(error.clone()),
            }));
        }
        said
    }

    /// What the rows say of an update.
    fn state_of(&self, update: &UpdateNames, names: &Names, rows: &[Row]) -> UpdateState {
        let find = |id: String| rows.iter().find(|row| is_of(row, names, &id));
        let there = (0..PARTS_MAX).map_while(|index| find(part_id(&update.update_id, index)));
        there.map(|row| self.state(row)).fold(UpdateState::Missing, together)
    }

    fn state(&self, row: &Row) -> UpdateState {
        let state = row.text(field::PROCESSING).ok().flatten().unwrap_or_default();
        let is = |states: &[String]| states.iter().any(|each| each.eq_ignore_ascii_case(&state));
        if is(&self.outbound.processed_states) {
            return UpdateState::Processed;
        }
        if is(&self.outbound.failed_states) {
            let words = row.text(&self.outbound.message_field).ok().flatten();
            return UpdateState::Failed(words.unwrap_or_else(|| format!("{state}, without a reason.")));
        }
        UpdateState::Pending(state)
    }

    /// What is there of the document's updates; lines, lots and serials only when one of these parts is.
    async fn there(&self, update: &ShipmentUpdate, parts: &[Part<'_>]) -> Result<There, GatewayError> {
        let names = field::names(update.direction);
        let of = |entity| Rows::of(entity, &update.legal_entity).with(names.origin, &update.origin_id);
        let headers = self.odata.list(READ, &of(names.updates)).await?;
        if !headers.iter().any(|row| parts.iter().any(|part| is_of(row, names, &part.id))) {
            return Ok(There::default());
        }
        let (lines, dimensions) = (of(names.update_lines), of(names.update_dimensions));
        let (lines, dimensions) = tokio::try_join!(self.odata.list(READ, &lines), self.odata.list(READ, &dimensions))?;
        Ok(There { headers, lines, dimensions })
    }

    fn posting_day(&self, part: &Part<'_>) -> Timestamp {
        self.day_of_posting(part.update.moved_at, &part.update.legal_entity)
    }

    /// Writes the rows of a part that are not there yet; nothing when it was handed over before.
    async fn write_part<'a>(&self, part: &'a Part<'a>, there: &There) -> Result<Option<Written<'a>>, GatewayError> {
        let names = part.names();
        let version = match there.headers.iter().find(|row| is_of(row, names, &part.id)) {
            Some(header) if !is_open(header) => return Ok(None),
            Some(header) => version(header),
            None => match self.odata.create(POST, names.updates, &part.header(self.posting_day(part))).await {
                Ok(version) => version,
                Err(error) if may_be_there(&error) => {
                    let header = self.odata.read(READ, &part.rows(names.updates)).await?.ok_or(error)?;
                    if !is_open(&header) {
                        return Ok(None);
                    }
                    version(&header)
                }
                Err(error) => return Err(error),
            },
        };
        let mut lines = Vec::with_capacity(part.lines.len());
        for line in &part.lines {
            lines.push(self.write_line(part, line, there));
        }
        let lines = stream::iter(lines);
        lines.buffer_unordered(AT_ONCE).try_collect::<()>().await?;
        Ok(Some(Written { part, version }))
    }

    /// The line first: its lots and serials hang on it.
    async fn write_line(&self, part: &Part<'_>, line: &PartLine<'_>, there: &There) -> Result<(), GatewayError> {
        let names = part.names();
        self.write_row(part, (names.update_lines, line.number), &part.line(line), &there.lines).await?;
        for dimension in line.dimensions {
            let place = (names.update_dimensions, line.number);
            self.write_row(part, place, &part.dimension(line, dimension), &there.dimensions).await?;
        }
        Ok(())
    }

    /// Writes a row unless it is there; corrects it where it says something else.
    async fn write_row(
        &self,
        part: &Part<'_>,
        (entity, line): (&'static str, i64),
        members: &Members,
        there: &[Row],
    ) -> Result<(), GatewayError> {
        let row = part.rows(entity).with_number(field::LINE, line);
        let said = |rows: &[Row]| rows.iter().any(|held| held.says(members));
        if said(there) {
            return Ok(());
        }
        let names = part.names();
        let several = entity == names.update_dimensions && self.outbound.dimensions == DimensionRows::SeveralPerLine;
        let same_key =
            |held: &Row| is_of(held, names, &part.id) && held.integer(field::LINE).ok().flatten() == Some(line);
        if !several && there.iter().any(same_key) {
            return self.odata.change(POST, &row, members, None).await;
        }
        let error = match self.odata.create(POST, entity, members).await {
            Err(error) if may_be_there(&error) => error,
            other => return other.map(|_| ()),
        };
        let held = self.odata.list(READ, &row).await?;
        if said(&held) {
            return Ok(());
        }
        if several || held.is_empty() { Err(error) } else { self.odata.change(POST, &row, members, None).await }
    }

    /// The step after which Dynamics processes the part. A header that changed meanwhile is looked at once more.
    async fn hand_over(&self, written: Written<'_>) -> Result<(), GatewayError> {
        let row = written.part.rows(written.part.names().updates);
        let received = received();
        let mut tag = written.version;
        let mut again = true;
        loop {
            let done = match self.outbound.commit {
                Commit::Status => self.odata.change(POST, &row, &received, tag.as_deref()).await,
                Commit::CompleteAction => self.odata.act(POST, &row, field::COMPLETE).await,
            };
            let error = match done {
                Err(error) if may_be_there(&error) => error,
                other => return other,
            };
            match self.odata.read(READ, &row).await? {
                Some(header) if !is_open(&header) => return Ok(()),
                Some(header) if again && matches!(error, GatewayError::Conflict { .. }) => {
                    tag = version(&header);
                    again = false;
                }
                Some(_) | None => return Err(error),
            }
        }
    }
}

fn received() -> Members {
    Members::default().text(field::PROCESSING, field::RECEIVED)
}

fn version(header: &Row) -> Option<String> {
    header.text(ETAG).ok().flatten()
}

/// Whether a row belongs to an update.
fn is_of(row: &Row, names: &Names, id: &str) -> bool {
    row.text(names.update).ok().flatten().is_some_and(|held| held.eq_ignore_ascii_case(id))
}

/// Whether a header still takes rows; afterwards Dynamics is at work on it.
fn is_open(header: &Row) -> bool {
    let state = header.text(field::PROCESSING).ok().flatten();
    state.is_none_or(|state| field::OPEN.iter().any(|open| open.eq_ignore_ascii_case(&state)))
}

/// Whether the refusal of a write may mean that it was written before. The words for that are translated, the statuses
/// differ; so it is looked up.
pub(super) fn may_be_there(error: &GatewayError) -> bool {
    match error {
        GatewayError::Conflict { .. } | GatewayError::Refused { .. } => true,
        GatewayError::Unanswered { status, .. } => status.is_some(),
        GatewayError::NotSent { .. }
        | GatewayError::Throttled { .. }
        | GatewayError::Unauthorised { .. }
        | GatewayError::Forbidden { .. }
        | GatewayError::NotFound { .. }
        | GatewayError::Short { .. }
        | GatewayError::EntityMissing { .. }
        | GatewayError::Unreadable { .. }
        | GatewayError::Unwritable { .. } => false,
    }
}
