//! What must hold in every state, and of every answer.

use std::collections::BTreeSet;

use refund_app::{AskError, Outcome, OutcomeKind};
use refund_ledger::{Approval, ApprovalState, HeldRules, Operation, State};

use super::{Refunds, World};
use crate::call::{APPROVAL_SECS, Answer, Call, Rules, operation_id, usd};
use crate::run::{Onward, Resumed, RunId};
use crate::search::{Broken, Next};
use crate::stripe::{Made, Post, Status, Stripe, refund_id};
use crate::tables::{Read, Tables};
use crate::tape::Entry;

/// The name of every invariant.
pub const INVARIANTS: [&str; 8] = [
    ONE_REFUND,
    NONE_LOST,
    HELD_IS_TRUE,
    ANSWERS_ARE_TRUE,
    ENOUGH_VOTES,
    ALONE,
    "every move is recorded",
    "no rule fails",
];

/// Stripe has at most one refund of an operation.
const ONE_REFUND: &str = "at most one refund an operation";
/// After any interruption, asking again settles every operation as Stripe has it.
pub(super) const NONE_LOST: &str = "none is lost";
/// What the ledger holds agrees with what Stripe has or may still make.
const HELD_IS_TRUE: &str = "what is held is true";
/// What a call answers agrees with what is held, and with what Stripe has or may still make.
const ANSWERS_ARE_TRUE: &str = "what is answered is true";
/// A request leaves only with enough votes recorded.
const ENOUGH_VOTES: &str = "no payment above its votes";
/// A request leaves only while no other operation on its payment is under way or unsettled.
const ALONE: &str = "alone on its payment";

fn broken(invariant: &'static str, detail: String) -> Broken {
    Broken { invariant, detail }
}

/// Whether Stripe has no refund of an operation, and no request on its way can make one.
fn is_none_made(stripe: &Stripe, operation: &str) -> bool {
    let may_be_made = |flight: &crate::stripe::Flight| !stripe.knows(&flight.post);
    stripe.refunds_of(operation).next().is_none() && !stripe.flights_of(operation).any(may_be_made)
}

/// What Stripe has of an operation, in words.
fn at_stripe(stripe: &Stripe, operation: &str) -> String {
    let refunds = stripe.refunds_of(operation).count();
    let flights = stripe.flights_of(operation).count();
    format!("Stripe has {refunds} refunds of it, and {flights} requests are on their way")
}

impl Refunds {
    /// After a request was carried out.
    pub(super) fn one_refund(&self, world: &World, post: &Post) -> Option<Broken> {
        let count = self.stripe(world).refunds_of(&post.operation).count();
        let detail = || format!("Stripe has {count} refunds of `{}`", post.operation);
        (count > 1).then(|| broken(ONE_REFUND, detail()))
    }

    /// What the ledger holds, beside what Stripe has.
    pub(super) fn held_is_true(&mut self, world: &World) -> Vec<Broken> {
        let key = (world.tables, world.stripe);
        if let Some(known) = self.held.get(&key) {
            return known.clone();
        }
        let (tables, stripe) = (self.tables(world), self.stripe(world));
        let operations = tables.operations().filter_map(|held| not_true(held, stripe));
        let approvals = tables.approvals().filter_map(|approval| not_executed(approval, tables));
        let found: Vec<_> = operations.chain(approvals).collect();
        self.held.insert(key, found.clone());
        found
    }

    /// Before a request to make a refund leaves.
    pub(super) fn may_be_sent(&self, world: &World, run: RunId, post: &Post) -> Vec<Broken> {
        let tables = self.tables(world);
        let Some(held) = tables.operation(&operation_id(&post.operation)) else {
            return vec![broken(ALONE, format!("`{}` was never recorded", post.operation))];
        };
        let others = self.not_alone(world, held);
        let needed = rules_of(&held.rules).approvers(post.cents);
        let votes = || too_few_votes(self.runs.log(run), held, post.cents, needed);
        others.into_iter().chain((needed > 0).then(votes).flatten()).collect()
    }

