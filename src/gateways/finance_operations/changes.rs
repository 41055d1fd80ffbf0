//! Which documents and updates changed since an instant: what a scan reads to find what events did not tell.

use super::FinanceOperations;
use super::fields::{self as field, Names};
use super::odata::unreadable;
use super::rows::Query;
use crate::gateways::documents::{Change, Changes, Direction, Feed};
use crate::gateways::error::GatewayError;
use crate::gateways::http::reading;
use crate::gateways::json::{Row, missing};
use crate::message::LegalEntity;

impl FinanceOperations {
    /// Whether the environment has a member by which this feed can be read.
    pub(in crate::gateways) fn scans(&self, feed: Feed) -> bool {
        !self.changed_at(feed).is_empty()
    }

    /// The member with the instant at which a row was last changed; empty where there is none.
    fn changed_at(&self, feed: Feed) -> &str {
        match feed {
            Feed::Requests(Direction::Returned) => &self.scan.returns_field,
            Feed::Requests(_) => &self.scan.requests_field,
            Feed::Updates(_) => &self.scan.updates_field,
        }
    }

    /// Rows that were changed from an instant on, oldest first: one page, behind so many that were read before.
    pub(in crate::gateways) async fn changes(
        &self,
        feed: Feed,
        companies: &[LegalEntity],
        (from, skip, rows_max): (jiff::Timestamp, usize, usize),
    ) -> Result<Changes, GatewayError> {
        let call = reading("read_changes");
        let changed_at = self.changed_at(feed);
        let (entity, key) = entity(feed);
        let since = format!("{changed_at} ge {}", from.strftime("%Y-%m-%dT%H:%M:%S%.fZ"));
        let of_company = |company: &LegalEntity| format!("{} eq '{}'", field::COMPANY, company.as_str());
        let companies: Vec<_> = companies.iter().map(of_company).collect();
        let filter = if companies.is_empty() { since } else { format!("{since} and ({})", companies.join(" or ")) };
        let query = Query { filter, order: format!("{changed_at},{key}"), skip, top: rows_max };
        let (rows, more) = self.odata.page_of(call, entity, &query).await?;
        let read = rows.len();
        let changes: Result<Vec<_>, String> =
            rows.iter().map(|row| self.change(feed, row, (changed_at, key))).collect();
        let changes = changes.map_err(|problem| unreadable(call, problem))?;
        Ok(Changes { found: changes.into_iter().flatten().collect(), read, more })
    }

    /// The version of a document. A return order has none but the moment of its last change.
    fn version(&self, feed: Feed, row: &Row) -> Result<u32, String> {
        if feed == Feed::Requests(Direction::Returned) {
            return self.version_of_return(row);
        }
        Ok(row.integer(field::VERSION)?.and_then(|version| u32::try_from(version).ok()).unwrap_or(0))
    }

    /// What a row tells; nothing of an update that Dynamics has not settled.
    fn change(&self, feed: Feed, row: &Row, (changed_at, key): (&str, &str)) -> Result<Option<Change>, String> {
        let state = match feed {
            Feed::Requests(_) => None,
            Feed::Updates(_) => {
                let state = row.text(field::PROCESSING)?.unwrap_or_default();
                let is = |states: &[String]| states.iter().any(|each| each.eq_ignore_ascii_case(&state));
                if !is(&self.outbound.processed_states) && !is(&self.outbound.failed_states) {
                    return Ok(None);
                }
                Some(state)
            }
        };
        let company = LegalEntity::new(row.required(field::COMPANY)?.to_lowercase());
        Ok(Some(Change {
            legal_entity: company.map_err(|invalid| format!("{} {invalid}", field::COMPANY))?,
            id: row.required(key)?,
            version: self.version(feed, row)?,
            at: row.instant(changed_at)?.ok_or_else(|| missing(changed_at))?,
            state,
        }))
    }
}

fn entity(feed: Feed) -> (&'static str, &'static str) {
    let names: fn(Direction) -> &'static Names = field::names;
    match feed {
        Feed::Requests(direction) => (names(direction).requests, names(direction).request),
        Feed::Updates(direction) => (names(direction).updates, names(direction).update),
    }
}
