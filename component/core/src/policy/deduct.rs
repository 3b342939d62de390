//! What is kept back of a payment.

use super::terms::Deduction;
use crate::model::Charge;
use crate::money::Currency;

const DAY: u64 = 86_400;
const WHOLE: u128 = 10_000;

impl Deduction {
    /// Returns what is kept of the captured amount, in the smallest unit; at most all of it. The parts are
    /// added, the fee included, and their sum is rounded once.
    pub(super) fn of(&self, charge: &Charge, now: u64) -> u64 {
        let captured = charge.captured_amount();
        // Every day begun counts: at the instant of the charge none has.
        let days = now.saturating_sub(charge.created).div_ceil(DAY);
        let (used, period) = match self.used_up_in_days {
            Some(period) => (days.min(u64::from(period)), u64::from(period)),
            None => (0, 1),
        };
        let (used, period) = (u128::from(used), u128::from(period));
        // captured × (points / 10000 + used / period) + fee, over one denominator. Amounts have at most 64
        // bits, a period 32, the points 14: no overflow.
        let fee = u128::from(self.restocking_fee_in(charge.currency));
        let whole = WHOLE * period;
        let points = self.restocking_basis_points.unwrap_or(0);
        let share = u128::from(points) * period + used * WHOLE;
        self.rounding.quotient(u128::from(captured) * share + fee * whole, whole).min(captured)
    }

    /// Zero in a currency that the table leaves out: such a refund needs approval anyway.
    fn restocking_fee_in(&self, currency: Currency) -> u64 {
        self.restocking_fee.as_ref().and_then(|fee| fee.amount(currency)).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::money::{MAX_AMOUNT, Money};
    use crate::rounding::Rounding::{self, Down, HalfEven, HalfUp, Up};
    use crate::testing::{is_rounded, property};

    const NOW: u64 = 1_790_000_000;

    fn charge(captured: u64, age: u64) -> Charge {
        serde_json::from_value(json!({
            "id": "ch_1", "amount": captured, "amount_captured": captured, "currency": "usd",
            "status": "succeeded", "created": NOW - age,
        }))
        .unwrap()
    }

    fn deduction(
        basis_points: u32,
        fee: u64,
        used_up_in_days: Option<u32>,
        rounding: Rounding,
    ) -> Deduction {
        let currency = Currency::parse("usd").unwrap();
        Deduction {
            restocking_basis_points: Some(basis_points),
            restocking_fee: Some(Money { amount: fee, currency }.into()),
            used_up_in_days,
            rounding,
        }
    }

    #[test]
    fn the_fee_is_added_before_rounding() {
        // 3.33 % of 50.00 is 1.665; with 0.01 it is 1.675.
        for (rounding, kept) in [(Down, 167), (HalfUp, 168), (HalfEven, 168), (Up, 168)] {
            assert_eq!(deduction(333, 1, None, rounding).of(&charge(5_000, 0), NOW), kept);
        }
        // 1.665 alone, and with 0.02: 1.685.
        assert_eq!(deduction(333, 0, None, HalfEven).of(&charge(5_000, 0), NOW), 166);
        assert_eq!(deduction(333, 2, None, HalfEven).of(&charge(5_000, 0), NOW), 168);
        // A quarter of 5 is 1.25, and so is a day of four: with the fee of 1 it is 3.5.
        assert_eq!(deduction(2_500, 1, Some(4), HalfEven).of(&charge(5, DAY), NOW), 4);
    }

    #[test]
    fn the_largest_numbers_do_not_overflow() {
        let most = deduction(10_000, MAX_AMOUNT, Some(u32::MAX), Up);
        assert_eq!(most.of(&charge(u64::MAX, NOW), NOW), u64::MAX);
        let half = deduction(5_000, 0, None, HalfUp);
        assert_eq!(half.of(&charge(u64::MAX, 0), NOW), u64::MAX / 2 + 1);
    }

    #[test]
    fn what_is_kept_is_the_exact_sum_of_the_parts_rounded_once() {
        let shares = prop_oneof![0..=10_000_u32, (0..200_u32).prop_map(|share| share * 50)];
        let amounts = prop_oneof![0..300_u64, (0..100_u64).prop_map(|amount| amount * 50)];
        let periods = prop::option::of(prop_oneof![1..40_u32, Just(2), Just(4), Just(365)]);
        let roundings = prop::sample::select(vec![Down, HalfUp, HalfEven, Up]);
        let all = (amounts, shares, 0..50_u64, periods, 0..60 * DAY, roundings);
        property(
            &all,
            ["all of it", "a part of it", "a tie with a fee"],
            |(captured, points, fee, period, age, rounding), reached| {
                let kept = deduction(points, fee, period, rounding).of(&charge(captured, age), NOW);
                let days = age.div_ceil(DAY);
                // Everything over the one denominator 10000 × period.
                let period = i128::from(period.unwrap_or(0));
                let used = i128::from(days).min(period);
                let whole = 10_000 * period.max(1);
                let part = i128::from(captured) * i128::from(points) * period.max(1)
                    + i128::from(captured) * used * 10_000
                    + i128::from(fee) * whole;
                reached.note_if(fee > 0 && 2 * (part % whole) == whole, "a tie with a fee");
                if part >= i128::from(captured) * whole {
                    reached.note("all of it");
                    prop_assert_eq!(kept, captured);
                } else {
                    reached.note("a part of it");
                    prop_assert!(is_rounded(rounding, kept.into(), part, whole), "{}", kept);
                }
                Ok(())
            },
        );
    }
}
