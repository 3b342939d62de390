//! Which answers agree with what is settled in the end: one table, and a comparison of every answer with it.
//!
//! That there is a refund stays true, so it is compared with the end. That there is none is true until a later request
//! makes one, so it disagrees only where a refund existed before the call began, or where no other call can have made it.

use std::collections::BTreeMap;

use refund_app::OutcomeKind;
use refund_app::outcome::table::{EXITS, TABLE};
use refund_ledger::State;

use super::history::{Call, Code, History, Lines, Millis, Named, Said};

/// What must hold in the end for an answer to agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agrees {
    /// There is one refund, this call made it, and no other call says that it did.
    MadeByThisCall,
    /// There is one refund, with the id and the amount that were named.
    Refund,
    /// There is one refund, and it failed.
    FailedRefund,
    /// There is no refund, or it was canceled.
    CalledOff,
    /// No refund existed before the call, and this call made none.
    NoRefund,
    /// The same, and none was made before an approver agreed.
    NoRefundBeforeApproval,
    /// This call made no refund.
    NothingByThisCall,
    /// Any end.
    Anything,
}

/// Which end agrees with which outcome.
pub const OUTCOMES: [(OutcomeKind, Agrees); 15] = [
    (OutcomeKind::Made, Agrees::MadeByThisCall),
    (OutcomeKind::Found, Agrees::Refund),
    (OutcomeKind::Failed, Agrees::FailedRefund),
    (OutcomeKind::Canceled, Agrees::CalledOff),
    (OutcomeKind::Waiting, Agrees::NoRefundBeforeApproval),
    (OutcomeKind::Denied, Agrees::NoRefund),
    (OutcomeKind::Invalid, Agrees::NoRefund),
    (OutcomeKind::Refused, Agrees::NoRefund),
    (OutcomeKind::NoAnswer, Agrees::NoRefund),
    (OutcomeKind::Busy, Agrees::NoRefund),
    (OutcomeKind::Blocked, Agrees::NoRefund),
    (OutcomeKind::Conflict, Agrees::NothingByThisCall),
    (OutcomeKind::LedgerFailed, Agrees::NothingByThisCall),
    (OutcomeKind::Rejected, Agrees::NothingByThisCall),
    (OutcomeKind::Unknown, Agrees::Anything),
];

/// Which end agrees with which state.
pub const STATES: [(State, Agrees); 9] = [
    (State::Succeeded, Agrees::Refund),
    (State::Pending, Agrees::Refund),
    (State::Failed, Agrees::FailedRefund),
    (State::Canceled, Agrees::CalledOff),
    (State::NeedsApproval, Agrees::NoRefundBeforeApproval),
    (State::Refused, Agrees::NoRefund),
    (State::Planned, Agrees::NoRefund),
    (State::Sent, Agrees::Anything),
    (State::OutcomeUnknown, Agrees::Anything),
];

/// A refund at the simulator in the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refund {
    /// Its id.
    pub id: String,
    /// The operation in its metadata.
    pub operation: String,
    /// In the smallest unit.
    pub amount: u64,
    /// At the end.
    pub status: String,
    /// When the harness knew of it: it existed by then.
    pub known: Millis,
}

/// What was wanted of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// One refund of this amount.
    Refund(u64),
    /// One refund of this amount, and none before it is approved.
    Approved(u64),
    /// One refund of this amount, after another one was asked for by mistake. None where a request with the mistake may
    /// have left: then the operation id keeps its values, and whoever asks is sent to another id.
    Corrected(u64),
    /// No refund.
    Nothing,
}

/// What there is when everything has settled.
#[derive(Clone, Debug, Default)]
pub struct Settled {
    /// What was wanted of every operation.
    pub wanted: BTreeMap<String, Wanted>,
    /// Every refund at the simulator.
    pub refunds: Vec<Refund>,
    /// Where the ledger holds every operation.
    pub ledger: BTreeMap<String, State>,
    /// Approver and decision of every vote, by approval.
    pub votes: BTreeMap<String, Vec<(String, bool)>>,
    /// The operations of the bulk run.
    pub run: Vec<String>,
    /// Deliveries that the ledger counts as taken.
    pub taken: u64,
    /// Deliveries that the ledger counts as rejected.
    pub rejected: u64,
}

/// An answer that does not agree, or an operation that ended wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disagreement {
    /// Which operation; empty where it is about a whole run.
    pub operation: String,
    /// The call whose answer it is.
    pub call: Option<usize>,
    /// What does not agree with what.
    pub what: String,
}

