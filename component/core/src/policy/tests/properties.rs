//! What must hold for every document and every payment: whatever makes a policy or a payment say less, or a policy say
//! more, never approves more.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};

use super::{DAY, NOW, book, facts};
use crate::eligibility::{Amount, Decision, Facts, Verdict};
use crate::money::{Currency, Money};
use crate::policy::{Ask, DEFAULTS, Rulebook};

const METHODS: [&str; 3] = ["card", "sepa_debit", "klarna"];
const REASONS: [&str; 3] = ["duplicate", "fraudulent", "requested_by_customer"];
/// Metadata keys that conditions look at.
const KEYS: [&str; 3] = ["product", "plan", "tier"];
const VALUES: [&str; 3] = ["a", "b", "c"];
/// Every table lists these; a payment may be in a third one.
const LISTED: [&str; 2] = ["usd", "eur"];

/// A field that a document gives half of the time.
fn maybe(value: impl Strategy<Value = Value> + 'static) -> BoxedStrategy<Value> {
    prop_oneof![Just(Value::Null), value].boxed()
}

/// A table of amounts. The tables of a document have ranges of their own, so that they are always in order.
fn table(amounts: std::ops::Range<u32>) -> impl Strategy<Value = Value> {
    prop::array::uniform2(amounts).prop_map(|amounts| {
        LISTED.iter().zip(amounts).map(|(code, amount)| (*code, amount.to_string())).collect()
    })
}

fn list(values: &'static [&'static str], least: usize) -> impl Strategy<Value = Value> {
    subsequence(values, least..=values.len()).prop_map(|values| json!(values))
}

