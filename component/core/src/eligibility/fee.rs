//! The processing fee, which Stripe keeps when a charge is refunded (reference 2.3).

use serde::{Deserialize, Serialize};

use crate::model::Charge;
use crate::money::Money;
use crate::rounding::Rounding;

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

impl FeeRate {
    /// The fee of a charge by this rate.
    pub(crate) fn of(self, charge: &Charge) -> u64 {
        let basis_points = self.basis_points.into();
        let variable = Rounding::HalfUp.part(charge.captured_amount(), basis_points, 10_000);
        variable.saturating_add(self.fixed)
    }
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
    /// The part that belongs to this refund: what it adds to total × refunded / captured, rounded half up. The
    /// shares of successive refunds of a charge add up to the total once everything is refunded.
    pub share: Money,
    /// Read or estimated.
    pub source: FeeSource,
}

/// The fee of a charge, and the share of a refund of `amount` in it, after refunds of `before` in all.
pub(crate) fn fee_kept(
    charge: &Charge,
    before: u64,
    amount: u64,
    rate: Option<FeeRate>,
) -> Option<FeeKept> {
    let captured = charge.captured_amount();
    let part = |whole, of: u64, all: u64| Rounding::HalfUp.part(whole, of.into(), all.into());
    let (total, source) = match (&charge.balance_transaction, rate) {
        (Some(transaction), _) => (
            Money { amount: transaction.fee, currency: transaction.currency },
            FeeSource::BalanceTransaction(transaction.id.clone()),
        ),
        (None, Some(rate)) => (charge.money(rate.of(charge)), FeeSource::Estimated),
        (None, None) => return None,
    };
    let of_refunded = |refunded: u64| part(total.amount, refunded.min(captured), captured);
    let share = of_refunded(before.saturating_add(amount)) - of_refunded(before);
    Some(FeeKept { total, share: Money { amount: share, ..total }, source })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The share in a fee of `fee` for a refund of `amount`, out of `captured`, after refunds of `before`.
    fn share(fee: u64, captured: u64, before: u64, amount: u64) -> u64 {
        let charge = serde_json::from_value(json!({
            "id": "ch_1", "amount": captured, "amount_captured": captured, "currency": "usd",
            "status": "succeeded", "created": 0,
            "balance_transaction": { "id": "txn_1", "fee": fee, "currency": "usd" },
        }));
        fee_kept(&charge.unwrap(), before, amount, None).unwrap().share.amount
    }

    #[test]
    fn a_share_is_what_the_refund_adds() {
        for (fee, captured, before, amount, expected) in [
            (103, 2_500, 0, 1_250, 52),
            (103, 2_500, 1_250, 1_250, 51),
            (100, 3, 0, 1, 33),
            (100, 3, 1, 1, 34),
            (100, 3, 2, 1, 33),
            (100, 3, 0, 2, 67),
            // More than was captured is the whole fee, and nothing is left of it afterwards.
            (100, 3, 0, 4, 100),
            (100, 3, 2, u64::MAX, 33),
            (100, 3, 3, 1, 0),
            (100, 3, u64::MAX, u64::MAX, 0),
            (5, 0, 0, 1, 0),
            (u64::MAX, u64::MAX, 0, u64::MAX, u64::MAX),
        ] {
            let found = share(fee, captured, before, amount);
            assert_eq!(found, expected, "{fee} of {captured}: {amount} after {before}");
        }
    }
}
