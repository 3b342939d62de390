//! What happened in a world, in one order: what the ledger held, what left, what Stripe made, what was answered.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use refund_core::request::Request;
use refund_ledger::{Approval, ApprovalId, ApprovalState, MerchantRules, Operation};

use crate::executor::{Micros, ProcessId, SECOND};
use crate::judge::Promise;
use crate::people::Person;

/// A place in the order of everything that happened.
pub(crate) type Tick = u64;

/// An operation as the ledger held it from a tick on.
pub(crate) struct Version {
    pub(crate) from: Tick,
    pub(crate) operation: Operation,
    /// The call that wrote it.
    pub(crate) call: Option<usize>,
    /// Who had agreed by then in an approval that was approved and not over, where this version marks it as sent.
    pub(crate) agreed: BTreeSet<Person>,
}

/// An approval as the ledger held it from a tick on.
pub(crate) struct ApprovalVersion {
    pub(crate) from: Tick,
    pub(crate) approval: Approval,
    pub(crate) call: Option<usize>,
}

/// A request to make a refund that left a process.
pub(crate) struct Sent {
    pub(crate) tick: Tick,
    pub(crate) call: usize,
    pub(crate) operation: String,
    pub(crate) key: String,
    /// When it reached Stripe, if it did.
    pub(crate) landed: Option<Micros>,
}

/// A refund at Stripe.
pub(crate) struct Made {
    pub(crate) tick: Tick,
    pub(crate) id: String,
    pub(crate) charge: String,
    pub(crate) amount: u64,
    /// The operation in its metadata.
    pub(crate) operation: Option<String>,
    /// The request that made it; absent for a click in the Dashboard.
    pub(crate) sent: Option<usize>,
    /// Every status it had, and from when on.
    pub(crate) statuses: Vec<(Tick, String)>,
}

/// Work of a process on a payment.
pub(crate) struct Work {
    pub(crate) payment: String,
    pub(crate) operation: String,
    pub(crate) process: ProcessId,
    pub(crate) until: Option<Tick>,
}

/// A use of the product: who, where, when.
pub(crate) struct Call {
    /// What kind of use.
    pub(crate) way: &'static str,
    pub(crate) what: String,
    pub(crate) process: ProcessId,
    pub(crate) who: Option<Person>,
    pub(crate) start: Tick,
    /// The rules that it gave.
    pub(crate) rules: Option<MerchantRules>,
    /// What it asked for, if it asked for a refund.
    pub(crate) asked: Option<Request>,
    /// How many requests to make a refund it has sent.
    pub(crate) sent: usize,
    /// Lines that ended in it.
    pub(crate) lines: u64,
    pub(crate) end: Option<Tick>,
}

/// An answer said that there is no refund: judged when everything is known.
pub(crate) struct NoRefund {
    pub(crate) operation: String,
    pub(crate) at: Tick,
    pub(crate) said: String,
}

/// Something that must not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disagreement {
    /// Which rule of the judge it breaks.
    pub rule: &'static str,
    /// What was found.
    pub what: String,
}

/// How much happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Operations in the ledger at the end.
    pub operations: u64,
    /// Calls of the product.
    pub calls: u64,
    /// Answers that were given and compared.
    pub answers: u64,
    /// Processes that crashed.
    pub crashes: u64,
    /// Processes that stood still for a while.
    pub freezes: u64,
    /// Wall clocks that jumped.
    pub jumps: u64,
    /// Requests that left.
    pub requests: u64,
    /// Requests to make a refund that left.
    pub changes: u64,
    /// Answers of Stripe that did not arrive.
    pub lost_answers: u64,
    /// Requests that did not reach Stripe.
    pub lost_requests: u64,
    /// Writes and reads of the ledger that failed.
    pub store_failures: u64,
    /// Webhook deliveries.
    pub deliveries: u64,
    /// Refunds at Stripe.
    pub refunds: u64,
    /// Of them, made by operations.
    pub refunds_of_operations: u64,
    /// Refunds of operations that had one.
    pub paid_twice: u64,
    /// Places where a task waited.
    pub awaits: u64,
}

impl Counts {
    /// Adds up.
    pub fn add(&mut self, other: &Self) {
        let Self {
            operations,
            calls,
            answers,
            crashes,
            freezes,
            jumps,
            requests,
            changes,
            lost_answers,
            lost_requests,
            store_failures,
            deliveries,
            refunds,
            refunds_of_operations,
            paid_twice,
            awaits,
        } = other;
        self.operations += operations;
        self.calls += calls;
        self.answers += answers;
        self.crashes += crashes;
        self.freezes += freezes;
        self.jumps += jumps;
        self.requests += requests;
        self.changes += changes;
        self.lost_answers += lost_answers;
        self.lost_requests += lost_requests;
        self.store_failures += store_failures;
        self.deliveries += deliveries;
        self.refunds += refunds;
        self.refunds_of_operations += refunds_of_operations;
        self.paid_twice += paid_twice;
        self.awaits += awaits;
    }
}

