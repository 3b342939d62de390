//! Documents that make no sense, terms at their boundaries, and what must hold for every document.
#![allow(
    clippy::needless_pass_by_value,
    reason = "documents and facts are made where they are used"
)]

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::eligibility::{Amount, Decision, Facts, FailedRule, Verdict};
use crate::money::{Currency, Money};
use crate::problem::FieldProblem;

const NOW: u64 = 1_790_000_000;
const DAY: u64 = 86_400;

fn book(document: Value) -> Result<Rulebook, Vec<FieldProblem>> {
    Rulebook::read(document.to_string().as_bytes())
}

/// A document with these defaults and no rule.
fn defaults(terms: Value) -> Rulebook {
    book(json!({ "name": "Shop", "version": "1", "defaults": terms })).unwrap()
}

fn facts(changes: Value) -> Facts {
    let mut charge = json!({
        "id": "ch_1", "amount": 10_000, "amount_captured": 10_000, "amount_refunded": 0,
        "currency": "usd", "status": "succeeded", "captured": true, "created": NOW - 10 * DAY,
        "payment_method_details": { "type": "card" }, "metadata": { "plan": "pro" },
    });
    for (key, value) in changes.as_object().unwrap() {
        charge[key] = value.clone();
    }
    Facts { charge: serde_json::from_value(charge).unwrap(), refunds: vec![], disputes: vec![] }
}

fn money(amount: u64, currency: &str) -> Money {
    Money { amount, currency: Currency::parse(currency).unwrap() }
}

fn ask(amount: Option<u64>) -> Ask {
    let amount = amount.map_or(Amount::Everything, |amount| Amount::Exactly(money(amount, "usd")));
    Ask { amount, reason: None, self_serve: false }
}

fn verdict(book: &Rulebook, ask: &Ask, facts: &Facts) -> Verdict {
    book.check(ask, facts, NOW).unwrap()
}

fn names(verdict: &Verdict) -> Vec<String> {
    let name = |rule: &FailedRule| json!(rule)["rule"].as_str().unwrap().to_owned();
    verdict.failed.iter().map(name).collect()
}

#[test]
fn what_makes_no_sense_is_named_with_its_field() {
    let rule = |id: &str, when: Value| json!({ "id": id, "when": when });
    for (document, field) in [
        (json!({ "version": "1" }), "policy"),
        (json!({ "name": "", "version": "1" }), "name"),
        (json!({ "name": "S", "version": " " }), "version"),
        (json!({ "name": "S", "version": "1", "colour": 1 }), "colour"),
        (json!({ "name": "S", "version": "1", "defaults": { "windows": 1 } }), "defaults.windows"),
        (
            json!({ "name": "S", "version": "1", "defaults": { "window_days": -1 } }),
            "defaults.window_days",
        ),
        (
            json!({ "name": "S", "version": "1", "defaults": { "approve_up_to": { "usd": "-5.00" } } }),
            "defaults.approve_up_to.usd",
        ),
        (
            json!({ "name": "S", "version": "1", "defaults": { "approve_up_to": { "usd": 50 } } }),
            "defaults.approve_up_to.usd",
        ),
        (
            json!({ "name": "S", "version": "1", "defaults": { "approve_up_to": { "jpy": "5.00" } } }),
            "defaults.approve_up_to.jpy",
        ),
        (
            json!({ "name": "S", "version": "1", "defaults": { "never_above": { "usd": "9", "eur": "9" } },
                "rules": [{ "id": "a", "when": { "product": ["x"] }, "then": { "approve_up_to": { "usd": "5" } } }] }),
            "rules[0].then.approve_up_to.eur",
        ),
        (
            json!({ "name": "S", "version": "1", "defaults": { "never_above": { "usd": "9" } },
                "rules": [{ "id": "a", "when": { "product": ["x"] }, "then": { "approve_up_to": { "usd": "10" } } }] }),
            "rules[0].then.approve_up_to.usd",
        ),
        (
            json!({ "name": "S", "version": "1", "defaults": { "minimum": { "usd": "9" }, "never_above": { "usd": "5" } } }),
            "defaults.minimum",
        ),
        (
            json!({ "name": "S", "version": "1", "rules": [rule("", json!({ "product": ["x"] }))] }),
            "rules[0].id",
        ),
        (
            json!({ "name": "S", "version": "1", "rules": [rule("a b", json!({ "product": ["x"] }))] }),
            "rules[0].id",
        ),
        (
            json!({ "name": "S", "version": "1", "rules": [rule("defaults", json!({ "product": ["x"] }))] }),
            "rules[0].id",
        ),
        (json!({ "name": "S", "version": "1", "rules": [rule("a", json!({}))] }), "rules[0].when"),
        (
            json!({ "name": "S", "version": "1", "rules": [
                rule("a", json!({ "product": ["x"] })), rule("a", json!({ "product": ["y"] })),
            ] }),
            "rules[1].id",
        ),
        (
            json!({ "name": "S", "version": "1", "rules": [
                rule("a", json!({ "product": ["x", "y"] })), rule("b", json!({ "product": ["y"] })),
            ] }),
            "rules[1].when",
        ),
        (
            json!({ "name": "S", "version": "1", "rules": [
                rule("a", json!({ "product": ["x"] })), rule("b", json!({ "currency": ["usd"] })),
            ] }),
            "rules[1].when",
        ),
        (json!({ "name": "S", "version": "1", "defaults": { "reasons": [] } }), "defaults.reasons"),
        (
            json!({ "name": "S", "version": "1", "defaults": { "reasons": ["whim"] } }),
            "defaults.reasons",
        ),
        (
            json!({ "name": "S", "version": "1", "defaults": { "approvals": 1 } }),
            "defaults.approvals",
        ),
        (
            json!({ "name": "S", "version": "1", "defaults": { "deduct": { "restocking_basis_points": 10_001 } } }),
            "defaults.deduct.restocking_basis_points",
        ),
        (
            json!({ "name": "S", "version": "1", "defaults": { "deduct": { "used_up_in_days": 0 } } }),
            "defaults.deduct.used_up_in_days",
        ),
    ] {
        let problems = book(document.clone()).expect_err(&document.to_string());
        let fields: Vec<_> = problems.iter().map(|problem| problem.field.as_str()).collect();
        assert_eq!(fields, [field], "{document}: {problems:?}");
    }
}

