//! A table per rule at its boundary, and what must hold for every payment.
#![allow(clippy::needless_pass_by_value, reason = "facts are made where they are used")]

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::money::Currency;
use crate::policy::{Ask, Handling, Limits, Rules, Terms};
use crate::problem::FieldProblem;
use crate::testing::property;

const NOW: u64 = 1_790_000_000;
const DAY: u64 = 86_400;

fn usd(amount: u64) -> Money {
    Money { amount, currency: Currency::parse("usd").unwrap() }
}

fn eur(amount: u64) -> Money {
    Money { amount, currency: Currency::parse("eur").unwrap() }
}

fn charge(changes: serde_json::Value) -> Charge {
    let mut charge = json!({
        "id": "ch_1", "amount": 10_000, "amount_captured": 10_000, "amount_refunded": 0,
        "currency": "usd", "status": "succeeded", "captured": true, "created": NOW - 10 * DAY,
        "payment_intent": "pi_1", "payment_method_details": { "type": "card" },
        "metadata": { "plan": "pro" },
    });
    for (key, value) in changes.as_object().unwrap() {
        charge[key] = value.clone();
    }
    serde_json::from_value(charge).unwrap()
}

fn refund(id: &str, amount: u64, status: &str) -> Refund {
    serde_json::from_value(json!({
        "id": id, "amount": amount, "currency": "usd", "charge": "ch_1", "status": status,
    }))
    .unwrap()
}

fn facts(changes: serde_json::Value) -> Facts {
    Facts { charge: charge(changes), refunds: vec![], disputes: vec![] }
}

fn judged(amount: Amount, facts: &Facts, terms: &Terms) -> Result<Verdict, Vec<FieldProblem>> {
    let ask = Ask { amount, reason: None, self_serve: false };
    Rules::inline(terms.clone())?.check(&ask, facts, NOW)
}

fn verdict(amount: Amount, facts: &Facts, policy: &Terms) -> Verdict {
    judged(amount, facts, policy).unwrap()
}

/// The names of the rules that failed.
fn failed(amount: Amount, facts: &Facts, policy: &Terms) -> Vec<String> {
    let verdict = verdict(amount, facts, policy);
    let name = |rule: &FailedRule| json!(rule)["rule"].as_str().unwrap().to_owned();
    verdict.failed.iter().map(name).collect()
}

const ALL: Amount = Amount::Everything;

#[test]
fn the_state_of_the_payment() {
    let policy = Terms::default();
    for (changes, rules) in [
        (json!({}), vec![]),
        (json!({ "status": "pending" }), vec!["not_succeeded"]),
        (json!({ "status": "failed" }), vec!["not_succeeded"]),
        (json!({ "status": "something_new" }), vec!["not_succeeded"]),
        (json!({ "captured": false, "amount_captured": 0 }), vec!["not_captured"]),
        (json!({ "amount_refunded": 10_000, "refunded": true }), vec!["already_refunded"]),
        (json!({ "amount_refunded": 9_999 }), vec![]),
        (json!({ "disputed": true }), vec!["dispute_unknown"]),
    ] {
        assert_eq!(failed(ALL, &facts(changes.clone()), &policy), rules, "{changes}");
    }
}

#[test]
fn an_uncaptured_payment_names_what_to_cancel() {
    let uncaptured = json!({ "captured": false, "amount_captured": 0 });
    let by_intent = verdict(ALL, &facts(uncaptured.clone()), &Terms::default());
    assert!(by_intent.explain().contains("cancel pi_1 instead"), "{}", by_intent.explain());
    let mut plain = facts(uncaptured);
    plain.charge.payment_intent = None;
    let by_charge = verdict(ALL, &plain, &Terms::default());
    assert!(by_charge.explain().contains("cancel ch_1 instead"), "{}", by_charge.explain());
}

