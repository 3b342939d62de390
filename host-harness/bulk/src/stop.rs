//! When a run stops itself.

use std::collections::BTreeMap;
use std::fmt;

use refund_core::money::{Currency, Money};
use refund_ledger::State;

/// Lines that must have ended before their share of failures means anything.
const ENOUGH: u64 = 20;

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
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Total { limit, refunded } => write!(
                f,
                "the next refund would pass the total of {limit} ({refunded} are refunded): raise --stop-above to go on"
            ),
            Self::Failures { failed, ended } => write!(
                f,
                "{failed} of {ended} lines were refused or failed: look at `bulk export`, then resume, with a higher --stop-failures if that is as it should be"
            ),
            Self::BalanceShort => f.write_str(
                "the balance does not cover the refunds, the last ones wait at Stripe: top it up and resume, or pass --go-on-when-short",
            ),
            Self::Key(said) => write!(f, "{said}"),
        }
    }
}

/// Watches a run.
#[derive(Debug)]
pub(crate) struct Watch {
    bounds: StopLoss,
    /// Refunded or under way, by currency.
    spent: BTreeMap<String, u64>,
    failed: u64,
    ended: u64,
}

impl Watch {
    /// `spent` is what earlier sessions of the run have refunded.
    pub(crate) fn new(bounds: StopLoss, spent: BTreeMap<String, u64>) -> Self {
        Self { bounds, spent, failed: 0, ended: 0 }
    }

    /// Counts a refund of a known amount as under way, if the total permits it.
    pub(crate) fn start(&mut self, amount: Option<(u64, &str)>) -> Result<(), Stopped> {
        let Some((amount, currency)) = amount else { return Ok(()) };
        let spent = self.spent.entry(currency.to_owned()).or_default();
        let after = spent.saturating_add(amount);
        let bound = self.bounds.totals.iter().find(|bound| bound.currency.as_str() == currency);
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
        asked: Option<(u64, &str)>,
        refunded: Option<(u64, &str)>,
    ) -> Result<(), Stopped> {
        let counted = if state == State::OutcomeUnknown { asked } else { refunded };
        if let Some((amount, currency)) = asked {
            let spent = self.spent.entry(currency.to_owned()).or_default();
            *spent = spent.saturating_sub(amount);
        }
        if let Some((amount, currency)) = counted {
            *self.spent.entry(currency.to_owned()).or_default() += amount;
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

    /// Whether a total is passed: by refunds of "all", whose amount nobody knew before.
    pub(crate) fn passed(&self) -> Option<Stopped> {
        let bound = self.bounds.totals.iter().find(|bound| {
            self.spent.get(bound.currency.as_str()).is_some_and(|spent| *spent > bound.amount)
        })?;
        let amount = self.spent.get(bound.currency.as_str()).copied().unwrap_or_default();
        let refunded = Money { amount, currency: bound.currency };
        Some(Stopped::Total { limit: bound.to_string(), refunded: refunded.to_string() })
    }

    pub(crate) fn stops_when_short(&self) -> bool {
        !self.bounds.go_on_when_short
    }

    /// Whether what earlier sessions refunded matters.
    pub(crate) fn needs_totals(bounds: &StopLoss) -> bool {
        !bounds.totals.is_empty()
    }
}

/// Reads `10000.00 usd` or `usd=10000.00`.
impl StopLoss {
    /// Adds a total, as people write it: `usd=10000.00`.
    pub fn with_total(mut self, text: &str) -> Result<Self, String> {
        let money = text
            .split_once('=')
            .ok_or_else(|| {
                format!("stop-above `{text}` is not CURRENCY=AMOUNT: write it like usd=10000.00")
            })
            .and_then(|(code, amount)| {
                Currency::parse(code)
                    .and_then(|currency| Money::parse_decimal(amount, currency))
                    .map_err(|problem| problem.at("stop-above").to_string())
            })?;
        self.totals.push(money);
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch(bounds: StopLoss) -> Watch {
        Watch::new(bounds, BTreeMap::new())
    }

    #[test]
    fn a_total_is_never_passed() {
        let mut watch = watch(StopLoss::default().with_total("usd=10.00").unwrap());
        assert!(watch.start(Some((600, "usd"))).is_ok());
        assert!(watch.start(Some((500, "usd"))).is_err(), "600 are under way");
        assert!(watch.start(Some((5000, "eur"))).is_ok(), "no bound");
        watch.end(State::Refused, Some((600, "usd")), None).unwrap();
        assert!(watch.start(Some((1000, "usd"))).is_ok(), "nothing was refunded");
        watch.end(State::OutcomeUnknown, Some((1000, "usd")), None).unwrap();
        assert!(watch.start(Some((1, "usd"))).is_err(), "an unknown one counts");
    }

    #[test]
    fn refunds_of_all_are_counted_once_known() {
        let mut watch = watch(StopLoss::default().with_total("usd=10.00").unwrap());
        assert!(watch.start(None).is_ok());
        watch.end(State::Succeeded, None, Some((1001, "usd"))).unwrap();
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
