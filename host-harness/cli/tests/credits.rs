//! `credits`, as people type it. Nothing is reached, and no key is needed, unless an invoice is to be read.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod desk;

use desk::{Desk, Ended};
use refund_simulator::{NewCreditNote, NewInvoice, NewItem, NewPayment, NewSubscription};
use serde_json::{Value, json};

const NOVEMBER: &str = "2026-11-01..2026-12-01";

fn credits(desk: &Desk, arguments: &[&str]) -> Ended {
    let mut all = vec!["credits"];
    all.extend(arguments);
    Ended::of(&desk.command(&all).env_remove("STRIPE_SECRET_KEY").output().unwrap())
}

#[test]
fn a_quote_merges_incidents_and_finds_the_tier() {
    let desk = Desk::new();
    let arguments = [
        "sla-quote",
        "--paid",
        "49.00",
        "--currency",
        "usd",
        "--period",
        NOVEMBER,
        "--incident",
        "2026-11-03T09:00:00Z..2026-11-03T10:30:00Z",
        // The same half hour again, said elsewhere.
        "--incident",
        "2026-11-03T11:00:00+01:00..2026-11-03T11:30:00+01:00",
        "--tier",
        "99.9=10",
        "--tier",
        "99.0=25",
        "--json",
    ];
    let quote = credits(&desk, &arguments);
    assert_eq!(quote.code, 0, "{quote:?}");
    let said = quote.json();
    assert_eq!(said["credit"], json!({ "amount": 490, "currency": "usd" }));
    assert_eq!(said["seconds_down"], 5_400);
    assert_eq!(said["tier"], json!({ "below": 999_000, "credit": 100_000 }));
    let people = credits(&desk, &arguments[..arguments.len() - 1]);
    for word in ["4.90 usd", "99.7916 %", "below 99.9 %: 10 %", "1h 30m", "2026-11-03 09:00 UTC"] {
        assert!(people.out.contains(word), "{word}: {people:?}");
    }
    assert!(desk.stripe.requests().is_empty());
}

#[test]
fn time_that_nobody_saw_is_given_back_in_proportion_and_capped() {
    let desk = Desk::new();
    let quote = |cap: &str| {
        let arguments = [
            "--json",
            "sla-quote",
            "--paid",
            "3000",
            "--currency",
            "jpy",
            "--period",
            NOVEMBER,
            "--down",
            "72h",
            "--proportional",
            "1000",
            "--cap",
            cap,
            "--credited",
            "100",
        ];
        credits(&desk, &arguments).json()
    };
    // 3000 × 3 / 30 × 10 is all of it.
    assert_eq!(quote("100")["credit"]["amount"], 2_900);
    let capped = quote("50");
    assert_eq!((&capped["credit"]["amount"], &capped["capped"]), (&json!(1_400), &json!(true)));
}

#[test]
fn a_proration_says_how_much_of_which_payment() {
    let desk = Desk::new();
    let mut arguments = vec![
        "prorate",
        "--price",
        "30.00",
        "--currency",
        "usd",
        "--period",
        NOVEMBER,
        "--ends",
        "2026-11-16",
        "--payment",
        "ch_1=20.00:5.00",
        "--payment",
        "pi_2=10.00",
        "--order",
        "last-first",
    ];
    let people = credits(&desk, &arguments);
    assert_eq!(people.code, 0, "{people:?}");
    assert!(people.out.contains("pi_2") && people.out.contains("360h"), "{people:?}");
    arguments.push("--json");
    let said = credits(&desk, &arguments).json();
    // Half of it, less what was given back.
    assert_eq!(said["refund"], json!({ "amount": 1_000, "currency": "usd" }));
    assert_eq!(said["shares"], json!([{ "payment": "pi_2", "amount": 1_000 }]));
}

/// A subscription of 30.00 dollars in November, paid by 20.00 and 10.00; its id and that of its invoice.
fn subscribed(desk: &Desk) -> (String, String) {
    let items = vec![NewItem {
        amount: 3_000,
        period_start: Some(1_793_491_200),
        period_end: Some(1_796_083_200),
        ..NewItem::default()
    }];
    let id = |object: &Value| object["id"].as_str().unwrap().to_owned();
    let order = NewSubscription { items, ..NewSubscription::default() };
    let subscription = id(&desk.stripe.subscription(&order).unwrap());
    let pays = |amount| NewPayment { amount: Some(amount), ..NewPayment::default() };
    let order = NewInvoice {
        subscription: Some(subscription.clone()),
        payments: Some(vec![pays(2_000), pays(1_000)]),
        ..NewInvoice::default()
    };
    let invoice = id(&desk.stripe.invoice(&order).unwrap());
    desk.stripe.credit_note(&NewCreditNote { invoice: invoice.clone(), amount: 300 }).unwrap();
    (subscription, invoice)
}

