//! Values at the edge of what a document may say, and of what a limit lets through.

use serde_json::{Value, json};

use super::{NOW, ask, book, defaults, facts, money, names, verdict};
use crate::eligibility::{FeeRate, FeeSource, Policy};
use crate::policy::Rules;

fn with_rules(rules: Vec<Value>) -> Value {
    json!({ "name": "S", "version": "1", "rules": rules })
}

fn usd_rule(id: &str, then: Value) -> Value {
    json!({ "id": id, "when": { "currency": ["usd"] }, "then": then })
}

/// The fee that Stripe keeps is estimated by the highest rate, whichever rule has it.
#[test]
fn the_fee_is_estimated_by_the_highest_rate() {
    let rate =
        |points: u32, fixed: u64| json!({ "fee_rate": { "basis_points": points, "fixed": fixed } });
    // Of 100.00: 2.90 + 0.30 is more than 3.00.
    let (low, high) = (rate(300, 0), rate(290, 30));
    for (first, second) in [(&low, &high), (&high, &low)] {
        let rules = vec![usd_rule("a", first.clone()), usd_rule("b", second.clone())];
        let fee = verdict(&book(with_rules(rules)).unwrap(), &ask(Some(5_000)), &facts(json!({})));
        let fee = fee.fee_kept.unwrap();
        assert_eq!((fee.total, fee.share), (money(320, "usd"), money(160, "usd")));
        assert_eq!(fee.source, FeeSource::Estimated);
    }
    let none = defaults(json!({ "window_days": 30 }));
    assert_eq!(verdict(&none, &ask(None), &facts(json!({}))).fee_kept, None);
}

#[test]
fn inline_limits_beside_a_document_are_refused() {
    let document = || Some(book(with_rules(vec![])));
    let limits = Policy { window_days: Some(30), ..Policy::default() };
    let problems = Rules::either(limits.clone(), document()).unwrap_err();
    assert_eq!(problems[0].field, "policy");
    assert!(matches!(Rules::either(Policy::default(), document()), Ok(Rules::Document(_))));
    assert!(matches!(Rules::either(limits, None), Ok(Rules::Terms(_))));
}

#[test]
fn inline_limits_that_make_no_sense_are_refused_before_a_fact_is_known() {
    let maximum = vec![money(1, "usd"), money(2, "usd")];
    let odd = Policy { maximum, ..Policy::default() };
    assert!(Rules::Terms(odd).check_input(&ask(Some(1))).is_err());
    let one = || vec![money(1, "usd")];
    let whole = Some(FeeRate { basis_points: 10_000, fixed: 0 });
    let edge = Policy {
        minimum: one(),
        maximum: one(),
        approval_above: one(),
        fee_rate: whole,
        ..Policy::default()
    };
    assert!(Rules::Terms(edge).check_input(&ask(Some(1))).is_ok());
    assert!(Rules::default().check_input(&ask(Some(0))).is_err());
    assert!(Rules::default().check_input(&ask(Some(1))).is_ok());
}

/// Where nothing is left, limits are no further reasons.
#[test]
fn limits_are_not_asked_about_nothing() {
    let refunded = facts(json!({ "amount_refunded": 10_000 }));
    let limits = Policy { minimum: vec![money(100, "usd")], ..Policy::default() };
    let found = Rules::Terms(limits).check(&ask(None), &refunded, NOW).unwrap();
    assert_eq!(names(&found), ["already_refunded"]);
}

/// Where nothing is kept, asking for too much is one fault, not two.
#[test]
fn without_deductions_no_deduction_is_exceeded() {
    let plain = defaults(json!({ "window_days": 30 }));
    let failed = names(&verdict(&plain, &ask(Some(10_001)), &facts(json!({}))));
    assert!(!failed.is_empty() && !failed.contains(&"above_deductions".to_owned()), "{failed:?}");
}

#[test]
fn what_is_kept_back_is_said() {
    let keeps = |terms| {
        let sentences = verdict(&defaults(terms), &ask(None), &facts(json!({}))).sentences();
        sentences.iter().any(|sentence| sentence.contains("kept back"))
    };
    assert!(keeps(json!({ "deduct": { "restocking_fee": { "usd": "1.00" } } })));
    assert!(!keeps(json!({ "window_days": 30 })));
}

#[test]
fn a_document_has_a_thousand_rules_at_most() {
    let rules = |count: usize| {
        with_rules((0..count).map(|at| usd_rule(&format!("r{at}"), json!({}))).collect())
    };
    assert!(book(rules(1_000)).is_ok());
    for count in [1_001, 1_002] {
        assert_eq!(book(rules(count)).unwrap_err()[0].field, "rules");
    }
}

/// Limits may be equal: up to 5.00 is approved, and nothing above that is refunded.
#[test]
fn limits_may_be_equal() {
    let equal = defaults(json!({
        "minimum": { "usd": "5.00" }, "approve_up_to": { "usd": "5.00" }, "never_above": { "usd": "5.00" },
    }));
    let decision =
        |amount| verdict(&equal, &ask(Some(amount)), &facts(json!({}))).decision.to_string();
    assert_eq!([499, 500, 501].map(decision), ["deny", "approve", "deny"]);
}

#[test]
fn all_of_a_payment_may_be_kept() {
    let all = defaults(json!({ "deduct": { "restocking_basis_points": 10_000 } }));
    assert_eq!(names(&verdict(&all, &ask(None), &facts(json!({})))), ["above_deductions"]);
}

/// Where nothing is left, the table of amounts is no second reason.
#[test]
fn a_table_is_not_asked_about_nothing() {
    let refunded = facts(json!({ "currency": "eur", "amount_refunded": 10_000 }));
    let book = defaults(json!({ "minimum": { "usd": "1.00" } }));
    let failed = names(&verdict(&book, &ask(None), &refunded));
    assert!(!failed.is_empty() && !failed.contains(&"no_threshold_for".to_owned()), "{failed:?}");
}
