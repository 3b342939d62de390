//! The operations on refunds that the application layer itself has no use for.

use refund_core::client::{CallError, ChangeError, ListFilter, RefundPage};
use refund_core::id::PaymentRef;
use refund_core::metadata::Metadata;
use refund_core::model::Refund;
use serde::Serialize;

use super::{ListInput, RetrieveInput, WasmComponent, connected};
use crate::component::Called;

#[derive(Serialize)]
struct Update<'a> {
    refund: &'a str,
    metadata: &'a Metadata,
}

impl WasmComponent {
    /// `refunds.list`, a page of any size.
    pub async fn refunds(&self, filter: &ListFilter) -> Called<RefundPage, CallError> {
        let input = ListInput {
            limit: filter.limit,
            payment: filter.payment.as_ref().map(PaymentRef::as_str),
            created_from: filter.created_from,
            created_to: filter.created_to,
            cursor: filter.cursor.as_deref(),
        };
        self.look("refunds.list", &connected(&self.connection, input)).await
    }

    /// `refunds.cancel`
    pub async fn cancel(&self, refund: &str) -> Called<Refund, ChangeError> {
        let input = connected(&self.connection, RetrieveInput { refund });
        self.change("refunds.cancel", &input).await
    }

    /// `refunds.update-metadata`
    pub async fn update_metadata(
        &self,
        refund: &str,
        metadata: &Metadata,
    ) -> Called<Refund, ChangeError> {
        let input = connected(&self.connection, Update { refund, metadata });
        self.change("refunds.update-metadata", &input).await
    }
}
