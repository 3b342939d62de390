//! Between the words of the contract and the words of the core. Outwards nothing can fail; inwards a
//! currency may be no currency.

use refund_core::id::{ChargeId, CustomerId, DisputeId, PaymentIntentId, RefundId};
use refund_core::metadata::Metadata;
use refund_core::model::{
    BalanceTransaction, CardDetails, Charge, ChargeStatus, Destination, Dispute, EvidenceDetails,
    FraudDetails, PaymentMethodDetails, Reason, Refund, RefundStatus,
};
use refund_core::money::{Currency, Money};
use refund_core::problem::FieldProblem;

use crate::bindings::exports::refund_node::refunds::types as wit;

pub(crate) fn problem_to_wit(problem: FieldProblem) -> wit::FieldProblem {
    let FieldProblem { field, value, problem, fix } = problem;
    wit::FieldProblem { field, value, problem, fix }
}

pub(crate) fn problems_to_wit(problems: Vec<FieldProblem>) -> Vec<wit::FieldProblem> {
    problems.into_iter().map(problem_to_wit).collect()
}

pub(crate) fn money_to_wit(money: Money) -> wit::Money {
    wit::Money { amount: money.amount, currency: money.currency.to_string() }
}

pub(crate) fn money_from_wit(money: &wit::Money) -> Result<Money, FieldProblem> {
    Ok(Money { amount: money.amount, currency: Currency::parse(&money.currency)? })
}

pub(crate) fn metadata_to_wit(metadata: Metadata) -> wit::Metadata {
    metadata.0.into_iter().collect()
}

pub(crate) fn metadata_from_wit(metadata: wit::Metadata) -> Metadata {
    metadata.into_iter().collect()
}

pub(crate) fn reason_to_wit(reason: Reason) -> wit::Reason {
    match reason {
        Reason::Duplicate => wit::Reason::Duplicate,
        Reason::Fraudulent => wit::Reason::Fraudulent,
        Reason::RequestedByCustomer => wit::Reason::RequestedByCustomer,
        Reason::ExpiredUncapturedCharge => wit::Reason::ExpiredUncapturedCharge,
        Reason::Other(text) => wit::Reason::Other(text),
    }
}

pub(crate) fn reason_from_wit(reason: wit::Reason) -> Reason {
    match reason {
        wit::Reason::Duplicate => Reason::Duplicate,
        wit::Reason::Fraudulent => Reason::Fraudulent,
        wit::Reason::RequestedByCustomer => Reason::RequestedByCustomer,
        wit::Reason::ExpiredUncapturedCharge => Reason::ExpiredUncapturedCharge,
        wit::Reason::Other(text) => Reason::from(text.as_str()),
    }
}

pub(crate) fn refund_status_to_wit(status: Option<RefundStatus>) -> wit::RefundStatus {
    match status {
        Some(RefundStatus::Pending) => wit::RefundStatus::Pending,
        Some(RefundStatus::RequiresAction) => wit::RefundStatus::RequiresAction,
        Some(RefundStatus::Succeeded) => wit::RefundStatus::Succeeded,
        Some(RefundStatus::Failed) => wit::RefundStatus::Failed,
        Some(RefundStatus::Canceled) => wit::RefundStatus::Canceled,
        Some(RefundStatus::Other(text)) => wit::RefundStatus::Other(text),
        None => wit::RefundStatus::Absent,
    }
}

pub(crate) fn refund_status_from_wit(status: wit::RefundStatus) -> Option<RefundStatus> {
    Some(match status {
        wit::RefundStatus::Pending => RefundStatus::Pending,
        wit::RefundStatus::RequiresAction => RefundStatus::RequiresAction,
        wit::RefundStatus::Succeeded => RefundStatus::Succeeded,
        wit::RefundStatus::Failed => RefundStatus::Failed,
        wit::RefundStatus::Canceled => RefundStatus::Canceled,
        wit::RefundStatus::Other(text) => RefundStatus::from(text.as_str()),
        wit::RefundStatus::Absent => return None,
    })
}

pub(crate) fn refund_to_wit(refund: Refund) -> wit::Refund {
    let destination = |place: Destination| wit::Destination {
        kind: place.kind,
        card_type: place.card_type,
        reference: place.reference,
        reference_status: place.reference_status,
    };
    wit::Refund {
        amount: money_to_wit(refund.money()),
        id: refund.id.to_string(),
        charge: refund.charge.map(|id| id.to_string()),
        payment_intent: refund.payment_intent.map(|id| id.to_string()),
        status: refund_status_to_wit(refund.status),
        reason: refund.reason.map(reason_to_wit),
        failure_reason: refund.failure_reason,
        pending_reason: refund.pending_reason,
        created: refund.created,
        balance_transaction: refund.balance_transaction,
        failure_balance_transaction: refund.failure_balance_transaction,
        receipt_number: refund.receipt_number,
        destination: refund.destination_details.map(destination),
        operation_id: refund.metadata.operation_id().map(str::to_owned),
        metadata: metadata_to_wit(refund.metadata),
    }
}

