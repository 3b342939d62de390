//! Small documents, payments under several of their rules, and the decision that must come of it.

use serde_json::{Value, json};

use super::{DAY, NOW, book, facts, names};
use crate::eligibility::Amount;
use crate::policy::{Ask, Document, Rulebook};

/// A web shop: gift cards never, downloads for 14 days and by use, direct debits only with approval.
fn shop() -> Rulebook {
    book(json!({
        "name": "Shop", "version": "1",
        "defaults": {
            "window_days": 30, "reasons": ["requested_by_customer", "duplicate"],
            "approve_up_to": { "usd": "20.00", "eur": "20.00" },
            "second_approval_above": { "usd": "200.00", "eur": "200.00" },
            "max_attempts": 3, "disputes": "ask",
        },
        "rules": [
            { "id": "gift-cards", "when": { "product": ["gift-card"] }, "then": { "decision": "deny" } },
            {
                "id": "downloads", "when": { "product": ["e-book", "course"] },
                "then": { "window_days": 14, "deduct": { "used_up_in_days": 14 } },
            },
            { "id": "debit", "when": { "payment_method": ["sepa_debit"] }, "then": { "decision": "ask" } },
        ],
    }))
    .unwrap()
}

/// Every kind of term in two rules that match the same payments; `a` and `b` are their terms.
fn two(a: &Value, b: &Value) -> [Rulebook; 2] {
    let rule =
        |id: &str, then: &Value| json!({ "id": id, "when": { "currency": ["usd"] }, "then": then });
    let made =
        |rules: [Value; 2]| book(json!({ "name": "S", "version": "1", "rules": rules })).unwrap();
    [made([rule("a", a), rule("b", b)]), made([rule("b", b), rule("a", a)])]
}

fn payment(method: &str, product: &str, age_days: u64) -> Value {
    json!({
        "currency": "eur", "amount": 2_000, "amount_captured": 2_000, "created": NOW - age_days * DAY,
        "payment_method_details": { "type": method }, "metadata": { "product": product },
    })
}

fn with_reason(amount: Amount, reason: &str) -> Ask {
    Ask { amount, reason: serde_json::from_value(json!(reason)).ok(), self_serve: false }
}

#[test]
fn restrictions_of_all_matching_rules_apply() {
    for (payment, decision, rules, failed, amount) in [
        (payment("card", "shirt", 30), "approve", &["defaults"][..], &[][..], 2_000),
        (payment("card", "gift-card", 1), "deny", &["gift-cards"], &["rule_denies"], 2_000),
        (payment("card", "course", 7), "approve", &["downloads"], &[], 1_000),
        (payment("sepa_debit", "shirt", 30), "needs_approval", &["debit"], &["rule_asks"], 2_000),
        // Two rules match each of these; the second one replaced the first one whole.
        (
            payment("sepa_debit", "gift-card", 1),
            "deny",
            &["gift-cards"],
            &["rule_denies", "rule_asks"],
            2_000,
        ),
        (payment("sepa_debit", "course", 7), "needs_approval", &["debit"], &["rule_asks"], 1_000),
        (
            payment("sepa_debit", "course", 15),
            "deny",
            &["downloads"],
            &["outside_window", "above_deductions", "rule_asks"],
            2_000,
        ),
        (
            payment("sepa_debit", "course", 31),
            "deny",
            &["downloads", "debit"],
            &["outside_window", "above_deductions", "rule_asks"],
            2_000,
        ),
    ] {
        let ask = with_reason(Amount::Everything, "requested_by_customer");
        let verdict = shop().check(&ask, &facts(payment.clone()), NOW).unwrap();
        let ruling = verdict.ruling.clone().unwrap();
        assert_eq!(json!(verdict.decision), decision, "{payment}: {verdict:?}");
        assert_eq!(ruling.rules, rules, "{payment}");
        assert_eq!(ruling.rule, rules[0], "{payment}");
        assert_eq!(names(&verdict), failed, "{payment}");
        assert_eq!(verdict.amount.amount, amount, "{payment}");
    }
}

