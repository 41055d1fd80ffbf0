//! Documents as messages know them, and as people search for them.

use super::Postgresql;
use crate::store::StoreError;
use crate::store::columns::clean;
use crate::store::rows::Document;
use crate::store::views::{DOCUMENTS_MAX, DocumentColumns, DocumentView, Found, STEPS_MAX, asked, assemble};

/// By the primary keys of both tables.
const NAMED: &str = "
SELECT key, kind, legal_entity FROM documents
WHERE key = $1 OR key = ANY (ARRAY(SELECT document FROM document_names WHERE name = $1)) ORDER BY key";

/// $1: folded, by the index `document_names_folded`; $2: as it is, by the primary keys of tables that begin with the document.
const SEARCHED: &str = "
(SELECT document FROM document_names WHERE lower(name) = $1 LIMIT 1000)
UNION SELECT key FROM documents WHERE key = $2
UNION SELECT document FROM progress WHERE document = $2
UNION (SELECT document FROM journey WHERE document = $2 LIMIT 1)
ORDER BY 1 LIMIT $3";

const DOCUMENTS: &str = "SELECT key, kind, legal_entity FROM documents WHERE key = ANY($1::text[])";

const STANDS: &str = "SELECT document, kind, legal_entity, state FROM progress WHERE document = ANY($1::text[])";

/// By the index `document_names_of`.
const NAMES: &str =
    "SELECT document, label, name FROM document_names WHERE document = ANY($1::text[]) ORDER BY document, label, name";

/// Of each document from the end of its part of the primary key on.
const STEPS: &str = "
SELECT s.document, s.at, s.system, s.what, s.message_id, s.mode
FROM unnest($1::text[]) AS wanted (key) CROSS JOIN LATERAL (
  SELECT document, at, ordinal, system, what, message_id, mode FROM journey
  WHERE document = wanted.key ORDER BY at DESC, ordinal DESC LIMIT $2) s
ORDER BY s.document, s.at DESC, s.ordinal DESC";

impl Postgresql {
    pub(crate) async fn named(&self, name: &str) -> Result<Vec<Document>, StoreError> {
        let rows = self.rows("looking for a document", sqlx::query_as(NAMED).bind(clean(name))).await?;
        Ok(rows.into_iter().map(DocumentColumns::document).collect())
    }

    pub(crate) async fn documents(&self, name: &str) -> Result<Vec<DocumentView>, StoreError> {
        const DOING: &str = "searching documents";
        let (name, folded) = asked(name);
        let limit = i64::try_from(DOCUMENTS_MAX).unwrap_or(i64::MAX);
        let searched = sqlx::query_as(SEARCHED).bind(folded).bind(name).bind(limit);
        let keys: Vec<(String,)> = self.rows(DOING, searched).await?;
        let keys: Vec<String> = keys.into_iter().map(|(key,)| key).collect();
        let documents = self.rows(DOING, sqlx::query_as(DOCUMENTS).bind(&keys)).await?;
        let stands = self.rows(DOING, sqlx::query_as(STANDS).bind(&keys)).await?;
        let names = self.rows(DOING, sqlx::query_as(NAMES).bind(&keys)).await?;
        let limit = i64::try_from(STEPS_MAX + 1).unwrap_or(i64::MAX);
        let steps = self.rows(DOING, sqlx::query_as(STEPS).bind(&keys).bind(limit)).await?;
        Ok(assemble(Found { keys, documents, stands, names, steps }))
    }
}
