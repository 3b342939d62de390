//! Decisions, executing, and approvals that are shown.

use refund_app::{AskError, DecideError, Decided, Outcome};
use refund_ledger::{Approval, ApprovalId, ApprovalState};

use super::Answer;
use crate::history::{History, Tick};
use crate::people::{Person, person};
use crate::world::Shared;

/// How far two clocks may be apart, in seconds, when it is judged whether a time was over.
const CLOCKS_APART: u64 = 12;

/// What an approver decided, and what they saw.
pub(crate) struct Decision {
    pub(crate) approval: ApprovalId,
    pub(crate) voter: Person,
    pub(crate) agrees: bool,
    /// The hash of what they saw, where they gave it.
    pub(crate) hash: Option<String>,
}

/// The name of why a decision does not count.
fn kind(error: &DecideError) -> &'static str {
    match error {
        DecideError::Ledger(_) => "ledger failed",
        DecideError::Unknown(_) => "unknown",
        DecideError::NotOpen { .. } => "not open",
        DecideError::NotApproved { .. } => "not approved",
        DecideError::Expired(_) => "expired",
        DecideError::OwnRequest { .. } => "own request",
        DecideError::RequesterUnknown { .. } => "requester unknown",
        DecideError::Twice { .. } => "decided before",
        DecideError::Altered(_) => "altered",
        DecideError::Unsettled { .. } => "unsettled",
    }
}

/// When a call wrote an approval.
fn recorded(history: &History, call: usize, approval: ApprovalId) -> Option<Tick> {
    let mut versions = history.approvals.get(&approval)?.iter();
    versions.find(|version| version.call == Some(call)).map(|version| version.from)
}

impl Shared {
    pub(crate) fn judge_decided(
        &self,
        call: usize,
        decision: &Decision,
        decided: &Result<Decided, DecideError>,
    ) {
        let kind = match decided {
            Ok(decided) => decided.approval.state.as_str(),
            Err(error) => kind(error),
        };
        let answer = self.answered(call, kind, || format!("{:?}", decided.as_ref().err()));
        match decided {
            Ok(decided) => self.judge_counted(&answer, decision, decided),
            Err(error) => self.judge_not_counted(&answer, decision, error),
        }
        self.judge_nothing_sent(&answer, "deciding sends nothing");
    }

    /// A decision that counts is recorded, by a person who may decide, and the approval is as far as its votes.
    fn judge_counted(&self, answer: &Answer, decision: &Decision, decided: &Decided) {
        let Decided { approval, operation } = decided;
        self.judge_approval(answer, approval);
        self.judge_operation(answer, operation);
        let Decision { voter, agrees, .. } = *decision;
        let votes = &approval.votes;
        let is_counted =
            votes.iter().any(|vote| person(&vote.voter) == Some(voter) && vote.agrees == agrees);
        let enough =
            votes.iter().filter(|vote| vote.agrees).count() >= usize::from(approval.needed);
        let expected = match (agrees, enough) {
            (false, _) => ApprovalState::Denied,
            (true, true) => ApprovalState::Approved,
            (true, false) => ApprovalState::Open,
        };
        if !is_counted || approval.state != expected || (!agrees && operation.refund.is_some()) {
            self.disagree("a decision that counts is recorded", answer.what.clone());
        }
        let asked_for_it = {
            let history = self.history();
            let recorded = recorded(&history, answer.call, approval.id);
            recorded
                .is_some_and(|at| history.askers(approval.operation.as_str(), at).contains(&voter))
        };
        if agrees && asked_for_it && !self.workload.own_requests {
            self.disagree("a requester does not approve", answer.what.clone());
        }
    }

    /// A decision that does not count is not recorded, and there is the reason that is given.
    fn judge_not_counted(&self, answer: &Answer, decision: &Decision, error: &DecideError) {
        let is_recorded = {
            let history = self.history();
            let versions = history.approvals.get(&decision.approval).into_iter().flatten();
            let mut own = versions.filter(|version| version.call == Some(answer.call));
            own.any(|version| {
                version
                    .approval
                    .votes
                    .iter()
                    .any(|vote| person(&vote.voter) == Some(decision.voter))
                    && version.approval.state != ApprovalState::Expired
            })
        };
        // Where the disk fails after the vote is written, nothing of it is kept: the same holds.
        if is_recorded {
            let said = format!("{}: {error}, and the vote is recorded", answer.what);
            self.disagree("a decision that does not count is not recorded", said);
        }
        if !self.has_reason(answer, decision, error) {
            let said = format!("{}: {error}", answer.what);
            self.disagree("a decision is not taken for the reason that is given", said);
        }
    }

    fn has_reason(&self, answer: &Answer, decision: &Decision, error: &DecideError) -> bool {
        let id = decision.approval;
        match error {
            DecideError::Ledger(error) => {
                self.judge_ledger_error(answer, error);
                true
            }
            DecideError::NotOpen { state, .. } => {
                *state != ApprovalState::Open
                    && self.approval_was(answer, id, |one| one.state == *state)
            }
            DecideError::Expired(_) => self.was_over(answer, id),
            DecideError::OwnRequest { .. } => {
                let history = self.history();
                let operation =
                    history.approvals[&id].first().map(|one| one.approval.operation.clone());
                operation
                    .is_some_and(|id| history.ever_asked(id.as_str()).contains(&decision.voter))
            }
            DecideError::Twice { .. } => self.approval_was(answer, id, |one| {
                one.votes.iter().any(|vote| person(&vote.voter) == Some(decision.voter))
            }),
            DecideError::Altered(_) => {
                let hash = decision.hash.as_ref();
                hash.is_some_and(|seen| {
                    self.approval_was(answer, id, |one| one.request_hash != *seen)
                })
            }
            DecideError::Unsettled { operation, state, .. } => {
                let history = self.history();
                history
                    .was_during(operation, answer.start, history.now(), |held| held.state == *state)
            }
            // Every caller has a name.
            DecideError::Unknown(_)
            | DecideError::NotApproved { .. }
            | DecideError::RequesterUnknown { .. } => false,
        }
    }