#[test]
fn rules_that_something_tells_apart_do_not_overlap() {
    for (one, other) in [
        (json!({ "product": ["x"] }), json!({ "product": ["y"] })),
        (
            json!({ "product": ["x"], "currency": ["usd"] }),
            json!({ "product": ["x"], "currency": ["eur"] }),
        ),
        (json!({ "metadata": { "plan": ["pro"] } }), json!({ "metadata": { "plan": ["free"] } })),
        (json!({ "payment_method": ["card"] }), json!({ "payment_method": ["sepa_debit"] })),
    ] {
        let rules = json!([{ "id": "a", "when": one }, { "id": "b", "when": other }]);
        assert!(book(json!({ "name": "S", "version": "1", "rules": rules })).is_ok(), "{rules}");
    }
}

#[test]
fn the_rule_with_the_highest_priority_holds() {
    let document = json!({ "name": "Shop", "version": "1", "defaults": { "window_days": 30 }, "rules": [
        { "id": "pro", "when": { "metadata": { "plan": ["pro"] } }, "then": { "window_days": 5 } },
        { "id": "cards", "priority": 1, "when": { "payment_method": ["card"] }, "then": { "window_days": 9 } },
        { "id": "yen", "when": { "currency": ["jpy"], "metadata": { "plan": ["free"] } } },
    ] });
    let book = book(document).unwrap();
    for (changes, rule, approved) in [
        (json!({}), "cards", false),
        (json!({ "payment_method_details": { "type": "ideal" } }), "pro", false),
        (
            json!({ "payment_method_details": { "type": "ideal" }, "metadata": {} }),
            "defaults",
            true,
        ),
        (json!({ "payment_method_details": null, "metadata": null }), "defaults", true),
    ] {
        let verdict = verdict(&book, &ask(None), &facts(changes.clone()));
        assert_eq!(verdict.ruling.as_ref().unwrap().rule, rule, "{changes}");
        assert_eq!(verdict.decision == Decision::Approve, approved, "{changes}");
    }
}

