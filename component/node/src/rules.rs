//! Reads the merchant's rules, for `eligibility`, `live` and `refunds`.

use std::collections::BTreeMap;

use refund_core::eligibility::FeeRate;
use refund_core::policy::{
    Deduction, FixedDecision, Handling, Limits, Rulebook, Rules, SelfServe, Terms,
};
use refund_core::problem::{FieldProblem, Problems};

use crate::bindings::exports::refund_node::refunds::eligibility as wit;
use crate::bindings::exports::refund_node::refunds::types::{Money, Reason};
use crate::credits::read_rounding;
use crate::types::{read_money, read_reason};

/// Problems are named as fields of `policy`, or of the document.
pub(crate) fn read_rules(rules: wit::Rules) -> Result<Rules, Vec<FieldProblem>> {
    match rules {
        wit::Rules::None => Ok(Rules::default()),
        wit::Rules::Terms(terms) => Rules::inline(read_terms(terms)?),
        wit::Rules::Document(text) => Rulebook::read(text.as_bytes()).map(Rules::from),
    }
}

fn read_terms(terms: wit::Terms) -> Result<Terms, Vec<FieldProblem>> {
    let mut problems = Problems::default();
    let required_metadata = terms.required_metadata.map(read_required);
    let required_metadata = required_metadata.and_then(|keys| problems.keep(keys));
    let mut limits = |field: &str, given: Option<Vec<Money>>| {
        given.and_then(|given| problems.keep(read_limits(field, &given)))
    };
    let read = Terms {
        decision: terms.decision.map(|decision| match decision {
            wit::FixedDecision::Ask => FixedDecision::Ask,
            wit::FixedDecision::Deny => FixedDecision::Deny,
        }),
        window_days: terms.window_days,
        reasons: terms.reasons.map(read_reasons),
        minimum: limits("minimum", terms.minimum),
        approve_up_to: limits("approve_up_to", terms.approve_up_to),
        second_approval_above: limits("second_approval_above", terms.second_approval_above),
        approvals: terms.approvals,
        never_above: limits("never_above", terms.never_above),
        max_attempts: terms.max_attempts,
        payment_methods: terms.payment_methods,
        required_metadata,
        fraud: terms.fraud.map(read_handling),
        disputes: terms.disputes.map(read_handling),
        self_serve: terms.self_serve.map(|serve| SelfServe {
            up_to: limits("self_serve.up_to", serve.up_to),
            within_days: serve.within_days,
            reasons: serve.reasons.map(read_reasons),
            first_only: serve.first_only,
        }),
        deduct: terms.deduct.map(|deduct| Deduction {
            restocking_basis_points: deduct.restocking_basis_points,
            restocking_fee: limits("deduct.restocking_fee", deduct.restocking_fee),
            used_up_in_days: deduct.used_up_in_days,
            rounding: read_rounding(deduct.rounding),
        }),
        fee_rate: terms
            .fee_rate
            .map(|rate| FeeRate { basis_points: rate.basis_points, fixed: rate.fixed }),
    };
    problems.into_result().map(|()| read)
}

fn read_limits(field: &str, limits: &[Money]) -> Result<Limits, FieldProblem> {
    let limits = limits.iter().map(read_money).collect::<Result<Vec<_>, _>>();
    limits.and_then(|limits| Limits::of(&limits)).map_err(|problem| {
        let field = format!("policy.{field}.{}", problem.field);
        problem.at(field)
    })
}

/// Of two entries for one key, one would be dropped without a word.
fn read_required(
    entries: Vec<(String, Vec<String>)>,
) -> Result<BTreeMap<String, Vec<String>>, FieldProblem> {
    let mut keys = BTreeMap::new();
    for (key, accepted) in entries {
        let field = format!("policy.required_metadata.{key}");
        if keys.insert(key, accepted).is_some() {
            let fix = "keep one of them, with all values that are accepted";
            return Err(FieldProblem::new(field, "", "has two entries", fix));
        }
    }
    Ok(keys)
}

fn read_reasons(reasons: Vec<Reason>) -> Vec<refund_core::model::Reason> {
    reasons.into_iter().map(read_reason).collect()
}

fn read_handling(handling: wit::Handling) -> Handling {
    match handling {
        wit::Handling::Allow => Handling::Allow,
        wit::Handling::Ask => Handling::Ask,
        wit::Handling::Deny => Handling::Deny,
    }
}