#[test]
fn a_proration_reads_the_invoice_or_the_subscription() {
    let desk = Desk::new();
    let (subscription, invoice) = subscribed(&desk);
    let ends = ["--ends", "2026-11-16", "--kept", "2.00"];
    let run = |more: &[&str]| desk.run(&[&["credits", "prorate"], more, &ends].concat());
    let people = run(&["--invoice", &invoice]);
    assert_eq!(people.code, 0, "{people:?}");
    for word in [invoice.as_str(), "3.00 usd", "20.00 usd", "2026-11-01 00:00 UTC", "10.00 usd"] {
        assert!(people.out.contains(word), "{word}: {people:?}");
    }
    for way in [["--invoice", &invoice], ["--subscription", &subscription]] {
        let told = run(&[&way[..], &["--json"]].concat());
        let said = told.json();
        // Half of it, less what was credited and the fee that is kept.
        assert_eq!(said["refund"], json!({ "amount": 1_000, "currency": "usd" }), "{told:?}");
        assert_eq!(said["invoice"]["invoice"], json!(invoice));
        assert_eq!(said["invoice"]["credited"], 300);
    }
    assert_eq!(desk.refunds().0, 0);
}

#[test]
fn an_end_at_the_renewal_is_not_taken_for_the_new_period() {
    let desk = Desk::new();
    let (subscription, invoice) = subscribed(&desk);
    let run = |way: [&str; 2]| {
        desk.run(&[&["credits", "prorate", "--ends", "2026-11-01"][..], &way].concat())
    };
    let refused = run(["--subscription", &subscription]);
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.err.contains("give the invoice of the period"), "{refused:?}");
    assert_eq!(run(["--invoice", &invoice]).code, 0, "the invoice says which period is meant");
}

#[test]
fn what_is_read_is_not_typed_as_well() {
    let desk = Desk::new();
    let (subscription, invoice) = subscribed(&desk);
    let price = ["--price", "1.00", "--currency", "usd", "--period", NOVEMBER];
    for (more, words) in [
        (&["--invoice", &invoice, "--payment", "ch_1=1.00"][..], "--payment"),
        (&[&["--invoice", &invoice][..], &price].concat(), "--price"),
        (&["--invoice", &invoice, "--subscription", &subscription], "--subscription"),
        (&[&["--line", "il_1"][..], &price, &["--payment", "ch_1=1.00"]].concat(), "--line"),
        (&["--subscription", &subscription, "--line", "il_1"], "--line"),
        (&["--line", "il_1"], "--invoice"),
        (&[], "--price"),
        (&["--invoice", &subscription], "is not an invoice id but a subscription id"),
        (&["--subscription", &subscription, "--item", "si_none"], "item `si_none`"),
    ] {
        let all = [&["credits", "prorate", "--ends", "2026-11-16"][..], more].concat();
        let refused = desk.run(&all);
        assert_eq!(refused.code, 2, "{refused:?}");
        assert!(refused.err.contains(words), "{words}: {refused:?}");
    }
    let without_key = credits(&desk, &["prorate", "--ends", "2026-11-16", "--invoice", &invoice]);
    assert!(without_key.code == 2 && without_key.err.contains("STRIPE_SECRET_KEY"));
}

#[test]
fn what_makes_no_sense_is_answered_with_the_flag() {
    let desk = Desk::new();
    let quote = |more: &[&str]| {
        let mut all = vec!["sla-quote", "--paid", "49.00", "--currency", "usd"];
        all.extend(more);
        credits(&desk, &all)
    };
    for (more, words) in [
        (
            &["--period", "2026-11-01", "--proportional", "100"][..],
            "period `2026-11-01` is no span",
        ),
        (
            &["--period", "2026-11-01T00:00:00..2026-12-01", "--proportional", "100"],
            "period `2026-11-01T00:00:00` has no offset",
        ),
        (
            &["--period", NOVEMBER, "--tier", "99.95001=10"],
            "tier `99.95001` has more than 4 decimals",
        ),
        (&["--period", NOVEMBER, "--tier", "99.9"], "tier `99.9` is no tier"),
        (&["--period", NOVEMBER, "--tier", "100.5=10"], "below"),
        (&["--period", NOVEMBER], "--tier"),
        (&["--period", "2026-12-01..2026-11-01", "--proportional", "100"], "period.end"),
        (
            &["--period", NOVEMBER, "--proportional", "100", "--credited", "5.001"],
            "credited `5.001`",
        ),
    ] {
        let refused = quote(more);
        assert_eq!(refused.code, 2, "{refused:?}");
        assert!(refused.err.contains(words), "{words}: {refused:?}");
    }
    let refused = credits(
        &desk,
        &[
            "prorate",
            "--price",
            "1.00",
            "--currency",
            "usd",
            "--period",
            NOVEMBER,
            "--ends",
            "2027-01-01",
            "--payment",
            "re_1=1.00",
        ],
    );
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.err.contains("ends") && refused.err.contains("payments[0].payment"));
}
