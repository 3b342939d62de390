//! The payments of the input as Stripe holds them, with the refunds that the same operation made of them before.
//!
//! Nothing is refunded before all of them were read: a refund that an earlier call made is part of the same sum.

use std::collections::BTreeMap;

use pipeline_shared::batch::{Common, Operation, Report, refund};
use pipeline_shared::node::Node;
use refund_core::client::{CallError, CreateError, find_existing};
use refund_core::credits::{PaymentShare, Proration};
use refund_core::dispatch::InvokeError;
use refund_core::eligibility::{Amount, Facts};
use refund_core::id::{OperationId, PaymentRef};
use refund_core::model::Refund;
use refund_core::money::Money;
use refund_core::pipeline::concerns_all;
use refund_core::problem::FieldProblem;

use crate::conflict::{Conflict, Made};

/// All payments of the input, in its order.
pub(crate) struct Payments(Vec<Payment>);

struct Payment {
    /// As the input names it.
    named: PaymentRef,
    /// Its charge; as the input names it where no charge is known.
    charge: PaymentRef,
    /// The id of its refund.
    operation_id: OperationId,
    found: Found,
}

enum Found {
    /// It has a charge: the refunds that the operation made of it.
    Made(Vec<Refund>),
    /// It never had a charge, so there is nothing to refund.
    Unpaid(CreateError),
    /// It could not be read.
    Unread(CreateError),
    /// It was not read, because of a failure that concerns it too.
    NotTried,
}

impl Payments {
    /// Reads every payment, and names its refund.
    pub(crate) fn read(
        node: &mut impl Node,
        operation: &OperationId,
        shares: &[PaymentShare],
        common: &Common<'_>,
    ) -> Result<Self, InvokeError> {
        let mut payments: Vec<Payment> = Vec::with_capacity(shares.len());
        let mut stopped = false;
        for (index, share) in shares.iter().enumerate() {
            let payment = if stopped {
                Payment::without_charge(operation, &share.payment, Found::NotTried)?
            } else {
                Payment::read(node, operation, &share.payment, common)?
            };
            stopped |= matches!(&payment.found, Found::Unread(error) if concerns_all(error));
            if let Some(same) = payments.iter().find(|known| known.charge == payment.charge) {
                let problem = format!("is the same payment as {}", same.named);
                let field = format!("payments[{index}].payment");
                let fix = "add its two entries up to one";
                return Err(FieldProblem::new(field, &payment.named, problem, fix).into());
            }
            payments.push(payment);
        }
        Ok(Self(payments))
    }

    /// Puts shares into an order that does not depend on the input's.
    pub(crate) fn sort(&self, shares: &mut [PaymentShare]) {
        let order: BTreeMap<&str, &str> =
            self.0.iter().map(|one| (one.named.as_str(), one.charge.as_str())).collect();
        shares.sort_by_key(|share| order.get(share.payment.as_str()).copied());
    }

    /// Makes the refunds of a quote, or plans them. What was refunded before must be what is fair now.
    pub(crate) fn refund(
        self,
        node: &mut impl Node,
        operation: &OperationId,
        quote: &Proration,
        common: Common<'_>,
        mut approvals: BTreeMap<String, String>,
    ) -> Result<Report, InvokeError> {
        let all_read =
            self.0.iter().all(|one| matches!(one.found, Found::Made(_) | Found::Unpaid(_)));
        if all_read {
            self.check(operation, quote, &common)?;
        }
        let mut report =
            Report { dry_run: common.dry_run, one_sum: common.one_sum, ..Report::default() };
        let mut operations = Vec::new();
        let mut payments = self.0;
        for share in &quote.shares {
            let place = payments.iter().position(|one| one.named == share.payment);
            let place = place.ok_or_else(|| {
                let problem = "is in the quote, but not in the input";
                let fix = "report this as a bug; nothing was refunded";
                FieldProblem::new("payments", &share.payment, problem, fix)
            })?;
            let payment = payments.remove(place);
            let approval = approvals.remove(payment.operation_id.as_str());
            let (operation, found) = payment.operation(share.amount, quote, approval);
            match found {
                Found::Made(_) | Found::NotTried => operations.push(operation),
                Found::Unpaid(error) | Found::Unread(error) => {
                    report.failures.push(operation.failed(error));
                }
            }
        }
        // Payments of which nothing is due now: the operation may have refunded some of them.
        for payment in payments {
            let (operation, found) = payment.operation(0, quote, None);
            if let Found::Unread(error) = found {
                report.failures.push(operation.failed(error));
            }
        }
        if !all_read {
            let not_tried = operations.iter().map(|operation| operation.planned(&common, None));
            report.not_tried.extend(not_tried);
            return Ok(report);
        }
        let mut rest = refund(node, operations, common);
        rest.failures.splice(..0, report.failures);
        Ok(rest)
    }