#[test]
fn pending_counts_as_spent_and_failed_does_not() {
    let mut known = facts(json!({ "amount_refunded": 2_000 }));
    known.refunds = vec![
        refund("re_1", 2_000, "succeeded"),
        refund("re_2", 3_000, "pending"),
        refund("re_3", 4_000, "failed"),
        refund("re_4", 500, "canceled"),
        refund("re_5", 100, "requires_action"),
        refund("re_6", 50, "something_new"),
    ];
    let left = 10_000 - 2_000 - 3_000 - 100 - 50;
    assert_eq!(verdict(ALL, &known, &Terms::default()).refundable, usd(left));
    assert!(failed(Amount::Exactly(usd(left)), &known, &Terms::default()).is_empty());
    let over = verdict(Amount::Exactly(usd(left + 1)), &known, &Terms::default());
    assert_eq!(
        over.failed,
        [FailedRule::ExceedsRefundable {
            requested: left + 1,
            refundable: left,
            captured: 10_000,
            refunded: 2_000,
            pending: 3_150,
        }]
    );
    // Stripe counts the pending one as well: it must not count twice.
    known.charge.amount_refunded = 5_150;
    assert_eq!(verdict(ALL, &known, &Terms::default()).refundable, usd(left));
}

#[test]
fn refundable_is_what_stripe_would_accept() {
    let refundable = |known: &Facts| verdict(ALL, known, &Terms::default()).refundable.amount;
    assert_eq!(refundable(&facts(json!({ "status": "failed" }))), 0);
    assert_eq!(refundable(&facts(json!({ "disputed": true }))), 0);
    let mut waiting = facts(json!({}));
    waiting.refunds = vec![refund("re_1", 10_000, "pending")];
    assert_eq!(refundable(&waiting), 0);
    assert_eq!(
        failed(ALL, &waiting, &Terms::default()),
        ["exceeds_refundable"],
        "nothing was given back yet"
    );
    let lapsed = facts(json!({ "captured": false, "refunded": true, "amount_refunded": 10_000 }));
    assert_eq!(
        failed(ALL, &lapsed, &Terms::default()),
        ["already_refunded"],
        "nothing is left to cancel"
    );
}

#[test]
fn of_two_copies_of_a_refund_the_one_that_spends_counts() {
    let copies = [refund("re_1", 4_000, "failed"), refund("re_1", 4_000, "pending")];
    let mut known = facts(json!({}));
    for order in [[0, 1], [1, 0]] {
        known.refunds = order.map(|index| copies[index].clone()).to_vec();
        assert_eq!(verdict(ALL, &known, &Terms::default()).refundable, usd(6_000));
    }
}

#[test]
fn a_partial_capture_limits_the_refund() {
    let known = facts(json!({ "amount_captured": 6_000 }));
    assert!(failed(Amount::Exactly(usd(6_000)), &known, &Terms::default()).is_empty());
    assert_eq!(
        failed(Amount::Exactly(usd(6_001)), &known, &Terms::default()),
        ["exceeds_refundable"]
    );
}

#[test]
fn the_window_includes_its_last_day() {
    let policy = |days| Terms { window_days: Some(days), ..Terms::default() };
    for (age, days, good) in [
        (10 * DAY, 10, true),
        (11 * DAY - 1, 10, true),
        (11 * DAY, 10, false),
        (DAY - 1, 0, true),
        (DAY, 0, false),
    ] {
        let known = facts(json!({ "created": NOW - age }));
        assert_eq!(failed(ALL, &known, &policy(days)).is_empty(), good, "{age} {days}");
    }
    // A clock that lags behind Stripe's makes no charge old.
    assert!(failed(ALL, &facts(json!({ "created": NOW + DAY })), &policy(0)).is_empty());
}