    /// Whether an approval was so at some moment since the call began.
    fn approval_was(
        &self,
        answer: &Answer,
        id: ApprovalId,
        passes: impl Fn(&Approval) -> bool,
    ) -> bool {
        let history = self.history();
        history.approval_was_during(id, answer.start, history.now(), passes)
    }

    /// Whether the time of an approval was over.
    fn was_over(&self, answer: &Answer, id: ApprovalId) -> bool {
        let now = self.unix_now(answer.process) + CLOCKS_APART;
        self.approval_was(answer, id, |one| {
            one.state == ApprovalState::Expired || one.expires < now
        })
    }

    pub(super) fn judge_approval(&self, answer: &Answer, approval: &Approval) {
        // Its payment is that of the operation, which may be corrected once the approval is over.
        let is_it = |held: &Approval| {
            let payment = held.payment.clone();
            *held == Approval { payment, ..approval.clone() }
        };
        if !self.approval_was(answer, approval.id, is_it) {
            let said =
                format!("{}: {} as {} was never held", answer.what, approval.id, approval.state);
            self.disagree("an approval in an answer is what the ledger held", said);
        }
    }

    pub(crate) fn judge_executed(
        &self,
        call: usize,
        id: ApprovalId,
        executed: &Result<Result<Outcome, AskError>, DecideError>,
    ) {
        let error = match executed {
            Ok(asked) => return self.judge_asked(call, asked),
            Err(error) => error,
        };
        let answer = self.answered(call, kind(error), || error.to_string());
        self.judge_nothing_sent(&answer, &error.to_string());
        let has_reason = match error {
            DecideError::Ledger(error) => {
                self.judge_ledger_error(&answer, error);
                true
            }
            // Not enough approvers yet: it may still be decided.
            DecideError::NotApproved { state, agreed, needed, .. } => {
                *state == ApprovalState::Open
                    && self.approval_was(&answer, id, |one| {
                        let votes = one.votes.iter().filter(|vote| vote.agrees).count();
                        one.state == *state && votes == *agreed && one.needed == *needed
                    })
            }
            // It is over. One that was executed is asked for again, which finds its refund.
            DecideError::NotOpen { state, .. } => {
                matches!(state, ApprovalState::Denied | ApprovalState::Superseded)
                    && self.approval_was(&answer, id, |one| one.state == *state)
            }
            DecideError::Expired(_) => self.was_over(&answer, id),
            _ => false,
        };
        if !has_reason {
            let said = format!("{}: {error}", answer.what);
            self.disagree("what is not executed is not for the reason that is given", said);
        }
    }

    pub(crate) fn judge_withdrawn(
        &self,
        call: usize,
        id: ApprovalId,
        withdrawn: &Result<Approval, DecideError>,
    ) {
        let kind = withdrawn.as_ref().map_or_else(kind, |approval| approval.state.as_str());
        let answer = self.answered(call, kind, || format!("{:?}", withdrawn.as_ref().err()));
        self.judge_nothing_sent(&answer, "ending an approval sends nothing");
        let is_so = match withdrawn {
            Ok(approval) => {
                self.judge_approval(&answer, approval);
                approval.state == ApprovalState::Expired
            }
            Err(DecideError::Ledger(error)) => {
                self.judge_ledger_error(&answer, error);
                true
            }
            Err(DecideError::NotOpen { state, .. }) => {
                !state.is_live() && self.approval_was(&answer, id, |one| one.state == *state)
            }
            Err(_) => false,
        };
        if !is_so {
            self.disagree(
                "an approval that was withdrawn is over",
                format!("{}: {withdrawn:?}", answer.what),
            );
        }
    }

    pub(crate) fn judge_shown(
        &self,
        call: usize,
        id: ApprovalId,
        shown: &Result<Approval, DecideError>,
    ) {
        let kind = shown.as_ref().map_or_else(kind, |shown| shown.state.as_str());
        let answer = self.answered(call, &format!("approval {kind}"), String::new);
        let is_so = match shown {
            // One whose time is over is shown as that before a write has ended it.
            Ok(approval) if approval.state == ApprovalState::Expired => {
                self.was_over(&answer, id)
                    && self.approval_was(&answer, id, |one| {
                        one.votes == approval.votes && one.request_hash == approval.request_hash
                    })
            }
            Ok(approval) => {
                self.judge_approval(&answer, approval);
                true
            }
            Err(DecideError::Ledger(error)) => {
                self.judge_ledger_error(&answer, error);
                true
            }
            Err(_) => false,
        };
        if !is_so {
            self.disagree("an approval is shown as it is", format!("{}: {shown:?}", answer.what));
        }
    }
}
