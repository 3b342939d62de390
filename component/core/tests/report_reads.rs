//! What a report reads from Stripe, over a transport that holds a few refunds and charges.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::time::Duration;

use refund_core::client::{
    self, CallError, Connection, ConnectionInput, HttpRequest, RowRange, SendFailure, TakenRange,
    Transport,
};
use refund_core::dispatch::{InvokeError, invoke};
use refund_core::reports::{Options, Summarizer, Summary};
use refund_core::wire::Answer;
use serde_json::{Value, json};

/// 2026-11-30T23:59:59Z
const NOW: u64 = 1_796_083_199;

/// Newest first, as Stripe lists them.
#[derive(Default)]
struct Stripe {
    refunds: Vec<Value>,
    charges: Vec<Value>,
    urls: Vec<String>,
}

impl Transport for Stripe {
    fn send(&mut self, request: &HttpRequest) -> Result<Answer, SendFailure> {
        let url = &request.url;
        self.urls.push(url.clone());
        let query = |name: &str| {
            let pairs = url.split_once('?').unwrap().1.split('&');
            pairs.filter_map(|pair| pair.split_once('=')).find(|pair| pair.0 == name)
        };
        let all = if url.contains("/v1/refunds?") { &self.refunds } else { &self.charges };
        let all: Vec<_> = match query("charge") {
            Some((_, id)) => all.iter().filter(|one| one["charge"]["id"] == id).collect(),
            None => all.iter().collect(),
        };
        let limit: usize = query("limit").unwrap().1.parse().unwrap();
        let start = query("starting_after")
            .map_or(0, |(_, id)| all.iter().position(|one| one["id"] == id).unwrap() + 1);
        let rest = &all[start..];
        let page = &rest[..rest.len().min(limit)];
        let list = json!({ "object": "list", "data": page, "has_more": rest.len() > page.len() });
        Ok(Answer { status: 200, headers: Vec::new(), body: list.to_string().into_bytes() })
    }

    fn now(&self) -> u64 {
        NOW
    }

    fn sleep(&mut self, _: Duration) {}
}

fn connection() -> Connection {
    Connection::new(ConnectionInput::default()).unwrap()
}

fn charge(id: &str, amount: u64, created: u64) -> Value {
    json!({
        "id": id, "object": "charge", "amount": amount, "amount_captured": amount, "currency": "usd",
        "status": "succeeded", "captured": true, "created": created, "customer": "cus_1",
        "metadata": { "product": "Tea", "sku": "T-1" },
        "balance_transaction": { "id": "txn_1", "fee": 103, "currency": "eur" },
    })
}

fn refund(id: &str, amount: u64, charge: &Value) -> Value {
    json!({
        "id": id, "object": "refund", "amount": amount, "currency": "usd", "status": "succeeded",
        "reason": "duplicate", "created": NOW - 60, "charge": charge, "metadata": {},
    })
}

/// A charge of 25.00 with a fee of 1.02, and its refunds of these amounts and statuses, newest first. As many
/// of them as Stripe includes are in the charge.
fn refunded(id: &str, parts: &[(u64, &str)], included: Option<usize>) -> Vec<Value> {
    let plain: Vec<_> = parts
        .iter()
        .enumerate()
        .map(|(n, (amount, status))| {
            let mut one = refund(&format!("re_{id}_{n:02}"), *amount, &json!(id));
            one["status"] = json!(status);
            one["created"] = json!(NOW - 60 - n as u64 / 2);
            one
        })
        .collect();
    let mut sold = charge(id, 2_500, NOW - 86_400);
    sold["balance_transaction"] = json!({ "id": "txn_1", "fee": 102, "currency": "usd" });
    let counts = |(_, status): &&(u64, &str)| !matches!(*status, "failed" | "canceled");
    sold["amount_refunded"] = json!(parts.iter().filter(counts).map(|part| part.0).sum::<u64>());
    if let Some(included) = included {
        let newest = &plain[..included.min(plain.len())];
        sold["refunds"] = json!({ "data": newest, "has_more": newest.len() < plain.len() });
    }
    let with_charge = |mut one: Value| {
        one["charge"] = sold.clone();
        one
    };
    plain.into_iter().map(with_charge).collect()
}

