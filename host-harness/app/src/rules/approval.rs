//! Approvals: who may decide, about what, and until when.

use refund_ledger::{
    Approval, ApprovalId, ApprovalState, CalledOff, LedgerError, LedgerResult, NewApproval,
    Operation, Settlement, State, Tx, UserName, Vote,
};

use super::reading::ApprovalRequest;
use super::record::{put, record, remark};
use super::{follow_up, moves};
use crate::caller::Caller;

/// An approver's decision.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ballot {
    /// Agrees, or objects.
    pub agrees: bool,
    /// In their words.
    pub note: Option<String>,
    /// The hash of what they saw: another one is refused.
    pub request_hash: Option<String>,
    /// Whether the requester may approve as well.
    pub own_requests: bool,
}

/// Why a decision does not count. Nothing was changed, and nothing was sent.
#[derive(Clone, Debug, thiserror::Error)]
pub enum DecideError {
    /// The ledger cannot be used.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// No such approval.
    #[error("there is no approval `{0}`: `refund-node approvals list` shows those there are")]
    Unknown(String),
    /// It is not open any more.
    #[error("approval `{id}` is {state}: it can be neither decided nor executed any more")]
    NotOpen {
        /// Which.
        id: ApprovalId,
        /// Where it stands.
        state: ApprovalState,
    },
    /// Not enough approvers agreed, so it cannot be executed.
    #[error("approval `{id}` is {state}: {agreed} of {needed} approvers agreed so far")]
    NotApproved {
        /// Which.
        id: ApprovalId,
        /// Where it stands.
        state: ApprovalState,
        /// How many agreed.
        agreed: usize,
        /// How many must.
        needed: u8,
    },
    /// Its time is over.
    #[error("approval `{0}` has expired: ask again with the same operation id")]
    Expired(ApprovalId),
    /// The requester wants to approve.
    #[error("`{voter}` asked for `{id}`, so a different person must approve it (four-eyes rule)")]
    OwnRequest {
        /// Which.
        id: ApprovalId,
        /// Who.
        voter: String,
    },
    /// The ledger does not name the requester, so the approver may be the same person.
    #[error(
        "it is not recorded who asked for `{operation}`, so no approver can be shown to be a different person (four-eyes rule): ask for the same refund again with the same operation id and a user name (--as or REFUND_NODE_USER), who is the requester then"
    )]
    RequesterUnknown {
        /// Which.
        id: ApprovalId,
        /// The operation.
        operation: String,
    },
    /// A second vote.
    #[error("`{voter}` has decided about `{id}` before: each approver has one vote")]
    Twice {
        /// Which.
        id: ApprovalId,
        /// Who.
        voter: String,
    },
    /// What is in the ledger, or what the approver saw, is not what was filed.
    #[error("what `{0}` would execute is not what was asked for: look at it again, or ask again")]
    Altered(ApprovalId),
    /// It may have been executed already.
    #[error(
        "`{id}` cannot be denied: operation `{operation}` is {state}, so the refund may have been made; ask for the same refund again with the same operation id, which finds out"
    )]
    Unsettled {
        /// Which.
        id: ApprovalId,
        /// The operation.
        operation: String,
        /// Where it stands.
        state: State,
    },
}

/// A decision, or why it does not count.
pub type Decision = LedgerResult<Result<Approval, DecideError>>;

/// Files an approval. One that waits for the same stays. Where only the rules changed, and with them how many
/// approvers must agree, it waits for more of them, or for fewer; where the refund changed, it is superseded.
pub(super) fn file(
    tx: &mut dyn Tx,
    operation: &Operation,
    asked: &ApprovalRequest,
    approval_secs: u64,
    now: u64,
) -> LedgerResult<()> {
    if let Some(live) = tx.live_approval(operation.id())? {
        let is_same_refund = live.fingerprint == operation.fingerprint && live.money == asked.money;
        if is_same_refund && live.expires >= now {
            return adjust(tx, live, asked);
        }
        end(tx, live, ApprovalState::Superseded, now)?;
    }
    tx.insert_approval(&NewApproval {
        operation: operation.id().clone(),
        request_hash: asked.request_hash.clone(),
        fingerprint: operation.fingerprint.clone(),
        money: asked.money,
        requester: operation.asked_by().clone(),
        needed: asked.needed,
        verdict: asked.verdict.clone(),
        created: now,
        expires: now.saturating_add(approval_secs),
    })?;
    Ok(())
}

/// The rules in force want another number of approvers: those who agreed to the refund still do.
fn adjust(tx: &mut dyn Tx, live: Approval, asked: &ApprovalRequest) -> LedgerResult<()> {
    let enough = live.agreed() >= usize::from(asked.needed);
    let state = if enough { ApprovalState::Approved } else { ApprovalState::Open };
    tx.put_approval(&Approval {
        request_hash: asked.request_hash.clone(),
        needed: asked.needed,
        verdict: Some(asked.verdict.clone()),
        decided: live.decided.filter(|_| enough),
        state,
        ..live
    })
}

