//! Whether an operation may be sent now.

use refund_core::id::OperationId;
use refund_ledger::{
    Approval, ApprovalState, Fingerprint, HeldRules, LedgerError, LedgerResult, MerchantRules,
    Operation, State, Tx,
};

use super::record::put;
use super::{approval, moves};
use crate::caller::Caller;

/// An operation that is under way in this process: durably marked as sent, alone on its payment.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenAttempt {
    /// The operation.
    pub operation: Operation,
    /// The merchant's rules in force.
    pub rules: MerchantRules,
    /// When the last earlier request may have left whose outcome is not known, Unix seconds.
    pub earlier: Option<u64>,
    /// The hash that enough approvers agreed to, by their recorded votes.
    pub approval: Option<String>,
}

/// What to do with an operation.
#[derive(Clone, Debug, PartialEq)]
pub enum AttemptStart {
    /// Send it.
    Go(Box<OpenAttempt>),
    /// It is settled for good: refunded, or called off.
    Settled(Box<Operation>),
    /// A living process works on this payment: wait, and begin again.
    Busy {
        /// The operation it works on.
        operation: OperationId,
    },
    /// The outcome of these operations on the same payment must be found out first.
    Unsettled(Vec<OperationId>),
    /// It must be found out whether these unsettled operations are on the same payment, which they would name in the other
    /// way: as a charge, or as a PaymentIntent.
    OtherNames(Vec<OperationId>),
    /// The request was corrected in the meantime: it is not the one that this caller asked for.
    Conflict(Box<Operation>),
}

/// Marks an operation as sent, unless something prevents it.
///
/// `expected` is the request that the caller asked for; absent for whoever takes what the ledger holds. `rules` are the
/// merchant's rules in force; absent to keep those of the last attempt. `elsewhere` are operations that are known to be on
/// other payments.
pub fn begin(
    tx: &mut dyn Tx,
    id: &OperationId,
    expected: Option<&Fingerprint>,
    rules: Option<&MerchantRules>,
    elsewhere: &[OperationId],
    caller: &Caller,
    now: u64,
) -> LedgerResult<AttemptStart> {
    let operation =
        tx.operation(id)?.ok_or_else(|| LedgerError::UnknownOperation(id.to_string()))?;
    if expected.is_some_and(|expected| *expected != operation.fingerprint) {
        return Ok(AttemptStart::Conflict(Box::new(operation)));
    }
    tx.check_held(id)?;
    approval::expire_of(tx, &operation, caller, now)?;
    if operation.state.has_refund() || operation.state == State::Canceled {
        return Ok(AttemptStart::Settled(Box::new(operation)));
    }
    let payment = tx.payment_key(operation.payment())?;
    if let Some(operation) = tx.working_on(&payment)? {
        return Ok(AttemptStart::Busy { operation });
    }
    for other in tx.recorded_on(&payment)?.iter().filter(|other| *other != id) {
        tx.check_held(other)?;
    }
    let unsettled = tx.unsettled_on(&payment, id)?;
    if !unsettled.is_empty() {
        return Ok(AttemptStart::Unsettled(unsettled));
    }
    let granted = match tx.live_approval(id)? {
        Some(approval) => granted(&approval, &operation)?,
        None => None,
    };
    let mut other_names = tx.unsettled_under_other_names(&payment, id)?;
    other_names.retain(|other| !elsewhere.contains(other));
    if !other_names.is_empty() {
        return Ok(AttemptStart::OtherNames(other_names));
    }
    tx.take_payment(&payment, id)?;
    let earlier = last_uncertain(&operation, now);
    let rules = in_force(&operation, rules)?;
    let operation = mark_sent(tx, operation, &rules, caller, now)?;
    Ok(AttemptStart::Go(Box::new(OpenAttempt { operation, rules, earlier, approval: granted })))
}

/// When the last request may have left whose outcome is not known. A process that ended without a word may have sent
/// its last one at any time until now.
pub(super) fn last_uncertain(operation: &Operation, now: u64) -> Option<u64> {
    if operation.state == State::Sent { Some(now) } else { operation.uncertain }
}

/// The rules that an operation is asked for under.
fn in_force(operation: &Operation, given: Option<&MerchantRules>) -> LedgerResult<MerchantRules> {
    match given.map_or_else(|| operation.rules.clone(), |given| held_or(&operation.rules, given)) {
        HeldRules::Readable(rules) => Ok(*rules),
        HeldRules::Unreadable { problem, .. } => {
            Err(LedgerError::Policy { operation: operation.id().to_string(), problem })
        }
    }
}

/// The rules that are given. What sets no rule takes none off the operation; that the customer asks stays known.
pub(super) fn held_or(held: &HeldRules, given: &MerchantRules) -> HeldRules {
    match held {
        _ if given.set_rules() => given.clone().into(),
        HeldRules::Readable(rules) if rules.set_rules() => {
            let self_serve = rules.self_serve || given.self_serve;
            MerchantRules { self_serve, ..rules.as_ref().clone() }.into()
        }
        HeldRules::Readable(_) if !given.is_empty() => given.clone().into(),
        _ => held.clone(),
    }
}

/// How many requests are not counted yet: a process that ended without a word may have sent one.
pub(super) fn uncounted(operation: &Operation) -> u32 {
    u32::from(operation.state == State::Sent)
}

fn mark_sent(
    tx: &mut dyn Tx,
    operation: Operation,
    rules: &MerchantRules,
    caller: &Caller,
    now: u64,
) -> LedgerResult<Operation> {
    moves::check(operation.state, State::Sent, operation.refund.is_some())?;
    let before = operation.state;
    let sent = Operation {
        state: State::Sent,
        attempts: operation.attempts.saturating_add(1),
        changes_sent: operation.changes_sent.saturating_add(uncounted(&operation)),
        uncertain: Some(now),
        rules: rules.clone().into(),
        detail: None,
        updated: now,
        ..operation
    };
    put(tx, Some(before), &sent, caller, None)?;
    Ok(sent)
}

/// The hash that an approved approval grants. The votes are counted again: a state alone approves nothing, and without
/// enough votes the component asks for them again.
fn granted(approval: &Approval, operation: &Operation) -> LedgerResult<Option<String>> {
    if approval.state != ApprovalState::Approved {
        return Ok(None);
    }
    if approval.fingerprint != operation.fingerprint {
        return Err(LedgerError::Altered(operation.id().to_string()));
    }
    let nobody_objects = approval.votes.iter().all(|vote| vote.agrees);
    let is_enough = approval.agreed() >= usize::from(approval.needed.max(1));
    Ok((nobody_objects && is_enough).then(|| approval.request_hash.clone()))
}