/// The fees of all rows, read in pages of this size.
fn fees(stripe: &mut Stripe, limit: u8) -> Vec<(String, u64)> {
    let mut range = RowRange { limit: Some(limit), ..rows() };
    let mut fees = Vec::new();
    loop {
        let page = client::refund_rows(stripe, &connection(), &range).unwrap();
        fees.extend(page.rows.iter().map(|row| (row.id.to_string(), row.fee_lost.unwrap().amount)));
        range.cursor = page.next;
        if range.cursor.is_none() {
            return fees;
        }
    }
}

fn sum(fees: &[(String, u64)]) -> u64 {
    fees.iter().map(|(_, fee)| fee).sum()
}

fn rows() -> RowRange {
    RowRange { created_from: 0, created_to: None, product_key: None, limit: None, cursor: None }
}

fn taken() -> TakenRange {
    TakenRange {
        created_from: 0,
        created_to: None,
        utc_offset_minutes: 0,
        max_charges: None,
        cursor: None,
    }
}

#[test]
fn a_row_knows_what_its_charge_knows() {
    let sold = charge("ch_1", 2500, NOW - 86_400);
    let mut renamed = refund("re_2", 2500, &sold);
    renamed["metadata"] = json!({ "product": "Green tea" });
    let mut stripe = Stripe {
        refunds: vec![
            refund("re_1", 1250, &sold),
            renamed,
            refund("re_3", 100, &json!("ch_1")),
            refund("re_4", 100, &Value::Null),
            refund("re_5", 100, &json!({ "id": "ch_1", "amount": "much" })),
        ],
        ..Stripe::default()
    };
    let page = client::refund_rows(&mut stripe, &connection(), &rows()).unwrap();
    let told = serde_json::to_value(&page).unwrap();
    assert_eq!(
        told["rows"][0],
        json!({
            "id": "re_1", "amount": 1250, "currency": "usd", "status": "succeeded",
            "reason": "duplicate", "product": "Tea", "customer": "cus_1", "created": NOW - 60,
            // 103 × 1250 / 2500, rounded half up.
            "fee_lost": { "amount": 52, "currency": "eur" }, "approval": null,
        })
    );
    assert_eq!(told["rows"][1]["product"], "Green tea");
    assert_eq!(told["rows"][1]["fee_lost"]["amount"], 103);
    for row in &page.rows[2..] {
        assert_eq!((&row.product, &row.customer, row.fee_lost), (&None, &None, None), "{}", row.id);
    }
    assert_eq!(page.next, None);
    let url = &stripe.urls[0];
    let expand = [
        "expand[0]=data.charge.balance_transaction",
        "expand%5B0%5D=data.charge.balance_transaction",
    ];
    assert!(expand.iter().any(|one| url.contains(one)), "{url}");
    assert!(url.contains(&format!("={NOW}")), "a range that ends now names it: {url}");
}

#[test]
fn an_unexpanded_fee_is_not_known_and_another_key_names_the_product() {
    let mut sold = charge("ch_1", 2500, NOW);
    sold["balance_transaction"] = json!("txn_1");
    let mut stripe = Stripe { refunds: vec![refund("re_1", 1250, &sold)], ..Stripe::default() };
    let range = RowRange { product_key: Some("sku".into()), ..rows() };
    let page = client::refund_rows(&mut stripe, &connection(), &range).unwrap();
    assert_eq!((page.rows[0].product.as_deref(), page.rows[0].fee_lost), (Some("T-1"), None));
}

#[test]
fn pages_follow_each_other_and_sum_up_like_the_whole() {
    let sold = charge("ch_1", 90_000, NOW - 86_400);
    let refunds: Vec<_> = (0..25).map(|n| refund(&format!("re_{n}"), n + 1, &sold)).collect();
    let mut stripe = Stripe { refunds, ..Stripe::default() };
    let mut summarizer = Summarizer::new(&Options::default()).unwrap();
    let mut range = RowRange { limit: Some(10), ..rows() };
    loop {
        let page = client::refund_rows(&mut stripe, &connection(), &range).unwrap();
        summarizer.push(&page.rows).unwrap();
        range.cursor = page.next;
        if range.cursor.is_none() {
            break;
        }
    }
    let Summary { rows, totals, .. } = summarizer.summary();
    assert_eq!((rows, totals[0].figures.amount, stripe.urls.len()), (25, 325, 3));
}