pub(crate) fn refund_from_wit(refund: wit::Refund) -> Result<Refund, FieldProblem> {
    let Money { amount, currency } = money_from_wit(&refund.amount)?;
    let destination = |place: wit::Destination| Destination {
        kind: place.kind,
        card_type: place.card_type,
        reference: place.reference,
        reference_status: place.reference_status,
    };
    Ok(Refund {
        id: RefundId::from_stripe(refund.id),
        amount,
        currency,
        charge: refund.charge.map(ChargeId::from_stripe),
        payment_intent: refund.payment_intent.map(PaymentIntentId::from_stripe),
        status: refund_status_from_wit(refund.status),
        reason: refund.reason.map(reason_from_wit),
        failure_reason: refund.failure_reason,
        pending_reason: refund.pending_reason,
        created: refund.created,
        balance_transaction: refund.balance_transaction,
        failure_balance_transaction: refund.failure_balance_transaction,
        receipt_number: refund.receipt_number,
        destination_details: refund.destination.map(destination),
        metadata: metadata_from_wit(refund.metadata),
    })
}

fn charge_status_to_wit(status: ChargeStatus) -> wit::ChargeStatus {
    match status {
        ChargeStatus::Succeeded => wit::ChargeStatus::Succeeded,
        ChargeStatus::Pending => wit::ChargeStatus::Pending,
        ChargeStatus::Failed => wit::ChargeStatus::Failed,
        ChargeStatus::Other(text) => wit::ChargeStatus::Other(text),
    }
}

fn charge_status_from_wit(status: wit::ChargeStatus) -> ChargeStatus {
    match status {
        wit::ChargeStatus::Succeeded => ChargeStatus::Succeeded,
        wit::ChargeStatus::Pending => ChargeStatus::Pending,
        wit::ChargeStatus::Failed => ChargeStatus::Failed,
        wit::ChargeStatus::Other(text) => ChargeStatus::from(text.as_str()),
    }
}

pub(crate) fn charge_to_wit(charge: Charge) -> wit::Charge {
    let fraud = charge.fraud_details.clone().unwrap_or_default();
    let transaction = |transaction: BalanceTransaction| wit::BalanceTransaction {
        id: transaction.id,
        fee: transaction.fee,
        currency: transaction.currency.to_string(),
    };
    wit::Charge {
        amount: money_to_wit(charge.money(charge.amount)),
        amount_captured: charge.captured_amount(),
        payment_method_type: charge.payment_method_type().map(str::to_owned),
        card_fingerprint: charge.card_fingerprint().map(str::to_owned),
        id: charge.id.to_string(),
        amount_refunded: charge.amount_refunded,
        status: charge_status_to_wit(charge.status),
        captured: charge.captured,
        refunded: charge.refunded,
        disputed: charge.disputed,
        created: charge.created,
        customer: charge.customer.map(|id| id.to_string()),
        payment_intent: charge.payment_intent.map(|id| id.to_string()),
        fraud_user_report: fraud.user_report,
        fraud_stripe_report: fraud.stripe_report,
        balance_transaction: charge.balance_transaction.map(transaction),
        livemode: charge.livemode,
        metadata: metadata_to_wit(charge.metadata),
    }
}

pub(crate) fn charge_from_wit(charge: wit::Charge) -> Result<Charge, FieldProblem> {
    let Money { amount, currency } = money_from_wit(&charge.amount)?;
    let transaction = |transaction: wit::BalanceTransaction| {
        Ok::<_, FieldProblem>(BalanceTransaction {
            currency: Currency::parse(&transaction.currency)?,
            id: transaction.id,
            fee: transaction.fee,
        })
    };
    let card = charge.card_fingerprint.map(|print| CardDetails { fingerprint: Some(print) });
    Ok(Charge {
        id: ChargeId::from_stripe(charge.id),
        amount,
        currency,
        amount_captured: Some(charge.amount_captured),
        amount_refunded: charge.amount_refunded,
        status: charge_status_from_wit(charge.status),
        captured: charge.captured,
        refunded: charge.refunded,
        disputed: charge.disputed,
        created: charge.created,
        customer: charge.customer.map(CustomerId::from_stripe),
        payment_intent: charge.payment_intent.map(PaymentIntentId::from_stripe),
        payment_method_details: Some(PaymentMethodDetails {
            kind: charge.payment_method_type,
            card,
        }),
        fraud_details: Some(FraudDetails {
            user_report: charge.fraud_user_report,
            stripe_report: charge.fraud_stripe_report,
        }),
        balance_transaction: charge.balance_transaction.map(transaction).transpose()?,
        livemode: charge.livemode,
        metadata: metadata_from_wit(charge.metadata),
        refunds: None,
    })
}

pub(crate) fn dispute_to_wit(dispute: Dispute) -> wit::Dispute {
    wit::Dispute {
        evidence_due_by: dispute.evidence_due_by(),
        amount: wit::Money { amount: dispute.amount, currency: dispute.currency.to_string() },
        id: dispute.id.to_string(),
        charge: dispute.charge.map(|id| id.to_string()),
        payment_intent: dispute.payment_intent.map(|id| id.to_string()),
        status: dispute.status,
        reason: dispute.reason,
        is_charge_refundable: dispute.is_charge_refundable,
        created: dispute.created,
    }
}

pub(crate) fn dispute_from_wit(dispute: wit::Dispute) -> Result<Dispute, FieldProblem> {
    let Money { amount, currency } = money_from_wit(&dispute.amount)?;
    Ok(Dispute {
        id: DisputeId::from_stripe(dispute.id),
        amount,
        currency,
        charge: dispute.charge.map(ChargeId::from_stripe),
        payment_intent: dispute.payment_intent.map(PaymentIntentId::from_stripe),
        status: dispute.status,
        reason: dispute.reason,
        is_charge_refundable: dispute.is_charge_refundable,
        created: dispute.created,
        evidence_details: dispute
            .evidence_due_by
            .map(|due| EvidenceDetails { due_by: Some(due), ..EvidenceDetails::default() }),
    })
}
