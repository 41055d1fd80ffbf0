//! What attempts leave behind: one statement, one commit.

use std::collections::HashMap;

use sqlx::Postgres;
use sqlx::postgres::PgArguments;
use sqlx::query::QueryAs;

use super::{Postgresql, column};
use crate::store::StoreError;
use crate::store::batch::Batch;
use crate::store::parts::{Fault, Parts};
use crate::store::rows::{Record, Written};

const RECORD: &str = include_str!("record.sql");

type Statement<'q> = QueryAs<'q, Postgres, (i64,), PgArguments>;

impl Postgresql {
    pub(crate) async fn record(&self, records: &[Record]) -> Result<Vec<Written>, StoreError> {
        let mut parts = Parts::of(records, self.statement_bytes_max);
        while let Some(part) = parts.next() {
            let written = self.write(&Batch::of(part.iter().map(|number| &records[*number]))).await;
            parts.answered(part, written)?;
        }
        Ok(parts.answers())
    }

    async fn write(&self, batch: &Batch<'_>) -> Result<Vec<i64>, Fault> {
        // In the order of the statement's numbers.
        let statement = bind_records(sqlx::query_as(RECORD), batch);
        let statement = bind_parked(statement, batch);
        let statement = bind_effects(statement, batch);
        let statement = bind_outbox(statement, batch);
        let statement = bind_documents(statement, batch);
        let statement = bind_journey(statement, batch).bind(column(&batch.parked, |row| i64::from(row.parked.asked)));
        let statement = bind_progress(bind_snapshots(statement, batch), batch);
        let statement = bind_attempts(statement.bind(column(&batch.parked, |row| row.fingerprint.as_deref())), batch);
        let (name, block) = batch.block.as_ref().map(|(name, block)| (*name, block.as_slice())).unzip();
        let statement =
            statement.bind(column(&batch.records, |row| name.filter(|_| row.is_kept))).bind(name).bind(block);
        let open_since = |at: Option<jiff::Timestamp>| at.map(jiff::Timestamp::as_microsecond);
        let statement = statement.bind(column(&batch.progress, |(_, row)| open_since(row.open_since)));
        let written = self.rows("recording what attempts left behind", statement).await?;
        Ok(written.into_iter().map(|(record,)| record).collect())
    }
}

/// 1 to 6.
fn bind_records<'q>(statement: Statement<'q>, batch: &'q Batch<'_>) -> Statement<'q> {
    let (claims, rows) = (batch.claims(), &batch.records);
    let numbers: HashMap<_, _> = claims.iter().zip(1_i64..).collect();
    let numbers = column(rows, |row| numbers.get(&row.owner).copied().unwrap_or_default());
    statement
        .bind(column(&claims, |owner| owner.flow.as_str()))
        .bind(column(&claims, |owner| i64::from(owner.partition)))
        .bind(column(&claims, |owner| owner.epoch))
        .bind(numbers)
        .bind(column(rows, |row| row.message_id))
        .bind(column(rows, |row| row.ending))
}

/// 7 to 28.
fn bind_parked<'q>(statement: Statement<'q>, batch: &'q Batch<'_>) -> Statement<'q> {
    let rows = &batch.parked;
    statement
        .bind(column(rows, |row| row.record))
        .bind(column(rows, |row| row.lane_key.as_ref()))
        .bind(column(rows, |row| row.ordering_key.as_ref()))
        .bind(column(rows, |row| row.kind.as_ref()))
        .bind(column(rows, |row| row.connection.as_ref()))
        .bind(column(rows, |row| row.parked.bytes.as_slice()))
        .bind(column(rows, |row| row.place))
        .bind(column(rows, |row| row.anchor))
        .bind(column(rows, |row| row.nth))
        .bind(column(rows, |row| row.waits_for))
        .bind(column(rows, |row| row.delay))
        .bind(column(rows, |row| row.awaited.as_deref()))
        .bind(column(rows, |row| row.passes))
        .bind(column(rows, |row| i64::from(row.parked.attempts)))
        .bind(column(rows, |row| i64::from(row.parked.parkings)))
        .bind(column(rows, |row| i64::from(row.parked.revision)))
        .bind(column(rows, |row| row.failure.code.as_deref()))
        .bind(column(rows, |row| row.failure.sentence.as_deref()))
        .bind(column(rows, |row| row.failure.detail.as_deref()))
        .bind(column(rows, |row| row.unsure.as_str()))
        .bind(column(rows, |row| row.parked.deadline_at.map(jiff::Timestamp::as_microsecond)))
        .bind(column(rows, |row| row.asked_by.as_deref()))
}

/// 29 to 35.
fn bind_effects<'q>(statement: Statement<'q>, batch: &'q Batch<'_>) -> Statement<'q> {
    let rows = &batch.effects;
    statement
        .bind(column(rows, |row| row.record))
        .bind(column(rows, |row| row.key.as_ref()))
        .bind(column(rows, |row| row.document.as_ref()))
        .bind(column(rows, |row| row.act.as_ref()))
        .bind(column(rows, |row| row.connection.as_ref()))
        .bind(column(rows, |row| row.message_id))
        .bind(column(rows, |row| row.facts.as_str()))
}

