//! Writes back what became of a released document.

use super::FinanceOperations;
use super::fields as field;
use super::odata::ETAG;
use super::rows::Rows;
use crate::gateways::documents::{Direction, RequestVerdict};
use crate::gateways::error::GatewayError;
use crate::gateways::http::changing;
use crate::gateways::json::Members;
use crate::message::{LegalEntity, RequestId};

impl FinanceOperations {
    /// Writes the status of an outbound document, unless it says so already or was cancelled. What was `seen` of it and
    /// has not changed since needs no second look.
    pub(in crate::gateways) async fn write_status(
        &self,
        (legal_entity, request): (&LegalEntity, &RequestId),
        verdict: &RequestVerdict,
        seen: Option<&str>,
    ) -> Result<(), GatewayError> {
        let call = changing("write_status");
        let id = field::names(Direction::Outbound).request;
        let row = Rows::of(field::REQUEST_STATUS, legal_entity).with(id, request.as_str());
        let members = match verdict {
            RequestVerdict::Accepted(reference) => Members::default()
                .text(field::STATUS, &self.outbound.accepted_state)
                .text(field::RESPONSE, format!("The warehouse took it on as {reference}.")),
            RequestVerdict::Rejected(why) => {
                Members::default().text(field::STATUS, &self.outbound.rejected_state).text(field::RESPONSE, why)
            }
        };
        if let Some(version) = seen {
            match self.odata.change(call, &row, &members, Some(version)).await {
                // It changed since it was seen: another look decides.
                Err(GatewayError::Conflict { .. } | GatewayError::NotFound { .. }) => {}
                other => return other,
            }
        }
        let Some(held) = self.status(Direction::Outbound, legal_entity, request).await? else {
            // It was seen, and is not there any more: nobody is left to be told.
            if seen.is_some() {
                return Ok(());
            }
            let whole = members.text(field::COMPANY, legal_entity.as_str()).text(id, request.as_str());
            return self.odata.create(call, field::REQUEST_STATUS, &whole).await.map(|_| ());
        };
        // What was taken back in Dynamics stays so: our verdict came too late.
        if held.says(&members) || self.says_cancelled(&held) {
            return Ok(());
        }
        let version = held.text(ETAG).ok().flatten();
        self.odata.change(call, &row, &members, version.as_deref()).await
    }
}
