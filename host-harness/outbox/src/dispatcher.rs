//! Takes what is due to where it belongs.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use futures::stream::{self, StreamExt};

use crate::clock::Clock;
use crate::config::Sinks;
use crate::contact::{self, ContactFinder, Lookups, NoContactFinder};
use crate::delivery::Delivery;
use crate::message::{self, Claimed, Message};
use crate::schedule;
use crate::sink::Sink;
use crate::store::{Store, StoreError};

/// How to dispatch.
#[derive(Clone, Debug)]
pub struct DispatcherOptions {
    /// How often each sink's queue is looked at when nothing was due.
    pub poll: Duration,
    /// What time it is.
    pub clock: Clock,
}

/// What one round did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RoundReport {
    /// Taken by their sinks.
    pub delivered: u64,
    /// Failed, to be tried again.
    pub failed: u64,
    /// Failed for good: dead, kept.
    pub dead: u64,
}

/// Delivers messages of a store to sinks. Several of them, in one process or in many, may share a store.
#[derive(Debug)]
pub struct Dispatcher<S> {
    store: S,
    sinks: Arc<Sinks>,
    options: DispatcherOptions,
    lookups: Lookups,
    tell: Option<Tell>,
}

/// What is to be done with a claimed message.
enum Ready {
    /// Hand it to its sink.
    Deliver(Message),
    /// It cannot be delivered, now or ever.
    Cannot(Delivery),
    /// Another dispatcher has it.
    TakenOver,
}

/// Somebody who wants to see every delivery.
struct Tell(Box<Telling>);

type Telling = dyn Fn(&Message, &Delivery) + Send + Sync;

impl fmt::Debug for Tell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tell")
    }
}

/// Seconds that a claim outlives the longest look for an address and the longest delivery by, for marking it.
const MARGIN: u64 = 30;

impl Default for DispatcherOptions {
    fn default() -> Self {
        Self { poll: Duration::from_secs(1), clock: Clock::system() }
    }
}

impl RoundReport {
    fn and(self, other: Self) -> Self {
        Self {
            delivered: self.delivered + other.delivered,
            failed: self.failed + other.failed,
            dead: self.dead + other.dead,
        }
    }
}

impl<S: Store> Dispatcher<S> {
    /// A dispatcher; nothing happens until it runs.
    pub fn new(store: S, sinks: Arc<Sinks>, options: DispatcherOptions) -> Self {
        let lookups = Lookups::new(NoContactFinder::default());
        Self { store, sinks, options, lookups, tell: None }
    }

    /// Looks for the addresses of customers where a follow-up has none.
    #[must_use]
    pub fn finding(self, finder: impl ContactFinder + 'static) -> Self {
        Self { lookups: Lookups::new(finder), ..self }
    }

    /// Tells of every try, once what came of it is marked.
    #[must_use]
    pub fn telling(self, tell: impl Fn(&Message, &Delivery) + Send + Sync + 'static) -> Self {
        Self { tell: Some(Tell(Box::new(tell))), ..self }
    }

    /// The store.
    pub fn store(&self) -> &S {
        &self.store
    }

    /// Delivers what is due now, to every sink, until nothing is due any more; all sinks at the same time.
    pub async fn run_once(&self) -> Result<RoundReport, StoreError> {
        let rounds = self.sinks.iter().map(|sink| self.drain(sink));
        let mut report = RoundReport::default();
        for round in join_all(rounds).await {
            report = report.and(round?);
        }
        Ok(report)
    }

    /// Delivers until told to stop. Deliveries under way are let finish; those that a killed process left
    /// behind are due again when their lease is over. A store that fails is asked again.
    pub async fn run_until(&self, shutdown: impl Future<Output = ()>) {
        let (stop, stopped) = tokio::sync::watch::channel(false);
        let workers = self.sinks.iter().map(|sink| self.work(sink, stopped.clone()));
        let wait = async {
            shutdown.await;
            // Every worker may be gone by now; then there is nobody to tell.
            let _ = stop.send(true);
        };
        tokio::join!(join_all(workers), wait);
    }

    async fn work(&self, sink: &Sink, mut stopped: tokio::sync::watch::Receiver<bool>) {
        while !*stopped.borrow() {
            match self.round(sink).await {
                Ok(Some(_)) => continue,
                Ok(None) => {}
                Err(error) => tracing::error!(sink = sink.name, %error, "follow-ups wait"),
            }
            tokio::select! {
                () = tokio::time::sleep(self.options.poll) => {}
                _ = stopped.changed() => {}
            }
        }
    }

    async fn drain(&self, sink: &Sink) -> Result<RoundReport, StoreError> {
        let mut report = RoundReport::default();
        while let Some(round) = self.round(sink).await? {
            report = report.and(round);
        }
        Ok(report)
    }

