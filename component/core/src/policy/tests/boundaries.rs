//! Values at the edge of what a document may say, and of what a limit lets through.

use serde_json::{Value, json};

use super::{NOW, ask, book, defaults, facts, money, names, verdict};
use crate::eligibility::{FeeRate, FeeSource};
use crate::policy::{Ask, Document, Limits, Rulebook, Rules, Terms};

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
fn inline_terms_beside_a_document_are_refused() {
    let document = || serde_json::from_value(with_rules(vec![])).ok();
    let terms = Terms { window_days: Some(30), ..Terms::default() };
    let problems = Rules::either(terms.clone(), document()).unwrap_err();
    assert_eq!(problems[0].field, "policy");
    let policy = |rules: Rules| {
        let verdict = rules.check(&ask(None), &facts(json!({})), NOW).unwrap();
        verdict.ruling.map(|ruling| (ruling.policy, ruling.version))
    };
    let named = |name: &str, version: &str| Some((name.to_owned(), version.to_owned()));
    assert_eq!(policy(Rules::either(Terms::default(), document()).unwrap()), named("S", "1"));
    assert_eq!(policy(Rules::either(terms, None).unwrap()), named("inline", ""));
    assert_eq!(policy(Rules::either(Terms::default(), None).unwrap()), None);
}

/// What is wrong is named as the caller wrote it.
#[test]
fn problems_are_named_by_where_the_terms_are() {
    let terms = || Terms { never_above: Some(Limits::default()), ..Terms::default() };
    let document = Document {
        name: "S".into(),
        version: "1".into(),
        product_key: None,
        defaults: terms(),
        rules: vec![],
    };
    let inline = Rules::either(terms(), None).unwrap_err();
    assert_eq!(inline[0].field, "policy.never_above");
    let within = Rules::either(Terms::default(), Some(document)).unwrap_err();
    assert_eq!(within[0].field, "document.defaults.never_above");
}

/// Terms given with a call mean what the same terms mean as the defaults of a document.
#[test]
fn inline_terms_are_the_defaults_of_a_document() {
    let terms = json!({ "approve_up_to": { "usd": "20.00" }, "window_days": 30 });
    let inline = Rulebook::inline(serde_json::from_value(terms.clone()).unwrap()).unwrap();
    let document = defaults(terms);
    for (amount, self_serve) in [(2_000, false), (2_001, false), (1, true)] {
        let ask = Ask { self_serve, ..ask(Some(amount)) };
        let [mine, theirs] =
            [&inline, &document].map(|book| verdict(book, &ask, &facts(json!({}))));
        assert_eq!((mine.decision, &mine.failed), (theirs.decision, &theirs.failed));
    }
    let said = verdict(&inline, &ask(Some(2_001)), &facts(json!({}))).sentences();
    assert_eq!(said[0], "Sent to approval by the inline policy: 1 person must agree to 20.01 usd.");
    // Stripe would refuse it whatever the policy says.
    let too_much = verdict(&inline, &ask(Some(10_001)), &facts(json!({}))).sentences();
    assert_eq!(too_much[0], "Denied.");
}

#[test]
fn limits_at_the_edge_make_sense() {
    let one = || Some(money(1, "usd").into());
    let edge = Terms {
        minimum: one(),
        never_above: one(),
        approve_up_to: one(),
        fee_rate: Some(FeeRate { basis_points: 10_000, fixed: 0 }),
        ..Terms::default()
    };
    assert!(Rules::inline(edge).is_ok());
    assert!(ask(Some(0)).amount.check_input().is_err());
    assert!(ask(Some(1)).amount.check_input().is_ok());
}

/// Where nothing is left, limits are no further reasons.
#[test]
fn limits_are_not_asked_about_nothing() {
    let refunded = facts(json!({ "amount_refunded": 10_000 }));
    let limits = Terms { minimum: Some(money(100, "usd").into()), ..Terms::default() };
    let found = Rules::inline(limits).unwrap().check(&ask(None), &refunded, NOW).unwrap();
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
    assert!(
        !failed.is_empty() && !failed.contains(&"currency_not_listed".to_owned()),
        "{failed:?}"
    );
}
