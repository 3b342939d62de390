//! Runs of files: their lines, their ends, their plans.

use std::collections::{BTreeMap, BTreeSet};

use refund_app::bulk::{Ended, Forecast, RunError, Stopped, Sum, Summary};
use refund_ledger::{LedgerError, LineState, Operation, PriorRefund, Run, RunState, State};

use super::{Answer, says};
use crate::workload::Bulk;
use crate::world::Shared;

/// A session of a run that came to an end.
pub(crate) struct Session<'a> {
    pub(crate) bulk: &'a Bulk,
    pub(crate) run: &'a Run,
    /// Whether it was asked to stop.
    pub(crate) is_interrupted: bool,
}

/// The name of how a session ended.
fn kind(sent: &Result<Summary, RunError>) -> &'static str {
    match sent.as_ref().map(|summary| &summary.ended) {
        Ok(Ended::Complete) => "complete",
        Ok(Ended::Interrupted) => "interrupted",
        Ok(Ended::Canceled) => "canceled",
        Ok(Ended::Stopped(Stopped::Total { .. })) => "stopped at the total",
        Ok(Ended::Stopped(Stopped::Failures { .. })) => "stopped by failures",
        Ok(Ended::Stopped(Stopped::BalanceShort)) => "stopped by the balance",
        Ok(Ended::Stopped(Stopped::Key(_))) => "stopped by the key",
        Ok(Ended::Stopped(Stopped::RefundedBefore(_))) => "stopped by earlier refunds",
        Err(RunError::Ask(error)) if error.kind() == refund_app::OutcomeKind::Unknown => {
            "not recorded"
        }
        Err(RunError::Ask(_)) => "ledger failed",
        Err(RunError::Stuck { .. }) => "stuck",
        Err(RunError::Lost(_)) => "lost",
    }
}

impl Shared {
    pub(crate) fn judge_import_failed(&self, call: usize, error: &LedgerError) {
        let answer = self.answered(call, "not recorded", || error.to_string());
        self.judge_ledger_error(&answer, error);
        self.judge_nothing_sent(&answer, "the input could not be recorded");
    }

    /// A line of a run came to an end.
    pub(crate) fn judge_line(&self, call: usize, operation: &str, state: State) {
        let answer = self.answered(call, "line ended", || format!("{operation} is {state}"));
        let held = {
            let mut history = self.history();
            history.calls[call].lines += 1;
            let versions = history.versions.get(operation).into_iter().flatten();
            let mut ended = versions.filter(|version| version.operation.state == state);
            let from = |from: u64| from.max(answer.start);
            ended.next_back().map(|version| (from(version.from), version.operation.clone()))
        };
        let what = format!("{}: {operation} is {state}", answer.what);
        match held {
            Some((at, operation)) => self.judge_says(&what, at, &operation, says(&operation)),
            None => self.disagree("an answer is what the ledger held", what),
        }
    }

    pub(crate) fn judge_run(
        &self,
        call: usize,
        session: &Session<'_>,
        sent: &Result<Summary, RunError>,
    ) {
        let answer = self.answered(call, kind(sent), || match sent {
            Ok(summary) => format!("{} lines, {} open", summary.lines, summary.open),
            Err(error) => format!("{:?}: {error}", error.kind()),
        });
        self.judge_total(&answer, session.bulk);
        match sent {
            Ok(summary) => self.judge_summary(&answer, session, summary),
            Err(RunError::Ask(error)) => self.judge_ask_error(&answer, error),
            Err(RunError::Stuck { error, lines }) => {
                self.judge_ledger_error(&answer, error);
                self.judge_lines(&answer, *lines);
            }
            Err(RunError::Lost(lost)) => {
                self.disagree("no task is lost", format!("{}: {lost}", answer.what));
            }
        }
    }

    /// A session counts the lines that ended in it.
    fn judge_lines(&self, answer: &Answer, lines: u64) {
        let ended = self.history().calls[answer.call].lines;
        if ended != lines {
            let what = format!("{}: {lines} lines, and {ended} ended", answer.what);
            self.disagree("a session counts the lines that ended in it", what);
        }
    }

