//! The processing fee, which Stripe keeps when a charge is refunded (reference 2.3).

use serde::{Deserialize, Serialize};

use crate::model::Charge;
use crate::money::Money;

/// The fee that Stripe keeps, where no balance transaction tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FeeRate {
    /// Hundredths of a percent of the captured amount: 290 is 2.9 %.
    pub basis_points: u32,
    /// Added once, in the smallest unit of the charge's currency.
    #[serde(default)]
    pub fixed: u64,
}

/// Where a fee comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum FeeSource {
    /// Read from this balance transaction.
    BalanceTransaction(String),
    /// Computed from the policy's rate.
    Estimated,
}

/// The processing fee of a charge, which Stripe does not give back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FeeKept {
    /// The whole fee, in the settlement currency where it was read.
    pub total: Money,
    /// The part that belongs to this refund: total × amount / captured, rounded half up.
    pub share: Money,
    /// Read or estimated.
    pub source: FeeSource,
}

/// The fee of a charge, and the share of a refund of `amount` in it.
pub(crate) fn fee_kept(charge: &Charge, amount: u64, rate: Option<FeeRate>) -> Option<FeeKept> {
    let captured = charge.captured_amount();
    let (total, source) = match (&charge.balance_transaction, rate) {
        (Some(transaction), _) => (
            Money { amount: transaction.fee, currency: transaction.currency },
            FeeSource::BalanceTransaction(transaction.id.clone()),
        ),
        (None, Some(rate)) => {
            let variable = part(captured, u64::from(rate.basis_points), 10_000);
            (charge.money(variable.saturating_add(rate.fixed)), FeeSource::Estimated)
        }
        (None, None) => return None,
    };
    let share = part(total.amount, amount.min(captured), captured);
    Some(FeeKept { total, share: Money { amount: share, ..total }, source })
}

/// `whole × of / all`, rounded half up; nothing of nothing. Exact: a product of two u64 fits into u128.
fn part(whole: u64, of: u64, all: u64) -> u64 {
    if all == 0 {
        return 0;
    }
    let (whole, of, all) = (u128::from(whole), u128::from(of), u128::from(all));
    u64::try_from((whole * of + all / 2) / all).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_half_up() {
        assert_eq!(part(103, 1250, 2500), 52);
        assert_eq!(part(100, 1, 3), 33);
        assert_eq!(part(100, 2, 3), 67);
        assert_eq!(part(5, 0, 0), 0);
        assert_eq!(part(u64::MAX, u64::MAX, u64::MAX), u64::MAX);
    }
}
