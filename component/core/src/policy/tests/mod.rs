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

mod boundaries;
mod documents;
mod properties;

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
            "defaults.minimum.usd",
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
                { "id": "a", "priority": 1, "when": { "product": ["x"] } },
            ] }),
            "rules[0].priority",
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
            json!({ "name": "S", "version": "1", "defaults": { "approve_up_to": { "usd": "1" }, "approvals": 3 } }),
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

/// Neither of two amounts for one currency is dropped without a word, and an empty condition does not match everything.
#[test]
fn a_document_that_would_lose_a_limit_is_not_read() {
    for (text, said) in [
        (r#""defaults":{"approve_up_to":{"USD":"50.00","usd":"5000.00"}}"#, "two amounts for usd"),
        (r#""defaults":{"approve_up_to":{"usd":"50.00","usd":"5000.00"}}"#, "two amounts for usd"),
        (r#""defaults":{"never_above":{"usd":"5"}},"defaults":{}"#, "duplicate field"),
        (
            r#""rules":[{"id":"a","when":{"product":[],"payment_method":["card"]},"then":{}}]"#,
            "is empty",
        ),
    ] {
        let text = format!(r#"{{"name":"S","version":"1",{text}}}"#);
        let refused = serde_json::from_str::<Document>(&text).unwrap_err().to_string();
        assert!(refused.contains(said), "{text}: {refused}");
    }
}

#[test]
fn an_empty_table_is_refused_with_what_to_do() {
    for (terms, field) in [
        (json!({ "minimum": {} }), "minimum"),
        (json!({ "approve_up_to": {} }), "approve_up_to"),
        (json!({ "second_approval_above": {} }), "second_approval_above"),
        (json!({ "never_above": {} }), "never_above"),
        (json!({ "self_serve": { "up_to": {} } }), "self_serve.up_to"),
        (json!({ "self_serve": {} }), "self_serve"),
        (json!({ "deduct": { "restocking_fee": {} } }), "deduct.restocking_fee"),
        (json!({ "deduct": {} }), "deduct"),
        (json!({ "deduct": { "rounding": "up" } }), "deduct"),
        // What PHP makes of an empty object.
        (json!({ "approve_up_to": [] }), "approve_up_to"),
        // The currencies of the other tables are not asked for as well.
        (json!({ "approve_up_to": {}, "never_above": { "usd": "5" } }), "approve_up_to"),
    ] {
        let with = |defaults: &Value, then: &Value| {
            let rules = json!([{ "id": "a", "when": { "product": ["x"] }, "then": then }]);
            book(json!({ "name": "S", "version": "1", "defaults": defaults, "rules": rules }))
        };
        for (book, place) in
            [(with(&terms, &json!({})), "defaults"), (with(&json!({}), &terms), "rules[0].then")]
        {
            let problems = book.expect_err(&terms.to_string());
            assert_eq!(problems.len(), 1, "{problems:?}");
            assert_eq!(problems[0].field, format!("{place}.{field}"));
            assert!(problems[0].problem.starts_with("is empty"), "{problems:?}");
            assert!(problems[0].fix.contains("remove"), "{problems:?}");
        }
    }
    let nothing_kept = json!({ "deduct": { "restocking_basis_points": 0 } });
    assert_eq!(
        verdict(&defaults(nothing_kept), &ask(None), &facts(json!({}))).amount,
        money(10_000, "usd")
    );
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
fn a_currency_that_a_table_leaves_out_needs_approval() {
    for (terms, approvals) in [
        (json!({ "approve_up_to": { "usd": "1000" } }), 1),
        (json!({ "second_approval_above": { "usd": "1000" } }), 2),
        (json!({ "second_approval_above": { "usd": "1000" }, "approvals": 4 }), 4),
        (json!({ "never_above": { "usd": "1000" } }), 1),
        (json!({ "minimum": { "usd": "1" } }), 1),
        (json!({ "self_serve": { "up_to": { "usd": "1000" } } }), 1),
        (json!({ "deduct": { "restocking_fee": { "usd": "1" } } }), 1),
        (
            json!({ "approve_up_to": { "usd": "5" }, "second_approval_above": { "usd": "1000" }, "approvals": 3 }),
            3,
        ),
    ] {
        let book = defaults(terms.clone());
        let yen = facts(json!({ "currency": "jpy" }));
        for self_serve in [false, true] {
            for amount in [Amount::Everything, Amount::Exactly(money(1, "jpy"))] {
                let verdict = verdict(&book, &Ask { amount, self_serve, ..ask(None) }, &yen);
                assert_eq!(verdict.decision, Decision::NeedsApproval, "{terms}");
                assert_eq!(verdict.approvals(), approvals, "{terms}");
                let named =
                    names(&verdict).iter().filter(|name| *name == "currency_not_listed").count();
                assert_eq!(named, 1, "{terms}");
            }
        }
        let listed = verdict(&book, &ask(Some(500)), &facts(json!({})));
        assert_eq!(listed.decision, Decision::Approve, "{terms}");
    }
    // No table, no currency to list.
    let free = defaults(json!({ "window_days": 30 }));
    let verdict = verdict(&free, &ask(None), &facts(json!({ "currency": "jpy" })));
    assert_eq!(verdict.decision, Decision::Approve);
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
        let because = |rule: &FailedRule| json!(rule)["cause"].as_str().unwrap().to_owned();
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
            json!({ "restocking_basis_points": 1_000 }),
            json!({ "currency": "kwd", "amount": 99_990, "amount_captured": 99_990 }),
            (89_990, 9_999, approve),
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
            { "id": "ebooks", "when": { "product": ["ebook"] }, "then": { "window_days": 2 } },
        ],
    }))
    .unwrap();
    assert_eq!(
        book.describe().sentences,
        [
            "Rule `gift-cards` (sku is gift): never refunded.",
            "Rule `ebooks` (sku is ebook): refundable for 2 days; approved at once up to 50.00 usd, above that 1 person must approve, above 80.00 usd 2 people.",
            "Payments that no rule matches: refundable for 30 days; approved at once up to 50.00 usd, above that 1 person must approve, above 80.00 usd 2 people.",
            "If several rules match a payment, each of them must allow the refund: one that denies is enough to deny, one that asks is enough to need approval, the largest deduction is kept, and the largest number of approvers counts.",
            "A refund of a charge without `metadata.sku` needs approval, if a rule that looks at it would be stricter.",
            "Where amounts are listed, a refund in a currency other than usd needs approval, by as many people as the largest amounts.",
        ]
    );
    let told = |sku: &str, amount| {
        let facts = facts(json!({ "metadata": { "sku": sku } }));
        verdict(&book, &ask(amount), &facts).sentences()
    };
    assert_eq!(
        told("shirt", Some(2_500)),
        ["Approved by the defaults of Web shop 7: 25.00 usd of 100.00 usd."]
    );
    assert_eq!(
        told("shirt", None),
        [
            "Sent to approval by the defaults of Web shop 7: 2 people must agree to 100.00 usd.",
            "100.00 usd is above 50.00 usd, above which 1 person must approve.",
            "100.00 usd is above 80.00 usd, above which 2 people must approve.",
        ]
    );
    assert_eq!(
        told("gift", Some(100)),
        [
            "Denied by rule `gift-cards` of Web shop 7.",
            "Rule `gift-cards` denies it, for every payment that it matches.",
        ]
    );
}

/// The sentence on every payment, for documents without rules.
#[test]
fn a_sentence_says_what_the_terms_mean() {
    for (terms, sentence) in [
        (json!({}), "refundable without a time limit; approved at once"),
        (json!({ "decision": "deny", "window_days": 3 }), "never refunded"),
        (
            json!({ "decision": "ask", "approve_up_to": { "usd": "9" }, "second_approval_above": { "usd": "20" },
                    "approvals": 3, "self_serve": { "within_days": 3 } }),
            "refundable without a time limit; every refund needs approval by 1 person, above 20.00 usd 3 people",
        ),
        (
            json!({ "second_approval_above": { "usd": "20" } }),
            "refundable without a time limit; approved at once up to 20.00 usd, above that 2 people must approve",
        ),
        (
            json!({ "window_days": 3, "reasons": ["duplicate"], "minimum": { "usd": "1" }, "never_above": { "usd": "9" },
                    "max_attempts": 2, "fraud": "ask", "disputes": "deny",
                    "deduct": { "restocking_basis_points": 1050, "restocking_fee": { "usd": "0.50" }, "used_up_in_days": 9 },
                    "self_serve": { "up_to": { "usd": "2" }, "within_days": 1, "reasons": ["duplicate"], "first_only": true } }),
            "refundable for 3 days; for duplicate; no less than 1.00 usd; approved at once; never more than 9.00 usd; \
             at most 2 refunds of a payment; charges reported as fraudulent need approval; \
             charges with a dispute or an inquiry that permits a refund are denied; 10.50 % are kept for restocking; \
             0.50 usd are kept for restocking; the price is used up evenly in 9 days; \
             self-serve up to 2.00 usd within 1 days for duplicate for the first refund of a payment, other self-serve requests need approval",
        ),
    ] {
        let sentences = defaults(terms.clone()).describe().sentences;
        assert_eq!(sentences[0], format!("Every payment: {sentence}."), "{terms}");
        let tables = terms.to_string().contains("usd");
        assert_eq!(sentences.len(), if tables { 2 } else { 1 }, "{sentences:?}");
    }
    let document = json!({ "name": "S", "version": "1", "rules": [
        { "id": "a", "when": { "payment_method": ["card"], "metadata": { "tier": [] } }, "then": { "self_serve": { "within_days": 3 } } },
    ] });
    let sentences = book(document).unwrap().describe().sentences;
    assert_eq!(
        sentences[1..],
        [
            "Payments that no rule matches: refundable without a time limit; approved at once; self-serve requests need approval.",
            "A refund of a charge without `metadata.tier` or `payment_method` needs approval, if a rule that looks at it would be stricter.",
        ]
    );
}

/// A limit that was lost on the way must not become no limit.
#[test]
fn null_is_no_limit() {
    for (terms, field) in [
        (json!({ "window_days": null }), "defaults.window_days"),
        (json!({ "never_above": null }), "defaults.never_above"),
        (json!({ "never_above": { "usd": null } }), "defaults.never_above.usd"),
        (json!({ "decision": null }), "defaults.decision"),
        (json!({ "deduct": { "restocking_fee": null } }), "defaults.deduct.restocking_fee"),
    ] {
        let problems =
            book(json!({ "name": "Shop", "version": "1", "defaults": terms })).unwrap_err();
        assert_eq!(problems[0].field, field, "{problems:?}");
    }
    let harmless = json!({ "fee_rate": null });
    assert!(book(json!({ "name": "Shop", "version": "1", "defaults": harmless })).is_ok());
}

proptest! {
    /// Whatever a document says, it never gives more than Stripe would.
    #[test]
    fn a_document_only_takes_away(
        amount in prop::option::of(1..20_000_u64), points in 0..=10_000_u32, days in 1..100_u32,
        refunded in 0..=10_000_u64, age in 0..200_u64, window in prop::option::of(0..100_u32),
    ) {
        let mut terms = json!({
            "deduct": { "restocking_basis_points": points, "used_up_in_days": days },
        });
        if let Some(window) = window {
            terms["window_days"] = json!(window);
        }
        let book = defaults(terms);
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

    #[test]
    fn reading_never_panics(text in "\\PC{0,200}") {
        let _ = Rulebook::read(text.as_bytes());
    }
}