    fn judge_summary(&self, answer: &Answer, session: &Session<'_>, summary: &Summary) {
        let Session { bulk, run, is_interrupted } = *session;
        self.judge_lines(answer, summary.lines);
        let open_now = self.tables().transact(|tx| tx.open_lines(run)).unwrap_or(u64::MAX);
        // Others may have closed lines since; none is opened again.
        if summary.open < open_now || summary.open + summary.lines > run.lines {
            let what = format!("{}: {summary:?}, {open_now} open of {}", answer.what, run.lines);
            self.disagree("a session knows which lines are open", what);
        }
        let has_reason = match &summary.ended {
            // The network answers at times that the key is wrong.
            Ended::Complete | Ended::Stopped(Stopped::Key(_)) => true,
            Ended::Interrupted => is_interrupted,
            Ended::Canceled => {
                let held = self.tables().transact(|tx| tx.run(&run.id));
                held.is_ok_and(|held| held.state == RunState::Canceled)
            }
            Ended::Stopped(Stopped::Total { .. }) => bulk.stop_above.is_some(),
            Ended::Stopped(Stopped::Failures { .. }) => false,
            Ended::Stopped(Stopped::BalanceShort) => !bulk.go_on_when_short,
            Ended::Stopped(Stopped::RefundedBefore(prior)) => {
                !bulk.allow_refunded_payments && !prior.is_empty()
            }
        };
        if !has_reason {
            let what = format!("{}: {:?}", answer.what, summary.ended);
            self.disagree("a session ends for the reason that is given", what);
        }
        for prior in &summary.refunded_before {
            self.judge_prior(answer, prior);
        }
        if !bulk.allow_refunded_payments {
            self.judge_not_again(answer, bulk);
        }
        if matches!(summary.ended, Ended::Stopped(Stopped::RefundedBefore(_))) {
            self.judge_nothing_sent(answer, "it stops before it sends");
        }
    }

    /// Without permission a run refunds nothing on a payment that the ledger knew as refunded when it began, under an operation
    /// id that is not in the run. Payments that are named in the other way are left out: Stripe may not have answered which
    /// are the same.
    fn judge_not_again(&self, answer: &Answer, bulk: &Bulk) {
        let ids: BTreeSet<_> = bulk.lines.iter().map(|at| self.intended(*at).id.as_str()).collect();
        let again: Vec<_> = {
            let history = self.history();
            let refunded_before = |payment: &str| {
                let others = history.versions.iter().filter(|(id, _)| !ids.contains(id.as_str()));
                others.map(|(id, _)| id).find(|id| {
                    history.held_at(id, answer.start).is_some_and(|held| {
                        matches!(held.state, State::Pending | State::Succeeded)
                            && held.payment().as_str() == payment
                    })
                })
            };
            let own = history.made.iter().filter(|made| {
                made.sent.is_some_and(|sent| history.sent[sent].call == answer.call)
            });
            let operations = own.filter_map(|made| history.held(made.operation.as_deref()?));
            let payments = operations.map(|held| held.operation.payment().as_str());
            payments
                .filter_map(|payment| Some(format!("{payment}, by {}", refunded_before(payment)?)))
                .collect()
        };
        for payment in again {
            let what = format!("{}: {payment}", answer.what);
            self.disagree("a run does not refund again what was refunded before", what);
        }
    }

    /// What is named as an earlier refund of the same payment is one, or may become one.
    fn judge_prior(&self, answer: &Answer, prior: &PriorRefund) {
        let history = self.history();
        let charge = self.charge_of(prior.payment.as_str());
        let was_so = history.was_during(prior.operation.as_str(), 0, history.now(), |held| {
            held.state == prior.state && self.charge_of(held.payment().as_str()) == charge
        });
        drop(history);
        if !was_so || charge.is_none() {
            let what = format!("{}: {prior:?}", answer.what);
            self.disagree("what is named as refunded before was refunded before", what);
        }
    }

