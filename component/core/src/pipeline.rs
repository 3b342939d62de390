//! What a pipeline reports: the refunds that it made, or plans to make.
//!
//! A host with a ledger runs a pipeline as a dry run and makes each planned refund through the ledger.

use serde::{Deserialize, Serialize};

use crate::client::{CreateError, Created};
use crate::eligibility::Verdict;
use crate::id::OperationId;
use crate::metadata::Metadata;
use crate::model::Reason;
use crate::money::Money;
use crate::wire::RefusalKind;

/// A refund that is not made yet, with everything that `refunds.create` needs to make it. The rules are those of
/// the input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Planned {
    /// Its operation id.
    pub operation_id: OperationId,
    /// The payment to refund.
    pub payment: String,
    /// The amount. Where `all` is true it is what is refundable now.
    pub amount: Money,
    /// True where the refund is of everything that is refundable when it is made: give `refunds.create` no amount.
    pub all: bool,
    /// The reason that Stripe records.
    pub reason: Option<Reason>,
    /// All metadata of the refund, with the marks that the pipeline adds. `refunds.create` adds the operation id.
    pub metadata: Metadata,
    /// The approval that the input gives for this operation.
    #[serde(default)]
    pub approval: Option<String>,
    /// Whether the refund may be made, decided on facts read a moment ago; absent in `not_tried`.
    pub verdict: Option<Verdict>,
}

/// A refund that was not made, or whose outcome is unknown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Failed {
    /// Its operation id. It ends with the payment as the input names it where the charge could not be read.
    pub operation_id: OperationId,
    /// The payment to refund.
    pub payment: String,
    /// The amount.
    pub amount: Money,
    /// What happened, for people.
    pub message: String,
    /// What happened: the error of `refunds.create`.
    pub error: CreateError,
}

/// What became of the refunds. Each of them is in exactly one of the four lists.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(!default))]
pub struct Report {
    /// True for a dry run: this call refunded nothing.
    pub dry_run: bool,
    /// The refunds are shares of one sum. Where one of them was refunded with another amount, the others must not be
    /// made, because the sum would be wrong.
    pub one_sum: bool,
    /// The refunds that the input, given with `dry_run` false, would make; empty unless this is a dry run.
    pub planned: Vec<Planned>,
    /// The refunds that exist, made by this call or found: an earlier call with the same ids had made them.
    pub refunds: Vec<Created>,
    /// The refunds that were not made, and those whose outcome is unknown.
    pub failures: Vec<Failed>,
    /// The refunds that this call did not try because of a failure: give the same input again.
    pub not_tried: Vec<Planned>,
}

/// Whether a failure is about the connection to Stripe instead of the payment. The next request would fail too,
/// and a call has limited time.
pub fn concerns_all(error: &CreateError) -> bool {
    match error {
        CreateError::Transport(_) | CreateError::OutcomeUnknown(_) => true,
        CreateError::Refused(refusal) => matches!(
            refusal.kind,
            RefusalKind::Authentication
                | RefusalKind::Permission
                | RefusalKind::RateLimited
                | RefusalKind::Api
        ),
        _ => false,
    }
}
