//! The failure of a call that would refund something else than an earlier call with the same operation id did.

use refund_core::dispatch::{self, Failure, FailureKind, InvokeError};
use refund_core::id::OperationId;
use refund_core::model::Refund;
use refund_core::money::Money;
use serde::Serialize;

/// Most differences that the message names.
const NAMED: usize = 5;

/// The details of the failure: those of an operation conflict of `refunds.create`, and every refund that the
/// operation made.
#[derive(Debug, Serialize)]
pub(crate) struct Conflict<'a> {
    r#type: &'static str,
    operation_id: &'a OperationId,
    /// What differs, for people.
    detail: String,
    /// The first refund that differs.
    existing: Option<Refund>,
    /// Every refund that the operation made of the payments of the input.
    made: Vec<Made>,
    #[serde(skip)]
    differences: Vec<String>,
}

/// A refund that the operation made.
#[derive(Debug, Serialize)]
pub(crate) struct Made {
    /// Its operation id.
    pub(crate) operation_id: OperationId,
    /// Its charge.
    pub(crate) payment: String,
    /// What is fair now.
    pub(crate) fair: Money,
    /// As Stripe holds it.
    pub(crate) refund: Refund,
}

impl<'a> Conflict<'a> {
    pub(crate) fn new(operation_id: &'a OperationId) -> Self {
        Self {
            r#type: "operation_conflict",
            operation_id,
            detail: String::new(),
            existing: None,
            made: Vec::new(),
            differences: Vec::new(),
        }
    }

    /// Adds a refund, and how it differs from what is fair now.
    pub(crate) fn add(&mut self, made: Made, difference: Option<String>) {
        if let Some(difference) = difference {
            self.existing.get_or_insert_with(|| made.refund.clone());
            self.differences.push(format!("{}: {difference}", made.payment));
        }
        self.made.push(made);
    }

    /// Fails if any refund differs.
    pub(crate) fn into_result(mut self) -> Result<(), InvokeError> {
        if self.differences.is_empty() {
            return Ok(());
        }
        let more = self.differences.len().saturating_sub(NAMED);
        self.differences.truncate(NAMED);
        self.detail = self.differences.join("; ");
        if more > 0 {
            self.detail = format!("{}; and {more} more", self.detail);
        }
        let details = dispatch::write(&self)?;
        Err(InvokeError::Failed(Failure {
            kind: FailureKind::Conflict,
            message: format!(
                "operation `{}` made other refunds before ({}). Nothing was refunded by this call. Give the earlier input again; for another refund use a new operation id, and where you give `payments`, add what was made to their `refunded`",
                self.operation_id, self.detail
            ),
            retryable: false,
            retry_after: None,
            details,
        }))
    }
}
