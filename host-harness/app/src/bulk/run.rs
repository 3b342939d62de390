//! The run: many refunds at once, paced, each through the ledger.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::num::NonZeroU32;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use refund_core::money::Currency;
use refund_core::wire::RefusalKind;
use refund_ledger::{Claimed, LedgerError, MerchantRules, PriorRefund, Run, State, Store, Tx};
use tokio::sync::watch;

use super::lines::is_canceled;
use super::stop::{StopLoss, Stopped, Watch};
use super::summary::{Ended, RunError, Summary};
use crate::application::Application;
use crate::asking::AskError;
use crate::caller::Caller;
use crate::component::Component;
use crate::outcome::{Outcome, Standing};
use crate::runtime::{Lost, Runtime};

const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// Lines closed with one write to the ledger.
const CLOSED_AT_ONCE: usize = 64;
/// How often to look whether another process has come to an end.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// How to run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Refunds at the same time.
    pub in_flight: usize,
    /// Spread the lines evenly over this time.
    pub spread: Option<Duration>,
    /// When to stop.
    pub stop: StopLoss,
    /// How often a line is tried in one session when no refund was made of it, or its outcome is unknown.
    pub tries: u32,
    /// The merchant's rules in force; absent to keep those that the lines were recorded with.
    pub rules: Option<MerchantRules>,
    /// Refund payments that this ledger has refunded before, under other operation ids.
    pub allow_refunded_payments: bool,
}

/// Is given every line that came to an end.
pub trait Progress: Send {
    /// A line, and where its operation stands.
    fn ended(&mut self, line: u64, state: State);
}

impl Progress for () {
    fn ended(&mut self, _: u64, _: State) {}
}

/// A line that came to an end, for now.
type LineEnded = (Claimed, Result<Result<Outcome, AskError>, Lost>);

/// Sends what is planned.
pub struct Runner<'a, C, S, R> {
    application: &'a Application<C, S, R>,
    run: &'a Run,
    caller: Caller,
    options: Options,
    watch: Watch,
    spread: Option<DefaultDirectRateLimiter>,
    claimed: VecDeque<Claimed>,
    under_way: FuturesUnordered<BoxFuture<'static, LineEnded>>,
    /// Lines that wait for another try, with when.
    waiting: Vec<(Duration, Claimed)>,
    tries: HashMap<u64, u32>,
    to_close: Vec<u64>,
    /// Lines whose last try in this session is over, and that stay open.
    given_up: Vec<u64>,
    lines: u64,
    also_settled: u64,
    refunded_before: Vec<PriorRefund>,
    stopped: Option<Stopped>,
    is_canceled: bool,
    failed: Option<RunError>,
}

impl<'a, C: Component, S: Store, R: Runtime> Runner<'a, C, S, R> {
    /// Gets ready to send the open lines of a run. `spent` is what earlier sessions of the run refunded.
    pub async fn new(
        application: &'a Application<C, S, R>,
        run: &'a Run,
        options: Options,
        spent: BTreeMap<Currency, u64>,
        caller: &Caller,
    ) -> Result<Self, RunError> {
        let open = {
            let run = run.clone();
            application.store.read(move |tx| tx.open_lines(&run)).await?
        };
        Ok(Self {
            application,
            run,
            caller: caller.clone(),
            watch: Watch::new(options.stop.clone(), spent),
            spread: options.spread.and_then(|time| spread(time, open)),
            options,
            claimed: VecDeque::new(),
            under_way: FuturesUnordered::new(),
            waiting: Vec::new(),
            tries: HashMap::new(),
            to_close: Vec::new(),
            given_up: Vec::new(),
            lines: 0,
            also_settled: 0,
            refunded_before: Vec::new(),
            stopped: None,
            is_canceled: false,
            failed: None,
        })
    }