#[test]
fn the_flag_of_a_dispute_decides_not_its_status() {
    for (refundable, status, rules) in [
        (true, "warning_needs_response", vec![]),
        (true, "won", vec![]),
        (false, "needs_response", vec!["disputed"]),
        (false, "something_new", vec!["disputed"]),
        (false, "warning_under_review", vec!["disputed"]),
        // New with 2026-10-28: an appeal holds the money, a prevented dispute never took it.
        (false, "appeal_needs_response", vec!["disputed"]),
        (false, "appeal_under_review", vec!["disputed"]),
        (false, "prevented", vec!["disputed"]),
        (true, "prevented", vec![]),
    ] {
        let mut known = facts(json!({ "disputed": true }));
        known.disputes = vec![
            serde_json::from_value(json!({
                "id": "dp_1", "amount": 1, "currency": "usd", "charge": "ch_1", "status": status,
                "is_charge_refundable": refundable,
            }))
            .unwrap(),
        ];
        assert_eq!(failed(ALL, &known, &Terms::default()), rules, "{status}");
    }
}

#[test]
fn limits_include_themselves() {
    let policy = Terms {
        minimum: Some(usd(500).into()),
        never_above: Some(usd(5_000).into()),
        approve_up_to: Some(usd(2_000).into()),
        ..Terms::default()
    };
    for (amount, rules) in [
        (499, vec!["below_minimum"]),
        (500, vec![]),
        (2_000, vec![]),
        (2_001, vec!["approve_up_to"]),
        (5_000, vec!["approve_up_to"]),
        (5_001, vec!["never_above", "approve_up_to"]),
    ] {
        assert_eq!(
            failed(Amount::Exactly(usd(amount)), &facts(json!({})), &policy),
            rules,
            "{amount}"
        );
    }
    let decision =
        |amount| verdict(Amount::Exactly(usd(amount)), &facts(json!({})), &policy).decision;
    assert_eq!(decision(2_000), Decision::Approve);
    assert_eq!(decision(2_001), Decision::NeedsApproval);
    assert_eq!(decision(5_001), Decision::Deny);
}

#[test]
fn a_currency_that_a_list_leaves_out_needs_approval() {
    for policy in [
        Terms { minimum: Some(eur(1).into()), ..Terms::default() },
        Terms { never_above: Some(eur(1_000_000).into()), ..Terms::default() },
        Terms { approve_up_to: Some(eur(1_000_000).into()), ..Terms::default() },
        Terms { second_approval_above: Some(eur(1_000_000).into()), ..Terms::default() },
    ] {
        for amount in [ALL, Amount::Exactly(usd(1))] {
            let verdict = verdict(amount, &facts(json!({})), &policy);
            assert_eq!(verdict.decision, Decision::NeedsApproval, "{policy:?}");
            let several = policy.second_approval_above.is_some();
            assert_eq!(verdict.approvals(), if several { 2 } else { 1 });
            let currency = usd(1).currency;
            assert_eq!(verdict.failed, [FailedRule::CurrencyNotListed { currency }], "{policy:?}");
        }
    }
}

#[test]
fn the_other_rules() {
    let mut known =
        facts(json!({ "fraud_details": { "user_report": "safe", "stripe_report": "fraudulent" } }));
    known.refunds = vec![refund("re_1", 1, "failed"), refund("re_1", 1, "failed")];
    let with = |change: fn(&mut Terms)| {
        let mut policy = Terms::default();
        change(&mut policy);
        failed(ALL, &known, &policy)
    };
    assert_eq!(with(|p| p.max_attempts = Some(1)), ["attempt_limit"]);
    assert!(with(|p| p.max_attempts = Some(2)).is_empty());
    assert_eq!(
        with(|p| p.payment_methods = Some(vec!["sepa_debit".into()])),
        ["method_not_allowed"]
    );
    assert!(
        with(|p| p.payment_methods = Some(vec!["sepa_debit".into(), "card".into()])).is_empty()
    );
    assert_eq!(with(|p| p.fraud = Some(Handling::Deny)), ["fraud_flagged"]);
    let required = |key: &str, values: &[&str]| Terms {
        required_metadata: Some(
            [(key.to_owned(), values.iter().map(|value| (*value).to_owned()).collect())].into(),
        ),
        ..Terms::default()
    };
    for (key, values, good) in [
        ("plan", &[][..], true),
        ("plan", &["pro"], true),
        ("plan", &["team", "pro"], true),
        ("plan", &["free"], false),
        ("x", &[], false),
    ] {
        let failed = failed(ALL, &known, &required(key, values));
        let expected: &[&str] = if good { &[] } else { &["metadata_unmet"] };
        assert_eq!(failed, expected, "{key} {values:?}");
    }
}

