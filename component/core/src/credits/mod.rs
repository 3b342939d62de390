//! How much is fair: after an outage ([`sla_quote`]), and after a cancellation ([`prorate`]).
//!
//! Whole numbers throughout, products in 128 bits. What is smaller than the smallest unit of the currency is
//! rounded once, as [`Rounding`] says. What is to be refunded is then brought down to a multiple of the
//! currency's step, whatever the rounding, because Stripe takes no other amount (reference 6).
//!
//! Seconds are seconds since the Unix epoch and spans are half open, so neither daylight saving nor a leap day
//! is anything special.

mod input;
mod prorate;
mod sla;
mod span;
mod split;

pub use crate::rounding::Rounding;
pub use input::Price;
pub use prorate::{PaymentShare, ProrateRequest, Proration, RefundShare, prorate};
pub(crate) use prorate::{as_id, by_prefix};
pub use sla::{Downtime, Quote, Scale, SlaRequest, Tier, sla_quote};
pub use span::{MAX_INSTANT, MAX_SPANS, Span};
pub use split::Order;

/// The whole, in parts per million.
pub const WHOLE: u32 = 1_000_000;
/// Most tiers of one service level.
pub const MAX_TIERS: usize = 100;
/// Most payments of one invoice.
pub const MAX_PAYMENTS: usize = 1_000;

#[cfg(test)]
mod tests;