#[test]
fn of_each_term_the_strictest_applies() {
    let window = |a: u32, b: u32| [json!({ "window_days": a }), json!({ "window_days": b })];
    let table = |name: &str, a: &str, b: &str| {
        [json!({ name: { "usd": a } }), json!({ name: { "usd": b } })]
    };
    let serve = |a: Value, b: Value| [json!({ "self_serve": a }), json!({ "self_serve": b })];
    // 30.00 of 100.00, paid by card ten days ago.
    for ([a, b], decision, approvals, failed) in [
        (window(9, 10), "deny", 0, vec!["outside_window"]),
        (window(10, 11), "approve", 0, vec![]),
        (table("minimum", "30.00", "30.01"), "deny", 0, vec!["below_minimum"]),
        (table("approve_up_to", "29.99", "30.00"), "needs_approval", 1, vec!["approve_up_to"]),
        (table("never_above", "29.99", "30.00"), "deny", 0, vec!["never_above"]),
        (
            table("second_approval_above", "29.99", "30.00"),
            "needs_approval",
            2,
            vec!["second_approval"],
        ),
        (
            [
                json!({ "second_approval_above": { "usd": "10" }, "approvals": 2 }),
                json!({ "second_approval_above": { "usd": "20" }, "approvals": 3 }),
            ],
            "needs_approval",
            3,
            vec!["second_approval"],
        ),
        (
            [json!({ "max_attempts": 0 }), json!({ "max_attempts": 1 })],
            "deny",
            0,
            vec!["attempt_limit"],
        ),
        ([json!({ "decision": "ask" }), json!({})], "needs_approval", 1, vec!["rule_asks"]),
        (
            [json!({ "decision": "deny" }), json!({ "decision": "ask" })],
            "deny",
            0,
            vec!["rule_denies", "rule_asks"],
        ),
        ([json!({ "reasons": ["duplicate"] }), json!({})], "deny", 0, vec!["reason_not_allowed"]),
        (
            [json!({ "approve_up_to": { "usd": "50" } }), json!({ "decision": "ask" })],
            "needs_approval",
            1,
            vec!["rule_asks"],
        ),
        // A currency that one of the rules leaves out.
        (
            [
                json!({ "never_above": { "eur": "500" }, "second_approval_above": { "eur": "9" }, "approvals": 4 }),
                json!({}),
            ],
            "needs_approval",
            4,
            vec!["currency_not_listed"],
        ),
        (
            [
                json!({ "deduct": { "restocking_basis_points": 8_000 } }),
                json!({ "deduct": { "restocking_basis_points": 1_000 } }),
            ],
            "deny",
            0,
            vec!["above_deductions"],
        ),
        (
            serve(json!({ "up_to": { "usd": "29.99" } }), json!({ "within_days": 9 })),
            "approve",
            0,
            vec![],
        ),
    ] {
        for book in two(&a, &b) {
            let ask = with_reason(super::ask(Some(3_000)).amount, "requested_by_customer");
            let verdict = book.check(&ask, &facts(json!({})), NOW).unwrap();
            assert_eq!(json!(verdict.decision), decision, "{a} {b}: {verdict:?}");
            assert_eq!(verdict.approvals(), approvals, "{a} {b}");
            let mut found = names(&verdict);
            found.sort();
            let mut failed = failed.clone();
            failed.sort_unstable();
            assert_eq!(found, failed, "{a} {b}");
        }
    }
}

#[test]
fn self_serve_fits_every_matching_rule() {
    for (a, b, because) in [
        (
            json!({ "self_serve": { "up_to": { "usd": "29.99" } } }),
            json!({ "self_serve": { "within_days": 9 } }),
            vec!["self_serve_age", "self_serve_amount"],
        ),
        (
            json!({ "self_serve": { "up_to": { "usd": "30.00" } } }),
            json!({}),
            vec!["self_serve_not_offered"],
        ),
        (
            json!({ "self_serve": { "up_to": { "usd": "30.00" } } }),
            json!({ "self_serve": { "within_days": 10 } }),
            vec![],
        ),
    ] {
        for book in two(&a, &b) {
            let ask = Ask { self_serve: true, ..super::ask(Some(3_000)) };
            let verdict = book.check(&ask, &facts(json!({})), NOW).unwrap();
            let mut found: Vec<_> =
                verdict.failed.iter().map(|rule| json!(rule)["cause"].clone()).collect();
            found.sort_by_key(Value::to_string);
            assert_eq!(found, because, "{a} {b}");
        }
    }
}

