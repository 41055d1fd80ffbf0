//! Writes back what became of a released document.

use super::FinanceOperations;
use super::fields as field;
use super::odata::{ETAG, Rows};
use crate::gateways::documents::{Direction, RequestVerdict};
use crate::gateways::error::GatewayError;
use crate::gateways::http::changing;
use crate::gateways::json::Members;
use crate::message::{LegalEntity, RequestId};

impl FinanceOperations {
    /// Writes the status of an outbound document, unless it says so already or was cancelled.
    pub(in crate::gateways) async fn write_status(
        &self,
        legal_entity: &LegalEntity,
        request: &RequestId,
        verdict: &RequestVerdict,
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
        let Some(held) = self.status(Direction::Outbound, legal_entity, request).await? else {
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
