//! The two forms in which a merchant's rules come.

use super::{Ask, Rulebook};
use crate::eligibility::{self, Facts, Policy, Verdict};
use crate::problem::FieldProblem;

/// Rules of a merchant: a few terms given with the call, or a document.
#[derive(Clone, Debug)]
pub enum Rules {
    /// Terms for this call.
    Terms(Policy),
    /// A document.
    Document(Box<Rulebook>),
}

impl Default for Rules {
    fn default() -> Self {
        Self::Terms(Policy::default())
    }
}

impl Rules {
    /// One of the two, never both: a document must not be softened in passing.
    pub fn either(
        terms: Policy,
        document: Option<Result<Rulebook, Vec<FieldProblem>>>,
    ) -> Result<Self, Vec<FieldProblem>> {
        match document {
            None => Ok(Self::Terms(terms)),
            Some(_) if terms != Policy::default() => Err(vec![FieldProblem::new(
                "policy",
                "",
                "is given beside `document`",
                "give one of the two",
            )]),
            Some(document) => Ok(Self::Document(Box::new(document?))),
        }
    }

    /// Whether amount and rules make sense, before any fact is known.
    pub fn check_input(&self, ask: &Ask) -> Result<(), Vec<FieldProblem>> {
        match self {
            Self::Terms(policy) => eligibility::check_input(&ask.amount, policy),
            // A document was checked when it was read.
            Self::Document(_) => eligibility::check_input(&ask.amount, &Policy::default()),
        }
    }

    /// Decides.
    pub fn check(&self, ask: &Ask, facts: &Facts, now: u64) -> Result<Verdict, Vec<FieldProblem>> {
        match self {
            Self::Terms(policy) => eligibility::check(&ask.amount, facts, policy, now),
            Self::Document(book) => book.check(ask, facts, now),
        }
    }
}