fn end(tx: &mut dyn Tx, approval: Approval, state: ApprovalState, now: u64) -> LedgerResult<()> {
    let decided = approval.decided.or(Some(now));
    tx.put_approval(&Approval { state, decided, ..approval })
}

/// Ends the approval of an operation whose refund is known, whoever found it, or that was called off: a denial would say
/// that there is no refund.
pub(super) fn close(tx: &mut dyn Tx, operation: &Operation, now: u64) -> LedgerResult<bool> {
    let is_refunded = operation.refund.is_some();
    if !is_refunded && operation.state != State::Canceled {
        return Ok(false);
    }
    let Some(live) = tx.live_approval(operation.id())? else { return Ok(false) };
    let is_executed = is_refunded && live.state == ApprovalState::Approved;
    let state = if is_executed { ApprovalState::Executed } else { ApprovalState::Superseded };
    end(tx, live, state, now)?;
    Ok(true)
}

/// Ends the approval of an operation that was refused when it was executed, or is asked for with other values.
pub(super) fn supersede(tx: &mut dyn Tx, operation: &Operation, now: u64) -> LedgerResult<()> {
    match tx.live_approval(operation.id())? {
        Some(live) => end(tx, live, ApprovalState::Superseded, now),
        None => Ok(()),
    }
}

/// Ends the approval of an operation whose time is over, and one that an earlier version left open though the refund is
/// known.
pub(super) fn expire_of(
    tx: &mut dyn Tx,
    operation: &Operation,
    caller: &Caller,
    now: u64,
) -> LedgerResult<()> {
    if close(tx, operation, now)? {
        return remark(tx, operation, caller, "its approval was closed".to_owned(), now);
    }
    let Some(live) = tx.live_approval(operation.id())? else { return Ok(()) };
    if live.expires >= now {
        return Ok(());
    }
    expire(tx, operation, live, caller, now)
}

fn expire(
    tx: &mut dyn Tx,
    operation: &Operation,
    approval: Approval,
    caller: &Caller,
    now: u64,
) -> LedgerResult<()> {
    let text = format!("{} expired", approval.id);
    let decided = approval.decided.or(Some(approval.expires));
    tx.put_approval(&Approval { state: ApprovalState::Expired, decided, ..approval })?;
    remark(tx, operation, caller, text, now)
}