fn object(fields: Vec<(&'static str, BoxedStrategy<Value>)>) -> impl Strategy<Value = Value> {
    let (names, values): (Vec<_>, Vec<_>) = fields.into_iter().unzip();
    values.prop_map(move |values| {
        let fields = names.iter().zip(values).filter(|(_, value)| !value.is_null());
        Value::Object(fields.map(|(name, value)| ((*name).to_owned(), value)).collect())
    })
}

/// An empty table is refused.
fn not_empty(fields: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    fields.prop_map(|fields| if fields == json!({}) { Value::Null } else { fields })
}

fn terms() -> impl Strategy<Value = Value> {
    let handling = || select(vec!["allow", "ask", "deny"]).prop_map(|word| json!(word));
    let serve = object(vec![
        ("up_to", maybe(table(10..60))),
        ("within_days", maybe((0..15_u32).prop_map(|days| json!(days)))),
        ("reasons", maybe(list(&REASONS, 1))),
    ]);
    let deduct = object(vec![
        ("restocking_basis_points", maybe((0..6_000_u32).prop_map(|points| json!(points)))),
        ("restocking_fee", maybe(table(1..30))),
        ("used_up_in_days", maybe((5..60_u32).prop_map(|days| json!(days)))),
    ]);
    object(vec![
        (
            "decision",
            prop_oneof![6 => Just(Value::Null), 1 => Just(json!("ask")), 1 => Just(json!("deny"))]
                .boxed(),
        ),
        ("window_days", maybe((5..25_u32).prop_map(|days| json!(days)))),
        ("reasons", maybe(list(&REASONS, 2))),
        ("minimum", maybe(table(0..10))),
        ("approve_up_to", maybe(table(20..60))),
        ("second_approval_above", maybe(table(60..80))),
        ("approvals", maybe((2..=4_u8).prop_map(|count| json!(count)))),
        ("never_above", maybe(table(80..120))),
        ("max_attempts", maybe((0..4_u32).prop_map(|count| json!(count)))),
        ("payment_methods", maybe(list(&METHODS, 1))),
        ("required_metadata", maybe(not_empty(object(vec![("tier", maybe(list(&VALUES, 0)))])))),
        ("fraud", maybe(handling())),
        ("disputes", maybe(handling())),
        ("self_serve", maybe(not_empty(serve))),
        ("deduct", maybe(not_empty(deduct))),
    ])
}

fn when() -> impl Strategy<Value = Value> {
    let metadata =
        object(vec![("plan", maybe(list(&VALUES, 0))), ("tier", maybe(list(&VALUES, 0)))]);
    object(vec![
        ("payment_method", maybe(list(&METHODS, 1))),
        ("product", maybe(list(&VALUES, 1))),
        ("currency", maybe(list(&["usd", "eur", "jpy"], 1))),
        ("metadata", maybe(metadata)),
    ])
}

fn rules(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Value>> {
    prop::collection::vec((when(), terms()), count).prop_map(|rules| {
        let made =
            |(at, (when, then))| json!({ "id": format!("r{at}"), "when": when, "then": then });
        (0..).zip(rules).map(made).collect()
    })
}

fn document(defaults: &Value, rules: &[Value]) -> Value {
    json!({ "name": "S", "version": "1", "defaults": defaults, "rules": rules })
}

prop_compose! {
    /// A payment of up to 150.00, with or without each fact that a condition looks at.
    fn payment()(
        method in prop::option::weighted(0.8, select(METHODS.to_vec())),
        values in prop::array::uniform3(prop::option::weighted(0.8, select(VALUES.to_vec()))),
        currency in select(vec!["usd", "usd", "eur", "jpy"]),
        amount in 1..15_000_u64, refunded in prop_oneof![3 => Just(0), 1 => 1..5_000_u64],
        age in 0..25_u64, reported in prop::bool::weighted(0.2), inquiry in prop::bool::weighted(0.2),
    ) -> Facts {
        let metadata = KEYS.iter().zip(values).filter_map(|(key, value)| Some((*key, value?)));
        let mut facts = facts(json!({
            "amount": amount, "amount_captured": amount, "currency": currency, "created": NOW - age * DAY,
            "amount_refunded": refunded.min(amount), "metadata": metadata.collect::<BTreeMap<_, _>>(),
            "payment_method_details": { "type": method },
            "fraud_details": reported.then(|| json!({ "user_report": "fraudulent" })), "disputed": inquiry,
        }));
        if inquiry {
            facts.disputes = vec![serde_json::from_value(json!({
                "id": "dp_1", "charge": "ch_1", "amount": 1, "currency": currency, "created": NOW, "reason": "general",
                "status": "warning_needs_response", "is_charge_refundable": true,
            })).unwrap()];
        }
        facts
    }
}

prop_compose! {
    fn request()(
        amount in prop::option::of(1..8_000_u64), reason in prop::option::weighted(0.9, select(REASONS.to_vec())),
        self_serve in prop::bool::weighted(0.3),
    ) -> (Option<u64>, Ask) {
        let reason = reason.map(|reason| serde_json::from_value(json!(reason)).unwrap());
        (amount, Ask { amount: Amount::Everything, reason, self_serve })
    }
}

fn exactly(amount: u64, currency: Currency) -> Amount {
    Amount::Exactly(Money { amount, currency })
}

/// The decision as a number: 0 approves, then the number of approvers, then denied.
fn strictness(verdict: &Verdict) -> u8 {
    match verdict.decision {
        Decision::Approve => 0,
        Decision::NeedsApproval => verdict.approvals(),
        Decision::Deny => u8::MAX,
    }
}

/// A policy, a payment and what is asked for.
struct Case<'c> {
    book: &'c Rulebook,
    facts: &'c Facts,
}

impl Case<'_> {
    fn check(&self, (amount, ask): &(Option<u64>, Ask)) -> Verdict {
        let amount =
            amount.map_or(Amount::Everything, |amount| exactly(amount, self.facts.charge.currency));
        self.book.check(&Ask { amount, ..ask.clone() }, self.facts, NOW).unwrap()
    }

    /// What `self` approves, `other` approves as well, to the same amount. `other` knows more than `self`, or forbids
    /// less. Everything is the amount that `self` makes of it: what is kept back depends on the rules.
    fn approves_no_more_than(
        &self,
        other: &Self,
        ask: &(Option<u64>, Ask),
    ) -> Result<(), TestCaseError> {
        let mine = self.check(ask);
        if mine.decision == Decision::Approve {
            let theirs = other.check(&(Some(mine.amount.amount), ask.1.clone()));
            prop_assert_eq!(theirs.decision, Decision::Approve, "{:?}", theirs);
        }
        Ok(())
    }
}

