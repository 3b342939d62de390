//! Inline rules as ledgers up to format 5 hold them, in words of their own.

use std::collections::BTreeMap;

use refund_core::eligibility::FeeRate;
use refund_core::money::Money;
use refund_core::policy::{FixedDecision, Handling, Limits, Rules, Terms};
use refund_core::problem::FieldProblem;
use serde::Deserialize;

/// Reads them as terms of the same meaning. `None` if they are not such rules.
///
/// # Errors
/// When there are no terms of the same meaning: currencies that only some of the lists had, or limits out of order.
pub(super) fn read(policy: serde_json::Value) -> Option<Result<Terms, Vec<FieldProblem>>> {
    let policy: Policy = serde_json::from_value(policy).ok()?;
    Some(policy.terms().and_then(|terms| Rules::inline(terms.clone()).map(|_| terms)))
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Policy {
    window_days: Option<u32>,
    minimum: Vec<Money>,
    maximum: Vec<Money>,
    approval_above: Vec<Money>,
    max_attempts: Option<u32>,
    payment_methods: Vec<String>,
    metadata_conditions: Vec<Condition>,
    block_fraud_flagged: bool,
    fee_rate: Option<FeeRate>,
}

/// A key that the charge's metadata must have; any value without `value`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Condition {
    key: String,
    #[serde(default)]
    value: Option<String>,
}

impl Policy {
    fn terms(self) -> Result<Terms, Vec<FieldProblem>> {
        let mut terms = Terms {
            window_days: self.window_days,
            minimum: limits(&self.minimum)?,
            never_above: limits(&self.maximum)?,
            approve_up_to: limits(&self.approval_above)?,
            max_attempts: self.max_attempts,
            payment_methods: Some(self.payment_methods).filter(|methods| !methods.is_empty()),
            fraud: self.block_fraud_flagged.then_some(Handling::Deny),
            fee_rate: self.fee_rate,
            ..Terms::default()
        };
        require(self.metadata_conditions, &mut terms);
        Ok(terms)
    }
}

fn limits(amounts: &[Money]) -> Result<Option<Limits>, Vec<FieldProblem>> {
    if amounts.is_empty() {
        return Ok(None);
    }
    Limits::of(amounts).map(Some).map_err(|problem| vec![problem])
}

/// All conditions had to hold: two values for one key never did.
fn require(conditions: Vec<Condition>, terms: &mut Terms) {
    let mut required: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for Condition { key, value } in conditions {
        let accepted = required.entry(key).or_default();
        match value {
            Some(value) if accepted.is_empty() => accepted.push(value),
            Some(value) if !accepted.contains(&value) => {
                terms.decision = Some(FixedDecision::Deny);
            }
            _ => {}
        }
    }
    terms.required_metadata = Some(required).filter(|required| !required.is_empty());
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn usd(amount: u64) -> serde_json::Value {
        json!([{ "amount": amount, "currency": "usd" }])
    }

    #[test]
    fn every_field_keeps_its_meaning() {
        let before = json!({
            "window_days": 30, "minimum": usd(100), "maximum": usd(50_000), "approval_above": usd(10_000),
            "max_attempts": 2, "payment_methods": ["card"], "block_fraud_flagged": true,
            "metadata_conditions": [{ "key": "plan", "value": "pro" }, { "key": "plan" }, { "key": "order" }],
            "fee_rate": { "basis_points": 290, "fixed": 30 },
        });
        let now = json!({
            "window_days": 30, "minimum": { "usd": "1.00" }, "never_above": { "usd": "500.00" },
            "approve_up_to": { "usd": "100.00" }, "max_attempts": 2, "payment_methods": ["card"], "fraud": "deny",
            "required_metadata": { "plan": ["pro"], "order": [] },
            "fee_rate": { "basis_points": 290, "fixed": 30 },
        });
        let terms: Terms = serde_json::from_value(now).unwrap();
        assert_eq!(read(before), Some(Ok(terms)));
    }

    #[test]
    fn two_values_for_one_key_deny_as_before() {
        let conditions = json!([{ "key": "a", "value": "1" }, { "key": "a", "value": "2" }]);
        let terms = read(json!({ "metadata_conditions": conditions })).unwrap().unwrap();
        assert_eq!(terms.decision, Some(FixedDecision::Deny));
    }

    #[test]
    fn what_terms_cannot_say_is_an_error() {
        for before in [
            json!({ "maximum": usd(500), "approval_above": usd(600) }),
            json!({ "maximum": usd(500), "approval_above": [{ "amount": 5, "currency": "eur" }] }),
        ] {
            assert!(read(before.clone()).unwrap().is_err(), "{before}");
        }
        assert_eq!(read(json!({ "limit": 3 })), None);
    }
}