#[test]
fn amounts_decide_who_must_agree() {
    let book = defaults(json!({
        "approve_up_to": { "usd": "10.00" }, "second_approval_above": { "usd": "50.00" },
        "approvals": 3, "never_above": { "usd": "90.00" },
    }));
    for (amount, decision, approvals) in [
        (1_000, Decision::Approve, 0),
        (1_001, Decision::NeedsApproval, 1),
        (5_000, Decision::NeedsApproval, 1),
        (5_001, Decision::NeedsApproval, 3),
        (9_000, Decision::NeedsApproval, 3),
        (9_001, Decision::Deny, 0),
    ] {
        let verdict = verdict(&book, &ask(Some(amount)), &facts(json!({})));
        assert_eq!((verdict.decision, verdict.approvals()), (decision, approvals), "{amount}");
    }
    // A currency that the policy does not know is nobody's to give away alone.
    let euro = Ask { amount: Amount::Everything, ..ask(None) };
    let verdict = verdict(&book, &euro, &facts(json!({ "currency": "eur" })));
    assert_eq!((verdict.decision, verdict.approvals()), (Decision::NeedsApproval, 3));
}

#[test]
fn reasons_standing_decisions_fraud_and_disputes() {
    let with =
        |reason: &str| Ask { reason: serde_json::from_value(json!(reason)).ok(), ..ask(None) };
    let reasons = defaults(json!({ "reasons": ["duplicate"] }));
    for (ask, failed) in [
        (with("duplicate"), vec![]),
        (with("fraudulent"), vec!["reason_not_allowed"]),
        (ask(None), vec!["reason_not_allowed"]),
    ] {
        assert_eq!(names(&verdict(&reasons, &ask, &facts(json!({})))), failed);
    }
    let reported = facts(json!({ "fraud_details": { "stripe_report": "fraudulent" } }));
    let mut inquiry = facts(json!({ "disputed": true }));
    inquiry.disputes = vec![
        serde_json::from_value(json!({
            "id": "dp_1", "charge": "ch_1", "amount": 10_000, "currency": "usd", "created": NOW,
            "status": "warning_needs_response", "reason": "general", "is_charge_refundable": true,
        }))
        .unwrap(),
    ];
    let plain = facts(json!({}));
    for (terms, facts, decision, failed) in [
        (json!({ "decision": "deny" }), &plain, Decision::Deny, vec!["rule_denies"]),
        (json!({ "decision": "ask" }), &plain, Decision::NeedsApproval, vec!["rule_asks"]),
        (json!({ "fraud": "ask" }), &plain, Decision::Approve, vec![]),
        (json!({ "fraud": "ask" }), &reported, Decision::NeedsApproval, vec!["rule_asks"]),
        (json!({ "fraud": "deny" }), &reported, Decision::Deny, vec!["fraud_flagged"]),
        (json!({ "fraud": "allow" }), &reported, Decision::Approve, vec![]),
        (json!({}), &inquiry, Decision::Approve, vec![]),
        (json!({ "disputes": "ask" }), &inquiry, Decision::NeedsApproval, vec!["rule_asks"]),
        (json!({ "disputes": "deny" }), &inquiry, Decision::Deny, vec!["rule_denies"]),
        (json!({ "disputes": "deny" }), &plain, Decision::Approve, vec![]),
    ] {
        let verdict = verdict(&defaults(terms.clone()), &ask(None), facts);
        assert_eq!(
            (verdict.decision, names(&verdict)),
            (decision, failed.iter().map(|n| (*n).to_owned()).collect()),
            "{terms}"
        );
    }
}

#[test]
fn self_serve_sends_what_does_not_fit_to_a_person() {
    let terms = json!({ "self_serve": {
        "up_to": { "usd": "20.00" }, "within_days": 10, "reasons": ["requested_by_customer"], "first_only": true,
    } });
    let book = defaults(terms);
    let customer = |amount| Ask {
        reason: serde_json::from_value(json!("requested_by_customer")).ok(),
        self_serve: true,
        ..ask(Some(amount))
    };
    let because = |ask: &Ask, facts: &Facts| -> Vec<String> {
        let verdict = verdict(&book, ask, facts);
        let because = |rule: &FailedRule| json!(rule)["because"].as_str().unwrap().to_owned();
        let all = verdict.failed.iter().map(because).collect::<Vec<_>>();
        assert_eq!(verdict.decision == Decision::Approve, all.is_empty());
        assert_ne!(verdict.decision, Decision::Deny);
        all
    };
    let plain = facts(json!({}));
    assert!(because(&customer(2_000), &plain).is_empty());
    assert_eq!(because(&customer(2_001), &plain), ["self_serve_amount"]);
    assert_eq!(
        because(&customer(1), &facts(json!({ "created": NOW - 11 * DAY }))),
        ["self_serve_age"]
    );
    assert_eq!(because(&Ask { reason: None, ..customer(1) }, &plain), ["self_serve_reason"]);
    let mut second = facts(json!({}));
    second.refunds = vec![
        serde_json::from_value(json!({ "id": "re_1", "amount": 5, "currency": "usd", "charge": "ch_1", "status": "succeeded" }))
            .unwrap(),
    ];
    assert_eq!(because(&customer(1), &second), ["self_serve_repeated"]);
    // An agent is not bound by it.
    assert!(because(&Ask { self_serve: false, ..customer(9_000) }, &second).is_empty());
    let none = defaults(json!({}));
    let verdict = verdict(&none, &customer(1), &plain);
    assert_eq!(names(&verdict), ["rule_asks"]);
}

