//! The plan: the run itself, on a throw-away copy of the ledger, with a component that sends nothing that changes
//! anything.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use refund_core::client::{
    CallError, Checked, CreateError, Created, Origin, Previewed, RefundPage,
};
use refund_core::eligibility::FeeSource;
use refund_core::id::{PaymentIntentId, PaymentRef, RefundId};
use refund_core::model::Refund;
use refund_core::money::{Currency, Money};
use refund_ledger::{
    LedgerError, LineState, MerchantRules, PriorRefund, Run, Settlement, State, Store,
};
use tokio::sync::watch;

use super::run::{Options, Runner};
use super::stop::StopLoss;
use super::summary::RunError;
use crate::application::Application;
use crate::caller::Caller;
use crate::component::{Attempt, Called, Component, Listing, Question};
use crate::runtime::Runtime;

/// Reasons kept with their lines; more are only counted.
const MOST_LISTED: usize = 1000;

/// A component that says what would be refunded, and counts what earlier lines of the run would have taken from the same
/// payment.
#[derive(Clone)]
pub struct PreviewComponent<C> {
    inner: C,
    planned: Arc<Mutex<PlannedRefunds>>,
}

/// What earlier lines would have refunded.
#[derive(Default)]
struct PlannedRefunds {
    /// By payment, in the smallest unit.
    amounts: HashMap<String, Vec<u64>>,
    /// The charges of PaymentIntents, as far as they are known.
    charges: HashMap<PaymentIntentId, String>,
    count: u64,
}

impl PlannedRefunds {
    fn key(&self, payment: &PaymentRef) -> String {
        match payment {
            PaymentRef::PaymentIntent(intent) => {
                self.charges.get(intent).cloned().unwrap_or_else(|| intent.to_string())
            }
            PaymentRef::Charge(charge) => charge.to_string(),
        }
    }
}

impl<C> PreviewComponent<C> {
    /// Wraps a component.
    pub fn new(inner: C) -> Self {
        Self { inner, planned: Arc::default() }
    }

    fn planned(&self) -> MutexGuard<'_, PlannedRefunds> {
        self.planned.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<C: Component> PreviewComponent<C> {
    /// The refund that would be made, as if it were.
    fn assumed(&self, attempt: &Attempt, previewed: Previewed) -> Created {
        let Previewed { found, verdict, charge, payment_intent } = previewed;
        if let Some(refund) = found {
            return Created {
                refund,
                origin: Origin::Found,
                attempts: 0,
                request_id: None,
                verdict,
            };
        }
        let nothing = || Money { amount: 0, currency: unknown_currency() };
        let money = verdict.as_ref().map_or_else(nothing, |verdict| verdict.amount);
        let mut planned = self.planned();
        planned.count += 1;
        // A later line may name the same payment as its PaymentIntent, or as its charge.
        planned.amounts.entry(charge.to_string()).or_default().push(money.amount);
        let named = match &attempt.request.payment {
            PaymentRef::PaymentIntent(intent) => Some(intent),
            PaymentRef::Charge(_) => payment_intent.as_ref(),
        };
        if let Some(intent) = named {
            planned.charges.insert(intent.clone(), charge.to_string());
        }
        let refund = Refund {
            charge: Some(charge),
            payment_intent,
            metadata: attempt.request.metadata.clone().with_operation(&attempt.request.operation),
            ..Refund::assumed(format!("re_planned_{}", planned.count), money)
        };
        Created { refund, origin: Origin::Made, attempts: 0, request_id: None, verdict }
    }
}

/// A verdict always has a currency; this stands where a component gives no verdict.
fn unknown_currency() -> Currency {
    Currency::parse("xxx").unwrap_or_else(|_| unreachable!("three letters are a currency code"))
}

impl<C: Component> Component for PreviewComponent<C> {
    async fn create(&self, attempt: &Attempt) -> Called<Created, CreateError> {
        let earlier = {
            let planned = self.planned();
            planned.amounts.get(&planned.key(&attempt.request.payment)).cloned().unwrap_or_default()
        };
        let Called { result, changes_sent } = self.inner.preview(attempt, &earlier).await;
        Called { result: result.map(|previewed| self.assumed(attempt, previewed)), changes_sent }
    }

    async fn preview(&self, attempt: &Attempt, earlier: &[u64]) -> Called<Previewed, CreateError> {
        self.inner.preview(attempt, earlier).await
    }

    async fn check(&self, question: &Question) -> Called<Checked, CallError> {
        let called = self.inner.check(question).await;
        if let (PaymentRef::PaymentIntent(intent), Ok(Checked { facts: Some(facts), .. })) =
            (&question.payment, &called.result)
        {
            self.planned().charges.insert(intent.clone(), facts.charge.id.to_string());
        }
        called
    }

    async fn retrieve(&self, refund: &RefundId) -> Called<Refund, CallError> {
        self.inner.retrieve(refund).await
    }

    async fn list(&self, listing: &Listing) -> Called<RefundPage, CallError> {
        self.inner.list(listing).await
    }
}

/// A sum of lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// How many.
    pub lines: u64,
    /// In the smallest unit.
    pub amount: u64,
}

