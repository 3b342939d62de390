//! The run: many refunds at once, paced, each through the ledger.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use refund_ledger::{
    Answer, Claimed, Failure, Ledger, LedgerError, RefundError, Refunded, Refunder, Run, State,
};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::stop::{StopLoss, Stopped, Watch};

/// How often a line is tried again in one session when nothing was made of it, or nobody knows.
const TRIES: u32 = 5;
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// Lines closed with one word to the ledger.
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
}

/// Told about every line that came to an end.
pub trait Progress: Send {
    /// A line, and where its operation stands.
    fn ended(&mut self, line: u64, state: State);
}

impl Progress for () {
    fn ended(&mut self, _: u64, _: State) {}
}

/// Why a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Every line came to an end, or was tried often enough for now.
    Complete,
    /// It stopped itself.
    Stopped(Stopped),
    /// Somebody asked it to stop.
    Interrupted,
}

/// What a session did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Why it ended.
    pub ended: Ended,
    /// Lines that came to an end in this session.
    pub lines: u64,
    /// Lines that are still open: resume goes on with them.
    pub open: u64,
    /// From the first claim to the last word in the ledger.
    pub time: Duration,
}

/// A run cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The ledger cannot be used.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A task ended in a way no task should.
    #[error("a refund's task was lost: {0}; resume settles it")]
    Task(String),
}

/// Sends what is planned.
pub struct Runner<'a> {
    ledger: &'a Ledger,
    refunder: &'a Refunder<Ledger>,
    run: &'a Run,
    options: Options,
    watch: Watch,
    spread: Option<DefaultDirectRateLimiter>,
    claimed: VecDeque<Claimed>,
    under_way: JoinSet<(Claimed, Result<Refunded, RefundError>)>,
    /// Lines that wait for another try, with how often they were tried.
    waiting: Vec<(Instant, Claimed)>,
    tries: HashMap<u64, u32>,
    to_close: Vec<u64>,
    /// Lines whose last try in this session is over, and that stay open.
    given_up: u64,
    lines: u64,
    stopped: Option<Stopped>,
}

impl<'a> Runner<'a> {
    /// Gets ready to send the open lines of a run.
    pub async fn new(
        ledger: &'a Ledger,
        refunder: &'a Refunder<Ledger>,
        run: &'a Run,
        options: Options,
    ) -> Result<Self, RunError> {
        let spent = if Watch::needs_totals(&options.stop) {
            spent(ledger, run).await?
        } else {
            BTreeMap::new()
        };
        let spread = match options.spread {
            Some(time) => spread(time, ledger.open_lines(run).await?),
            None => None,
        };
        Ok(Self {
            ledger,
            refunder,
            run,
            watch: Watch::new(options.stop.clone(), spent),
            options,
            spread,
            claimed: VecDeque::new(),
            under_way: JoinSet::new(),
            waiting: Vec::new(),
            tries: HashMap::new(),
            to_close: Vec::new(),
            given_up: 0,
            lines: 0,
            stopped: None,
        })
    }

    /// Sends until there is nothing left to send, it stops itself, or `interrupt` becomes true. What is
    /// under way is always finished and written down.
    pub async fn run(
        mut self,
        mut interrupt: watch::Receiver<bool>,
        progress: &mut impl Progress,
    ) -> Result<Summary, RunError> {
        let start = Instant::now();
        self.ledger.free_lines(self.run).await?;
        loop {
            let stopping = self.stopped.is_some() || *interrupt.borrow();
            let slot = if stopping { None } else { self.fill().await? };
            if self.under_way.is_empty() && slot.is_none() {
                if stopping || !self.is_more(&mut interrupt).await? {
                    break;
                }
                continue;
            }
            tokio::select! {
                Some(ended) = self.under_way.join_next() => {
                    let (claimed, done) = ended.map_err(|error| RunError::Task(error.to_string()))?;
                    self.take(claimed, done, progress).await?;
                }
                () = tokio::time::sleep(slot.unwrap_or_default()), if slot.is_some() => {}
                () = asked_to_stop(&mut interrupt), if !stopping => {}
            }
        }
        let interrupted = *interrupt.borrow();
        self.end(interrupted, start).await
    }

    /// Starts refunds until as many are under way as may be. Where they are spread over a time: how long
    /// until the next one.
    async fn fill(&mut self) -> Result<Option<Duration>, RunError> {
        while self.under_way.len() < self.options.in_flight && self.stopped.is_none() {
            let Some(next) = self.next().await? else { return Ok(None) };
            if let Some(wait) = self.spread.as_ref().and_then(not_yet) {
                self.claimed.push_front(next);
                return Ok(Some(wait));
            }
            if let Err(stopped) = self.watch.start(asked(&next)) {
                self.claimed.push_front(next);
                self.stopped = Some(stopped);
                return Ok(None);
            }
            let refunder = self.refunder.clone();
            self.under_way.spawn(async move {
                let done = refunder.refund_again(&next.operation).await;
                (next, done)
            });
        }
        Ok(None)
    }

    /// A line whose wait is over, or a new one.
    async fn next(&mut self) -> Result<Option<Claimed>, RunError> {
        let now = Instant::now();
        if let Some(at) = self.waiting.iter().position(|(when, _)| *when <= now) {
            return Ok(Some(self.waiting.swap_remove(at).1));
        }
        if self.claimed.is_empty() {
            self.flush().await?;
            self.claimed.extend(self.ledger.claim(self.run, self.options.in_flight * 2).await?);
        }
        Ok(self.claimed.pop_front())
    }