    /// What stands in the way of a request.
    fn not_alone(&self, world: &World, held: &Operation) -> Vec<Broken> {
        let payments = &self.bounds.setting.payments;
        let payment_of =
            |name: &str| payments.iter().position(|one| one.charge == name || one.intent == name);
        let payment = payment_of(held.payment().as_str());
        let unsettled = self.tables(world).operations().filter(|one| {
            one.id() != held.id()
                && one.state.is_unsettled()
                && payment_of(one.payment().as_str()) == payment
        });
        let unsettled = unsettled.map(|one| {
            format!("a request of `{}` leaves while `{}` is {}", held.id(), one.id(), one.state)
        });
        let flights =
            self.stripe(world).flights.iter().filter(|flight| {
                flight.waiter.is_some() && payment_of(&flight.post.charge) == payment
            });
        let flights = flights.map(|flight| {
            let other = &flight.post.operation;
            format!("a request of `{}` leaves while one of `{other}` is on its way", held.id())
        });
        unsettled.chain(flights).map(|detail| broken(ALONE, detail)).collect()
    }

    /// What a call answers, where it has ended. `run` is the call before its last step.
    pub(super) fn check_answer(&mut self, next: &mut Next<World>, run: RunId, resumed: &Resumed) {
        let Onward::Ended(answer) = &resumed.onward else { return };
        let (tables, stripe) = (self.tables(&next.state), self.stripe(&next.state));
        let untrue = match &**answer {
            Answer::Outcome(Ok(outcome)) => untrue_outcome(outcome, tables, stripe)
                .or_else(|| not_what_was_asked(outcome, self.runs.call(run))),
            Answer::Outcome(Err(error)) => self.untrue_error(error, run),
            Answer::Found(Ok(Some(operation))) => not_true(operation, stripe),
            Answer::Decided(Ok(decided)) => not_true(&decided.operation, stripe),
            _ => None,
        };
        next.broken.extend(untrue.map(|untrue| Broken { invariant: ANSWERS_ARE_TRUE, ..untrue }));
        self.note_answer(&next.state, run, answer);
    }

    fn untrue_error(&self, error: &AskError, run: RunId) -> Option<Broken> {
        let has_left =
            self.runs.log(run).iter().any(
                |entry| matches!(entry, Entry::Replied(replied) if replied.may_have_changed()),
            );
        let says_nothing_left = matches!(error, AskError::Ledger(_) | AskError::Unsettled { .. });
        let detail = || format!("a request had left, and the answer is: {error}");
        (says_nothing_left && has_left).then(|| broken(ANSWERS_ARE_TRUE, detail()))
    }
}

/// Why what is held of an operation is not true.
fn not_true(held: &Operation, stripe: &Stripe) -> Option<Broken> {
    let id = held.id().as_str();
    let is_true = match (&held.refund, held.state) {
        (_, State::Sent | State::OutcomeUnknown) => true,
        (Some(kept), state) => stripe.refunds.iter().enumerate().any(|(at, made)| {
            refund_id(at) == kept.id.as_str()
                && made.operation.as_deref() == Some(id)
                && made.cents == kept.money.amount
                && has_come_so_far(made, state)
        }),
        (None, State::Pending | State::Succeeded | State::Failed) => false,
        (None, _) => is_none_made(stripe, id),
    };
    let detail = || format!("`{id}` is {}; {}", held.state, at_stripe(stripe, id));
    (!is_true).then(|| broken(HELD_IS_TRUE, detail()))
}

/// Whether a refund has come at least as far as the ledger says.
fn has_come_so_far(made: &Made, held: State) -> bool {
    match held {
        State::Pending => true,
        State::Succeeded => made.status >= Status::Succeeded,
        State::Failed => made.status == Status::Failed,
        _ => false,
    }
}

/// An approval that is executed, or called its operation off, while the operation says something else.
fn not_executed(approval: &Approval, tables: &Tables) -> Option<Broken> {
    let operation = tables.operation(&approval.operation)?;
    let is_right = match approval.state {
        ApprovalState::Executed => operation.refund.is_some(),
        ApprovalState::Denied => operation.state == State::Canceled,
        // What is settled for good leaves nothing to decide or to execute.
        ApprovalState::Open | ApprovalState::Approved => {
            operation.refund.is_none() && operation.state != State::Canceled
        }
        _ => true,
    };
    let detail = || {
        format!(
            "{} is {}, `{}` is {}",
            approval.id,
            approval.state,
            operation.id(),
            operation.state
        )
    };
    (!is_right).then(|| broken(HELD_IS_TRUE, detail()))
}

/// The rules of the model that these are.
fn rules_of(held: &HeldRules) -> Rules {
    let all = [Rules::None, Rules::Maximum, Rules::OneApprover, Rules::TwoApprovers];
    let mut all = all.into_iter();
    all.find(|rules| HeldRules::from(rules.merchant()) == *held).unwrap_or(Rules::TwoApprovers)
}

