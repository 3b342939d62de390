//! The merchant's rules of one request.

use super::rulebook::read;
use super::{Ask, Document, Rulebook, Terms};
use crate::eligibility::{self, Facts, Verdict};
use crate::problem::FieldProblem;

/// The merchant's rules, if there are any. Without any, only what Stripe itself enforces holds.
#[derive(Clone, Debug, Default)]
pub struct Rules(Option<Box<Rulebook>>);

impl Rules {
    /// Terms given with the call, or a document: one of the two, so that terms cannot weaken a document. Problems are
    /// named as fields of `policy` and `document`.
    ///
    /// # Errors
    /// Everything wrong with the rules.
    pub fn either(terms: Terms, document: Option<Document>) -> Result<Self, Vec<FieldProblem>> {
        match document {
            Some(_) if terms != Terms::default() => Err(vec![FieldProblem::new(
                "policy",
                "",
                "is given beside `document`",
                "give one of the two",
            )]),
            Some(document) => Rulebook::new(document).map(Self::from).map_err(within_document),
            None => Self::inline(terms),
        }
    }

    /// Terms given with the call; no rules where everything is left out.
    ///
    /// # Errors
    /// Everything wrong with the terms, named as fields of `policy`.
    pub fn inline(terms: Terms) -> Result<Self, Vec<FieldProblem>> {
        if terms == Terms::default() {
            return Ok(Self::default());
        }
        Rulebook::inline(terms).map(Self::from)
    }

    /// The same in JSON.
    ///
    /// # Errors
    /// What cannot be read, or everything wrong with the terms, named as fields of `policy`.
    pub fn read_inline(text: &[u8]) -> Result<Self, Vec<FieldProblem>> {
        Self::inline(read(text, |path| format!("policy.{path}"))?)
    }

    /// Decides. `now` is the instant against which windows are measured, in Unix seconds.
    ///
    /// # Errors
    /// An amount that makes no sense; a payment that may not be refunded is an answer.
    pub fn check(&self, ask: &Ask, facts: &Facts, now: u64) -> Result<Verdict, Vec<FieldProblem>> {
        match &self.0 {
            Some(book) => book.check(ask, facts, now),
            None => eligibility::check(&ask.amount, facts, None),
        }
    }
}

impl From<Rulebook> for Rules {
    fn from(book: Rulebook) -> Self {
        Self(Some(Box::new(book)))
    }
}

fn within_document(problems: Vec<FieldProblem>) -> Vec<FieldProblem> {
    let named = |problem: FieldProblem| {
        let field = format!("document.{}", problem.field);
        problem.at(field)
    };
    problems.into_iter().map(named).collect()
}
