//! Typed calls of `refunds`.

use crate::api::refunds::{CreateError, CreateRequest, Created, ListFilter, RefundPage};
use crate::api::types::{CallError, ChangeError, Connection, Metadata, Refund};
use crate::node::{Answer, Node};

impl Node {
    /// Makes a refund, carefully.
    pub async fn create(
        &self,
        connection: &Connection,
        request: &CreateRequest,
    ) -> Answer<Created, CreateError> {
        let refunds = self.exports.refunds.get()?;
        self.once(refunds, async |wit, store| wit.call_create(store, connection, request).await)
            .await
    }

    /// Reads one refund.
    pub async fn retrieve(&self, connection: &Connection, id: &str) -> Answer<Refund, CallError> {
        let refunds = self.exports.refunds.get()?;
        self.once(refunds, async |wit, store| wit.call_retrieve(store, connection, id).await).await
    }

    /// Reads a page of refunds.
    pub async fn list(
        &self,
        connection: &Connection,
        filter: &ListFilter,
    ) -> Answer<RefundPage, CallError> {
        let refunds = self.exports.refunds.get()?;
        self.once(refunds, async |wit, store| wit.call_list(store, connection, filter).await).await
    }

    /// Sets metadata keys.
    pub async fn update_metadata(
        &self,
        connection: &Connection,
        id: &str,
        metadata: &Metadata,
    ) -> Answer<Refund, ChangeError> {
        let refunds = self.exports.refunds.get()?;
        self.once(refunds, async |wit, store| {
            wit.call_update_metadata(store, connection, id, metadata).await
        })
        .await
    }

    /// Cancels a refund that waits for the customer.
    pub async fn cancel(&self, connection: &Connection, id: &str) -> Answer<Refund, ChangeError> {
        let refunds = self.exports.refunds.get()?;
        self.once(refunds, async |wit, store| wit.call_cancel(store, connection, id).await).await
    }
}