#[test]
fn deductions_are_kept_back() {
    let kept = |terms: Value, changes: Value| {
        let verdict = verdict(&defaults(json!({ "deduct": terms })), &ask(None), &facts(changes));
        (verdict.amount.amount, verdict.ruling.unwrap().deducted, verdict.decision)
    };
    let approve = Decision::Approve;
    for (terms, changes, expected) in [
        (json!({ "restocking_basis_points": 1_000 }), json!({}), (9_000, 1_000, approve)),
        (json!({ "restocking_fee": { "usd": "7.50" } }), json!({}), (9_250, 750, approve)),
        // Ten days begun of thirty: 3333.33 are used.
        (json!({ "used_up_in_days": 30 }), json!({}), (6_667, 3_333, approve)),
        (json!({ "used_up_in_days": 30, "rounding": "up" }), json!({}), (6_666, 3_334, approve)),
        // The eleventh day has begun.
        (
            json!({ "used_up_in_days": 30 }),
            json!({ "created": NOW - 10 * DAY - 1 }),
            (6_333, 3_667, approve),
        ),
        (json!({ "used_up_in_days": 30 }), json!({ "created": NOW }), (10_000, 0, approve)),
        // Together: 1000 and a third, rounded once.
        (
            json!({ "restocking_basis_points": 1_000, "used_up_in_days": 30, "restocking_fee": { "usd": "1.00" } }),
            json!({}),
            (5_567, 4_433, approve),
        ),
        // What was given back counts: 9000 less 4000.
        (
            json!({ "restocking_basis_points": 1_000 }),
            json!({ "amount_refunded": 4_000 }),
            (5_000, 1_000, approve),
        ),
        (
            json!({ "restocking_basis_points": 1_000 }),
            json!({ "amount_refunded": 9_000 }),
            (1_000, 1_000, Decision::Deny),
        ),
        (json!({ "used_up_in_days": 5 }), json!({}), (10_000, 10_000, Decision::Deny)),
        // Dinars are refunded in tens.
        (
            json!({ "restocking_basis_points": 1 }),
            json!({ "currency": "kwd", "amount": 99_990, "amount_captured": 99_990 }),
            (99_980, 10, approve),
        ),
    ] {
        assert_eq!(kept(terms.clone(), changes.clone()), expected, "{terms} {changes}");
    }
    let book = defaults(json!({ "deduct": { "restocking_basis_points": 1_000 } }));
    assert_eq!(names(&verdict(&book, &ask(Some(9_000)), &facts(json!({})))), [""; 0]);
    assert_eq!(names(&verdict(&book, &ask(Some(9_001)), &facts(json!({})))), ["above_deductions"]);
}

#[test]
fn the_hash_is_of_what_it_says() {
    let one = r#"{"name":"S","version":"1","defaults":{"window_days":3,"max_attempts":2}}"#;
    let same = r#"{ "defaults": {"max_attempts":2, "window_days":3}, "version":"1", "name":"S", "rules": [] }"#;
    let other = r#"{"name":"S","version":"1","defaults":{"window_days":4,"max_attempts":2}}"#;
    let hash = |text: &str| Rulebook::read(text.as_bytes()).unwrap().hash().to_owned();
    assert_eq!(hash(one), hash(same));
    assert_ne!(hash(one), hash(other));
    // Fixed for ever: decisions of today are looked up by it.
    assert_eq!(hash(one), "10a22c95812b60c9c22b6aa718fc7415ae81e330fc75541231bbeb7c1e0ef182");
}