    /// Fails where the operation refunded something else than what is fair now, with all that it refunded.
    fn check(
        &self,
        operation: &OperationId,
        quote: &Proration,
        common: &Common<'_>,
    ) -> Result<(), InvokeError> {
        let mut conflict = Conflict::new(operation);
        for payment in &self.0 {
            let Found::Made(made) = &payment.found else { continue };
            let fair = fair(quote, &payment.named);
            for refund in made {
                let amount = Amount::Exactly(fair);
                let refunds = std::slice::from_ref(refund);
                let found = find_existing(&payment.operation_id, &amount, common.reason, refunds);
                conflict.add(
                    Made {
                        operation_id: payment.operation_id.clone(),
                        payment: payment.charge.to_string(),
                        fair,
                        refund: refund.clone(),
                    },
                    match found {
                        Some(Ok(_)) if made.len() == 1 => None,
                        Some(Err(differs)) => Some(differs.detail),
                        _ => Some("several refunds were made of this payment".to_owned()),
                    },
                );
            }
        }
        conflict.into_result()
    }
}

/// The share of a payment in the quote.
fn fair(quote: &Proration, named: &PaymentRef) -> Money {
    let share = quote.shares.iter().find(|share| share.payment == *named);
    let amount = share.map_or(0, |share| share.amount);
    Money { amount, currency: quote.refund.currency }
}

impl Payment {
    fn operation(
        self,
        amount: u64,
        quote: &Proration,
        approval: Option<String>,
    ) -> (Operation, Found) {
        let operation = Operation {
            operation_id: self.operation_id,
            payment: self.charge,
            amount: Money { amount, currency: quote.refund.currency },
            all: false,
            approval,
        };
        (operation, self.found)
    }

    fn read(
        node: &mut impl Node,
        operation: &OperationId,
        named: &PaymentRef,
        common: &Common<'_>,
    ) -> Result<Self, InvokeError> {
        // The verdict is not used: whether the share may be refunded is decided when the share is known.
        let checked = match node.check(named, &Amount::Everything, common.reason, common.rules) {
            Ok(checked) => checked,
            Err(CallError::Invalid { problems }) => return Err(problems.into()),
            Err(error) => {
                return Ok(Self::without_charge(operation, named, Found::Unread(error.into()))?);
            }
        };
        let payment = if let Some(facts) = checked.facts {
            Self::charged(operation, named, facts)
        } else {
            let denied = CreateError::Denied { verdict: checked.verdict };
            Self::without_charge(operation, named, Found::Unpaid(denied))
        };
        Ok(payment?)
    }

    fn without_charge(
        operation: &OperationId,
        named: &PaymentRef,
        found: Found,
    ) -> Result<Self, FieldProblem> {
        let operation_id = operation.for_payment(named)?;
        Ok(Self { named: named.clone(), charge: named.clone(), operation_id, found })
    }

    /// The id follows from the charge, under whichever name the input has the payment. A refund that was made under
    /// the id of the PaymentIntent keeps that id.
    fn charged(
        operation: &OperationId,
        named: &PaymentRef,
        facts: Facts,
    ) -> Result<Self, FieldProblem> {
        let charge = PaymentRef::Charge(facts.charge.id);
        let by_charge = operation.for_payment(&charge)?;
        let own = |refund: &Refund| {
            let intent = refund.payment_intent.clone().map(PaymentRef::PaymentIntent);
            let by_intent = intent.and_then(|intent| operation.for_payment(&intent).ok());
            let mut own = [Some(by_charge.clone()), by_intent].into_iter().flatten();
            own.find(|own| refund.metadata.operation_id() == Some(own.as_str()))
        };
        let mut made = facts.refunds;
        made.retain(|refund| own(refund).is_some());
        let operation_id = made.first().and_then(own).unwrap_or_else(|| by_charge.clone());
        Ok(Self { named: named.clone(), charge, operation_id, found: Found::Made(made) })
    }
}
