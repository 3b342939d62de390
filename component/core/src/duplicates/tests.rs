//! The rules of a group at their boundaries, and that neither order nor paging matters.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn charge(id: &str, created: u64, changes: &Value) -> Charge {
    let mut charge = json!({
        "id": id, "amount": 2500, "currency": "usd", "status": "succeeded", "captured": true,
        "created": created, "customer": "cus_1", "payment_intent": format!("pi_{id}"),
        "payment_method_details": { "type": "card", "card": { "fingerprint": "fp1" } },
    });
    for (key, value) in changes.as_object().unwrap() {
        charge[key] = value.clone();
    }
    serde_json::from_value(charge).unwrap()
}

fn found(charges: &[Charge]) -> Vec<Group> {
    detect(charges, &Options::default()).unwrap()
}

fn pair(changes: &Value) -> Vec<Group> {
    found(&[charge("ch_a", 1000, &json!({})), charge("ch_b", 1100, changes)])
}

#[test]
fn the_first_is_kept_and_the_later_ones_refunded() {
    let groups = found(&[
        charge("ch_c", 1300, &json!({})),
        charge("ch_a", 1000, &json!({})),
        charge("ch_b", 1100, &json!({})),
    ]);
    assert_eq!(groups.len(), 1);
    assert_eq!(groups[0].keep.as_str(), "ch_a");
    let refund = ["ch_b", "ch_c"].map(crate::id::ChargeId::from_stripe);
    assert_eq!(groups[0].refund, refund);
    assert_eq!(groups[0].confidence, Confidence::High);
}

#[test]
fn the_window_counts_from_the_first_and_includes_its_end() {
    let at = |second: u64| {
        found(&[charge("ch_a", 1000, &json!({})), charge("ch_b", second, &json!({}))]).len()
    };
    assert_eq!((at(1000), at(1300), at(1301)), (1, 1, 0));
    // 0, 200, 400: the third is within 300 s of the second, but not of the first.
    let chain = found(&[
        charge("ch_a", 1000, &json!({})),
        charge("ch_b", 1200, &json!({})),
        charge("ch_c", 1400, &json!({})),
    ]);
    assert_eq!(chain.len(), 1);
    assert_eq!(chain[0].refund.len(), 1);
}

#[test]
fn the_amount_is_what_was_captured() {
    assert!(pair(&json!({ "amount_captured": 1000 })).is_empty());
}

#[test]
fn a_customer_who_pays_all_day_does_not_fill_the_memory() {
    let mut scanner = Scanner::new(&Options::default(), Direction::OldestFirst);
    for n in 0..5_000_u64 {
        scanner.push(&[charge(&format!("ch_{n}"), n * 200, &json!({}))]).unwrap();
    }
    assert!(scanner.open_charges() <= 4, "{}", scanner.open_charges());
}

#[test]
fn only_money_that_was_taken_counts() {
    for changes in [
        json!({ "status": "failed" }),
        json!({ "status": "pending" }),
        json!({ "captured": false }),
        json!({ "refunded": true, "amount_refunded": 2500 }),
        json!({ "amount_refunded": 2500 }),
        json!({ "disputed": true }),
        json!({ "amount": 2501 }),
        json!({ "currency": "eur" }),
        json!({ "customer": "cus_2" }),
        json!({ "payment_intent": "pi_ch_a" }),
        json!({ "id": "ch_a", "created": 1000 }),
    ] {
        assert!(pair(&changes).is_empty(), "{changes}");
    }
}

#[test]
fn confidence_follows_what_differs() {
    let confidence = |a: &Value, b: &Value| {
        let groups = found(&[charge("ch_a", 1000, a), charge("ch_b", 1100, b)]);
        (groups[0].confidence, groups[0].observations.clone())
    };
    let other_card =
        json!({ "payment_method_details": { "type": "card", "card": { "fingerprint": "fp2" } } });
    assert_eq!(confidence(&json!({}), &other_card).0, Confidence::Medium);
    let nobody = json!({ "customer": null });
    assert_eq!(confidence(&nobody, &nobody).0, Confidence::Medium);
    let order = |id: &str| json!({ "metadata": { "order_id": id } });
    let (differ, why) = confidence(&order("1"), &order("2"));
    assert_eq!(differ, Confidence::Low);
    assert!(why.contains(&Observation::DifferentReference("order_id".into())));
    let (same, why) = confidence(&order("1"), &order("1"));
    assert_eq!(same, Confidence::High);
    assert!(why.contains(&Observation::SameReference("order_id".into())));
    assert_eq!(confidence(&order("1"), &json!({})).0, Confidence::High);
    let (partly, why) = confidence(&json!({}), &json!({ "amount_refunded": 1 }));
    assert_eq!(partly, Confidence::Low);
    assert!(why.contains(&Observation::PartlyRefunded(crate::id::ChargeId::from_stripe("ch_b"))));
}