/// 36 to 47.
fn bind_outbox<'q>(statement: Statement<'q>, batch: &'q Batch<'_>) -> Statement<'q> {
    let rows = &batch.outbox;
    statement
        .bind(column(rows, |row| row.record))
        .bind(column(rows, |row| row.row.flow.as_str()))
        .bind(column(rows, |row| row.purpose))
        .bind(column(rows, |row| row.ordering_key.as_ref()))
        .bind(column(rows, |row| row.row.message_id))
        .bind(column(rows, |row| row.kind.as_ref()))
        .bind(column(rows, |row| row.traceparent.as_deref()))
        .bind(column(rows, |row| row.row.bytes.as_slice()))
        .bind(column(rows, |row| row.failure.code.as_deref()))
        .bind(column(rows, |row| row.failure.sentence.as_deref()))
        .bind(column(rows, |row| row.failure.detail.as_deref()))
        .bind(column(rows, |row| row.parking))
}

/// 48 to 55.
fn bind_documents<'q>(statement: Statement<'q>, batch: &'q Batch<'_>) -> Statement<'q> {
    let (documents, names) = (&batch.documents, &batch.names);
    statement
        .bind(column(documents, |row| row.record))
        .bind(column(documents, |row| row.key.as_ref()))
        .bind(column(documents, |row| row.kind.as_ref()))
        .bind(column(documents, |row| row.legal_entity.as_deref()))
        .bind(column(names, |row| row.record))
        .bind(column(names, |row| row.name.as_ref()))
        .bind(column(names, |row| row.label.as_ref()))
        .bind(column(names, |row| row.document.as_ref()))
}

/// 56 to 66.
fn bind_journey<'q>(statement: Statement<'q>, batch: &'q Batch<'_>) -> Statement<'q> {
    let (steps, done) = (&batch.steps, &batch.done);
    statement
        .bind(column(steps, |row| row.record))
        .bind(column(steps, |row| row.document.as_ref()))
        .bind(column(steps, |row| row.at))
        .bind(column(steps, |row| row.message_id))
        .bind(column(steps, |row| row.ordinal))
        .bind(column(steps, |row| row.digest))
        .bind(column(steps, |row| row.system.as_ref()))
        .bind(column(steps, |row| row.what.as_ref()))
        .bind(column(steps, |row| row.mode.as_ref()))
        .bind(column(done, |(record, _)| *record))
        .bind(column(done, |(_, journal)| *journal))
}

/// 68 to 76; 67 is one more of what is parked.
fn bind_snapshots<'q>(statement: Statement<'q>, batch: &'q Batch<'_>) -> Statement<'q> {
    let rows = &batch.snapshots;
    statement
        .bind(column(rows, |row| row.record))
        .bind(column(rows, |row| row.connection.as_ref()))
        .bind(column(rows, |row| row.snapshot.as_ref()))
        .bind(column(rows, |row| i64::from(row.part.part)))
        .bind(column(rows, |row| i64::from(row.part.parts)))
        .bind(column(rows, |row| row.part.taken_at.as_microsecond()))
        .bind(column(rows, |row| row.scope.as_ref()))
        .bind(column(rows, |row| i64::from(row.part.line_count)))
        .bind(column(rows, |row| row.lines.as_ref()))
}

/// 77 to 92; 105 is one more.
fn bind_progress<'q>(statement: Statement<'q>, batch: &'q Batch<'_>) -> Statement<'q> {
    let rows = &batch.progress;
    let micros = |at: Option<jiff::Timestamp>| at.map(jiff::Timestamp::as_microsecond);
    statement
        .bind(column(rows, |(record, _)| *record))
        .bind(column(rows, |(_, row)| row.document.as_str()))
        .bind(column(rows, |(_, row)| row.kind.as_str()))
        .bind(column(rows, |(_, row)| row.legal_entity.as_deref()))
        .bind(column(rows, |(_, row)| row.number.as_deref()))
        .bind(column(rows, |(_, row)| row.warehouse.as_deref()))
        .bind(column(rows, |(_, row)| micros(row.promised_at)))
        .bind(column(rows, |(_, row)| row.value.as_deref()))
        .bind(column(rows, |(_, row)| row.currency.as_deref()))
        .bind(column(rows, |(_, row)| row.released_at.as_microsecond()))
        .bind(column(rows, |(_, row)| micros(row.accepted_at)))
        .bind(column(rows, |(_, row)| micros(row.rejected_at)))
        .bind(column(rows, |(_, row)| micros(row.moved_at)))
        .bind(column(rows, |(_, row)| row.stage.map(i64::from)))
        .bind(column(rows, |(_, row)| row.whole.map(i64::from)))
        .bind(column(rows, |(_, row)| row.counts))
}

/// 94 to 99; 93, 100 and 101 are one more each of what is parked.
fn bind_attempts<'q>(statement: Statement<'q>, batch: &'q Batch<'_>) -> Statement<'q> {
    let rows = &batch.attempts;
    statement
        .bind(column(rows, |row| row.record))
        .bind(column(rows, |row| row.id))
        .bind(column(rows, |row| row.failure.code.as_deref()))
        .bind(column(rows, |row| row.failure.sentence.as_deref()))
        .bind(column(rows, |row| row.failure.detail.as_deref()))
        .bind(column(rows, |row| row.exchanges.as_str()))
        .bind(column(&batch.parked, |row| row.mapping_version))
        .bind(column(&batch.parked, |row| row.items.as_str()))
}
