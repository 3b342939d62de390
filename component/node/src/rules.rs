//! Reads the merchant's rules, for `eligibility`, `live` and `refunds`.

use refund_core::policy::{Rulebook, Rules};
use refund_core::problem::FieldProblem;

use crate::bindings::exports::refund_node::refunds::eligibility as wit;

/// Problems are named as fields of `policy`, or of the document.
pub(crate) fn rules_from_wit(rules: wit::Rules) -> Result<Rules, Vec<FieldProblem>> {
    match rules {
        wit::Rules::None => Ok(Rules::default()),
        wit::Rules::Terms(text) => Rules::read_inline(text.as_bytes()),
        wit::Rules::Document(text) => Rulebook::read(text.as_bytes()).map(Rules::from),
    }
}