#[test]
fn a_window_of_years_is_refused() {
    let options = Options { window_seconds: Some(MAX_WINDOW + 1), ..Options::default() };
    assert_eq!(detect(&[], &options).unwrap_err()[0].field, "window_seconds");
}

#[test]
fn memory_follows_the_window() {
    let mut scanner = Scanner::new(&Options::default(), Direction::OldestFirst);
    for n in 0..20_000_u64 {
        let changes = json!({ "customer": format!("cus_{n}") });
        scanner.push(&[charge(&format!("ch_{n}"), n, &changes)]).unwrap();
        assert!(format!("{:?}", scanner.tally()).len() < 200);
    }
    assert!(scanner.open_charges() <= 302, "{}", scanner.open_charges());
}

#[test]
fn a_charge_out_of_order_is_named() {
    let mut scanner = Scanner::new(&Options::default(), Direction::NewestFirst);
    scanner.push(&[charge("ch_a", 1000, &json!({}))]).unwrap();
    let error = scanner.push(&[charge("ch_b", 1001, &json!({}))]).unwrap_err();
    assert_eq!((error.charge.as_str(), error.reached), ("ch_b", 1000));
    // A first page is checked as well, and nothing of it is taken in.
    let page = [charge("ch_a", 1000, &json!({})), charge("ch_b", 1001, &json!({}))];
    let mut fresh = Scanner::new(&Options::default(), Direction::NewestFirst);
    assert!(fresh.push(&page).is_err());
    assert_eq!(fresh.tally(), Tally::default());
}

prop_compose! {
    fn any_charges()(
        spec in prop::collection::vec((0..2000_u64, 0..3_u8, 0..2_u64, 0..4_u8, any::<bool>()), 0..40)
    ) -> Vec<Charge> {
        spec.into_iter()
            .enumerate()
            .map(|(n, (created, customer, amount, intent, refunded))| {
                let changes = json!({
                    "customer": format!("cus_{customer}"),
                    "amount": 1000 + amount,
                    "payment_intent": format!("pi_{}", if intent == 0 { 0 } else { n + 1 }),
                    "refunded": refunded && intent == 1,
                });
                charge(&format!("ch_{n:02}"), created, &changes)
            })
            .collect()
    }
}

fn scan(mut charges: Vec<Charge>, direction: Direction, page: usize) -> Vec<Group> {
    charges.sort_by_key(|charge| charge.created);
    if direction == Direction::NewestFirst {
        charges.reverse();
    }
    let mut scanner = Scanner::new(&Options::default(), direction);
    let mut groups = Vec::new();
    for page in charges.chunks(page) {
        groups.extend(scanner.push(page).unwrap());
    }
    groups.extend(scanner.finish());
    groups.sort_by(|a, b| (a.first_created, &a.keep).cmp(&(b.first_created, &b.keep)));
    groups
}

proptest! {
    #[test]
    fn neither_order_nor_paging_matters(charges in any_charges(), page in 1..10_usize, seed in any::<u64>()) {
        let groups = found(&charges);
        let mut shuffled = charges.clone();
        shuffled.sort_by_key(|charge| seed.wrapping_mul(charge.created.wrapping_add(charge.id.as_str().len() as u64)));
        shuffled.rotate_left(page.min(charges.len()));
        prop_assert_eq!(&found(&shuffled), &groups);
        prop_assert_eq!(&scan(charges.clone(), Direction::OldestFirst, page), &groups);
        prop_assert_eq!(&scan(charges, Direction::NewestFirst, page), &groups);
    }

    #[test]
    fn groups_are_apart_and_within_the_window(charges in any_charges()) {
        let groups = found(&charges);
        let mut ids: Vec<_> = groups.iter().flat_map(|g| g.refund.iter().chain([&g.keep])).collect();
        let all = ids.len();
        ids.sort();
        ids.dedup();
        prop_assert_eq!(ids.len(), all, "no charge is in two groups");
        for group in &groups {
            prop_assert!(group.last_created - group.first_created <= 300);
        }
    }
}