/// Everything that happened.
#[derive(Default)]
pub(crate) struct History {
    tick: Tick,
    pub(crate) versions: BTreeMap<String, Vec<Version>>,
    pub(crate) approvals: BTreeMap<ApprovalId, Vec<ApprovalVersion>>,
    pub(crate) sent: Vec<Sent>,
    pub(crate) made: Vec<Made>,
    made_by_id: HashMap<String, usize>,
    pub(crate) calls: Vec<Call>,
    pub(crate) no_refunds: Vec<NoRefund>,
    pub(crate) promises: Vec<Promise>,
    /// When the disk of a process failed.
    pub(crate) disk_failures: Vec<(Tick, ProcessId)>,
    pub(crate) work: Vec<Work>,
    /// Events that the ledger has kept, by the calls that delivered them.
    pub(crate) events: BTreeMap<String, Option<usize>>,
    pub(crate) disagreements: Vec<Disagreement>,
    pub(crate) counts: Counts,
    /// How often each kind of answer was given, by what was asked.
    pub(crate) reached: BTreeMap<String, u64>,
    /// One line for each thing that happened, where a trace is wanted.
    trace: Option<Vec<String>>,
    /// A digest of everything that happened, to compare two runs of one seed.
    digest: u64,
}

impl History {
    pub(crate) fn new(is_traced: bool) -> Self {
        Self { trace: is_traced.then(Vec::new), ..Self::default() }
    }

    /// The next place in the order.
    pub(crate) fn tick(&mut self) -> Tick {
        self.tick += 1;
        self.tick
    }

    /// Now.
    pub(crate) fn now(&self) -> Tick {
        self.tick
    }

    /// Notes something for the trace and for the digest.
    pub(crate) fn note(&mut self, at: Micros, line: impl FnOnce() -> String) {
        self.tick += 1;
        self.digest = (self.digest.rotate_left(5) ^ at).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        if let Some(trace) = &mut self.trace {
            let (seconds, micros) = (at / SECOND, at % SECOND);
            trace.push(format!("{:>10}.{:06} {}", seconds, micros, line()));
        }
    }

    pub(crate) fn digest(&self) -> u64 {
        self.digest ^ self.tick
    }

    pub(crate) fn take_trace(&mut self) -> Vec<String> {
        self.trace.take().unwrap_or_default()
    }

    /// Something that must not be.
    pub(crate) fn disagree(&mut self, at: Micros, rule: &'static str, what: String) {
        self.note(at, || format!("DISAGREES ({rule}): {what}"));
        self.disagreements.push(Disagreement { rule, what });
    }

    /// The operation as the ledger holds it now.
    pub(crate) fn held(&self, operation: &str) -> Option<&Version> {
        self.versions.get(operation)?.last()
    }

    /// An operation as the ledger held it at a tick.
    pub(crate) fn held_at(&self, operation: &str, at: Tick) -> Option<&Operation> {
        let versions = self.versions.get(operation)?;
        let held = versions.partition_point(|version| version.from <= at).checked_sub(1)?;
        Some(&versions[held].operation)
    }

    /// What an operation was before its last move.
    pub(crate) fn before_last(&self, operation: &str) -> Option<Operation> {
        let versions = self.versions.get(operation)?;
        let before = versions.len().saturating_sub(2);
        versions.get(before).map(|version| version.operation.clone())
    }

    /// The first tick since one at which the ledger held an operation as uncertain since that time, in Unix seconds.
    pub(crate) fn was_uncertain_at(&self, operation: &str, from: Tick, since: u64) -> Option<Tick> {
        let versions = self.versions.get(operation)?;
        let ends = versions.iter().skip(1).map(|next| next.from).chain([Tick::MAX]);
        let mut during = versions.iter().zip(ends).filter(|(_, end)| *end >= from);
        let found = during.find(|(version, _)| version.operation.uncertain == Some(since));
        found.map(|(version, _)| version.from.max(from))
    }

    /// The first tick between two at which the ledger held exactly this.
    pub(crate) fn held_during(&self, operation: &Operation, from: Tick, to: Tick) -> Option<Tick> {
        let versions = self.versions.get(operation.id().as_str())?;
        let ends = versions.iter().skip(1).map(|next| next.from).chain([Tick::MAX]);
        versions
            .iter()
            .zip(ends)
            .filter(|(version, end)| version.from <= to && *end >= from)
            .find(|(version, _)| version.operation == *operation)
            .map(|(version, _)| version.from.max(from))
    }

