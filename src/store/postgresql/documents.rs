//! Documents as people search for them.

use super::Postgresql;
use crate::store::StoreError;
use crate::store::asked::DocumentView;
use crate::store::columns::clean;
use crate::store::views::{DocumentColumns, NameColumns, StepColumns, assemble};

/// A document that only has a journey was never known to anybody who waits; people look for it all the same.
const DOCUMENTS: &str = "
SELECT key, kind, legal_entity FROM documents
WHERE key = $1 OR key IN (SELECT document FROM document_names WHERE name = $1)
UNION ALL
SELECT $1, 'document', NULL
WHERE EXISTS (SELECT FROM journey WHERE document = $1) AND NOT EXISTS (SELECT FROM documents WHERE key = $1)
ORDER BY 1";

const NAMES: &str =
    "SELECT document, label, name FROM document_names WHERE document = ANY($1::text[]) ORDER BY document, label, name";

const STEPS: &str = "
SELECT document, at, system, what, message_id, mode FROM journey
WHERE document = ANY($1::text[]) ORDER BY document, at, ordinal";

impl Postgresql {
    pub(crate) async fn documents(&self, name: &str) -> Result<Vec<DocumentView>, StoreError> {
        const DOING: &str = "searching documents";
        let documents: Vec<DocumentColumns> = self.rows(DOING, sqlx::query_as(DOCUMENTS).bind(clean(name))).await?;
        let keys: Vec<_> = documents.iter().map(|document| document.key.as_str()).collect();
        let names: Vec<NameColumns> = self.rows(DOING, sqlx::query_as(NAMES).bind(&keys[..])).await?;
        let steps: Vec<StepColumns> = self.rows(DOING, sqlx::query_as(STEPS).bind(&keys[..])).await?;
        Ok(assemble(documents, names, steps))
    }
}
