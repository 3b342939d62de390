//! Which situations were reached.

use refund_app::{AskError, DecideError, OutcomeKind};
use refund_core::client::Origin;
use refund_ledger::{ApprovalState, Effect, Operation, Settlement, State};

use super::{Refunds, World};
use crate::call::{Answer, Call};
use crate::run::RunId;
use crate::situation::Situation;

impl Refunds {
    /// Notes what an answer says.
    pub(super) fn note_answer(&mut self, world: &World, run: RunId, answer: &Answer) {
        let call = self.runs.call(run);
        match answer {
            Answer::Outcome(Ok(outcome)) => {
                if !outcome.also_settled.is_empty() {
                    self.reach(Situation::AlsoSettled);
                }
                self.note_operation(world, &call, &outcome.operation);
                if let Some(situation) = of_outcome(outcome.kind()) {
                    self.reach(situation);
                }
                if outcome.kind() == OutcomeKind::Made {
                    self.note_origin(&outcome.operation);
                }
            }
            Answer::Outcome(Err(error)) => self.reach(match **error {
                AskError::Ledger(_) | AskError::Unsettled { .. } => Situation::LedgerFailed,
                AskError::NotRecorded { .. } => Situation::NotRecorded,
            }),
            Answer::Found(Ok(Some(operation))) => self.note_found(operation),
            Answer::Decided(Ok(decided)) => match decided.approval.state {
                ApprovalState::Approved => self.reach(Situation::Approved),
                ApprovalState::Denied => self.reach(Situation::Objected),
                _ => {}
            },
            Answer::Decided(Err(error)) | Answer::Approval(Err(error)) => self.note_refusal(error),
            Answer::Found(_) | Answer::Approval(Ok(_)) => {}
        }
    }

    fn note_origin(&mut self, operation: &Operation) {
        if let Some(Settlement::Refunded { origin, .. }) = &operation.settlement {
            match origin {
                Origin::Replayed => self.reach(Situation::Replayed),
                Origin::Reconciled => self.reach(Situation::Reconciled),
                Origin::Made | Origin::Found => {}
            }
        }
    }

    fn note_operation(&mut self, world: &World, call: &Call, operation: &Operation) {
        if operation.corrected_by.is_some() {
            self.reach(Situation::Corrected);
        }
        let is_executed = self
            .tables(world)
            .approvals()
            .any(|one| one.operation == *operation.id() && one.state == ApprovalState::Executed);
        if is_executed {
            self.reach(Situation::Executed);
        }
        if matches!(call, Call::Execute { .. }) && operation.state == State::NeedsApproval {
            self.reach(Situation::MoreApprovers);
        }
    }

    fn note_found(&mut self, operation: &Operation) {
        self.reach(match (&operation.settlement, operation.state) {
            (Some(Settlement::Absent { .. }), _) => Situation::FoundAbsent,
            (Some(Settlement::Refunded { .. }), _) => Situation::FoundPresent,
            (_, State::OutcomeUnknown) => Situation::StillUnknown,
            _ => return,
        });
    }

    fn note_refusal(&mut self, error: &DecideError) {
        self.reach(match error {
            DecideError::OwnRequest { .. } => Situation::OwnVote,
            DecideError::Twice { .. } => Situation::VotedTwice,
            DecideError::Expired(_) => Situation::ApprovalExpired,
            DecideError::Unsettled { .. } => Situation::ObjectedTooLate,
            _ => return,
        });
    }

    /// Notes what an event led to.
    pub(super) fn note_event(&mut self, effect: Option<&Effect>) {
        self.reach(match effect {
            Some(Effect::Moved { from: State::Sent, .. }) => Situation::EventOvertakes,
            Some(Effect::Moved { .. }) => Situation::EventMoves,
            Some(Effect::Known { .. }) => Situation::EventTooLate,
            Some(Effect::Repeated) => Situation::EventRepeated,
            Some(Effect::Elsewhere) => Situation::EventElsewhere,
            Some(Effect::Twice { .. } | Effect::Noted) | None => return,
        });
    }
}

fn of_outcome(kind: OutcomeKind) -> Option<Situation> {
    Some(match kind {
        OutcomeKind::Made => Situation::Made,
        OutcomeKind::Found => Situation::Found,
        OutcomeKind::Failed => Situation::Failed,
        OutcomeKind::Canceled => Situation::Canceled,
        OutcomeKind::Waiting => Situation::Waiting,
        OutcomeKind::Denied => Situation::Denied,
        OutcomeKind::Refused => Situation::Refused,
        OutcomeKind::Conflict => Situation::Conflict,
        OutcomeKind::NoAnswer => Situation::NoAnswer,
        OutcomeKind::Unknown => Situation::Unknown,
        OutcomeKind::Busy => Situation::Busy,
        OutcomeKind::Blocked => Situation::Blocked,
        OutcomeKind::Invalid | OutcomeKind::LedgerFailed | OutcomeKind::Rejected => return None,
    })
}