    /// Whether the ledger held the operation in a state that passes, at some tick between the two.
    pub(crate) fn was_during(
        &self,
        operation: &str,
        from: Tick,
        to: Tick,
        passes: impl Fn(&Operation) -> bool,
    ) -> bool {
        let Some(versions) = self.versions.get(operation) else { return false };
        let ends = versions.iter().skip(1).map(|next| next.from).chain([Tick::MAX]);
        versions
            .iter()
            .zip(ends)
            .any(|(version, end)| version.from <= to && end >= from && passes(&version.operation))
    }

    /// Whether the ledger held an approval that passes, at some tick between the two.
    pub(crate) fn approval_was_during(
        &self,
        approval: ApprovalId,
        from: Tick,
        to: Tick,
        passes: impl Fn(&Approval) -> bool,
    ) -> bool {
        let Some(versions) = self.approvals.get(&approval) else { return false };
        let ends = versions.iter().skip(1).map(|next| next.from).chain([Tick::MAX]);
        versions
            .iter()
            .zip(ends)
            .any(|(version, end)| version.from <= to && end >= from && passes(&version.approval))
    }

    /// How many refunds are of operations that had one.
    pub(crate) fn paid_twice(&self) -> u64 {
        let operations: Vec<_> =
            self.made.iter().filter_map(|made| made.operation.as_deref()).collect();
        let different: BTreeSet<_> = operations.iter().collect();
        (operations.len() - different.len()) as u64
    }

    /// How many requests to make a refund a call has sent.
    pub(crate) fn sent_by(&self, call: usize) -> usize {
        self.calls[call].sent
    }

    /// A refund was made at Stripe.
    pub(crate) fn keep_made(&mut self, made: Made) {
        self.made_by_id.insert(made.id.clone(), self.made.len());
        self.made.push(made);
    }

    /// A refund at Stripe.
    pub(crate) fn refund(&self, id: &str) -> Option<&Made> {
        self.made_by_id.get(id).map(|at| &self.made[*at])
    }

    /// Who asked for what the ledger held of an operation at a tick: who asked first, and who had corrected it last.
    pub(crate) fn askers(&self, operation: &str, at: Tick) -> BTreeSet<Person> {
        let Some(versions) = self.versions.get(operation) else { return BTreeSet::new() };
        let versions = &versions[..versions.partition_point(|version| version.from <= at)];
        let who = |version: &Version| self.calls.get(version.call?)?.who;
        let first = versions.first().and_then(who);
        let corrected = versions
            .windows(2)
            .rev()
            .find(|pair| pair[0].operation.fingerprint != pair[1].operation.fingerprint);
        first.into_iter().chain(corrected.and_then(|pair| who(&pair[1]))).collect()
    }

    /// Everyone who ever asked for an operation, or corrected it.
    pub(crate) fn ever_asked(&self, operation: &str) -> BTreeSet<Person> {
        let versions = self.versions.get(operation).into_iter().flatten();
        versions.flat_map(|version| self.askers(operation, version.from)).collect()
    }

    /// Whether a disk failed a process since a tick.
    pub(crate) fn disk_failed(&self, process: ProcessId, since: Tick) -> bool {
        self.disk_failures.iter().rev().any(|(tick, of)| *of == process && *tick >= since)
    }

    /// A process ended its work on an operation, or on all of them.
    pub(crate) fn end_work(&mut self, process: ProcessId, operation: Option<&str>) {
        let now = self.tick();
        let open =
            self.work.iter_mut().filter(|work| work.until.is_none() && work.process == process);
        for work in open.filter(|work| operation.is_none_or(|of| work.operation == of)) {
            work.until = Some(now);
        }
    }

    /// Operations of which the ledger does not know the outcome.
    pub(crate) fn unsettled(&self) -> impl Iterator<Item = &Operation> {
        self.versions
            .values()
            .filter_map(|versions| versions.last())
            .map(|version| &version.operation)
            .filter(|operation| operation.state.is_unsettled())
    }

    /// The newest approval of an operation.
    pub(crate) fn newest_approval(&self, operation: &str) -> Option<&Approval> {
        let last = |versions: &Vec<ApprovalVersion>| versions.last().map(|last| last.approval.id);
        let of = |id: &ApprovalId| self.approvals[id].last().map(|last| &last.approval);
        let newest = self
            .approvals
            .values()
            .rev()
            .filter_map(last)
            .find(|id| of(id).is_some_and(|approval| approval.operation.as_str() == operation));
        newest.as_ref().and_then(of)
    }

    /// Whether this approval would let its operation be executed at a time, in Unix seconds.
    pub(crate) fn grants(approval: &Approval, now: u64) -> bool {
        approval.state == ApprovalState::Approved && approval.expires >= now
    }
}