#[test]
fn numbers_of_several_rules_are_the_strictest() {
    let everything = super::ask(None);
    let [book, _] = two(
        &json!({ "deduct": { "restocking_basis_points": 1_000 }, "window_days": 8, "reasons": ["duplicate", "fraudulent"] }),
        &json!({ "deduct": { "restocking_fee": { "usd": "15.00" } }, "window_days": 9, "reasons": ["fraudulent", "requested_by_customer"] }),
    );
    let verdict = book.check(&everything, &facts(json!({})), NOW).unwrap();
    assert_eq!(verdict.amount.amount, 8_500, "the larger deduction is kept, not the sum");
    let ruling = verdict.ruling.as_ref().unwrap();
    assert_eq!(
        (ruling.deducted, &ruling.rules[..]),
        (1_500, &["a".to_owned(), "b".to_owned()][..])
    );
    assert_eq!(
        json!(verdict.failed),
        json!([
            { "rule": "outside_window", "age_days": 10, "limit_days": 8 },
            { "rule": "reason_not_allowed", "reason": null, "allowed": ["fraudulent"] },
        ])
    );
    assert_eq!(verdict.sentences()[0], "Denied by rules `a` and `b` of S 1.");
    let [book, _] =
        two(&json!({ "reasons": ["duplicate"] }), &json!({ "reasons": ["fraudulent"] }));
    let denied = book.check(&everything, &facts(json!({})), NOW).unwrap();
    assert_eq!(
        denied.sentences()[1],
        "No reason is given, and no reason is allowed by every rule that matches."
    );
}

#[test]
fn a_missing_fact_needs_approval() {
    let payment = |method: Option<&str>, metadata: Value| {
        json!({ "currency": "eur", "amount": 2_000, "amount_captured": 2_000,
                "payment_method_details": { "type": method }, "metadata": metadata })
    };
    for (payment, decision, rules, failed) in [
        (
            payment(Some("card"), json!({ "product": "shirt" })),
            "approve",
            &["defaults"][..],
            &[][..],
        ),
        (
            payment(Some("card"), json!({})),
            "needs_approval",
            &["gift-cards"],
            &["fact_missing metadata.product"],
        ),
        (
            payment(None, json!({ "product": "shirt" })),
            "needs_approval",
            &["debit"],
            &["fact_missing payment_method"],
        ),
        (
            payment(None, json!({})),
            "needs_approval",
            &["gift-cards", "debit"],
            &["fact_missing metadata.product", "fact_missing payment_method"],
        ),
        (
            payment(Some("sepa_debit"), json!({})),
            "needs_approval",
            &["debit", "gift-cards"],
            &["rule_asks", "fact_missing metadata.product"],
        ),
        (
            payment(None, json!({ "product": "gift-card" })),
            "deny",
            &["gift-cards"],
            &["rule_denies"],
        ),
    ] {
        let ask = with_reason(Amount::Everything, "duplicate");
        let verdict = shop().check(&ask, &facts(payment.clone()), NOW).unwrap();
        assert_eq!(json!(verdict.decision), decision, "{payment}");
        assert_eq!(verdict.ruling.clone().unwrap().rules, rules, "{payment}");
        let found: Vec<_> = verdict
            .failed
            .iter()
            .map(|rule| {
                let rule = json!(rule);
                let fact = rule["fact"].as_str().map(|fact| format!(" {fact}"));
                format!("{}{}", rule["rule"].as_str().unwrap(), fact.unwrap_or_default())
            })
            .collect();
        assert_eq!(found, failed, "{payment}");
    }
    let plain = payment(Some("card"), json!({}));
    let verdict =
        shop().check(&with_reason(Amount::Everything, "duplicate"), &facts(plain), NOW).unwrap();
    assert_eq!(
        verdict.sentences(),
        [
            "Sent to approval by rule `gift-cards` of Shop 1: 1 person must agree to 20.00 eur.",
            "The charge has no `metadata.product`, so it is unknown whether rule `gift-cards` applies, which is stricter.",
        ]
    );
}

