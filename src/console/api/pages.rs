//! Pages of lists: `?limit=&cursor=` in, `{total, items, next_cursor}` out. A cursor is opaque: it says where the page
//! before ended, so that a list which grows meanwhile shows nothing twice and leaves nothing out.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::problem::Problem;

/// A page that is answered.
#[derive(Debug, Serialize)]
pub(super) struct Page<T> {
    /// How many there are on all pages, where it is counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) total: Option<u64>,
    pub(super) items: Vec<T>,
    /// Where the next page begins; nothing on the last one.
    pub(super) next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// The same page of something else.
    pub(super) fn map<U>(self, into: impl FnMut(T) -> U) -> Page<U> {
        Page { total: self.total, items: self.items.into_iter().map(into).collect(), next_cursor: self.next_cursor }
    }
}

/// A page that is asked for.
#[derive(Clone, Debug)]
pub(super) struct Paging {
    /// Rows of a page.
    pub(super) limit: u32,
    cursor: Option<String>,
}

impl Paging {
    pub(super) fn new(limit: u32, cursor: Option<String>) -> Self {
        Self { limit, cursor }
    }

    /// How many rows to read: one more than the page holds tells whether there is another page.
    pub(super) fn rows(&self) -> u32 {
        self.limit + 1
    }

    /// Behind what the page begins.
    pub(super) fn after<P: DeserializeOwned>(&self) -> Result<Option<P>, Problem> {
        let Some(cursor) = &self.cursor else { return Ok(None) };
        let bytes = URL_SAFE_NO_PAD.decode(cursor).ok();
        let place = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        place.map(Some).ok_or_else(|| Problem::query(&"cursor: it is none that a page of this list answered"))
    }

    /// The page of rows that were read as [`Self::rows`] says; `place` is what the cursor keeps of the last one.
    pub(super) fn page<T, P: Serialize>(
        &self,
        total: Option<u64>,
        mut items: Vec<T>,
        place: impl Fn(&T) -> P,
    ) -> Page<T> {
        let limit = self.limit as usize;
        let more = items.len() > limit;
        items.truncate(limit);
        let last = items.last().filter(|_| more);
        let next_cursor = last.map(|item| URL_SAFE_NO_PAD.encode(serde_json::json!(place(item)).to_string()));
        Page { total, items, next_cursor }
    }
}
