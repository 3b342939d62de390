//! When a run stops itself.

use std::collections::BTreeMap;
use std::fmt;

use refund_core::money::{Currency, Money};
use refund_ledger::{PriorRefund, State};

/// Lines that must have ended before their share of failures means anything.
const ENOUGH: u64 = 20;
/// Lines that a message lists.
const LISTED: usize = 20;

/// Bounds of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StopLoss {
    /// Never refund more than this, a sum a currency.
    pub totals: Vec<Money>,
    /// Stop when more than this share of lines was refused or failed, in percent.
    pub failures: Option<u8>,
    /// Go on when refunds wait for money on the balance.
    pub go_on_when_short: bool,
}

/// Why a run stopped itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// The next refund would pass the total.
    Total {
        /// The bound.
        limit: String,
        /// What was refunded.
        refunded: String,
    },
    /// Too many lines were refused or failed.
    Failures {
        /// How many, of this session.
        failed: u64,
        /// Of how many.
        ended: u64,
    },
    /// The balance does not cover the refunds.
    BalanceShort,
    /// The key is wrong, or lacks a right.
    Key(String),
    /// Payments of these lines were refunded by this ledger before, under other operation ids. Nothing was sent.
    RefundedBefore(Vec<PriorRefund>),
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Total { limit, refunded } => write!(
                f,
                "the next refund would pass the total of {limit} ({refunded} are refunded): raise `--stop-above` to go on"
            ),
            Self::Failures { failed, ended } => write!(
                f,
                "{failed} of {ended} lines were refused or failed: look at `refund-node bulk export`, then resume, with a higher `--stop-failures` if that is as it should be"
            ),
            Self::BalanceShort => f.write_str(
                "the balance does not cover the refunds, the last ones wait at Stripe: top it up and resume, or pass `--go-on-when-short`",
            ),
            Self::Key(said) => f.write_str(said),
            Self::RefundedBefore(prior) => refunded_before(f, prior),
        }
    }
}

fn refunded_before(f: &mut fmt::Formatter<'_>, prior: &[PriorRefund]) -> fmt::Result {
    writeln!(
        f,
        "this ledger has refunded payments of these lines before, under other operation ids, or is about to; nothing was sent"
    )?;
    for one in prior.iter().take(LISTED) {
        writeln!(f, "  {}", describe(one))?;
    }
    if prior.len() > LISTED {
        writeln!(f, "  and {} more", prior.len() - LISTED)?;
    }
    if prior.iter().any(|one| one.state == State::Planned) {
        writeln!(
            f,
            "Planned operations are lines of another run: `refund-node bulk status` lists the runs, `refund-node bulk cancel RUN` calls them off"
        )?;
    }
    f.write_str(
        "Take the lines out, or give them the operation ids they had; if they are to be refunded once more, add `--allow-refunded-payments`",
    )
}

/// `line 3: ch_1, operation recall-1 (succeeded), re_1 of 25.00 usd`
pub(crate) fn describe(prior: &PriorRefund) -> String {
    let refund = prior.refund.as_ref().map_or_else(String::new, |refund| format!(", {refund}"));
    let of = prior.money.map_or_else(String::new, |money| format!(" of {money}"));
    let PriorRefund { line, payment, operation, state, .. } = prior;
    format!("line {line}: {payment}, operation {operation} ({state}){refund}{of}")
}

/// Watches a run.
#[derive(Debug)]
pub(crate) struct Watch {
    bounds: StopLoss,
    /// Refunded or under way, by currency.
    spent: BTreeMap<Currency, u64>,
    failed: u64,
    ended: u64,
}

impl Watch {
    /// `spent` is what earlier sessions of the run have refunded.
    pub(crate) fn new(bounds: StopLoss, spent: BTreeMap<Currency, u64>) -> Self {
        Self { bounds, spent, failed: 0, ended: 0 }
    }

    /// Counts a refund of a known amount as under way, if the total permits it.
    pub(crate) fn start(&mut self, asked: Option<Money>) -> Result<(), Stopped> {
        let Some(Money { amount, currency }) = asked else { return Ok(()) };
        let spent = self.spent.entry(currency).or_default();
        let after = spent.saturating_add(amount);
        let bound = self.bounds.totals.iter().find(|bound| bound.currency == currency);
        if let Some(bound) = bound.filter(|bound| after > bound.amount) {
            let refunded = Money { amount: *spent, currency: bound.currency };
            return Err(Stopped::Total {
                limit: bound.to_string(),
                refunded: refunded.to_string(),
            });
        }
        *spent = after;
        Ok(())
    }

