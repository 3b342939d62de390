//! Whether an operation id may be used for a request.

use refund_core::request::Request;
use refund_ledger::{
    Approval, Fingerprint, LedgerResult, MerchantRules, Operation, State, Tx, UserName,
};

use super::attempt::held_or;
use super::record::{put, remark};
use super::{moves, turn};
use crate::caller::Caller;

/// What became of an operation id that was given with a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Admitted {
    /// The id is new: the operation is planned.
    New(Box<Operation>),
    /// The id is known, with the same request.
    Known(Box<Operation>),
    /// The id was known with another request, for which nothing had been sent: that one was denied, invalid, or never
    /// tried. It is planned with the corrected values.
    Corrected(Box<Operation>),
    /// The id is in use for another request that was sent, refunded or called off, or pipelines hold their turn under it.
    Conflict(Box<Operation>),
    /// The id is in use for another request that waits for an approval.
    Waits {
        /// The operation.
        operation: Box<Operation>,
        /// What it waits for.
        approval: Box<Approval>,
    },
}

/// Records an operation, finds it, or corrects it.
pub fn admit(
    tx: &mut dyn Tx,
    request: Request,
    rules: MerchantRules,
    caller: &Caller,
    now: u64,
) -> LedgerResult<Admitted> {
    if request.operation == turn::holder()? {
        let operation = Operation::new(request, caller.user.clone(), rules.into(), now);
        return Ok(Admitted::Conflict(Box::new(operation)));
    }
    let Some(known) = tx.operation(&request.operation)? else {
        tx.check_held(&request.operation)?;
        let operation = Operation::new(request, caller.user.clone(), rules.into(), now);
        put(tx, None, &operation, caller, None)?;
        return Ok(Admitted::New(Box::new(operation)));
    };
    if known.fingerprint == Fingerprint::of(&request) {
        let known = name_requester(tx, known, caller, now)?;
        return Ok(Admitted::Known(Box::new(known)));
    }
    correct(tx, known, request, &rules, caller, now)
}

/// Records who asks again for what had been asked for without a user name: from then on an approver can be shown to be a
/// different person.
fn name_requester(
    tx: &mut dyn Tx,
    known: Operation,
    caller: &Caller,
    now: u64,
) -> LedgerResult<Operation> {
    let is_open = matches!(known.state, State::Planned | State::Refused | State::NeedsApproval);
    if !is_open || *known.asked_by() != UserName::unknown() || caller.user == UserName::unknown() {
        return Ok(known);
    }
    tx.check_held(known.id())?;
    let named = Operation { corrected_by: Some(caller.user.clone()), ..known };
    tx.put_operation(&named)?;
    if let Some(approval) = tx.live_approval(named.id())? {
        tx.put_approval(&Approval { requester: named.asked_by().clone(), ..approval })?;
    }
    let text = format!("it was not known who asks; {} asked again", caller.user);
    remark(tx, &named, caller, text, now)?;
    Ok(named)
}

/// Whether nothing was ever sent for an operation and nothing is under way, so that its request may be corrected.
fn was_never_sent(operation: &Operation) -> bool {
    operation.changes_sent == 0
        && operation.refund.is_none()
        && matches!(operation.state, State::Planned | State::Refused | State::NeedsApproval)
}

/// Asks again with corrected values: the earlier ones stay in the audit.
fn correct(
    tx: &mut dyn Tx,
    known: Operation,
    request: Request,
    rules: &MerchantRules,
    caller: &Caller,
    now: u64,
) -> LedgerResult<Admitted> {
    if !was_never_sent(&known) {
        return Ok(Admitted::Conflict(Box::new(known)));
    }
    if let Some(approval) = tx.live_approval(known.id())?.filter(|one| one.expires >= now) {
        let (operation, approval) = (Box::new(known), Box::new(approval));
        return Ok(Admitted::Waits { operation, approval });
    }
    let payment = tx.payment_key(known.payment())?;
    if tx.working_on(&payment)?.as_ref() == Some(known.id()) {
        return Ok(Admitted::Conflict(Box::new(known)));
    }
    tx.check_held(known.id())?;
    super::approval::expire_of(tx, &known, caller, now)?;
    if known.state != State::Planned {
        moves::check(known.state, State::Planned, false)?;
    }
    let before = known.state;
    let rules = held_or(&known.rules, rules);
    let corrected = Operation {
        fingerprint: Fingerprint::of(&request),
        request,
        rules,
        corrected_by: Some(caller.user.clone()),
        state: State::Planned,
        settlement: None,
        detail: Some("asked again with corrected values; nothing had been sent".to_owned()),
        updated: now,
        ..known
    };
    put(tx, Some(before), &corrected, caller, None)?;
    Ok(Admitted::Corrected(Box::new(corrected)))
}