    /// Sends until there is nothing left to send, it stops itself, the run is canceled, or `interrupt` becomes true. What is
    /// under way is always finished and recorded.
    pub async fn run(
        mut self,
        mut interrupt: watch::Receiver<bool>,
        progress: &mut impl Progress,
    ) -> Result<Summary, RunError> {
        let start = self.application.runtime.elapsed();
        self.free_lines().await?;
        self.name_payments().await?;
        self.look_for_prior_refunds().await?;
        loop {
            let stopping = self.stopped.is_some()
                || self.is_canceled
                || self.failed.is_some()
                || *interrupt.borrow();
            let slot = if stopping { None } else { self.fill_or_fail().await };
            if self.under_way.is_empty() && slot.is_none() {
                if stopping || !self.is_more_or_fail(&mut interrupt).await {
                    break;
                }
                continue;
            }
            let sleep = self.application.runtime.sleep(slot.unwrap_or_default());
            tokio::select! {
                // In this order always: a simulation must come to the same end with the same seed.
                biased;
                Some((claimed, ended)) = self.under_way.next() => {
                    self.take(claimed, ended, progress).await;
                }
                () = sleep, if slot.is_some() => {}
                () = asked_to_stop(&mut interrupt), if !stopping => {}
            }
        }
        let interrupted = *interrupt.borrow();
        self.end(interrupted, start).await
    }

    /// Gives back the lines of processes that are gone.
    async fn free_lines(&mut self) -> Result<(), LedgerError> {
        let run = self.run.clone();
        self.application.store.write(move |tx| tx.free_lines(&run)).await
    }

    /// Where some lines name charges and others PaymentIntents, or other operations name a payment in the other way, two of
    /// them may be one payment: Stripe is asked, so that the first of two lines goes first.
    async fn name_payments(&mut self) -> Result<(), RunError> {
        let run = self.run.clone();
        let payments = self.application.store.read(move |tx| tx.ambiguous_payments(&run)).await?;
        for payment in payments {
            // One that cannot be read is reported with its line.
            self.application.name_payment(payment).await?;
        }
        Ok(())
    }

    /// A file whose operation ids were changed pays a second time what was paid under the old ones.
    async fn look_for_prior_refunds(&mut self) -> Result<(), RunError> {
        let run = self.run.clone();
        let prior = self.application.store.read(move |tx| tx.prior_refunds(&run)).await?;
        if !prior.is_empty() && !self.options.allow_refunded_payments {
            self.stop(Stopped::RefundedBefore(prior.clone()));
        }
        self.refunded_before = prior;
        Ok(())
    }

    /// As [`Runner::fill`]; where the ledger fails, what is under way comes to its end.
    async fn fill_or_fail(&mut self) -> Option<Duration> {
        match self.fill().await {
            Ok(slot) => slot,
            Err(error) => {
                self.fail(self.stuck(error));
                None
            }
        }
    }

    /// As [`Runner::is_more`]; where the ledger fails, nothing more is done.
    async fn is_more_or_fail(&mut self, interrupt: &mut watch::Receiver<bool>) -> bool {
        if self.failed.is_some() || self.is_canceled {
            return false;
        }
        match self.is_more(interrupt).await {
            Ok(is_more) => is_more,
            Err(error) => {
                self.fail(self.stuck(error));
                false
            }
        }
    }

    /// Starts refunds until as many are under way as may be. Where they are spread over a time: how long until the next
    /// one.
    async fn fill(&mut self) -> Result<Option<Duration>, LedgerError> {
        while self.under_way.len() < self.options.in_flight && self.stopped.is_none() {
            let Some(next) = self.next().await? else { return Ok(None) };
            if let Some(wait) = self.spread.as_ref().and_then(not_yet) {
                self.claimed.push_front(next);
                return Ok(Some(wait));
            }
            if let Err(stopped) = self.watch.start(next.amount) {
                self.claimed.push_front(next);
                self.stopped = Some(stopped);
                return Ok(None);
            }
            self.start(next);
        }
        Ok(None)
    }

    fn start(&mut self, next: Claimed) {
        let (application, caller) = (self.application.clone(), self.caller.clone());
        let (operation, rules) = (next.operation.clone(), self.options.rules.clone());
        let running = self
            .application
            .runtime
            .spawn(async move { application.ask_again(&operation, rules, &caller).await });
        self.under_way.push(Box::pin(async move { (next, running.await) }));
    }

