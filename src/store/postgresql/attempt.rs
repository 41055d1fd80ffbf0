//! What an attempt asks before it runs, and what it commits before it calls.

use std::collections::HashMap;

use super::{Postgresql, column};
use crate::message::Flow;
use crate::store::StoreError;
use crate::store::batch::JournalRow;
use crate::store::columns::{EffectColumns, KnownColumns, ParkedColumns, clean, parked_columns};
use crate::store::parts::{Fault, Parts};
use crate::store::rows::{Intended, Known, Question, Written};

const DOING: &str = "looking messages up";

/// Subqueries of one row each: whatever statistics say of a table that was just made or just filled, each is one step
/// into an index. Other indexes of parked messages begin with the flow; without statistics one of them would do as well as
/// the right one, and read everything that is parked: `flow || ''` is in none of them.
const LOOK_UP: &str = "
SELECT
  (SELECT i.ending FROM inbox i WHERE i.message_id = q.message_id AND i.flow = $1) AS ending,
  coalesce((SELECT 1 FROM parked p WHERE p.message_id = q.message_id AND p.flow || '' = $1), 0)::bigint AS is_parked,
  g.message_id AS head, g.position, g.waits_for, g.delay, g.awaited, g.passes
FROM unnest($2::uuid[], $3::text[]) WITH ORDINALITY AS q (message_id, lane_key, question)
LEFT JOIN LATERAL (
  SELECT message_id, position, waits_for, delay, awaited, passes FROM parked
  WHERE flow = $1 AND lane_key = q.lane_key ORDER BY position, message_id LIMIT 1
) g ON true
ORDER BY q.question";

const PARKED: &str =
    concat!("SELECT ", parked_columns!(), " FROM parked WHERE flow || '' = $1 AND message_id = ANY($2::uuid[])");

const EFFECTS: &str = "
SELECT key, document, act, connection, message_id, facts FROM effects
WHERE document = ANY($1::text[]) ORDER BY ordinal";

const INTEND: &str = "
WITH fence AS MATERIALIZED (
  SELECT p.flow, p.partition, p.epoch
  FROM unnest($1::text[], $2::bigint[], $3::bigint[]) AS claim (flow, partition, epoch)
  JOIN partitions p ON p.flow = claim.flow AND p.partition = claim.partition AND p.epoch = claim.epoch
  WHERE p.owner IS NOT NULL
  FOR SHARE OF p
),
mine AS MATERIALIZED (
  SELECT j.line, j.id, fence.flow, fence.partition, j.entries
  FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::uuid[], $5::text[])
    WITH ORDINALITY AS j (flow, partition, epoch, id, entries, line)
  JOIN fence ON fence.flow = j.flow AND fence.partition = j.partition AND fence.epoch = j.epoch
),
kept AS (
  INSERT INTO journal (id, flow, partition, entries, committed_at)
  SELECT DISTINCT ON (id) id, flow, partition, entries, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint FROM mine
  ON CONFLICT (id) DO UPDATE SET entries = excluded.entries, committed_at = excluded.committed_at
)
SELECT DISTINCT line - 1 FROM mine";

impl Postgresql {
    pub(crate) async fn look_up(&self, flow: Flow, questions: &[Question]) -> Result<Vec<Known>, StoreError> {
        if questions.is_empty() {
            return Ok(Vec::new());
        }
        let documents = column(questions, |question| clean(&question.document));
        let ask = sqlx::query_as(LOOK_UP)
            .bind(flow.as_str())
            .bind(column(questions, |question| question.message_id))
            .bind(column(questions, |question| clean(&question.lane_key)));
        let rows: Vec<KnownColumns> = self.rows(DOING, ask).await?;
        let parked = rows.iter().any(|row| row.is_parked != 0);
        let mut parked = if parked { self.parked_rows(flow, questions).await? } else { HashMap::new() };
        // Read last, so that it is at least as new as the endings.
        let mut effects = self.effects(&documents).await?;
        let mut asked: HashMap<&str, usize> = HashMap::new();
        for document in &documents {
            *asked.entry(document.as_ref()).or_default() += 1;
        }
        let mut known = Vec::with_capacity(questions.len());
        for ((row, question), document) in rows.into_iter().zip(questions).zip(&documents) {
            let mut answer = Known { ending: row.ending()?, ..Known::default() };
            answer.parked = parked.remove(&question.message_id).map(ParkedColumns::parked).transpose()?;
            answer.gate = row.gate()?;
            // Seldom do two of one document gather; only then are its effects needed twice.
            let more = asked.get_mut(document.as_ref()).map_or(0, |times| {
                *times -= 1;
                *times
            });
            let found =
                if more > 0 { effects.get(document.as_ref()).cloned() } else { effects.remove(document.as_ref()) };
            answer.effects = found.unwrap_or_default();
            known.push(answer);
        }
        Ok(known)
    }

    async fn parked_rows(
        &self,
        flow: Flow,
        questions: &[Question],
    ) -> Result<HashMap<uuid::Uuid, ParkedColumns>, StoreError> {
        let ask = sqlx::query_as(PARKED).bind(flow.as_str()).bind(column(questions, |question| question.message_id));
        let rows: Vec<ParkedColumns> = self.rows(DOING, ask).await?;
        Ok(rows.into_iter().map(|row| (row.message_id, row)).collect())
    }

    async fn effects(
        &self,
        documents: &[std::borrow::Cow<'_, str>],
    ) -> Result<HashMap<String, Vec<crate::store::Effect>>, StoreError> {
        let rows: Vec<EffectColumns> = self.rows(DOING, sqlx::query_as(EFFECTS).bind(documents)).await?;
        let mut effects: HashMap<_, Vec<_>> = HashMap::new();
        for row in rows {
            let effect = row.effect()?;
            effects.entry(effect.document.clone()).or_default().push(effect);
        }
        Ok(effects)
    }

    pub(crate) async fn intend(&self, intended: &[Intended]) -> Result<Vec<Written>, StoreError> {
        let rows = JournalRow::of(intended);
        let mut parts = Parts::whole(rows.len());
        while let Some(part) = parts.next() {
            let written = self.keep(&part.iter().map(|number| &rows[*number]).collect::<Vec<_>>()).await;
            parts.answered(part, written)?;
        }
        Ok(JournalRow::answers(&rows, parts.answers()))
    }

    async fn keep(&self, rows: &[&JournalRow]) -> Result<Vec<i64>, Fault> {
        let keep = sqlx::query_as(INTEND)
            .bind(column(rows, |row| row.owner.flow.as_str()))
            .bind(column(rows, |row| i64::from(row.owner.partition)))
            .bind(column(rows, |row| row.owner.epoch))
            .bind(column(rows, |row| row.id))
            .bind(column(rows, |row| row.entries.as_str()));
        let kept: Vec<(i64,)> = self.rows("committing intents", keep).await?;
        Ok(kept.into_iter().map(|(line,)| line).collect())
    }
}
