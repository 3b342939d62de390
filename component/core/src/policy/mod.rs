//! The merchant's rules as a document, which a support team reviews like code.
//!
//! A [`Document`] is what people write: defaults, and rules that say *when* they match a payment and what holds
//! *then*. What a rule leaves out is taken from the defaults; a payment that no rule matches is under the defaults
//! alone. A [`Rulebook`] is a document that was found to make sense. Every rule that matches a payment must allow the
//! refund by itself: rules are not exceptions from each other, so the order in which they are written makes no
//! difference, and a rule more never turns a refund that needs approval into one that does not, unless it takes the
//! place of the defaults. Where a payment lacks a fact that a rule looks at, an approver decides, unless the rule would
//! allow the refund anyway.
//!
//! Terms given with a call are the defaults of a document that has no rules: they go the same way.

mod combine;
mod deduct;
mod document;
mod judgement;
mod limits;
mod matching;
mod old_names;
mod rulebook;
mod rules;
mod ruling;
mod sentences;
mod terms;
mod validate;

pub use document::{Document, Rule, When};
pub use limits::Limits;
pub(crate) use old_names::old_name;
pub use rulebook::{Ask, Described, Rulebook};
pub use rules::Rules;
pub use terms::{Deduction, FixedDecision, Handling, SelfServe, Terms};

/// Named in the place of a rule where no rule of the document matches the payment.
pub const DEFAULTS: &str = "defaults";

/// Named in the place of a document where the terms were given with the call.
pub const INLINE: &str = "inline";

#[cfg(test)]
mod tests;
