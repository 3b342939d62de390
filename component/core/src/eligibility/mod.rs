//! What is known about a payment, what Stripe itself enforces about its refund, and the verdict.
//!
//! The merchant's rules are in [`policy`](crate::policy). Every rule is looked at, so that the verdict names all that
//! failed at once.

mod fee;
mod rules;
mod verdict;

pub(crate) use fee::fee_kept;
pub use fee::{FeeKept, FeeRate, FeeSource};
pub(crate) use rules::{check, decide};
pub use verdict::{Cause, Decision, FailedRule, Ruling, Verdict};

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::RefundId;
use crate::model::{Charge, Dispute, Refund};
use crate::money::Money;

/// How much is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    /// Whatever is left.
    Everything,
    /// This much; the currency must be the charge's.
    Exactly(Money),
}

/// What is known about a payment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Facts {
    /// The charge.
    pub charge: Charge,
    /// Every refund of it. Refunds of other charges are passed over.
    #[serde(default)]
    pub refunds: Vec<Refund>,
    /// Every dispute of it, inquiries and closed ones included.
    #[serde(default)]
    pub disputes: Vec<Dispute>,
}

/// Where a charge's money is. `captured = refunded + pending + refundable`, unless Stripe counts more
/// given back than was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Balance {
    captured: u64,
    refunded: u64,
    pending: u64,
    pub(crate) refundable: u64,
}

impl Balance {
    /// What is given back already or is about to be.
    fn spent(&self) -> u64 {
        self.refunded.saturating_add(self.pending)
    }
}

impl Facts {
    /// Refunds of this charge, each once. Of two copies of one refund (snapshots of different times) the
    /// one that spends more counts, so that nothing is paid twice.
    pub(crate) fn own_refunds(&self) -> Vec<&Refund> {
        let spent = |refund: &Refund| if refund.is_spent() { refund.amount } else { 0 };
        let mut own: BTreeMap<&RefundId, &Refund> = BTreeMap::new();
        for refund in &self.refunds {
            let other = refund.charge.as_ref().is_some_and(|charge| *charge != self.charge.id);
            let known = own.get(&refund.id).copied();
            if !other && known.is_none_or(|known| spent(known) < spent(refund)) {
                own.insert(&refund.id, refund);
            }
        }
        own.into_values().collect()
    }

    /// Disputes of this charge.
    pub(crate) fn own_disputes(&self) -> impl Iterator<Item = &Dispute> {
        let id = &self.charge.id;
        self.disputes
            .iter()
            .filter(move |dispute| dispute.charge.as_ref().is_none_or(|of| of == id))
    }

    /// What was taken less what is spent. Stripe may or may not count a pending refund in
    /// `amount_refunded`, so the larger of its sum and ours counts: neither twice nor not at all.
    pub(crate) fn balance(&self) -> Balance {
        let sum = |wanted: fn(&Refund) -> bool| {
            let amounts = self.own_refunds().into_iter().filter(|refund| wanted(refund));
            amounts.fold(0_u64, |sum, refund| sum.saturating_add(refund.amount))
        };
        let captured = self.charge.captured_amount();
        let spent = sum(Refund::is_spent).max(self.charge.amount_refunded);
        let pending = sum(Refund::is_pending).min(spent);
        Balance {
            captured,
            refunded: spent - pending,
            pending,
            refundable: captured.saturating_sub(spent),
        }
    }
}

#[cfg(test)]
mod tests;