#[test]
fn all_failures_come_at_once() {
    let mut known = facts(json!({ "amount_refunded": 9_000, "disputed": true }));
    known.refunds = vec![refund("re_1", 9_000, "succeeded")];
    let policy = Terms {
        window_days: Some(1),
        max_attempts: Some(1),
        never_above: Some(usd(10).into()),
        payment_methods: Some(vec!["ideal".into()]),
        ..Terms::default()
    };
    assert_eq!(
        failed(Amount::Exactly(usd(2_000)), &known, &policy),
        [
            "exceeds_refundable",
            "dispute_unknown",
            "never_above",
            "outside_window",
            "attempt_limit",
            "method_not_allowed"
        ]
    );
    assert_eq!(
        failed(Amount::Exactly(eur(2_000)), &facts(json!({})), &Terms::default()),
        ["currency_mismatch"]
    );
}

#[test]
fn the_fee_is_read_or_estimated_and_says_which() {
    let policy =
        Terms { fee_rate: Some(FeeRate { basis_points: 290, fixed: 30 }), ..Terms::default() };
    let fee = |facts: &Facts, policy: &Terms| {
        verdict(Amount::Exactly(usd(5_000)), facts, policy).fee_kept
    };
    let estimated = fee(&facts(json!({})), &policy).unwrap();
    assert_eq!((estimated.total, estimated.share), (usd(320), usd(160)));
    assert_eq!(estimated.source, FeeSource::Estimated);
    let known =
        facts(json!({ "balance_transaction": { "id": "txn_1", "fee": 301, "currency": "eur" } }));
    let read = fee(&known, &policy).unwrap();
    assert_eq!((read.total, read.share), (eur(301), eur(151)));
    assert_eq!(read.source, FeeSource::BalanceTransaction("txn_1".into()));
    assert_eq!(fee(&facts(json!({ "balance_transaction": "txn_1" })), &Terms::default()), None);
}

#[test]
fn the_fees_of_successive_refunds_add_up_to_the_whole_fee() {
    let mut known = facts(json!({
        "amount": 2_500, "amount_captured": 2_500,
        "balance_transaction": { "id": "txn_1", "fee": 102, "currency": "usd" },
    }));
    let mut shares = Vec::new();
    for n in 0..25 {
        let verdict = verdict(Amount::Exactly(usd(100)), &known, &Terms::default());
        shares.push(verdict.fee_kept.unwrap().share.amount);
        // Pending refunds count, whether Stripe adds them up or not; failed ones do not.
        known.refunds.push(refund(&format!("re_{n}"), 100, "pending"));
        known.refunds.push(refund(&format!("re_failed_{n}"), 100, "failed"));
        known.charge.amount_refunded = if n % 2 == 0 { (n + 1) * 100 } else { 0 };
    }
    // A twenty-fifth of 102 is 4.08. Two of them are 5: where the sum so far passes a half.
    assert_eq!(shares.iter().sum::<u64>(), 102);
    assert_eq!((shares[0], shares[6], shares[18]), (4, 5, 5));
    assert_eq!(shares.iter().filter(|share| **share == 4).count(), 23);
    // Nothing is left: a refund of everything costs nothing more.
    assert_eq!(verdict(ALL, &known, &Terms::default()).fee_kept.unwrap().share, usd(0));
}