/// Compares every answer with the end.
pub fn compare(history: &History, settled: &Settled) -> Vec<Disagreement> {
    let mut found = Vec::new();
    for (at, call) in history.calls.iter().enumerate() {
        let mut disagree = |operation: &str, what: String| {
            let what = format!("{} answered at {} ms: {what}", call.way, call.ended);
            found.push(Disagreement { operation: operation.to_owned(), call: Some(at), what });
        };
        for (operation, said) in &call.answers {
            let judged = Judged { history, settled, at, call, operation };
            if let Err(why) = judged.said(said) {
                disagree(operation, format!("{said:?}, but {why}"));
            }
        }
        let operation = call.answers.first().map_or("", |(operation, _)| operation);
        if let Err(why) = code(call) {
            disagree(operation, why);
        }
        if let Some(Err(why)) = call.lines.map(|said| lines(said, settled)) {
            disagree("", why);
        }
    }
    found.extend(deliveries(history, settled));
    found
}

/// The ways in for events.
pub const WEBHOOKS: [&str; 2] = ["POST /webhooks/stripe", "webhook listen"];

/// Every delivery that was answered with 200 or 400 is counted in the ledger. One without an answer may be as well.
fn deliveries(history: &History, settled: &Settled) -> Option<Disagreement> {
    let calls = history.calls.iter().filter(|call| WEBHOOKS.contains(&call.name));
    let codes: Vec<_> = calls.filter_map(|call| call.code).collect();
    let count = |status| codes.iter().filter(|code| **code == Code::Status(status)).count() as u64;
    let (taken, rejected) = (count(200), count(400));
    if taken <= settled.taken && rejected <= settled.rejected {
        return None;
    }
    let what = format!(
        "{taken} deliveries were taken and {rejected} rejected; the ledger counts {} and {}",
        settled.taken, settled.rejected
    );
    Some(Disagreement { operation: String::new(), call: None, what })
}

/// The code is one that the tables know, and fits what was said.
fn code(call: &Call) -> Result<(), String> {
    match call.code {
        Some(Code::Exit(exit)) if EXITS.iter().all(|(known, _)| *known != exit) => {
            Err(format!("exit code {exit} is in no table"))
        }
        Some(Code::Exit(0) | Code::Status(200..=299))
            if !call.asks.is_empty() && call.right_code.is_none() =>
        {
            Err(format!("it is done, but nothing that can be read says what: {}", call.text))
        }
        Some(code) => match call.right_code {
            Some(right) if right != code => {
                Err(format!("{code:?}, but what it says has {right:?}"))
            }
            _ => Ok(()),
        },
        None => Ok(()),
    }
}

fn lines(said: Lines, settled: &Settled) -> Result<(), String> {
    let of_run = settled.refunds.iter().filter(|refund| settled.run.contains(&refund.operation));
    let (mut refunded, mut amount) = (0, 0);
    for refund in of_run {
        refunded += 1;
        amount += refund.amount;
    }
    if said.refunded != refunded || said.amount.is_some_and(|said| said != amount) {
        return Err(format!("{said:?}, but there are {refunded} refunds of {amount} in all"));
    }
    Ok(())
}

/// An answer about an operation, and what it is compared with.
struct Judged<'a> {
    history: &'a History,
    settled: &'a Settled,
    at: usize,
    call: &'a Call,
    operation: &'a str,
}

