//! The judge: compares every answer with what the ledger held and what Stripe had, and what left with what was allowed.
//!
//! An answer is about some moment between its call and now. That there is no refund is compared with the earliest such
//! moment, since a refund may be made after it; that there is one is compared with now, since it stays. No rule of the
//! product is used here.
//!
//! - here: asking, executing, finding out, looking
//! - [`approvals`]: decisions, and approvals that are shown
//! - [`compared`]: reconciling, and webhook deliveries
//! - [`runs`]: runs of files, their plans and their ends
//! - [`leaving`]: what leaves for Stripe
//! - [`end`]: what is known when everything is settled

mod approvals;
mod compared;
mod end;
mod leaving;
mod runs;

use refund_app::outcome::Standing;
use refund_app::{AskError, Outcome, OutcomeKind};
use refund_core::client::Origin;
use refund_ledger::{Fingerprint, LedgerError, Operation, Settlement, State};

pub(crate) use self::approvals::Decision;
pub(crate) use self::compared::TOLERANCE_SECS;
pub(crate) use self::end::Promise;
pub(crate) use self::runs::Session;
use crate::executor::ProcessId;
use crate::history::{History, Made, NoRefund, Tick};
use crate::world::{BEGINNING, Shared};

/// What an answer says about the refund of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Says {
    /// It exists, and its status at Stripe is, or was, this one; any when absent.
    Refund(Option<&'static str>),
    /// There is none.
    NoRefund,
    /// It may exist.
    Unknown,
}

fn says(operation: &Operation) -> Says {
    match operation.state {
        State::Pending => Says::Refund(None),
        State::Succeeded => Says::Refund(Some("succeeded")),
        State::Failed => Says::Refund(Some("failed")),
        State::Canceled if operation.refund.is_some() => Says::Refund(Some("canceled")),
        State::Canceled | State::Planned | State::Refused | State::NeedsApproval => Says::NoRefund,
        State::Sent | State::OutcomeUnknown => Says::Unknown,
    }
}

/// An answer of the product, as it is judged.
struct Answer {
    /// The call that it answers.
    call: usize,
    process: ProcessId,
    /// When the call began.
    start: Tick,
    /// What was asked, and what was answered.
    what: String,
}

impl Shared {
    pub(crate) fn disagree(&self, rule: &'static str, what: String) {
        self.history().disagree(self.executor.now(), rule, what);
    }

    /// Counts an answer, of this kind.
    fn answered(&self, call: usize, kind: &str, answer: impl FnOnce() -> String) -> Answer {
        let mut history = self.history();
        history.counts.answers += 1;
        let now = history.tick();
        history.calls[call].end = Some(now);
        history
            .note(self.executor.now(), || format!("  answer to call {call}: {kind} {}", answer()));
        let history = &mut *history;
        let asked = &history.calls[call];
        *history.reached.entry(format!("{}: {kind}", asked.way)).or_default() += 1;
        let what = format!("{}, answered {kind}", asked.what);
        Answer { call, process: asked.process, start: asked.start, what }
    }

    /// An operation in an answer: it is what the ledger held, and what it says of the refund is so.
    fn judge_operation(&self, answer: &Answer, operation: &Operation) {
        let found = {
            let history = self.history();
            history.held_during(operation, answer.start, history.now())
        };
        let what = &answer.what;
        match found {
            Some(at) => self.judge_says(what, at, operation, says(operation)),
            None => self.disagree(
                "an answer is what the ledger held",
                format!(
                    "{what}: operation {} as {} was never held",
                    operation.id(),
                    operation.state
                ),
            ),
        }
    }