/// Why the votes that an attempt began with are too few. They are counted here anew, by the approval that the attempt
/// read when it began.
fn too_few_votes(log: &[Entry], held: &Operation, cents: u64, needed: usize) -> Option<Broken> {
    let reads = log.iter().filter_map(|entry| match entry {
        Entry::Transacted(transacted) => {
            Some(transacted.reads.iter().flat_map(|reads| reads.iter()))
        }
        _ => None,
    });
    let mut read = reads.flatten().filter_map(|read| match read {
        Read::Approval(Some(kept)) => Some(kept.get()),
        _ => None,
    });
    let Some(approval) = read.next_back() else {
        let detail = format!("a request of `{}` leaves without an approval", held.id());
        return Some(broken(ENOUGH_VOTES, detail));
    };
    let asked = [Some(&held.requester), held.corrected_by.as_ref()];
    let voters: BTreeSet<_> = approval
        .votes
        .iter()
        .filter(|vote| vote.agrees && !asked.contains(&Some(&vote.voter)))
        .map(|vote| vote.voter.as_str())
        .collect();
    let is_granted = approval.state == ApprovalState::Approved
        && approval.votes.iter().all(|vote| vote.agrees)
        && approval.fingerprint == held.fingerprint
        && approval.money.amount == cents
        && held.uncertain.is_none_or(|begun| approval.created + APPROVAL_SECS >= begun)
        && voters.len() >= needed;
    let detail = || {
        format!(
            "a request of `{}` leaves, {needed} approvers must agree; {} is {}, {voters:?} agreed, it holds until {}",
            held.id(),
            approval.id,
            approval.state,
            approval.expires
        )
    };
    (!is_granted).then(|| broken(ENOUGH_VOTES, detail()))
}

/// Why an outcome is not true.
pub(super) fn untrue_outcome(
    outcome: &Outcome,
    tables: &Tables,
    stripe: &Stripe,
) -> Option<Broken> {
    use OutcomeKind::{
        Blocked, Busy, Canceled, Conflict, Denied, Failed, Found, Invalid, LedgerFailed, Made,
        NoAnswer, Refused, Rejected, Unknown, Waiting,
    };
    let id = outcome.operation.id();
    let mut made = stripe.refunds_of(id.as_str());
    let is_true = match outcome.kind() {
        Made | Found => made.next().is_some(),
        Failed => made.any(|refund| refund.status == Status::Failed),
        Waiting | Denied | Invalid | Refused | NoAnswer | Canceled | Busy | Blocked => {
            is_none_made(stripe, id.as_str())
        }
        Conflict | Unknown | LedgerFailed | Rejected => true,
    };
    let is_held = tables.operation(id).is_some_and(|held| held.state == outcome.operation.state);
    let money = outcome.kind().row().money;
    let detail = || {
        let held = tables.operation(id).map(|held| held.state);
        format!(
            "`{id}` is answered as {:?} ({money}); the ledger has {held:?}; {}",
            outcome.kind(),
            at_stripe(stripe, id.as_str())
        )
    };
    (!is_true || !is_held).then(|| broken(ANSWERS_ARE_TRUE, detail()))
}

/// Why an outcome is about another refund than the one that was asked for.
fn not_what_was_asked(outcome: &Outcome, call: Call) -> Option<Broken> {
    let Call::Ask { operation, payment, cents, .. } = call else { return None };
    let request = &outcome.operation.request;
    let is_other = request.operation.as_str() != operation
        || request.payment.as_str() != payment
        || request.amount != Some(usd(cents));
    // A conflict, an outcome that is not known and a payment that is taken say what is in the way.
    let may_be_other = matches!(
        outcome.kind(),
        OutcomeKind::Conflict | OutcomeKind::Unknown | OutcomeKind::Busy | OutcomeKind::Blocked
    );
    let detail = || {
        let kind = outcome.kind();
        format!(
            "{cents} cents of {payment} were asked for as `{operation}`, {kind:?} is about {request:?}"
        )
    };
    (is_other && !may_be_other).then(|| broken(ANSWERS_ARE_TRUE, detail()))
}

/// A refund beside the operation it belongs to.
pub(super) fn is_settled_as_stripe_has_it(held: &Operation, stripe: &Stripe) -> bool {
    let is_made = stripe.refunds_of(held.id().as_str()).next().is_some();
    held.refund.is_some() == is_made && !held.state.is_unsettled()
}