#[test]
fn the_fees_of_all_refunds_of_a_charge_add_up_to_its_fee() {
    let parts = [(100, "succeeded"); 25];
    // (refunds that the charge includes, page size, requests)
    for (included, limit, requests) in [
        (Some(25), 100, 1),
        // Ten are included; the others are read once for each page.
        (Some(10), 100, 2),
        (Some(10), 10, 6),
        // None is included, as long as all of them are on the page no more is read.
        (None, 100, 1),
        (None, 20, 4),
    ] {
        let refunds = refunded("ch_1", &parts, included);
        let mut stripe = Stripe { refunds, ..Stripe::default() };
        let found = fees(&mut stripe, limit);
        assert_eq!((sum(&found), found.len()), (102, 25), "{included:?} {limit}");
        assert!(found.iter().all(|(_, fee)| [4, 5].contains(fee)), "{found:?}");
        assert_eq!(stripe.urls.len(), requests, "{included:?} {limit}: {:?}", stripe.urls);
    }
    // Only the first request names the charges' refunds.
    let mut stripe = Stripe { refunds: refunded("ch_1", &parts, Some(10)), ..Stripe::default() };
    fees(&mut stripe, 100);
    assert!(stripe.urls[0].contains("=data.charge.refunds"), "{:?}", stripe.urls);
    assert!(stripe.urls[1].contains("?charge=ch_1&limit=100"), "{:?}", stripe.urls);
}

#[test]
fn a_refund_outside_of_the_range_takes_its_share_of_the_fee_all_the_same() {
    let refunds = refunded("ch_1", &[(100, "succeeded"); 25], Some(25));
    let all = fees(&mut Stripe { refunds: refunds.clone(), ..Stripe::default() }, 100);
    for (from, to) in [(0, 7), (7, 19), (19, 25)] {
        let mut stripe = Stripe { refunds: refunds[from..to].to_vec(), ..Stripe::default() };
        assert_eq!(fees(&mut stripe, 100), all[from..to]);
    }
}

#[test]
fn a_refund_that_came_back_lost_no_fee() {
    let parts = [
        (700, "succeeded"),
        (900, "failed"),
        (500, "pending"),
        (1_000, "canceled"),
        (1_200, "succeeded"),
        (100, "requires_action"),
    ];
    let mut stripe = Stripe { refunds: refunded("ch_1", &parts, Some(10)), ..Stripe::default() };
    let found = fees(&mut stripe, 100);
    let fee = |n: usize| found[n].1;
    assert_eq!((sum(&found), fee(1), fee(3)), (102, 0, 0));
    // The two oldest were made in one second; the id decides.
    assert_eq!((fee(4), fee(5)), (49, 4));
}

#[test]
fn charges_do_not_take_from_each_other() {
    let mut refunds = refunded("ch_1", &[(100, "succeeded"); 25], Some(10));
    refunds.extend(refunded("ch_2", &[(500, "succeeded"); 5], Some(10)));
    refunds.extend(refunded("ch_3", &[(1_250, "succeeded")], None));
    let mut stripe = Stripe { refunds, ..Stripe::default() };
    let found = fees(&mut stripe, 100);
    let of = |id: &str| {
        let of: Vec<_> = found.iter().filter(|fee| fee.0.contains(id)).cloned().collect();
        sum(&of)
    };
    assert_eq!((of("ch_1"), of("ch_2"), of("ch_3")), (102, 102, 51));
}

#[test]
fn a_charge_with_too_many_refunds_to_read_does_not_end_the_report() {
    let refunds = refunded("ch_1", &vec![(1, "succeeded"); 1_100], Some(10));
    let mut stripe = Stripe { refunds, ..Stripe::default() };
    let page = client::refund_rows(&mut stripe, &connection(), &rows()).unwrap();
    assert_eq!(page.rows.len(), 100);
    // Each share is then rounded by itself: 0.0408.
    assert!(page.rows.iter().all(|row| row.fee_lost.unwrap().amount == 0));
}