    fn judge_says(&self, what: &str, at: Tick, operation: &Operation, says: Says) {
        let id = operation.id().to_string();
        match says {
            Says::NoRefund => {
                let said = format!("{what}: {id} is {}", operation.state);
                self.history().no_refunds.push(NoRefund { operation: id, at, said });
            }
            Says::Refund(status) => {
                let Some(refund) = &operation.refund else {
                    return self.disagree("a refund has an id", format!("{what}: {id} names none"));
                };
                let is_real = self.history().refund(refund.id.as_str()).is_some_and(|made| {
                    made.operation.as_deref() == Some(&id)
                        && made.amount == refund.money.amount
                        && status.is_none_or(|status| had_status(made, status))
                });
                if !is_real {
                    let said = format!("{what}: {id} is {} by {}", operation.state, refund.id);
                    self.disagree("a refund in an answer is real", said);
                }
            }
            Says::Unknown => {}
        }
    }

    /// What came of asking for a refund.
    pub(crate) fn judge_asked(&self, call: usize, asked: &Result<Outcome, AskError>) {
        match asked {
            Ok(outcome) => self.judge_outcome(call, outcome),
            Err(error) => {
                let kind = match error {
                    AskError::Ledger(_) => "ledger failed",
                    AskError::Unsettled { .. } => "unsettled",
                    AskError::NotRecorded { .. } => "not recorded",
                };
                let answer = self.answered(call, kind, || error.to_string());
                self.judge_ask_error(&answer, error);
            }
        }
    }

    fn judge_ask_error(&self, answer: &Answer, error: &AskError) {
        match error {
            AskError::Ledger(error) => {
                self.judge_ledger_error(answer, error);
                self.judge_nothing_sent(answer, &error.to_string());
            }
            AskError::Unsettled { operation, error }
            | AskError::NotRecorded { operation, error, .. } => {
                self.judge_ledger_error(answer, error);
                self.judge_may_be_made(answer, operation.as_str());
            }
        }
    }

    /// The ledger holds that an operation may have its refund.
    fn judge_may_be_made(&self, answer: &Answer, operation: &str) {
        let history = self.history();
        let may_be = history.was_during(operation, answer.start, history.now(), |held| {
            held.state.is_unsettled() || held.refund.is_some()
        });
        drop(history);
        if !may_be {
            let rule = "an unknown outcome is unknown in the ledger";
            self.disagree(rule, answer.what.clone());
        }
    }

    /// The ledger fails only where its disk does.
    fn judge_ledger_error(&self, answer: &Answer, error: &LedgerError) {
        let is_of_the_disk = matches!(error, LedgerError::Write(_) | LedgerError::Read(_))
            && self.history().disk_failed(answer.process, answer.start);
        if !is_of_the_disk {
            self.disagree(
                "the ledger fails only with its disk",
                format!("{}: {error}", answer.what),
            );
        }
    }

    fn judge_nothing_sent(&self, answer: &Answer, said: &str) {
        if self.history().sent_by(answer.call) > 0 {
            let what = format!("{}: {said}", answer.what);
            self.disagree("nothing was sent, as it was said", what);
        }
    }

    fn judge_outcome(&self, call: usize, outcome: &Outcome) {
        let kind = outcome.kind();
        let answer = self.answered(call, kind.row().name, || outcome.text());
        self.judge_operation(&answer, &outcome.operation);
        for settled in &outcome.also_settled {
            self.judge_operation(&answer, settled);
        }
        self.judge_fits(&answer, outcome);
        self.judge_standing(&answer, outcome);
        self.judge_sent_by(&answer, kind);
        self.judge_shown_refund(&answer, outcome);
    }