    /// A session refunds no more than its bound. Of refunds of "everything" the amount is known only afterwards.
    fn judge_total(&self, answer: &Answer, bulk: &Bulk) {
        let Some(bound) = bulk.stop_above else { return };
        let spent: u64 = {
            let history = self.history();
            let own = history.made.iter().filter(|made| {
                made.sent.is_some_and(|sent| history.sent[sent].call == answer.call)
            });
            let is_known = |operation: &Option<String>| {
                bulk.lines.iter().map(|at| self.intended(*at)).any(|intended| {
                    Some(&intended.id) == operation.as_ref() && intended.amount.is_some()
                })
            };
            own.filter(|made| is_known(&made.operation)).map(|made| made.amount).sum()
        };
        if spent > bound {
            let what = format!("{}: {spent}, and {bound} were the most", answer.what);
            self.disagree("a run refunds no more than its bound", what);
        }
    }

    pub(crate) fn judge_canceled(&self, call: usize, canceled: &Result<u64, LedgerError>) {
        let kind = if canceled.is_ok() { "canceled" } else { "ledger failed" };
        let answer = self.answered(call, kind, || format!("{canceled:?}"));
        self.judge_nothing_sent(&answer, "calling off sends nothing");
        match canceled {
            Ok(count) => {
                let called_off = self
                    .history()
                    .versions
                    .values()
                    .flatten()
                    .filter(|version| {
                        version.call == Some(call) && version.operation.state == State::Canceled
                    })
                    .count() as u64;
                if called_off != *count {
                    let what = format!("{}: {count}, and {called_off} were", answer.what);
                    self.disagree("what was called off is counted", what);
                }
            }
            Err(error) => self.judge_ledger_error(&answer, error),
        }
    }

    /// A plan has every line once, and sends nothing. It fails only with the disk.
    pub(crate) fn judge_planned(
        &self,
        call: usize,
        lines: usize,
        planned: &Result<Forecast, RunError>,
    ) {
        let kind = if planned.is_ok() { "planned" } else { "failed" };
        let answer = self.answered(call, kind, || format!("{planned:?}"));
        self.judge_nothing_sent(&answer, "a plan sends nothing");
        let is_whole = planned.as_ref().is_ok_and(|forecast| {
            let named = count(&forecast.refunds)
                + count(&forecast.approvals)
                + forecast.done
                + forecast.refused_lines
                + forecast.unknown_lines;
            named == lines as u64
        });
        if !is_whole {
            let what = format!("{}: {planned:?} of {lines} lines", answer.what);
            self.disagree("a plan has every line once", what);
        }
    }

    /// In calm weather a run whose lines all came to an end did what its plan says. Lines that name one payment in both ways
    /// may go in either order, and what is left for the later one differs: they are not compared.
    pub(crate) fn judge_plan_kept(&self, bulk: usize, planned: &Forecast, lines: &[LineState]) {
        if self.names_in_both_ways(lines) {
            return;
        }
        let (mut refunded, mut waiting, mut others) = (0, 0, 0);
        for line in lines {
            match line.operation.as_ref().map(|operation| operation.state) {
                Some(State::Pending | State::Succeeded) => refunded += 1,
                Some(State::NeedsApproval) => waiting += 1,
                _ => others += 1,
            }
        }
        let came_to = [refunded, waiting, others];
        let said = [
            count(&planned.refunds) + planned.done,
            count(&planned.approvals),
            planned.refused_lines + planned.unknown_lines,
        ];
        if said != came_to {
            let what = format!("bulk {bulk}: {planned:?}, and it came to {came_to:?}");
            self.disagree("a run does what its plan says", what);
        }
    }

    fn names_in_both_ways(&self, lines: &[LineState]) -> bool {
        let mut names = BTreeMap::new();
        let payments =
            lines.iter().filter_map(|line| line.operation.as_ref()).map(Operation::payment);
        let payments = payments.map(|payment| payment.as_str().to_owned());
        payments.into_iter().any(|name| {
            let charge = self.charge_of(&name).map(str::to_owned);
            names.insert(charge, name.clone()).is_some_and(|other| other != name)
        })
    }
}

fn count(sums: &BTreeMap<String, Sum>) -> u64 {
    sums.values().map(|sum| sum.lines).sum()
}