    /// Whether there is something to wait for: another try, or another process at work on this run.
    async fn is_more(&mut self, interrupt: &mut watch::Receiver<bool>) -> Result<bool, RunError> {
        let first = self.waiting.iter().map(|(when, _)| *when).min();
        let wait = if let Some(first) = first {
            first.saturating_duration_since(Instant::now())
        } else {
            self.flush().await?;
            self.ledger.free_lines(self.run).await?;
            if self.ledger.busy_lines(self.run).await? == 0
                && self.ledger.open_lines(self.run).await? == self.given_up
            {
                return Ok(false);
            }
            LOOK_AGAIN
        };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = asked_to_stop(interrupt) => {}
        }
        Ok(true)
    }

    /// What became of a line.
    async fn take(
        &mut self,
        claimed: Claimed,
        refunded: Result<Refunded, RefundError>,
        progress: &mut impl Progress,
    ) -> Result<(), RunError> {
        let refunded = match refunded {
            Ok(refunded) => refunded,
            Err(RefundError::Ledger(error)) => return Err(error.into()),
            Err(error) => {
                tracing::info!(line = claimed.line, %error, "a line waits");
                let _ = self.watch.end(State::Planned, asked(&claimed), None);
                self.try_again(claimed);
                return Ok(());
            }
        };
        let operation = &refunded.operation;
        let amount = operation.refunded.zip(operation.currency.as_deref());
        let counted = self.watch.end(operation.state, asked(&claimed), amount);
        if let Err(stopped) = counted {
            self.stop(stopped);
        }
        self.look_for_trouble(&refunded);
        match operation.state {
            State::Planned | State::OutcomeUnknown | State::Sent => self.try_again(claimed),
            state => {
                self.lines += 1;
                self.to_close.push(claimed.line);
                progress.ended(claimed.line, state);
                if self.to_close.len() >= CLOSED_AT_ONCE {
                    self.flush().await?;
                }
            }
        }
        Ok(())
    }

    /// Reasons to stop that a single answer gives.
    fn look_for_trouble(&mut self, refunded: &Refunded) {
        if let Some(stopped) = self.watch.passed() {
            self.stop(stopped);
        }
        match &refunded.answer {
            Some(answer) if is_short(answer) && self.watch.stops_when_short() => {
                self.stop(Stopped::BalanceShort);
            }
            Some(Err(failure)) => {
                if let Some(said) = about_the_key(failure) {
                    self.stop(Stopped::Key(said));
                }
            }
            _ => {}
        }
    }

    fn stop(&mut self, stopped: Stopped) {
        self.stopped.get_or_insert(stopped);
    }

    fn try_again(&mut self, claimed: Claimed) {
        let tries = self.tries.entry(claimed.line).or_default();
        *tries += 1;
        if *tries >= TRIES {
            self.given_up += 1;
            return;
        }
        let wait = (FIRST_WAIT * 2_u32.pow(*tries - 1)).min(LONGEST_WAIT);
        self.waiting.push((Instant::now() + wait, claimed));
    }

    async fn flush(&mut self) -> Result<(), RunError> {
        let lines = std::mem::take(&mut self.to_close);
        if !lines.is_empty() {
            self.ledger.close_lines(self.run, lines).await?;
        }
        Ok(())
    }

    async fn end(mut self, interrupted: bool, start: Instant) -> Result<Summary, RunError> {
        self.flush().await?;
        let back = self.claimed.iter().chain(self.waiting.iter().map(|(_, line)| line));
        self.ledger.release_lines(self.run, back.map(|line| line.line).collect()).await?;
        let ended = match self.stopped {
            Some(stopped) => Ended::Stopped(stopped),
            None if interrupted => Ended::Interrupted,
            None => Ended::Complete,
        };
        let open = self.ledger.open_lines(self.run).await?;
        Ok(Summary { ended, lines: self.lines, open, time: start.elapsed() })
    }
}

/// What earlier sessions refunded, and what may be on its way, by currency.
async fn spent(ledger: &Ledger, run: &Run) -> Result<BTreeMap<String, u64>, RunError> {
    let mut spent = BTreeMap::new();
    for total in ledger.totals(run).await? {
        if matches!(total.state.as_str(), "pending" | "succeeded") {
            *spent.entry(total.currency).or_default() += total.amount;
        }
    }
    Ok(spent)
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

/// Never comes back when nobody can ask any more.
async fn asked_to_stop(interrupt: &mut watch::Receiver<bool>) {
    if interrupt.wait_for(|stop| *stop).await.is_err() {
        std::future::pending::<()>().await;
    }
}

fn asked(claimed: &Claimed) -> Option<(u64, &str)> {
    claimed.amount.zip(claimed.currency.as_deref())
}

/// Whether Stripe waits for money before it pays this refund, or refused for want of it.
fn is_short(answer: &Answer) -> bool {
    match answer {
        Ok(output) => output["refund"]["pending_reason"] == "insufficient_funds",
        Err(Failure::Operation(error)) => {
            let text = format!("{error:?}");
            text.contains("balance_insufficient") || text.contains("\"insufficient_funds\"")
        }
        Err(Failure::Call(_)) => false,
    }
}

/// What Stripe said about the key, if it is to blame.
fn about_the_key(failure: &Failure) -> Option<String> {
    let Failure::Operation(refund_host::api::node::InvokeError::Failed(failure)) = failure else {
        return None;
    };
    let details: serde_json::Value = serde_json::from_str(&failure.details).ok()?;
    matches!(details["kind"].as_str(), Some("authentication" | "permission"))
        .then(|| failure.message.clone())
}