    /// A line whose wait is over, or a new one; none once the run is canceled.
    async fn next(&mut self) -> Result<Option<Claimed>, LedgerError> {
        let now = self.application.runtime.elapsed();
        let due = self.waiting.iter().enumerate().filter(|(_, (when, _))| *when <= now);
        if let Some((at, _)) = due.min_by_key(|(_, (_, claimed))| claimed.line) {
            let run = self.run.clone();
            self.is_canceled = self.application.store.read(move |tx| is_canceled(tx, &run)).await?;
            let again = (!self.is_canceled).then(|| self.waiting.swap_remove(at).1);
            return Ok(again);
        }
        if self.claimed.is_empty() {
            self.flush().await?;
            self.claim().await?;
        }
        Ok(self.claimed.pop_front())
    }

    async fn claim(&mut self) -> Result<(), LedgerError> {
        let (run, most) = (self.run.clone(), self.options.in_flight * 2);
        let claim = move |tx: &mut dyn Tx| {
            let claimable = !is_canceled(tx, &run)?;
            claimable.then(|| tx.claim_lines(&run, most)).transpose()
        };
        let claimed = self.application.store.write(claim).await?;
        self.is_canceled = claimed.is_none();
        self.claimed.extend(claimed.unwrap_or_default());
        Ok(())
    }

    /// Whether there is something to wait for: another try, or another process at work on this run.
    async fn is_more(
        &mut self,
        interrupt: &mut watch::Receiver<bool>,
    ) -> Result<bool, LedgerError> {
        let first = self.waiting.iter().map(|(when, _)| *when).min();
        let wait = if let Some(first) = first {
            first.saturating_sub(self.application.runtime.elapsed())
        } else {
            self.flush().await?;
            self.free_lines().await?;
            let run = self.run.clone();
            let (theirs, claimable) = self
                .application
                .store
                .write(move |tx| {
                    // Looked at, and given back.
                    let claimed = tx.claim_lines(&run, 1)?;
                    let lines: Vec<_> = claimed.iter().map(|claimed| claimed.line).collect();
                    tx.end_lines(&run, &lines, false)?;
                    Ok((tx.lines_of_others(&run)?, !lines.is_empty()))
                })
                .await?;
            if claimable {
                return Ok(true);
            }
            if theirs == 0 {
                return Ok(false);
            }
            LOOK_AGAIN
        };
        tokio::select! {
            biased;
            () = self.application.runtime.sleep(wait) => {}
            () = asked_to_stop(interrupt) => {}
        }
        Ok(true)
    }

    /// What became of a line.
    async fn take(
        &mut self,
        claimed: Claimed,
        ended: Result<Result<Outcome, AskError>, Lost>,
        progress: &mut impl Progress,
    ) {
        let outcome = match ended {
            Ok(Ok(outcome)) => outcome,
            // Nothing was sent for this line; others may have been.
            Ok(Err(AskError::Ledger(error))) => return self.fail(self.stuck(error)),
            Ok(Err(error)) => return self.fail(error.into()),
            Err(lost) => return self.fail(lost.into()),
        };
        self.also_settled += outcome.also_settled.len() as u64;
        let operation = &outcome.operation;
        let refunded = operation.refund.as_ref().map(|refund| refund.money);
        let state = match outcome.standing {
            // Nothing was sent for it: it stays as it was.
            Standing::Busy(_) | Standing::Blocked { .. } | Standing::Unread(_) => State::Planned,
            _ => operation.state,
        };
        if let Err(stopped) = self.watch.end(state, claimed.amount, refunded) {
            self.stop(stopped);
        }
        self.look_for_trouble(&outcome);
        match state {
            State::Planned | State::OutcomeUnknown | State::Sent => {
                tracing::info!(
                    line = claimed.line,
                    outcome = outcome.kind().row().name,
                    "a line stays open"
                );
                self.try_again(claimed);
            }
            state => {
                self.lines += 1;
                self.to_close.push(claimed.line);
                progress.ended(claimed.line, state);
                if self.to_close.len() >= CLOSED_AT_ONCE
                    && let Err(error) = self.flush().await
                {
                    self.fail(self.stuck(error));
                }
            }
        }
    }

    /// The ledger failed in between: every line that was sent is recorded.
    fn stuck(&self, error: LedgerError) -> RunError {
        RunError::Stuck { error, lines: self.lines }
    }

    /// What is under way comes to its end, nothing more is started.
    fn fail(&mut self, error: RunError) {
        self.failed = Some(match self.failed.take() {
            Some(earlier) => earlier.or_worse(error),
            None => error,
        });
    }