/// What a run would do.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Forecast {
    /// Would be refunded, by currency.
    pub refunds: BTreeMap<String, Sum>,
    /// Would wait for approval, by currency.
    pub approvals: BTreeMap<String, Sum>,
    /// Are refunded already under the same operation id.
    pub done: u64,
    /// Would be refused: line and reason, the first of them.
    pub refused: Vec<(u64, String)>,
    /// How many would be refused.
    pub refused_lines: u64,
    /// Could not be looked up: line and reason, the first of them.
    pub unknown: Vec<(u64, String)>,
    /// How many could not be looked up.
    pub unknown_lines: u64,
    /// How many of those may have been refunded: an earlier request for them is unsettled.
    pub unsettled_lines: u64,
    /// The fees that Stripe keeps, by currency.
    pub fees: BTreeMap<String, u64>,
    /// Lines whose fee is estimated.
    pub estimated_fees: u64,
    /// Lines whose payment this ledger has refunded, or is about to, under another operation id: a run stops at them.
    pub refunded_before: Vec<PriorRefund>,
}

/// One line, as the forecast counts it.
#[derive(Clone, Debug, PartialEq)]
pub enum Planned {
    /// It would be refunded.
    Refund,
    /// It would wait for approval.
    Approval,
    /// It is refunded already.
    Done,
    /// It would be refused.
    Refused(String),
    /// It could not be looked up.
    Unknown(String),
}

impl Planned {
    /// Reads a line of the copy after the run.
    pub fn of(line: &LineState) -> Self {
        let Some(operation) = &line.operation else {
            return Self::Refused(line.reason.clone().unwrap_or_default());
        };
        let detail = operation.detail.clone().unwrap_or_else(|| operation.state.to_string());
        let origin = match &operation.settlement {
            Some(Settlement::Refunded { origin, .. }) => Some(*origin),
            _ => None,
        };
        match operation.state {
            State::Pending | State::Succeeded
                if !line.settled_before && origin == Some(Origin::Made) =>
            {
                Self::Refund
            }
            State::Pending | State::Succeeded => Self::Done,
            State::NeedsApproval => Self::Approval,
            State::Refused | State::Canceled | State::Failed => Self::Refused(detail),
            State::Planned | State::Sent | State::OutcomeUnknown => Self::Unknown(detail),
        }
    }
}

impl<C: Component, S: Store, R: Runtime> Application<PreviewComponent<C>, S, R> {
    /// Says what a run would do now with its open lines. The ledger is a throw-away copy: afterwards it holds what the run
    /// would have done.
    pub async fn forecast(
        &self,
        run: &Run,
        in_flight: usize,
        rules: Option<MerchantRules>,
        caller: &Caller,
    ) -> Result<Forecast, RunError> {
        let closed = run.clone();
        self.store.write(move |tx| tx.mark_closed_lines(&closed)).await?;
        let options = Options {
            in_flight,
            spread: None,
            stop: StopLoss { go_on_when_short: true, ..StopLoss::default() },
            tries: 1,
            rules,
            allow_refunded_payments: true,
        };
        let runner = Runner::new(self, run, options, BTreeMap::new(), caller).await?;
        let (_never, interrupt) = watch::channel(false);
        let summary = runner.run(interrupt, &mut ()).await?;
        Ok(Forecast::of(&self.store, run, summary.refunded_before).await?)
    }
}

impl Forecast {
    /// Reads what a run came to, by the same rule as what it would come to. `refunded_before` are the lines that a run stops
    /// at.
    pub async fn of(
        ledger: &impl Store,
        run: &Run,
        refunded_before: Vec<PriorRefund>,
    ) -> Result<Self, LedgerError> {
        let run = run.clone();
        ledger
            .read(move |tx| {
                let mut forecast = Self { refunded_before, ..Self::default() };
                tx.each_line(&run, &mut |line| forecast.count(&line))?;
                Ok(forecast)
            })
            .await
    }

    fn count(&mut self, line: &LineState) {
        match Planned::of(line) {
            Planned::Refund => self.count_refund(line),
            Planned::Approval => {
                let approved =
                    line.operation.as_ref().and_then(|operation| match &operation.settlement {
                        Some(Settlement::NeedsApproval { verdict }) => Some(verdict.amount),
                        _ => operation.money(),
                    });
                if let Some(money) = approved {
                    add(&mut self.approvals, money.currency, money.amount);
                }
            }
            Planned::Done => self.done += 1,
            Planned::Refused(reason) => {
                self.refused_lines += 1;
                list(&mut self.refused, line.line, reason);
            }
            Planned::Unknown(reason) => {
                self.unknown_lines += 1;
                self.unsettled_lines += u64::from(
                    line.operation.as_ref().is_some_and(|operation| operation.state.is_unsettled()),
                );
                list(&mut self.unknown, line.line, reason);
            }
        }
    }

    fn count_refund(&mut self, line: &LineState) {
        let Some(operation) = &line.operation else { return };
        if let Some(money) = operation.money() {
            add(&mut self.refunds, money.currency, money.amount);
        }
        if let Some(fee) = &operation.fee {
            *self.fees.entry(fee.currency.clone()).or_default() +=
                u64::try_from(fee.amount).unwrap_or_default();
        }
        let is_estimated = match &operation.settlement {
            Some(Settlement::Refunded { verdict: Some(verdict), .. }) => verdict
                .fee_kept
                .as_ref()
                .is_some_and(|fee| matches!(fee.source, FeeSource::Estimated)),
            _ => false,
        };
        self.estimated_fees += u64::from(is_estimated);
    }
}

fn add(sums: &mut BTreeMap<String, Sum>, currency: Currency, amount: u64) {
    let sum = sums.entry(currency.to_string()).or_default();
    sum.lines += 1;
    sum.amount += amount;
}

fn list(lines: &mut Vec<(u64, String)>, line: u64, reason: String) {
    if lines.len() < MOST_LISTED {
        lines.push((line, reason));
    }
}