impl Judged<'_> {
    fn said(&self, said: &Said) -> Result<(), String> {
        match said {
            Said::Outcome(kind, named) => {
                let rule = OUTCOMES.iter().find(|(one, _)| one == kind);
                self.agrees(rule.map_or(Agrees::Anything, |(_, rule)| *rule), named)
            }
            Said::Held(state, named) => {
                let rule = STATES.iter().find(|(one, _)| one == state);
                self.agrees(rule.map_or(Agrees::Anything, |(_, rule)| *rule), named)
            }
            Said::Planned(amount) => {
                self.one_refund(&Named { id: None, amount: Some(*amount) }).map(drop)
            }
            Said::NotAsked => self.nothing_by_this_call(),
            Said::Voted { approval, voter, agrees } => {
                let votes = self.settled.votes.get(approval).into_iter().flatten();
                let is_held = votes.into_iter().any(|vote| *vote == (voter.clone(), *agrees));
                is_held.then_some(()).ok_or_else(|| "the ledger has no such vote".to_owned())?;
                if *agrees { Ok(()) } else { self.called_off() }
            }
        }
    }

    fn agrees(&self, rule: Agrees, named: &Named) -> Result<(), String> {
        match rule {
            Agrees::Anything => Ok(()),
            Agrees::Refund => self.one_refund(named).map(drop),
            Agrees::MadeByThisCall => self.made_by_this_call(named),
            Agrees::FailedRefund => match self.one_refund(named)?.status.as_str() {
                "failed" => Ok(()),
                status => Err(format!("the refund is {status}")),
            },
            Agrees::CalledOff => self.called_off(),
            Agrees::NoRefund => self.no_refund(),
            Agrees::NoRefundBeforeApproval => self.no_refund().and_then(|()| self.approved()),
            Agrees::NothingByThisCall => self.nothing_by_this_call(),
        }
    }

    fn refunds(&self) -> impl Iterator<Item = &Refund> {
        self.settled.refunds.iter().filter(|refund| refund.operation == self.operation)
    }

    fn one_refund(&self, named: &Named) -> Result<&Refund, String> {
        let refunds: Vec<_> = self.refunds().collect();
        let [refund] = refunds[..] else {
            return Err(format!("there are {} refunds", refunds.len()));
        };
        if named.id.as_ref().is_some_and(|id| *id != refund.id) {
            return Err(format!("the refund is {}", refund.id));
        }
        if named.amount.is_some_and(|amount| amount != refund.amount) {
            return Err(format!("the refund is of {}", refund.amount));
        }
        Ok(refund)
    }

    fn made_by_this_call(&self, named: &Named) -> Result<(), String> {
        let refund = self.one_refund(named)?;
        if refund.known < self.call.begun {
            return Err(format!("it existed at {} ms, before the call", refund.known));
        }
        let says_made = |call: &Call| {
            call.answers.iter().any(|(of, said)| {
                of == self.operation && matches!(said, Said::Outcome(OutcomeKind::Made, _))
            })
        };
        let calls = self.history.calls.iter().enumerate();
        match calls.filter(|(_, call)| says_made(call)).find(|(at, _)| *at != self.at) {
            Some((_, other)) => Err(format!("{} says so too, at {} ms", other.way, other.ended)),
            None => Ok(()),
        }
    }

    fn called_off(&self) -> Result<(), String> {
        match self.refunds().find(|refund| refund.status != "canceled") {
            Some(refund) => Err(format!("there is refund {}", refund.id)),
            None => Ok(()),
        }
    }

    fn no_refund(&self) -> Result<(), String> {
        let Some(refund) = self.refunds().next() else { return Ok(()) };
        if refund.known < self.call.begun {
            let known = refund.known;
            return Err(format!("refund {} existed at {known} ms, before the call", refund.id));
        }
        if self.others(refund).any(|other| other.ended >= self.call.begun) {
            return Ok(());
        }
        Err(format!("no other call since can have made refund {}", refund.id))
    }

    fn nothing_by_this_call(&self) -> Result<(), String> {
        match self.refunds().next() {
            Some(refund) if self.others(refund).next().is_none() => {
                Err(format!("no other call can have made refund {}", refund.id))
            }
            _ => Ok(()),
        }
    }

    /// A refund was made after an approver agreed.
    fn approved(&self) -> Result<(), String> {
        let Some(refund) = self.refunds().next() else { return Ok(()) };
        let agreed = self.history.calls.iter();
        let agreed = agreed.filter(|call| call.approves.as_deref() == Some(self.operation));
        match agreed.map(|call| call.begun).min() {
            Some(first) if first <= refund.known => Ok(()),
            _ => Err(format!("refund {} existed before an approver agreed", refund.id)),
        }
    }

    /// The other calls that can have made a refund of this operation: those that began before it was known.
    fn others(&self, refund: &Refund) -> impl Iterator<Item = &Call> {
        let asks = move |call: &Call| {
            call.begun <= refund.known && call.asks.iter().any(|asked| asked == self.operation)
        };
        let calls = self.history.calls.iter().enumerate();
        calls.filter(move |(at, call)| *at != self.at && asks(call)).map(|(_, call)| call)
    }
}

/// The operations with more than one refund.
pub fn twice(settled: &Settled) -> Vec<Disagreement> {
    ended_wrong(settled, |refunds, _| refunds.len() > 1)
}

/// The operations that did not come to what was wanted: neither refunded nor refused, or by another amount.
pub fn lost(settled: &Settled) -> Vec<Disagreement> {
    ended_wrong(settled, |refunds, wanted| match wanted {
        Wanted::Nothing => !refunds.is_empty(),
        Wanted::Refund(amount) | Wanted::Approved(amount) => match refunds {
            [refund] => refund.amount != amount,
            more => more.is_empty(),
        },
        Wanted::Corrected(amount) => refunds.iter().any(|refund| refund.amount != amount),
    })
}

fn ended_wrong(
    settled: &Settled,
    is_wrong: impl Fn(&[&Refund], Wanted) -> bool,
) -> Vec<Disagreement> {
    let mut found = Vec::new();
    for (operation, wanted) in &settled.wanted {
        let refunds: Vec<_> =
            settled.refunds.iter().filter(|refund| refund.operation == *operation).collect();
        if is_wrong(&refunds, *wanted) {
            let held = settled.ledger.get(operation).map_or("nothing", |state| state.as_str());
            let what = format!("wanted {wanted:?}; Stripe has {refunds:?}, the ledger {held}");
            found.push(Disagreement { operation: operation.clone(), call: None, what });
        }
    }
    found
}

/// The outcome of this name.
pub(super) fn kind(name: &str) -> Option<OutcomeKind> {
    TABLE.iter().find(|row| row.name == name).map(|row| row.kind)
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;
