//! What an attempt asks before it runs, and what it commits before it calls.

use std::collections::HashMap;

use super::{Sqlite, fault, now, record, set, texts};
use crate::message::Flow;
use crate::store::StoreError;
use crate::store::batch::JournalRow;
use crate::store::columns::{EffectColumns, KnownColumns, ParkedColumns, clean, parked_columns};
use crate::store::parts::Parts;
use crate::store::rows::{Intended, Known, Question, Written};

const LOOK_UP: &str = "
WITH q AS MATERIALIZED (
  SELECT key AS question, unhex(value ->> 0) AS message_id, value ->> 1 AS lane_key FROM json_each($2)
)
SELECT i.ending, p.message_id IS NOT NULL AS is_parked,
  g.message_id AS head, g.position, g.waits_for, g.delay, g.awaited, g.passes
FROM q
LEFT JOIN inbox i ON i.message_id = q.message_id AND i.flow = $1
LEFT JOIN parked p ON p.message_id = q.message_id AND p.flow = $1
LEFT JOIN parked g ON g.rowid = (
  SELECT h.rowid FROM parked h WHERE h.flow = $1 AND h.lane_key = q.lane_key ORDER BY h.position, h.message_id LIMIT 1)
ORDER BY q.question";

const PARKED: &str = concat!(
    "SELECT ",
    parked_columns!(),
    " FROM parked WHERE flow = $1 AND message_id IN (SELECT unhex(value ->> 0) FROM json_each($2))"
);

const EFFECTS: &str = "
SELECT key, document, act, connection, message_id, facts FROM effects
WHERE document IN (SELECT value FROM json_each($1)) ORDER BY ordinal";

const INTEND: &str = concat!(
    "INSERT INTO journal (id, flow, partition, entries, committed_at) VALUES ($1, $2, $3, $4, ",
    now!(),
    ") ON CONFLICT (id) DO UPDATE SET entries = excluded.entries, committed_at = excluded.committed_at"
);

impl Sqlite {
    pub(crate) async fn look_up(&self, flow: Flow, questions: &[Question]) -> Result<Vec<Known>, StoreError> {
        if questions.is_empty() {
            return Ok(Vec::new());
        }
        let documents: Vec<_> = questions.iter().map(|question| clean(&question.document)).collect();
        let asked = set(questions.iter().map(|question| {
            vec![question.message_id.simple().to_string().into(), clean(&question.lane_key).as_ref().into()]
        }));
        let read = self.read(flow, &asked, &texts(&documents)).await;
        let (rows, parked, effect_rows) = read.map_err(|error| fault::sort("looking messages up", error))?;
        let mut parked: HashMap<_, _> = parked.into_iter().map(|row| (row.message_id, row)).collect();
        let mut effects: HashMap<_, Vec<_>> = HashMap::new();
        for row in effect_rows {
            let effect = row.effect()?;
            effects.entry(effect.document.clone()).or_default().push(effect);
        }
        let mut known = Vec::with_capacity(questions.len());
        for ((row, question), document) in rows.into_iter().zip(questions).zip(&documents) {
            let mut answer = Known { ending: row.ending()?, ..Known::default() };
            answer.parked = parked.remove(&question.message_id).map(ParkedColumns::parked).transpose()?;
            answer.gate = row.gate()?;
            answer.effects = effects.get(document.as_ref()).cloned().unwrap_or_default();
            known.push(answer);
        }
        Ok(known)
    }

    /// All of it from one state of the file.
    async fn read(
        &self,
        flow: Flow,
        asked: &str,
        documents: &str,
    ) -> Result<(Vec<KnownColumns>, Vec<ParkedColumns>, Vec<EffectColumns>), sqlx::Error> {
        let mut reading = self.readers.begin().await?;
        let rows: Vec<KnownColumns> =
            sqlx::query_as(LOOK_UP).bind(flow.as_str()).bind(asked).fetch_all(&mut *reading).await?;
        let parked = if rows.iter().any(|row| row.is_parked != 0) {
            sqlx::query_as(PARKED).bind(flow.as_str()).bind(asked).fetch_all(&mut *reading).await?
        } else {
            Vec::new()
        };
        let effects = sqlx::query_as(EFFECTS).bind(documents).fetch_all(&mut *reading).await?;
        reading.commit().await?;
        Ok((rows, parked, effects))
    }

    pub(crate) async fn intend(&self, intended: &[Intended]) -> Result<Vec<Written>, StoreError> {
        let rows = JournalRow::of(intended);
        let mut parts = Parts::whole(rows.len());
        while let Some(part) = parts.next() {
            let kept = self.keep(&part.iter().map(|number| &rows[*number]).collect::<Vec<_>>()).await;
            parts.answered(part, kept.map_err(|error| fault::sort("committing intents", error)))?;
        }
        Ok(JournalRow::answers(&rows, parts.answers()))
    }

    async fn keep(&self, rows: &[&JournalRow]) -> Result<Vec<i64>, sqlx::Error> {
        let mut transaction = self.begin().await?;
        let mut kept = Vec::new();
        for (line, row) in (0..).zip(rows) {
            if record::is_owned(&mut transaction, row.owner).await? {
                let keep = sqlx::query(INTEND).bind(row.id).bind(row.owner.flow.as_str());
                let keep = keep.bind(i64::from(row.owner.partition)).bind(&row.entries);
                keep.execute(&mut *transaction).await?;
                kept.push(line);
            }
        }
        transaction.commit().await?;
        Ok(kept)
    }
}
