//! The operations on disputes.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use refund_core::client::disputes::{
    CloseConfirmation, DisputeChanged, DisputeError, DisputeFilter, DisputePage, DisputeReport,
};
use refund_core::client::{CallError, ChangeError};
use refund_core::id::PaymentRef;
use refund_core::model::UploadedFile;
use serde::Serialize;

use super::{WasmComponent, connected};
use crate::component::{Called, OperationError};

/// A filter that is left out is never null.
#[derive(Serialize)]
struct List<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    payment: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_from: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_to: Option<u64>,
    open_only: bool,
    limit: Option<u16>,
    cursor: Option<&'a str>,
}

#[derive(Serialize)]
struct One<'a> {
    dispute: &'a str,
}

#[derive(Serialize)]
struct Evidence<'a> {
    dispute: &'a str,
    evidence: &'a BTreeMap<String, String>,
}

#[derive(Serialize)]
struct Close<'a> {
    dispute: &'a str,
    confirmation: &'a CloseConfirmation,
}

#[derive(Serialize)]
struct Upload<'a> {
    name: &'a str,
    content_base64: String,
}

impl WasmComponent {
    /// `disputes.list`
    pub async fn disputes(
        &self,
        filter: &DisputeFilter,
    ) -> Result<DisputePage, OperationError<CallError>> {
        let input = List {
            payment: filter.payment.as_ref().map(PaymentRef::as_str),
            created_from: filter.created_from,
            created_to: filter.created_to,
            open_only: filter.open_only,
            limit: filter.limit,
            cursor: filter.cursor.as_deref(),
        };
        self.read("disputes.list", &connected(&self.connection, input)).await
    }

    /// `disputes.retrieve`
    pub async fn dispute(&self, id: &str) -> Result<DisputeReport, OperationError<CallError>> {
        self.read("disputes.retrieve", &connected(&self.connection, One { dispute: id })).await
    }

    /// `disputes.stage-evidence`
    pub async fn stage_evidence(
        &self,
        dispute: &str,
        evidence: &BTreeMap<String, String>,
    ) -> Called<DisputeChanged, DisputeError> {
        let input = connected(&self.connection, Evidence { dispute, evidence });
        self.change("disputes.stage-evidence", &input).await
    }

    /// `disputes.submit`
    pub async fn submit_evidence(
        &self,
        dispute: &str,
        evidence: &BTreeMap<String, String>,
    ) -> Called<DisputeChanged, DisputeError> {
        let input = connected(&self.connection, Evidence { dispute, evidence });
        self.change("disputes.submit", &input).await
    }

    /// `disputes.close`
    pub async fn close_dispute(
        &self,
        dispute: &str,
        confirmation: &CloseConfirmation,
    ) -> Called<DisputeChanged, DisputeError> {
        let input = connected(&self.connection, Close { dispute, confirmation });
        self.change("disputes.close", &input).await
    }

    /// `disputes.upload-file`
    pub async fn upload_file(
        &self,
        name: &str,
        content: &[u8],
    ) -> Called<UploadedFile, ChangeError> {
        let input = Upload { name, content_base64: STANDARD.encode(content) };
        self.change("disputes.upload-file", &connected(&self.connection, input)).await
    }
}