    /// The words of an answer fit the operation in it, and what was asked for.
    fn judge_fits(&self, answer: &Answer, outcome: &Outcome) {
        let operation = &outcome.operation;
        let asked = self.history().calls[answer.call].asked.clone();
        let is_asked_for =
            asked.is_none_or(|asked| operation.fingerprint == Fingerprint::of(&asked));
        let is_conflict = matches!(operation.settlement, Some(Settlement::Conflict { .. }));
        let fits = match outcome.kind() {
            OutcomeKind::Made | OutcomeKind::Found => {
                is_asked_for && matches!(operation.state, State::Pending | State::Succeeded)
            }
            OutcomeKind::Failed => is_asked_for && operation.state == State::Failed,
            OutcomeKind::Canceled => is_asked_for && operation.state == State::Canceled,
            OutcomeKind::Waiting => is_asked_for && operation.state == State::NeedsApproval,
            OutcomeKind::Unknown => says(operation) == Says::Unknown,
            OutcomeKind::Conflict => !is_asked_for || is_conflict,
            OutcomeKind::Denied | OutcomeKind::Invalid | OutcomeKind::Refused => {
                is_asked_for && says(operation) == Says::NoRefund
            }
            OutcomeKind::NoAnswer | OutcomeKind::Busy | OutcomeKind::Blocked => {
                says(operation) == Says::NoRefund
            }
            OutcomeKind::LedgerFailed | OutcomeKind::Rejected => false,
        };
        if !fits {
            let said = format!("{}: the operation is {}", answer.what, operation.state);
            self.disagree("an answer says what its operation says", said);
        }
    }

    /// What an answer says beside the operation.
    fn judge_standing(&self, answer: &Answer, outcome: &Outcome) {
        let id = outcome.operation.id().as_str();
        match &outcome.standing {
            Standing::Unknown { definite_from: Some(from), .. } => {
                self.judge_definite(answer, id, *from);
            }
            Standing::Blocked { operation: earlier, definite_from } => {
                self.judge_blocked(answer, &outcome.operation, earlier.as_str());
                if let Some(from) = definite_from {
                    self.judge_definite(answer, earlier.as_str(), *from);
                }
            }
            Standing::Busy(other)
                if !self.was_worked_on(answer, outcome.operation.payment().as_str()) =>
            {
                let what = format!("{}: not by {other}", answer.what);
                self.disagree("what is busy is worked on", what);
            }
            Standing::NeedsApproval { approval, .. } => match approval {
                Some(approval) if approval.state.is_live() => self.judge_approval(answer, approval),
                _ => self.disagree("what waits has an approval to wait for", answer.what.clone()),
            },
            _ => {}
        }
    }

    /// What blocks is an unsettled operation on the same payment; or on one that is named in the other way, where Stripe
    /// cannot be asked whether it is the same.
    fn judge_blocked(&self, answer: &Answer, blocked: &Operation, earlier: &str) {
        let history = self.history();
        let was_unsettled = history
            .was_during(earlier, answer.start, history.now(), |held| held.state.is_unsettled());
        let own = blocked.payment().as_str();
        let may_be_same = history.held(earlier).is_some_and(|held| {
            let other = held.operation.payment().as_str();
            let is_charge = |payment: &str| payment.starts_with("ch_");
            self.charge_of(other) == self.charge_of(own) || is_charge(other) != is_charge(own)
        });
        drop(history);
        if !was_unsettled || !may_be_same {
            let what = format!("{}: {earlier} was not", answer.what);
            self.disagree("what blocks is unsettled, on the same payment", what);
        }
    }

    /// Whether a process worked on a payment since the call began.
    fn was_worked_on(&self, answer: &Answer, payment: &str) -> bool {
        self.was_worked_on_in(&self.history(), answer, payment)
    }

    fn was_worked_on_in(&self, history: &History, answer: &Answer, payment: &str) -> bool {
        let charge = self.charge_of(payment);
        history.work.iter().any(|work| {
            work.until.is_none_or(|until| until >= answer.start)
                && self.charge_of(&work.payment) == charge
        })
    }