#[test]
fn it_explains_itself() {
    let book = book(json!({
        "name": "Web shop", "version": "7", "product_key": "sku",
        "defaults": { "window_days": 30, "approve_up_to": { "usd": "50.00" }, "second_approval_above": { "usd": "80" } },
        "rules": [
            { "id": "gift-cards", "when": { "product": ["gift"] }, "then": { "decision": "deny" } },
            { "id": "ebooks", "priority": 2, "when": { "product": ["ebook"] }, "then": { "window_days": 2 } },
        ],
    }))
    .unwrap();
    assert_eq!(
        book.describe().sentences,
        [
            "Rule `gift-cards` (sku is gift): never refunded.",
            "Rule `ebooks` (sku is ebook, priority 2): refundable for 2 days; approved at once up to 50.00 usd, above that somebody must approve; above 80.00 usd 2 people must.",
            "Everything else: refundable for 30 days; approved at once up to 50.00 usd, above that somebody must approve; above 80.00 usd 2 people must.",
        ]
    );
    let told = |changes: Value, amount| verdict(&book, &ask(amount), &facts(changes)).sentences();
    assert_eq!(
        told(json!({}), Some(2_500)),
        ["Approved by the defaults of Web shop 7: 25.00 usd of 100.00 usd."]
    );
    assert_eq!(
        told(json!({}), None),
        [
            "Sent to approval by the defaults of Web shop 7: 2 people must agree to 100.00 usd.",
            "100.00 usd is above 50.00 usd, from where on somebody must approve.",
            "100.00 usd is above 80.00 usd, from where on 2 people must approve.",
        ]
    );
    assert_eq!(
        told(json!({ "metadata": { "sku": "gift" } }), Some(100)),
        [
            "Denied by rule `gift-cards` of Web shop 7.",
            "Rule `gift-cards` forbids it, for every payment it speaks of."
        ]
    );
}

proptest! {
    /// Whatever a document says, it never gives more than Stripe would.
    #[test]
    fn a_document_only_takes_away(
        amount in prop::option::of(1..20_000_u64), points in 0..=10_000_u32, days in 1..100_u32,
        refunded in 0..=10_000_u64, age in 0..200_u64, window in prop::option::of(0..100_u32),
    ) {
        let book = defaults(json!({
            "window_days": window, "deduct": { "restocking_basis_points": points, "used_up_in_days": days },
        }));
        let facts = facts(json!({ "amount_refunded": refunded, "created": NOW - age * DAY }));
        let ruled = verdict(&book, &ask(amount), &facts);
        let bare = verdict(&defaults(json!({})), &ask(amount), &facts);
        if ruled.decision == Decision::Approve {
            prop_assert_eq!(bare.decision, Decision::Approve);
            prop_assert!(ruled.amount.amount <= bare.amount.amount);
            let kept = ruled.ruling.unwrap().deducted;
            prop_assert!(ruled.amount.amount + refunded + kept <= 10_000);
        }
    }

    /// Rules found not to overlap never dispute a payment: the order they stand in makes no difference.
    #[test]
    fn order_makes_no_difference(
        rules in prop::collection::vec((0..3_usize, 0..3_usize, 0..2_u32), 1..6), method in 0..3_usize, plan in 0..3_usize,
    ) {
        const METHODS: [&str; 3] = ["card", "ideal", "klarna"];
        const PLANS: [&str; 3] = ["pro", "free", "team"];
        let rule = |(at, (method, plan, priority)): (usize, &(usize, usize, u32))| json!({
            "id": format!("r{at}"), "priority": priority,
            "when": { "payment_method": [METHODS[*method]], "metadata": { "plan": [PLANS[*plan]] } },
        });
        let mut rules: Vec<Value> = rules.iter().enumerate().map(rule).collect();
        let made = |rules: &[Value]| book(json!({ "name": "S", "version": "1", "rules": rules }));
        let Ok(forward) = made(&rules) else { return Ok(()) };
        rules.reverse();
        let backward = made(&rules).unwrap();
        let facts = facts(json!({
            "payment_method_details": { "type": METHODS[method] }, "metadata": { "plan": PLANS[plan] },
        }));
        let rule = |book: &Rulebook| verdict(book, &ask(None), &facts).ruling.unwrap().rule;
        prop_assert_eq!(rule(&forward), rule(&backward));
    }

    #[test]
    fn reading_never_panics(text in "\\PC{0,200}") {
        let _ = Rulebook::read(text.as_bytes());
    }
}
