//! Exports `policies`.

use refund_core::policy::Rulebook;

use crate::Component;
use crate::bindings::exports::refund_node::refunds::eligibility::{Ask, Facts, Verdict};
use crate::bindings::exports::refund_node::refunds::policies as wit;
use crate::bindings::exports::refund_node::refunds::types;
use crate::eligibility::{ask_from_wit, facts_from_wit, verdict_to_wit};
use crate::types::problems_to_wit;

/// A document that was found to make sense.
pub(crate) struct Policy(Rulebook);

impl wit::Guest for Component {
    type Policy = Policy;
}

impl wit::GuestPolicy for Policy {
    fn read(document: String) -> Result<wit::Policy, Vec<types::FieldProblem>> {
        let book = Rulebook::read(document.as_bytes()).map_err(problems_to_wit)?;
        Ok(wit::Policy::new(Self(book)))
    }

    fn describe(&self) -> wit::Described {
        let described = self.0.describe();
        wit::Described {
            name: described.name,
            version: described.version,
            hash: described.hash,
            rules: described.rules,
            sentences: described.sentences,
        }
    }

    fn check(&self, ask: Ask, facts: Facts, now: u64) -> Result<Verdict, Vec<types::FieldProblem>> {
        let invalid = |problem| problems_to_wit(vec![problem]);
        let ask = ask_from_wit(ask).map_err(invalid)?;
        let facts = facts_from_wit(facts).map_err(invalid)?;
        self.0.check(&ask, &facts, now).map(verdict_to_wit).map_err(problems_to_wit)
    }
}
