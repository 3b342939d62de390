//! What reports are made of.

use refund_core::client::{CallError, RowPage, RowRange, TakenPage, TakenRange};
use serde::Serialize;

use super::{WasmComponent, connected};
use crate::component::OperationError;

#[derive(Serialize)]
struct InRange<'a, T> {
    range: &'a T,
}

impl WasmComponent {
    /// `reports.rows`
    pub async fn rows(&self, range: &RowRange) -> Result<RowPage, OperationError<CallError>> {
        self.read("reports.rows", &connected(&self.connection, InRange { range })).await
    }

    /// `reports.charges-taken`
    pub async fn charges_taken(
        &self,
        range: &TakenRange,
    ) -> Result<TakenPage, OperationError<CallError>> {
        self.read("reports.charges-taken", &connected(&self.connection, InRange { range })).await
    }
}