    /// Claims as many as may be delivered at a time, and delivers them; `None` when nothing was due.
    async fn round(&self, sink: &Sink) -> Result<Option<RoundReport>, StoreError> {
        let now = self.options.clock.now();
        let lease = sink.timeout.as_secs() + contact::LONGEST.as_secs() + MARGIN;
        let claimed = self.store.claim(&sink.name, now, lease, sink.concurrency.max(1)).await?;
        if claimed.is_empty() {
            return Ok(None);
        }
        let settled = stream::iter(&claimed).map(|one| self.deliver(sink, one));
        let settled: Vec<_> = settled.buffer_unordered(sink.concurrency.max(1)).collect().await;
        let mut report = RoundReport::default();
        for one in settled {
            report = report.and(one?);
        }
        Ok(Some(report))
    }

    async fn deliver(&self, sink: &Sink, claimed: &Claimed) -> Result<RoundReport, StoreError> {
        let id = claimed.message.key.id.as_str();
        let delivery = match self.ready(sink, claimed).await? {
            Ready::Deliver(message) => sink.deliver(&message, self.options.clock.now()).await,
            Ready::Cannot(delivery) => delivery,
            Ready::TakenOver => return Ok(RoundReport::default()),
        };
        let report = match &delivery {
            Delivery::Delivered => {
                self.store.delivered(claimed).await?;
                RoundReport { delivered: 1, ..RoundReport::default() }
            }
            Delivery::Failed { reason, retry_after } => {
                self.again(claimed, reason, *retry_after).await?
            }
            Delivery::Undeliverable { reason } => self.bury(claimed, reason).await?,
            Delivery::Gone { reason } => {
                tracing::warn!(sink = sink.name, id, reason, "the sink is turned off");
                self.store.disable(&sink.name, reason).await?;
                self.store.failed(claimed, self.options.clock.now(), reason).await?;
                RoundReport { failed: 1, ..RoundReport::default() }
            }
        };
        if let Some(Tell(tell)) = &self.tell {
            tell(&claimed.message, &delivery);
        }
        Ok(report)
    }

    /// A message with the address of its customer, where it needs one and there is one. What was found is kept
    /// before a sink gets it. A sink that does not write to customers gets the message without an address, and
    /// the same in every try.
    async fn ready(&self, sink: &Sink, claimed: &Claimed) -> Result<Ready, StoreError> {
        let must_have = sink.writes_to_customers();
        let follow_up =
            contact::without_address(claimed).filter(|_| must_have || !claimed.is_fixed);
        let Some(follow_up) = follow_up else {
            return Ok(Ready::Deliver(claimed.message.clone()));
        };
        let new_body = match self.lookups.find(&follow_up).await {
            Ok(found) if found.email.is_some() => {
                Some(message::body(&follow_up.with_contact(&found)))
            }
            Ok(found) if must_have => {
                let reason = contact::no_address(&follow_up, &found);
                return Ok(Ready::Cannot(Delivery::Undeliverable { reason }));
            }
            Err(error) if must_have => {
                return Ok(Ready::Cannot(Delivery::failed(contact::not_now(&error))));
            }
            Ok(_) | Err(_) => None,
        };
        Ok(match self.store.fix_body(claimed, new_body).await? {
            Some(body) => Ready::Deliver(Message { body, ..claimed.message.clone() }),
            None => Ready::TakenOver,
        })
    }

    /// Later, by the schedule, or when the receiver wants it if that is later still.
    async fn again(
        &self,
        claimed: &Claimed,
        reason: &str,
        retry_after: Option<u64>,
    ) -> Result<RoundReport, StoreError> {
        let message = &claimed.message;
        let now = self.options.clock.now();
        let Some(next) = schedule::next_try(&message.key, message.attempts, now) else {
            return self.bury(claimed, reason).await;
        };
        let next = next.max(now.saturating_add(retry_after.unwrap_or(0)));
        let (sink, id) = (&message.key.sink, message.key.id.as_str());
        tracing::info!(sink, id, reason, attempts = message.attempts, next, "to be tried again");
        self.store.failed(claimed, next, reason).await?;
        Ok(RoundReport { failed: 1, ..RoundReport::default() })
    }

    async fn bury(&self, claimed: &Claimed, reason: &str) -> Result<RoundReport, StoreError> {
        let key = &claimed.message.key;
        tracing::warn!(sink = key.sink, id = key.id.as_str(), reason, "given up, and kept");
        self.store.give_up(claimed, reason).await?;
        Ok(RoundReport { dead: 1, ..RoundReport::default() })
    }
}