/// Removes an entry from every table of amounts below a value.
fn without(value: &mut Value, code: &str) {
    match value {
        Value::Object(fields) => {
            if fields.values().all(Value::is_string) {
                fields.remove(code);
            }
            fields.values_mut().for_each(|value| without(value, code));
        }
        Value::Array(values) => values.iter_mut().for_each(|value| without(value, code)),
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_missing_fact_never_approves(
        defaults in terms(), rules in rules(0..4), whole in payment(), ask in request(), lost in 0..4_usize,
    ) {
        let Ok(book) = book(document(&defaults, &rules)) else { return Ok(()) };
        let mut less = whole.clone();
        match KEYS.get(lost) {
            Some(key) => drop(less.charge.metadata.0.remove(*key)),
            None => less.charge.payment_method_details = None,
        }
        let (less, whole) = (Case { book: &book, facts: &less }, Case { book: &book, facts: &whole });
        less.approves_no_more_than(&whole, &ask)?;
        // Nor does it need fewer people.
        let (mine, theirs) = (less.check(&ask), whole.check(&ask));
        if ask.0.is_some() && theirs.decision == Decision::NeedsApproval {
            prop_assert!(strictness(&mine) >= strictness(&theirs), "{mine:?} {theirs:?}");
        }
    }

    /// A rule is an exception from the defaults alone, so this holds where another rule matches already.
    #[test]
    fn a_rule_more_is_never_less_strict(
        defaults in terms(), rules in rules(2..6), facts in payment(), ask in request(),
    ) {
        let (Ok(more), Ok(fewer)) = (book(document(&defaults, &rules)), book(document(&defaults, &rules[1..]))) else {
            return Ok(());
        };
        if fewer.rules_for(&facts.charge).matching[0].id == DEFAULTS {
            return Ok(());
        }
        let (more, fewer) = (Case { book: &more, facts: &facts }, Case { book: &fewer, facts: &facts });
        more.approves_no_more_than(&fewer, &ask)?;
        if ask.0.is_some() {
            prop_assert!(strictness(&more.check(&ask)) >= strictness(&fewer.check(&ask)));
        }
    }

    /// Or where the rule gives only terms that the defaults leave out.
    #[test]
    fn a_rule_that_changes_no_default_is_never_less_strict(
        defaults in terms(), mut rules in rules(1..4), facts in payment(), ask in request(),
    ) {
        let given = defaults.as_object().unwrap();
        rules[0]["then"].as_object_mut().unwrap().retain(|name, _| !given.contains_key(name));
        // Both are permissions if the defaults leave them out: self-serve is not offered, 2 people must approve.
        for name in ["self_serve", "approvals"] {
            rules[0]["then"].as_object_mut().unwrap().remove(name);
        }
        let (Ok(more), Ok(fewer)) = (book(document(&defaults, &rules)), book(document(&defaults, &rules[1..]))) else {
            return Ok(());
        };
        let (more, fewer) = (Case { book: &more, facts: &facts }, Case { book: &fewer, facts: &facts });
        more.approves_no_more_than(&fewer, &ask)?;
    }

    #[test]
    fn a_currency_less_never_approves_more(
        defaults in terms(), rules in rules(0..4), facts in payment(), ask in request(), code in select(LISTED.to_vec()),
    ) {
        let listed = document(&defaults, &rules);
        let mut unlisted = listed.clone();
        without(&mut unlisted["defaults"], code);
        for rule in unlisted["rules"].as_array_mut().unwrap() {
            without(&mut rule["then"], code);
        }
        let Ok(listed) = book(listed) else { return Ok(()) };
        let unlisted = book(unlisted).unwrap();
        let (listed, unlisted) = (Case { book: &listed, facts: &facts }, Case { book: &unlisted, facts: &facts });
        unlisted.approves_no_more_than(&listed, &ask)?;
    }

    #[test]
    fn the_order_of_rules_makes_no_difference(
        defaults in terms(), mut rules in rules(2..5), facts in payment(), ask in request(),
    ) {
        let Ok(forward) = book(document(&defaults, &rules)) else { return Ok(()) };
        rules.reverse();
        let backward = book(document(&defaults, &rules)).unwrap();
        let sorted = |book: &Rulebook| {
            let verdict = Case { book, facts: &facts }.check(&ask);
            let mut failed: Vec<_> = verdict.failed.iter().map(|rule| json!(rule)).collect();
            // Which of several rules is named depends on the order.
            for rule in &mut failed {
                rule.as_object_mut().unwrap().remove("by");
                if let Some(allowed) = rule.get_mut("allowed").and_then(Value::as_array_mut) {
                    allowed.sort_by_key(Value::to_string);
                }
            }
            failed.sort_by_key(Value::to_string);
            let deducted = verdict.ruling.as_ref().unwrap().deducted;
            (verdict.decision, verdict.approvals(), verdict.amount, deducted, failed)
        };
        prop_assert_eq!(sorted(&forward), sorted(&backward));
    }
}