#[test]
fn senseless_input_is_an_error() {
    let fields = |amount: Amount, policy: &Terms| -> Vec<String> {
        let problems = judged(amount, &facts(json!({})), policy).err().unwrap_or_default();
        problems.into_iter().map(|problem| problem.field).collect()
    };
    assert_eq!(fields(Amount::Exactly(usd(0)), &Terms::default()), ["amount"]);
    let policy = Terms {
        minimum: Some(usd(5).into()),
        never_above: Some(usd(1).into()),
        approve_up_to: Some(Limits::of(&[usd(1), eur(1)]).unwrap()),
        payment_methods: Some(vec![]),
        required_metadata: Some([(String::new(), vec![])].into()),
        fee_rate: Some(FeeRate { basis_points: 10_001, fixed: 0 }),
        ..Terms::default()
    };
    assert_eq!(
        fields(ALL, &policy),
        [
            "policy.payment_methods",
            "policy.required_metadata.key",
            "policy.fee_rate.basis_points",
            "policy.minimum.eur",
            "policy.never_above.eur",
            "policy.minimum.usd",
        ]
    );
    assert!(Limits::of(&[usd(5), usd(6)]).is_err());
}

#[test]
fn terms_without_a_value_are_refused() {
    for field in ["minimum", "never_above", "approve_up_to", "required_metadata"] {
        let terms: Terms = serde_json::from_value(json!({ field: {} })).unwrap();
        let problems = Rules::inline(terms).unwrap_err();
        assert_eq!(problems[0].field, format!("policy.{field}"));
        assert!(problems[0].problem.contains("is empty"), "{problems:?}");
    }
    let written = serde_json::to_string(&Terms::default()).unwrap();
    assert_eq!(written, "{}");
}

#[test]
fn verdicts_in_older_ledgers_are_read() {
    for (old, new) in [
        (json!({ "rule": "above_maximum", "requested": 2, "limit": 1 }), "never_above"),
        (json!({ "rule": "over_threshold", "requested": 2, "limit": 1 }), "approve_up_to"),
        (json!({ "rule": "no_threshold_for", "currency": "usd" }), "currency_not_listed"),
        (json!({ "rule": "rule_asks", "by": "a", "because": "always" }), "rule_asks"),
        (
            json!({ "rule": "metadata_unmet", "key": "a", "expected": "b", "found": null }),
            "metadata_unmet",
        ),
        (
            json!({ "rule": "metadata_unmet", "key": "a", "expected": null, "found": null }),
            "metadata_unmet",
        ),
    ] {
        let rule: FailedRule = serde_json::from_value(old).unwrap();
        assert_eq!(json!(rule)["rule"], new);
        assert_eq!(serde_json::from_value::<FailedRule>(json!(rule)).unwrap(), rule);
    }
}

fn any_status() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "succeeded",
        "pending",
        "failed",
        "canceled",
        "requires_action",
        "new",
    ])
}

prop_compose! {
    fn any_facts()(
        captured in prop_oneof![0..=100_000_u64, Just(u64::MAX)],
        counted in prop_oneof![0..=100_000_u64, Just(u64::MAX)],
        refunds in prop::collection::vec((prop_oneof![0..=50_000_u64, Just(u64::MAX)], any_status()), 0..6),
    ) -> Facts {
        let mut known = facts(json!({ "amount_captured": captured, "amount_refunded": counted }));
        known.refunds = refunds
            .into_iter()
            .enumerate()
            .map(|(n, (amount, status))| refund(&format!("re_{n}"), amount, status))
            .collect();
        known
    }
}