    /// Reasons to stop that a single outcome gives.
    fn look_for_trouble(&mut self, outcome: &Outcome) {
        if let Some(stopped) = self.watch.passed() {
            self.stop(stopped);
        }
        if is_short(outcome) && self.watch.stops_when_short() {
            self.stop(Stopped::BalanceShort);
        }
        if let Some(said) = about_the_key(outcome) {
            self.stop(Stopped::Key(said));
        }
    }

    fn stop(&mut self, stopped: Stopped) {
        self.stopped.get_or_insert(stopped);
    }

    fn try_again(&mut self, claimed: Claimed) {
        let tries = self.tries.entry(claimed.line).or_default();
        *tries += 1;
        if *tries >= self.options.tries {
            self.given_up.push(claimed.line);
            return;
        }
        let wait = (FIRST_WAIT * 2_u32.pow((*tries - 1).min(8))).min(LONGEST_WAIT);
        self.waiting.push((self.application.runtime.elapsed() + wait, claimed));
    }

    async fn flush(&mut self) -> Result<(), LedgerError> {
        let (run, lines) = (self.run.clone(), std::mem::take(&mut self.to_close));
        if lines.is_empty() {
            return Ok(());
        }
        self.application.store.write(move |tx| tx.end_lines(&run, &lines, true)).await
    }

    async fn end(mut self, interrupted: bool, start: Duration) -> Result<Summary, RunError> {
        let flushed = self.flush().await;
        match self.failed.take() {
            // Lines that were under way came to their end after it.
            Some(RunError::Stuck { error, .. }) => return Err(self.stuck(error)),
            Some(error) => return Err(error),
            None => {}
        }
        flushed.map_err(|error| self.stuck(error))?;
        let waiting = self.waiting.iter().map(|(_, claimed)| claimed);
        let unused = self.claimed.iter().chain(waiting).map(|claimed| claimed.line);
        let back: Vec<_> = unused.chain(self.given_up.iter().copied()).collect();
        let run = self.run.clone();
        let open = self.application.store.write(move |tx| {
            tx.end_lines(&run, &back, false)?;
            tx.open_lines(&run)
        });
        let open = open.await.map_err(|error| self.stuck(error))?;
        let ended = match self.stopped {
            _ if self.is_canceled => Ended::Canceled,
            Some(stopped) => Ended::Stopped(stopped),
            None if interrupted && open > 0 => Ended::Interrupted,
            None => Ended::Complete,
        };
        Ok(Summary {
            ended,
            lines: self.lines,
            open,
            time: self.application.runtime.elapsed().saturating_sub(start),
            also_settled: self.also_settled,
            refunded_before: self.refunded_before,
        })
    }
}

fn spread(time: Duration, lines: u64) -> Option<DefaultDirectRateLimiter> {
    let lines = u32::try_from(lines).unwrap_or(u32::MAX).max(1);
    Quota::with_period(time / lines)
        .map(|quota| RateLimiter::direct(quota.allow_burst(NonZeroU32::MIN)))
}

/// How long until the next refund may start; `None` when it may now, and is counted.
fn not_yet(spread: &DefaultDirectRateLimiter) -> Option<Duration> {
    spread.check().err().map(|not_until| not_until.wait_time_from(DefaultClock::default().now()))
}

/// Pends forever once the sender is dropped.
async fn asked_to_stop(interrupt: &mut watch::Receiver<bool>) {
    if interrupt.wait_for(|stop| *stop).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Whether Stripe waits for money before it pays this refund, or refused for want of it.
fn is_short(outcome: &Outcome) -> bool {
    let pending = outcome.refund.as_ref().and_then(|refund| refund.pending_reason.as_deref());
    if pending == Some("insufficient_funds") {
        return true;
    }
    match &outcome.standing {
        Standing::Refused(Some(refusal)) => {
            matches!(refusal.code.as_deref(), Some("balance_insufficient" | "insufficient_funds"))
        }
        _ => false,
    }
}

/// What Stripe said about the key, if it is to blame.
fn about_the_key(outcome: &Outcome) -> Option<String> {
    match &outcome.standing {
        Standing::Refused(Some(refusal))
            if matches!(refusal.kind, RefusalKind::Authentication | RefusalKind::Permission) =>
        {
            Some(refusal.to_string())
        }
        _ => None,
    }
}
