//! What is kept back of a payment.

use super::terms::{ReadyDeduction, limit};
use crate::model::Charge;

const DAY: u64 = 86_400;
const WHOLE: u128 = 10_000;

impl ReadyDeduction {
    /// Of what was captured, in the smallest unit; at most all of it. Parts are added up and rounded once.
    pub(super) fn of(&self, charge: &Charge, now: u64) -> u64 {
        let captured = charge.captured_amount();
        // Every day begun counts: at the instant of the charge none has.
        let days = now.saturating_sub(charge.created).div_ceil(DAY);
        let (used, period) = match self.used_up_in_days {
            Some(period) => (days.min(u64::from(period)), u64::from(period)),
            None => (0, 1),
        };
        let (used, period) = (u128::from(used), u128::from(period));
        // captured × (points / 10000 + used / period), over one denominator. An amount has at most 64 bits,
        // a period 32, the points 14: no overflow.
        let share = u128::from(self.basis_points) * period + used * WHOLE;
        let shares = self.rounding.part(captured, share, WHOLE * period);
        let fee = limit(&self.fee, charge.currency).unwrap_or(0);
        shares.saturating_add(fee).min(captured)
    }
}