proptest! {
    #[test]
    fn never_more_than_is_left(known in any_facts(), asked in 1..=200_000_u64) {
        let spent: u128 = known.refunds.iter().filter(|r| r.is_spent()).map(|r| u128::from(r.amount)).sum();
        let spent = spent.max(u128::from(known.charge.amount_refunded));
        let left = u128::from(known.charge.captured_amount()).saturating_sub(spent);
        let verdict = verdict(Amount::Exactly(usd(asked)), &known, &Terms::default());
        prop_assert_eq!(u128::from(verdict.refundable.amount), left);
        prop_assert_eq!(verdict.decision == Decision::Approve, u128::from(asked) <= left);
    }

    #[test]
    fn another_refund_never_leaves_more(known in any_facts(), amount: u64, status in any_status()) {
        let before = verdict(ALL, &known, &Terms::default()).refundable.amount;
        let mut after = known;
        after.refunds.push(refund("re_new", amount, status));
        prop_assert!(verdict(ALL, &after, &Terms::default()).refundable.amount <= before);
    }

    #[test]
    fn order_does_not_matter(known in any_facts(), asked in 1..=200_000_u64) {
        let mut turned = known.clone();
        turned.refunds.reverse();
        let policy = Terms { max_attempts: Some(3), ..Terms::default() };
        let amount = Amount::Exactly(usd(asked));
        prop_assert_eq!(verdict(amount, &known, &policy), verdict(amount, &turned, &policy));
    }

    #[test]
    fn a_stricter_policy_never_approves_more(known in any_facts(), limit in 1..=100_000_u64, days in 0..20_u32) {
        let strict = Terms {
            window_days: Some(days),
            never_above: Some(usd(limit).into()),
            approve_up_to: Some(usd(limit / 2).into()),
            ..Terms::default()
        };
        let loose = verdict(ALL, &known, &Terms::default());
        if loose.decision == Decision::Deny {
            prop_assert_eq!(verdict(ALL, &known, &strict).decision, Decision::Deny);
        }
    }
}

/// The share of each refund is the fee of all refunds so far, with it, less the fee without it.
#[test]
fn the_fee_is_split_over_refunds_without_loss() {
    let policy =
        Terms { fee_rate: Some(FeeRate { basis_points: 290, fixed: 30 }), ..Terms::default() };
    let parts = prop::collection::vec(prop_oneof![1..=100_u64, 1..=100_000_u64], 1..12);
    let branches = ["refunded in full", "refunded in part", "shares rounded one by one differ"];
    let all = (parts, prop::option::of(0..5_000_u64), any::<bool>());
    property(&all, branches, |(parts, fee, is_full), reached| {
        let captured = parts.iter().sum::<u64>() + u64::from(!is_full) * 77;
        let mut known = facts(json!({ "amount": captured, "amount_captured": captured }));
        if let Some(fee) = fee {
            let transaction = json!({ "id": "txn_1", "fee": fee, "currency": "eur" });
            known.charge = charge(json!({
                "amount": captured, "amount_captured": captured, "balance_transaction": transaction,
            }));
        }
        let (mut sum, mut alone, mut total) = (0_i128, 0_i128, 0_i128);
        for (n, part) in parts.iter().enumerate() {
            let kept = verdict(Amount::Exactly(usd(*part)), &known, &policy).fee_kept.unwrap();
            let share = i128::from(kept.share.amount);
            total = i128::from(kept.total.amount);
            let (exact, whole) = (total * i128::from(*part), i128::from(captured));
            prop_assert!((share * whole - exact).abs() < whole, "{} is too far off", share);
            sum += share;
            alone += (2 * exact + whole) / (2 * whole);
            known.refunds.push(refund(&format!("re_{n}"), *part, "succeeded"));
            known.charge.amount_refunded += part;
            // So far, at most half a unit too much or too little.
            let (exact, sum) = (total * i128::from(known.charge.amount_refunded), sum * whole);
            prop_assert!(2 * (sum - exact).abs() <= whole);
        }
        reached.note(if is_full { "refunded in full" } else { "refunded in part" });
        reached.note_if(is_full && alone != total, "shares rounded one by one differ");
        prop_assert!(!is_full || sum == total, "{} of {}", sum, total);
        Ok(())
    });
}
