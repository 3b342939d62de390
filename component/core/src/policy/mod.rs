//! The merchant's rules as a document, which a support team reviews like code.
//!
//! A [`Document`] is what people write: defaults, and rules that say *when* they hold and what holds *then*.
//! A [`Rulebook`] is a document that was found to make sense: no two rules dispute a payment, no amount is
//! missing. It finds the one rule of a payment and gives the verdict of `eligibility` under its terms.

mod deduct;
mod document;
mod limits;
mod overlap;
mod rulebook;
mod rules;
mod ruling;
mod sentences;
mod terms;
mod validate;

pub use document::{Deduction, Document, Handling, Rule, SelfServe, Standing, Terms, When};
pub use limits::Limits;
pub use rulebook::{Ask, Described, Rulebook};
pub use rules::Rules;

/// The rule of a payment that no rule of the document speaks of.
pub const DEFAULTS: &str = "defaults";

#[cfg(test)]
mod tests;