/// A rule that would allow the refund as well, or that cannot match, asks for nothing.
#[test]
fn a_missing_fact_is_no_matter_where_it_changes_nothing() {
    let document = |then: &Value, defaults: &Value| {
        book(json!({ "name": "S", "version": "1", "defaults": defaults, "rules": [
            { "id": "a", "when": { "metadata": { "tier": ["vip"] } }, "then": then },
            { "id": "b", "when": { "metadata": { "tier": ["vip"] }, "currency": ["eur"] }, "then": { "decision": "deny" } },
        ] }))
        .unwrap()
    };
    let limit = |amount: &str| json!({ "approve_up_to": { "usd": amount } });
    let deduct = |points: u32| json!({ "deduct": { "restocking_basis_points": points } });
    let three = json!({ "second_approval_above": { "usd": "80" }, "approvals": 3 });
    for (then, defaults, decision, approvals, unclear) in [
        (limit("500"), limit("100"), "approve", 0, false),
        (limit("99"), limit("100"), "needs_approval", 1, true),
        // One person must approve, with or without the rule.
        (limit("80"), limit("90"), "needs_approval", 1, false),
        (three, limit("70"), "needs_approval", 3, true),
        // The rule would keep more back, so it denies what is everything without it.
        (deduct(1), json!({}), "needs_approval", 1, true),
        (deduct(1), deduct(2), "approve", 0, false),
        // The defaults deny: that a rule may allow the refund is not enough.
        (json!({ "window_days": 90 }), json!({ "window_days": 9 }), "deny", 0, false),
    ] {
        let book = document(&then, &defaults);
        let verdict = book.check(&super::ask(None), &facts(json!({})), NOW).unwrap();
        assert_eq!(json!(verdict.decision), decision, "{then} {defaults}: {verdict:?}");
        assert_eq!(verdict.approvals(), approvals, "{then} {defaults}");
        let named = names(&verdict).contains(&"fact_missing".to_owned());
        assert_eq!(named, unclear, "{then} {defaults}");
    }
}

/// A rule takes the place of the defaults for the terms it gives, stricter or not: an exception from the defaults, never
/// from another rule.
#[test]
fn a_rule_is_an_exception_from_the_defaults_alone() {
    let book = book(json!({
        "name": "S", "version": "1",
        "defaults": { "window_days": 5, "approve_up_to": { "usd": "50" } },
        "rules": [
            { "id": "vip", "when": { "metadata": { "tier": ["vip"] } }, "then": { "window_days": 90, "approve_up_to": { "usd": "500" } } },
            { "id": "cards", "when": { "payment_method": ["card"] }, "then": { "max_attempts": 2 } },
        ],
    }))
    .unwrap();
    for (method, tier, decision, rules) in [
        ("ideal", "plain", "deny", &["defaults"][..]),
        ("ideal", "vip", "approve", &["vip"]),
        ("card", "plain", "deny", &["cards"]),
        ("card", "vip", "deny", &["cards"]),
    ] {
        let facts = facts(
            json!({ "payment_method_details": { "type": method }, "metadata": { "tier": tier } }),
        );
        let verdict = book.check(&super::ask(None), &facts, NOW).unwrap();
        assert_eq!(json!(verdict.decision), decision, "{method} {tier}");
        assert_eq!(verdict.ruling.unwrap().rules, rules, "{method} {tier}");
    }
}

/// A ledger keeps the document that an operation was asked for under, and judges by it later.
#[test]
fn a_document_that_is_kept_is_read_back_as_it_was() {
    let terms = json!({
        "window_days": 30,
        "deduct": { "restocking_basis_points": 1000, "rounding": "down" },
        "self_serve": { "up_to": { "usd": "5.00" }, "first_only": true },
    });
    let json = json!({
        "name": "Shop", "version": "1", "defaults": terms,
        "rules": [{ "id": "a", "when": { "product": ["x"] }, "then": terms }],
    });
    let document: Document = serde_json::from_value(json.clone()).unwrap();
    let kept = serde_json::to_value(&document).unwrap();
    for place in ["/defaults", "/rules/0/then"] {
        for term in ["/deduct/rounding", "/self_serve/first_only"] {
            let at = [place, term].concat();
            assert_eq!(kept.pointer(&at), json.pointer(&at), "{at}");
        }
    }
    assert_eq!(serde_json::from_value::<Document>(kept).unwrap(), document);
}

#[test]
fn the_name_of_a_rule_has_60_characters_at_most() {
    let named = |length: usize| {
        let when = json!({ "product": ["x"] });
        let rule =
            json!({ "id": "a".repeat(length), "when": when, "then": { "decision": "deny" } });
        book(json!({ "name": "S", "version": "1", "rules": [rule] })).is_ok()
    };
    assert_eq!([named(1), named(60), named(61)], [true, true, false]);
}
