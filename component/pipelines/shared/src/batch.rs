//! Makes the refunds of a pipeline one after the other, or plans them.
//!
//! The operation id of each refund follows from the input and the payment. Giving the same input again therefore
//! makes the refunds that are missing and finds the ones that exist.

use refund_core::client::{CreateError, Created, find_existing};
use refund_core::dispatch::{Failure, FailureKind, InvokeError};
use refund_core::eligibility::{Amount, Verdict};
use refund_core::id::{OperationId, PaymentRef};
use refund_core::metadata::Metadata;
use refund_core::model::Reason;
use refund_core::money::Money;
use refund_core::pipeline::concerns_all;
pub use refund_core::pipeline::{Failed, Planned, Report};
use refund_core::problem::{FieldProblem, Problems};
use serde::Serialize;

use crate::node::{Node, Request, Rules};

/// One refund that a pipeline intends to make.
#[derive(Clone, Debug)]
pub struct Operation {
    /// Its operation id.
    pub operation_id: OperationId,
    /// The payment to refund.
    pub payment: PaymentRef,
    /// The amount. With `all` it is what the report shows until Stripe was asked.
    pub amount: Money,
    /// Refund everything that is refundable, whatever `amount` says.
    pub all: bool,
    /// The request hash that an approver approved.
    pub approval: Option<String>,
}

/// What all refunds of one call have in common.
#[derive(Clone, Copy, Debug)]
pub struct Common<'a> {
    /// Plan the refunds and make none.
    pub dry_run: bool,
    /// The merchant's policy.
    pub rules: &'a Rules,
    /// The reason that Stripe records.
    pub reason: Option<&'a Reason>,
    /// The metadata of every refund, with the marks that the pipeline adds.
    pub metadata: &'a Metadata,
    /// The refunds are shares of one sum. Where one of them was refunded with another amount, the others are not
    /// made, because the sum would be wrong.
    pub one_sum: bool,
}

impl Common<'_> {
    /// Checks what `refunds.create` would refuse for every refund of the call.
    pub fn check(&self) -> Result<(), Vec<FieldProblem>> {
        let mut problems = Problems::default();
        self.metadata.check_input(&mut problems);
        problems.keep(self.reason.map_or(Ok(()), Reason::check_input));
        problems.into_result()
    }
}

/// Makes the refunds in order, or plans them. Stops at a failure that concerns the refunds after it too.
pub fn refund(node: &mut impl Node, operations: Vec<Operation>, common: Common<'_>) -> Report {
    let mut report =
        Report { dry_run: common.dry_run, one_sum: common.one_sum, ..Report::default() };
    let mut stopped = false;
    for operation in operations {
        if stopped {
            report.not_tried.push(operation.planned(&common, None));
            continue;
        }
        let done = if common.dry_run {
            operation.plan(node, &common, &mut report)
        } else {
            operation.make(node, &common).map(|created| report.refunds.push(created))
        };
        if let Err(error) = done {
            stopped = common.stops_at(&error);
            report.failures.push(operation.failed(error));
        }
    }
    report
}

impl Operation {
    fn requested(&self) -> Amount {
        if self.all { Amount::Everything } else { Amount::Exactly(self.amount) }
    }

    /// Reads the payment: the refund may exist, and a payment without a charge cannot be refunded.
    fn plan(
        &self,
        node: &mut impl Node,
        common: &Common<'_>,
        report: &mut Report,
    ) -> Result<(), CreateError> {
        let amount = self.requested();
        let checked = node.check(&self.payment, &amount, common.reason, common.rules)?;
        let Some(facts) = checked.facts else {
            return Err(CreateError::Denied { verdict: checked.verdict });
        };
        match find_existing(&self.operation_id, &amount, common.reason, &facts.refunds) {
            Some(found) => report.refunds.push(found?),
            None => report.planned.push(self.planned(common, Some(checked.verdict))),
        }
        Ok(())
    }

    fn make(&self, node: &mut impl Node, common: &Common<'_>) -> Result<Created, CreateError> {
        node.create(&Request {
            operation_id: &self.operation_id,
            payment: &self.payment,
            amount: self.requested(),
            reason: common.reason,
            metadata: common.metadata,
            rules: common.rules,
            approval: self.approval.as_deref(),
        })
    }

    /// As a report shows a refund that is not made yet.
    #[must_use]
    pub fn planned(&self, common: &Common<'_>, verdict: Option<Verdict>) -> Planned {
        Planned {
            operation_id: self.operation_id.clone(),
            payment: self.payment.to_string(),
            // The verdict resolves "everything that is refundable" to an amount.
            amount: verdict.as_ref().map_or(self.amount, |verdict| verdict.amount),
            all: self.all,
            reason: common.reason.cloned(),
            metadata: common.metadata.clone(),
            approval: self.approval.clone(),
            verdict,
        }
    }

    /// As a report shows a refund that failed.
    #[must_use]
    pub fn failed(self, error: CreateError) -> Failed {
        Failed {
            operation_id: self.operation_id,
            payment: self.payment.to_string(),
            amount: self.amount,
            message: error.to_string(),
            error,
        }
    }
}

impl Common<'_> {
    fn stops_at(&self, error: &CreateError) -> bool {
        concerns_all(error) || self.one_sum && matches!(error, CreateError::OperationConflict(_))
    }
}

/// The output of a pipeline: a report, with what the pipeline computed.
pub trait HasReport: Serialize {
    /// What became of the refunds.
    fn report(&self) -> &Report;
}

/// Fails where the outcome of a refund is unknown, so that a caller cannot take the output for a success. The
/// details of the failure are the whole output, with the refunds that were made.
pub fn settle<T: HasReport>(output: T) -> Result<T, InvokeError> {
    let unknown = |failed: &&Failed| matches!(failed.error, CreateError::OutcomeUnknown(_));
    let Some(failed) = output.report().failures.iter().find(unknown) else { return Ok(output) };
    Err(InvokeError::Failed(Failure {
        kind: FailureKind::OutcomeUnknown,
        message: format!(
            "{}; the refunds that were made are in the details. To complete it, give the same input again",
            failed.message
        ),
        retryable: true,
        retry_after: None,
        details: serde_json::to_string(&output).unwrap_or_else(|_| "{}".to_owned()),
    }))
}