    /// Counts what became of it: `asked` is what was counted at its start.
    pub(crate) fn end(
        &mut self,
        state: State,
        asked: Option<Money>,
        refunded: Option<Money>,
    ) -> Result<(), Stopped> {
        let counted = if state == State::OutcomeUnknown { asked } else { refunded };
        if let Some(Money { amount, currency }) = asked {
            let spent = self.spent.entry(currency).or_default();
            *spent = spent.saturating_sub(amount);
        }
        if let Some(Money { amount, currency }) = counted {
            *self.spent.entry(currency).or_default() += amount;
        }
        if state == State::Planned {
            return Ok(());
        }
        self.ended += 1;
        self.failed += u64::from(matches!(state, State::Refused | State::Failed));
        match self.bounds.failures {
            Some(most)
                if self.ended >= ENOUGH && self.failed * 100 > self.ended * u64::from(most) =>
            {
                Err(Stopped::Failures { failed: self.failed, ended: self.ended })
            }
            _ => Ok(()),
        }
    }

    /// Whether a total is passed: by refunds of "all", whose amount was not known before.
    pub(crate) fn passed(&self) -> Option<Stopped> {
        let bound = self.bounds.totals.iter().find(|bound| {
            self.spent.get(&bound.currency).is_some_and(|spent| *spent > bound.amount)
        })?;
        let amount = self.spent.get(&bound.currency).copied().unwrap_or_default();
        let refunded = Money { amount, currency: bound.currency };
        Some(Stopped::Total { limit: bound.to_string(), refunded: refunded.to_string() })
    }

    pub(crate) fn stops_when_short(&self) -> bool {
        !self.bounds.go_on_when_short
    }
}

impl StopLoss {
    /// Adds a total, as people write it: `usd=10000.00`.
    pub fn with_total(mut self, text: &str) -> Result<Self, String> {
        let money = text
            .split_once('=')
            .ok_or_else(|| {
                format!("--stop-above `{text}` is not CURRENCY=AMOUNT: write it like usd=10000.00")
            })
            .and_then(|(code, amount)| {
                Currency::parse(code)
                    .and_then(|currency| Money::parse_decimal(amount, currency))
                    .map_err(|problem| problem.at("--stop-above").to_string())
            })?;
        self.totals.push(money);
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::unnecessary_wraps, reason = "as the calls take it")]
    fn usd(amount: u64) -> Option<Money> {
        Some(Money { amount, currency: Currency::parse("usd").unwrap() })
    }

    fn watch(bounds: StopLoss) -> Watch {
        Watch::new(bounds, BTreeMap::new())
    }

    #[test]
    fn a_total_is_never_passed() {
        let mut watch = watch(StopLoss::default().with_total("usd=10.00").unwrap());
        assert!(watch.start(usd(600)).is_ok());
        assert!(watch.start(usd(500)).is_err(), "600 are under way");
        assert!(
            watch
                .start(Some(Money { amount: 5000, currency: Currency::parse("eur").unwrap() }))
                .is_ok(),
            "no bound"
        );
        watch.end(State::Refused, usd(600), None).unwrap();
        assert!(watch.start(usd(1000)).is_ok(), "nothing was refunded");
        watch.end(State::OutcomeUnknown, usd(1000), None).unwrap();
        assert!(watch.start(usd(1)).is_err(), "an unknown one counts");
    }

    #[test]
    fn refunds_of_all_are_counted_once_known() {
        let mut watch = watch(StopLoss::default().with_total("usd=10.00").unwrap());
        assert!(watch.start(None).is_ok());
        watch.end(State::Succeeded, None, usd(1001)).unwrap();
        assert!(watch.passed().is_some());
    }

    #[test]
    fn failures_stop_after_enough_lines() {
        let mut watch = watch(StopLoss { failures: Some(10), ..StopLoss::default() });
        for _ in 0..19 {
            watch.end(State::Refused, None, None).unwrap();
        }
        assert!(watch.end(State::Refused, None, None).is_err());
    }

    #[test]
    fn bad_bounds_are_told() {
        for bad in ["10.00", "usd=", "usd=1.001", "us=1"] {
            assert!(StopLoss::default().with_total(bad).is_err(), "{bad}");
        }
    }
}