#[test]
fn charges_are_summed_by_currency_and_month_as_far_as_they_took_money() {
    const DECEMBER: u64 = NOW + 1;
    let with = |mut charge: Value, field: &str, value: Value| {
        charge[field] = value;
        charge
    };
    let mut stripe = Stripe {
        charges: vec![
            charge("ch_6", 700, DECEMBER),
            charge("ch_5", 500, NOW),
            with(charge("ch_4", 300, NOW), "currency", json!("eur")),
            with(charge("ch_3", 300, NOW), "status", json!("failed")),
            with(charge("ch_2", 300, NOW), "amount_captured", json!(0)),
            with(charge("ch_1", 300, NOW), "amount_captured", json!(200)),
        ],
        ..Stripe::default()
    };
    let mut sums = |offset| {
        let range = TakenRange { utc_offset_minutes: offset, ..taken() };
        let page = client::charges_taken(&mut stripe, &connection(), &range).unwrap();
        assert_eq!((page.read, page.next), (6, None));
        serde_json::to_value(page.charges).unwrap()
    };
    let entry = |currency, month, count, amount| json!({ "currency": currency, "month": month, "count": count, "amount": amount });
    assert_eq!(
        sums(0),
        json!([
            entry("eur", "2026-11", 1, 300),
            entry("usd", "2026-11", 2, 700),
            entry("usd", "2026-12", 1, 700)
        ])
    );
    assert_eq!(
        sums(60),
        json!([entry("eur", "2026-12", 1, 300), entry("usd", "2026-12", 3, 1400)])
    );
}

#[test]
fn a_bound_ends_a_call_and_the_cursor_goes_on() {
    let charges: Vec<_> = (0..250).map(|n| charge(&format!("ch_{n}"), 10, NOW - n)).collect();
    let mut stripe = Stripe { charges, ..Stripe::default() };
    let mut range = TakenRange { max_charges: Some(120), ..taken() };
    let mut seen = Vec::new();
    loop {
        let page = client::charges_taken(&mut stripe, &connection(), &range).unwrap();
        seen.push((page.read, page.charges.iter().map(|one| one.count).sum::<u64>()));
        range.cursor = page.next;
        if range.cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen, [(120, 120), (120, 120), (10, 10)]);
    assert_eq!(stripe.urls.len(), 5);
}

#[test]
fn every_problem_of_a_range_is_told_and_nothing_is_sent() {
    let mut stripe = Stripe::default();
    let bad =
        RowRange { created_from: NOW + 1, limit: Some(101), cursor: Some("ch_1".into()), ..rows() };
    let error = client::refund_rows(&mut stripe, &connection(), &bad).unwrap_err();
    assert_eq!(fields(error), ["limit", "created_from", "cursor"]);
    let bad = TakenRange {
        created_from: NOW + 1,
        utc_offset_minutes: 900,
        max_charges: Some(0),
        cursor: Some("re_1".into()),
        ..taken()
    };
    let error = client::charges_taken(&mut stripe, &connection(), &bad).unwrap_err();
    assert_eq!(fields(error), ["max_charges", "utc_offset_minutes", "created_from", "cursor"]);
    assert!(stripe.urls.is_empty());
}

fn fields(error: CallError) -> Vec<String> {
    let CallError::Invalid { problems } = error else { panic!("{error}") };
    problems.into_iter().map(|problem| problem.field).collect()
}

#[test]
fn invoke_reads_both_and_the_summary_takes_what_it_gives() {
    let sold = charge("ch_1", 2500, NOW);
    let mut stripe = Stripe {
        refunds: vec![refund("re_1", 1250, &sold)],
        charges: vec![sold],
        ..Stripe::default()
    };
    let mut run = |operation: &str, input: Value| -> Result<Value, InvokeError> {
        let output = invoke(&mut stripe, operation, &input.to_string())?;
        Ok(serde_json::from_str(&output).unwrap())
    };
    let range = json!({ "range": { "created_from": 0 } });
    let rows = run("reports.rows", range.clone()).unwrap();
    let taken = run("reports.charges-taken", range).unwrap();
    let input = json!({ "rows": rows["rows"], "options": { "charges": taken["charges"] } });
    let summary = run("reports.summarize", input).unwrap();
    assert_eq!(
        summary["totals"][0]["rate"],
        json!({ "by_count": 1_000_000, "by_amount": 500_000 })
    );
    let error = run("reports.rows", json!({ "range": {} })).unwrap_err();
    let InvokeError::InvalidInput(problems) = error else { panic!("{error:?}") };
    assert_eq!(problems[0].field, "range");
    assert!(problems[0].problem.contains("created_from"), "{}", problems[0]);
}
