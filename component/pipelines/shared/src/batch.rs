//! Making several refunds, one after the other, and losing none.
//!
//! Every refund has an operation id that follows from the input, so the same input given again makes what is
//! missing and finds what is there.

use refund_core::client::{CreateError, Created};
use refund_core::eligibility::{Amount, Verdict};
use refund_core::face::{Failure, FailureKind, InvokeError};
use refund_core::id::{OperationId, PaymentRef};
use refund_core::metadata::Metadata;
use refund_core::model::Reason;
use refund_core::money::Money;
use refund_core::wire::RefusalKind;
use serde::Serialize;

use crate::imports::{Live, Refunds, Request, Rules};

/// A refund that a pipeline wants.
#[derive(Clone, Debug)]
pub struct Wish {
    /// Its operation id.
    pub operation_id: OperationId,
    /// What to take it from.
    pub payment: PaymentRef,
    /// How much.
    pub amount: Money,
    /// Whatever is left of the payment instead; `amount` is shown where nobody asked Stripe yet.
    pub all: bool,
    /// The hash of the request that somebody approved.
    pub approval: Option<String>,
}

/// What holds for all refunds of a call.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// Make none, show all.
    pub dry_run: bool,
    /// Rules of the merchant.
    pub rules: &'a Rules,
    /// Why.
    pub reason: Option<&'a Reason>,
    /// The caller's own keys.
    pub metadata: &'a Metadata,
}

/// A refund that would be made.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "test", derive(schemars::JsonSchema))]
pub struct Planned {
    /// Its operation id.
    pub operation_id: OperationId,
    /// What it is taken from.
    pub payment: String,
    /// How much.
    pub amount: Money,
    /// Whether it may be made, on fresh facts; absent where nobody looked.
    pub verdict: Option<Verdict>,
}

/// A refund that was not made, or of which nobody knows.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "test", derive(schemars::JsonSchema))]
pub struct Failed {
    /// Its operation id.
    pub operation_id: OperationId,
    /// What it was to be taken from.
    pub payment: String,
    /// How much.
    pub amount: Money,
    /// What happened, for people.
    pub message: String,
    /// What happened: the error of `refunds.create`.
    pub error: CreateError,
}

/// What became of all the wishes; each is in one of the four lists.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "test", derive(schemars::JsonSchema))]
pub struct Report {
    /// Whether this was a dry run: then nothing was refunded.
    pub dry_run: bool,
    /// What would be refunded; empty unless this was a dry run.
    pub planned: Vec<Planned>,
    /// What was refunded, now or by an earlier call with the same ids.
    pub refunds: Vec<Created>,
    /// What was not, and why.
    pub failures: Vec<Failed>,
    /// What was not looked at, since an earlier failure would have met it too: give the same input again.
    pub not_tried: Vec<Planned>,
}

/// Makes the refunds in order, or only shows them. It ends at a failure that the next one would meet as well.
pub fn refund(node: &mut (impl Live + Refunds), wishes: Vec<Wish>, terms: Terms<'_>) -> Report {
    let mut report = Report { dry_run: terms.dry_run, ..Report::default() };
    let mut ended = false;
    for wish in wishes {
        if ended {
            report.not_tried.push(wish.planned(None));
            continue;
        }
        let done = if terms.dry_run {
            wish.look(node, &terms).map(|planned| report.planned.push(planned))
        } else {
            wish.come_true(node, &terms).map(|created| report.refunds.push(created))
        };
        if let Err(error) = done {
            ended = concerns_all(&error);
            report.failures.push(wish.failed(error));
        }
    }
    report
}

impl Wish {
    fn asked(&self) -> Amount {
        if self.all { Amount::Everything } else { Amount::Exactly(self.amount) }
    }

    fn look(&self, node: &mut impl Live, terms: &Terms<'_>) -> Result<Planned, CreateError> {
        let checked = node.check(&self.payment, &self.asked(), terms.reason, terms.rules)?;
        Ok(self.planned(Some(checked.verdict)))
    }

    fn come_true(
        &self,
        node: &mut impl Refunds,
        terms: &Terms<'_>,
    ) -> Result<Created, CreateError> {
        node.create(&Request {
            operation_id: &self.operation_id,
            payment: &self.payment,
            amount: self.asked(),
            reason: terms.reason,
            metadata: terms.metadata,
            rules: terms.rules,
            approval: self.approval.as_deref(),
        })
    }

    fn planned(&self, verdict: Option<Verdict>) -> Planned {
        Planned {
            operation_id: self.operation_id.clone(),
            payment: self.payment.to_string(),
            // What a verdict says about everything that is left, it says with its amount.
            amount: verdict.as_ref().map_or(self.amount, |verdict| verdict.amount),
            verdict,
        }
    }

    fn failed(self, error: CreateError) -> Failed {
        Failed {
            operation_id: self.operation_id,
            payment: self.payment.to_string(),
            amount: self.amount,
            message: error.to_string(),
            error,
        }
    }
}

/// Not about this payment, but about the way to Stripe: the next refund would fare no better, and a call has
/// only so much time.
fn concerns_all(error: &CreateError) -> bool {
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

/// What a pipeline answers: its own findings around a report.
pub trait Told: Serialize {
    /// What became of the refunds.
    fn report(&self) -> &Report;
}

/// An answer in which some outcome is unknown is a failure of the whole call, so that nobody takes it for
/// done. Its details are the whole answer: what was made is in it.
pub fn settle<T: Told>(told: T) -> Result<T, InvokeError> {
    let unknown = |failed: &&Failed| matches!(failed.error, CreateError::OutcomeUnknown(_));
    let Some(failed) = told.report().failures.iter().find(unknown) else { return Ok(told) };
    Err(InvokeError::Failed(Failure {
        kind: FailureKind::OutcomeUnknown,
        message: format!(
            "{}; the refunds that were made are in the details. To complete it, give the same input again",
            failed.message
        ),
        retryable: true,
        retry_after: None,
        details: serde_json::to_string(&told).unwrap_or_else(|_| "{}".to_owned()),
    }))
}
