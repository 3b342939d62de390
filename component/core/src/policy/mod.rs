//! The merchant's rules as a document, which a support team reviews like code.
//!
//! A [`Document`] is what people write: defaults, and rules that say *when* they match a payment and what holds
//! *then*. What a rule leaves out is taken from the defaults; a payment that no rule matches is under the defaults
//! alone. A [`Rulebook`] is a document that was found to make sense. Every rule that matches a payment must allow the
//! refund by itself: rules are not exceptions from each other, so the order in which they are written makes no
//! difference, and a rule more never turns a refund that needs approval into one that does not, unless it takes the
//! place of the defaults. Where a payment lacks a fact that a rule looks at, an approver decides, unless the rule would
//! allow the refund anyway.

mod combine;
mod deduct;
mod document;
mod limits;
mod matching;
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

/// Named in the place of a rule where no rule of the document matches the payment.
pub const DEFAULTS: &str = "defaults";

#[cfg(test)]
mod tests;