/// Ends every approval whose time is over, but for those of operations that are under way, and of operations that were
/// edited: to record them anew would hide that, and it must not stop a decision about another one.
pub fn expire_all(tx: &mut dyn Tx, caller: &Caller, now: u64) -> LedgerResult<()> {
    for approval in tx.overdue_approvals(now)? {
        let Some(operation) = tx.operation(&approval.operation)? else { continue };
        match tx.check_held(operation.id()) {
            Ok(()) => expire(tx, &operation, approval, caller, now)?,
            Err(LedgerError::Altered(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The approval that a caller names.
fn find(tx: &mut dyn Tx, id: &str) -> Decision {
    let found = match ApprovalId::parse(id) {
        Some(id) => tx.approval(id)?,
        None => None,
    };
    Ok(found.ok_or_else(|| DecideError::Unknown(id.to_owned())))
}

/// Takes a decision. The last one needed makes the operation ready to be executed; an objection calls it off.
///
/// # Errors
/// When the ledger cannot be used, or was edited; the inner error says why the decision does not count.
pub fn decide(tx: &mut dyn Tx, id: &str, ballot: &Ballot, caller: &Caller, now: u64) -> Decision {
    let approval = match find(tx, id)? {
        Ok(approval) => approval,
        Err(unknown) => return Ok(Err(unknown)),
    };
    let Some(operation) = tx.operation(&approval.operation)? else {
        return Err(LedgerError::UnknownOperation(approval.operation.to_string()));
    };
    if let Err(refused) = may_decide(&approval, &operation, ballot, caller, now) {
        return Ok(Err(refused));
    }
    tx.check_held(operation.id())?;
    let vote = Vote {
        voter: caller.user.clone(),
        agrees: ballot.agrees,
        note: ballot.note.clone(),
        time: now,
        own_request: ballot.agrees && may_be_own_request(&operation, caller),
    };
    tx.insert_vote(approval.id, &vote)?;
    let id = approval.id;
    if ballot.agrees {
        agree(tx, approval, &operation, &vote, caller, now)?;
    } else {
        call_off(tx, approval, &operation, &vote, caller, now)?;
    }
    Ok(tx.approval(id)?.ok_or_else(|| DecideError::Unknown(id.to_string())))
}

/// Whether the caller asked for the operation, or may have.
fn may_be_own_request(operation: &Operation, caller: &Caller) -> bool {
    operation.was_asked_for_by(&caller.user) || *operation.asked_by() == UserName::unknown()
}

fn may_decide(
    approval: &Approval,
    operation: &Operation,
    ballot: &Ballot,
    caller: &Caller,
    now: u64,
) -> Result<(), DecideError> {
    let (id, voter) = (approval.id, caller.user.to_string());
    match approval.state {
        ApprovalState::Open if approval.expires < now => return Err(DecideError::Expired(id)),
        ApprovalState::Open => {}
        ApprovalState::Expired => return Err(DecideError::Expired(id)),
        state => return Err(DecideError::NotOpen { id, state }),
    }
    if approval.votes.iter().any(|vote| vote.voter == caller.user) {
        return Err(DecideError::Twice { id, voter });
    }
    // The requester may take the request back, but not approve it.
    if ballot.agrees && !ballot.own_requests && may_be_own_request(operation, caller) {
        if operation.was_asked_for_by(&caller.user) {
            return Err(DecideError::OwnRequest { id, voter });
        }
        let operation = operation.id().to_string();
        return Err(DecideError::RequesterUnknown { id, operation });
    }
    let seen = ballot.request_hash.as_ref().is_none_or(|hash| *hash == approval.request_hash);
    if !seen || approval.fingerprint != operation.fingerprint {
        return Err(DecideError::Altered(id));
    }
    // To call it off would be to say that nothing was refunded.
    if !ballot.agrees && (operation.state.is_unsettled() || operation.refund.is_some()) {
        let (operation, state) = (operation.id().to_string(), operation.state);
        return Err(DecideError::Unsettled { id, operation, state });
    }
    Ok(())
}

fn agree(
    tx: &mut dyn Tx,
    approval: Approval,
    operation: &Operation,
    vote: &Vote,
    caller: &Caller,
    now: u64,
) -> LedgerResult<()> {
    let agreed = approval.agreed() + 1;
    let (id, needed) = (approval.id, approval.needed);
    if agreed >= usize::from(needed) {
        end(tx, approval, ApprovalState::Approved, now)?;
    }
    let text = format!("{} approved {id} ({agreed} of {needed}){}", vote.voter, note(vote));
    remark(tx, operation, caller, text, now)
}

fn call_off(
    tx: &mut dyn Tx,
    approval: Approval,
    operation: &Operation,
    vote: &Vote,
    caller: &Caller,
    now: u64,
) -> LedgerResult<()> {
    moves::check(operation.state, State::Canceled, operation.refund.is_some())?;
    let detail = format!("{} denied {}{}", vote.voter, approval.id, note(vote));
    end(tx, approval, ApprovalState::Denied, now)?;
    let called_off = CalledOff::Approver { name: vote.voter.clone(), note: vote.note.clone() };
    let canceled = Operation {
        state: State::Canceled,
        settlement: Some(Settlement::CalledOff(called_off)),
        detail: Some(detail),
        uncertain: None,
        updated: now,
        ..operation.clone()
    };
    put(tx, Some(operation.state), &canceled, caller, None)?;
    follow_up::add(tx, now, |options| follow_up::of_called_off(&canceled, options))
}

fn note(vote: &Vote) -> String {
    vote.note.as_ref().map_or_else(String::new, |note| format!(": {note}"))
}

/// Ends an approval before its time, whoever asked. Asking again files a new one.
///
/// # Errors
/// When the ledger cannot be used; the inner error says why it cannot be ended.
pub fn withdraw(tx: &mut dyn Tx, id: &str, caller: &Caller, now: u64) -> Decision {
    let approval = match find(tx, id)? {
        Ok(approval) => approval,
        Err(unknown) => return Ok(Err(unknown)),
    };
    let Some(operation) = tx.operation(&approval.operation)?.filter(|_| approval.state.is_live())
    else {
        return Ok(Err(DecideError::NotOpen { id: approval.id, state: approval.state }));
    };
    tx.check_held(operation.id())?;
    let id = approval.id;
    end(tx, approval, ApprovalState::Expired, now)?;
    remark(tx, &operation, caller, format!("{id} was ended before its time"), now)?;
    Ok(tx.approval(id)?.ok_or_else(|| DecideError::Unknown(id.to_string())))
}

/// The operation of an approval that may be executed now, or was: executing it again finds its refund.
///
/// # Errors
/// When the ledger cannot be used; the inner error says why it cannot be executed.
pub fn executable(tx: &mut dyn Tx, id: &str, now: u64) -> Decision {
    let approval = match find(tx, id)? {
        Ok(approval) => approval,
        Err(unknown) => return Ok(Err(unknown)),
    };
    Ok(match approval.state {
        ApprovalState::Approved if approval.expires < now => Err(DecideError::Expired(approval.id)),
        ApprovalState::Approved | ApprovalState::Executed => Ok(approval),
        ApprovalState::Expired => Err(DecideError::Expired(approval.id)),
        state @ (ApprovalState::Denied | ApprovalState::Superseded) => {
            Err(DecideError::NotOpen { id: approval.id, state })
        }
        state @ ApprovalState::Open => Err(DecideError::NotApproved {
            id: approval.id,
            state,
            agreed: approval.agreed(),
            needed: approval.needed,
        }),
    })
}

/// Replaces an operation that was called off, ends its approval, and records the move.
pub(crate) fn record_calling_off(
    tx: &mut dyn Tx,
    before: State,
    operation: &Operation,
    caller: &Caller,
) -> LedgerResult<()> {
    tx.check_held(operation.id())?;
    tx.put_operation(operation)?;
    close(tx, operation, operation.updated)?;
    record(tx, Some(before), operation, caller, operation.detail.clone(), None)
}