    /// From an instant on, an answer is said to be definite: no request that had left may still be under way then. That is
    /// about the moment at which the ledger said so; another call may send the request once more right after it.
    fn judge_definite(&self, answer: &Answer, operation: &str, from: u64) {
        let grace = self.settings().grace_secs;
        let said = self.history().was_uncertain_at(operation, answer.start, from - grace);
        let Some(at) = said else {
            let what = format!("{}: definite from {from}", answer.what);
            return self.disagree("an unknown outcome is unknown in the ledger", what);
        };
        let promised = from.saturating_sub(BEGINNING);
        let (said, operation) = (answer.what.clone(), operation.to_owned());
        self.history().promises.push(Promise { operation, at, promised, said });
    }

    /// What the table says about requests that this call sent.
    fn judge_sent_by(&self, answer: &Answer, kind: OutcomeKind) {
        let sent = self.history().sent_by(answer.call);
        let agrees = match kind {
            OutcomeKind::Made => sent > 0,
            // "Nothing was sent", or "No request to make the refund had left."
            OutcomeKind::NoAnswer
            | OutcomeKind::Found
            | OutcomeKind::Waiting
            | OutcomeKind::Denied
            | OutcomeKind::Invalid
            | OutcomeKind::Busy
            | OutcomeKind::Blocked => sent == 0,
            _ => true,
        };
        if !agrees {
            let what = format!("{}: it sent {sent}", answer.what);
            self.disagree("what was sent is what was said", what);
        }
    }

    /// The refund as Stripe showed it is that of the operation, and it was so; one that this call made is of its request.
    fn judge_shown_refund(&self, answer: &Answer, outcome: &Outcome) {
        let origin = match &outcome.standing {
            Standing::Refunded { is_new: true, origin } => *origin,
            _ => None,
        };
        let known = outcome.operation.refund.as_ref().map(|refund| &refund.id);
        let shown = outcome.refund.as_ref();
        let history = self.history();
        let is_of_it = shown.is_none_or(|shown| known == Some(&shown.id));
        let was_so = shown.is_none_or(|shown| {
            let status = shown.status.as_ref().map_or("", |status| status.as_str());
            history.refund(shown.id.as_str()).is_some_and(|made| had_status(made, status))
        });
        let is_made_here = origin != Some(Origin::Made)
            || known.and_then(|id| history.refund(id.as_str())).is_some_and(|made| {
                made.sent.is_some_and(|sent| history.sent[sent].call == answer.call)
            });
        drop(history);
        if !is_of_it || !was_so || !is_made_here {
            let what = format!("{}: {shown:?}, {origin:?}", answer.what);
            self.disagree("a refund that is shown is that of the operation", what);
        }
    }

    pub(crate) fn judge_found(
        &self,
        call: usize,
        id: &str,
        found: &Result<Option<Operation>, LedgerError>,
    ) {
        let kind = match found {
            Ok(Some(operation)) => operation.state.as_str(),
            Ok(None) => "busy",
            Err(_) => "ledger failed",
        };
        let answer = self.answered(call, kind, || format!("{:?}", found.as_ref().err()));
        match found {
            Ok(Some(operation)) => self.judge_operation(&answer, operation),
            Ok(None) => {
                let payment = self.history().held(id).map(|held| held.operation.payment().clone());
                if payment.is_none_or(|payment| !self.was_worked_on(&answer, payment.as_str())) {
                    self.disagree("what is busy is worked on", answer.what.clone());
                }
            }
            Err(error) => self.judge_ledger_error(&answer, error),
        }
        self.judge_nothing_sent(&answer, "finding out changes nothing");
    }

    pub(crate) fn judge_held(&self, call: usize, held: &Result<Operation, LedgerError>) {
        let kind = held.as_ref().map_or("ledger failed", |held| held.state.as_str());
        let answer = self.answered(call, kind, String::new);
        match held {
            Ok(operation) => self.judge_operation(&answer, operation),
            Err(error) => self.judge_ledger_error(&answer, error),
        }
        self.judge_nothing_sent(&answer, "looking changes nothing");
    }
}

fn had_status(made: &Made, status: &str) -> bool {
    made.statuses.iter().any(|(_, had)| had == status)
}
