//! What was paid for a period, over a transport that holds an invoice and what belongs to it.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]

use refund_core::billing::SubscriptionPeriod;
use refund_core::client::{self, CallError, Connection, ConnectionInput, InvoiceRequest};
use refund_core::credits::Span;
use refund_core::dispatch::{InvokeError, invoke};
use refund_core::id::LineId;
use refund_core::metadata::Metadata;
use serde_json::{Value, json};

use stripe::{
    MONTH, START, Stripe, as_operation, by_intent, half, invalid, line, note, of_line, refund,
    shares, usual_request,
};

mod credit_notes;
mod stripe;

#[test]
fn two_payments_take_three_requests() {
    let mut stripe = Stripe::usual();
    let facts = stripe.facts();
    assert_eq!(
        serde_json::to_value(&facts).unwrap(),
        json!({
            "invoice": "in_1", "item": "si_1", "lines": ["il_1"],
            "price": { "amount": 3000, "currency": "usd" },
            "period": { "start": START, "end": START + MONTH },
            // As they were paid, not as they were listed.
            "payments": [
                { "payment": "pi_a", "paid": 2000, "refunded": 0 },
                { "payment": "pi_b", "paid": 1000, "refunded": 0 },
            ],
            "credited": 0, "paid_elsewhere": 0, "made": [],
        })
    );
    assert_eq!(
        stripe.paths(),
        ["/v1/invoices/in_1", "/v1/payment_intents/pi_a", "/v1/payment_intents/pi_b"]
    );
    assert!(stripe.urls[0].ends_with("expand%5B0%5D=payments"), "{}", stripe.urls[0]);
    assert_eq!(half(&facts).refund.amount, 1500);
}

#[test]
fn the_order_is_that_of_payment_and_nothing_unpaid_is_in_it() {
    let mut late = by_intent("inpay_0", "pi_late", 500, 1);
    late["status_transitions"]["paid_at"] = json!(99);
    let mut open = by_intent("inpay_4", "pi_open", 500, 1);
    open["status"] = json!("open");
    open["amount_paid"] = Value::Null;
    let payments = vec![
        late,
        open,
        by_intent("inpay_3", "pi_b", 400, 20),
        by_intent("inpay_2", "pi_a", 300, 20),
        by_intent("inpay_1", "pi_b", 200, 30),
    ];
    let mut stripe = Stripe::of(&[line("il_1", "si_1", 1400)], &payments);
    for (intent, captured) in [("pi_a", 300), ("pi_b", 600), ("pi_late", 500)] {
        stripe.pays(intent, captured, &[]);
    }
    // One that paid in two parts is one payment.
    assert_eq!(shares(&stripe.facts()), [("pi_a", 300, 0), ("pi_b", 600, 0), ("pi_late", 500, 0)]);
}

#[test]
fn the_price_is_what_the_customer_was_charged() {
    let mut stripe = Stripe::usual();
    let line = &mut stripe.invoice()["lines"]["data"][0];
    line["discount_amounts"] = json!([{ "amount": 300, "discount": "di_1" }]);
    line["pretax_credit_amounts"] = json!([
        { "amount": 300, "type": "discount", "discount": "di_1" },
        { "amount": 200, "type": "credit_balance_transaction" },
    ]);
    line["taxes"] = json!([
        { "amount": 475, "tax_behavior": "exclusive" },
        { "amount": 90, "tax_behavior": "inclusive" },
    ]);
    assert_eq!(stripe.facts().price.amount, 3000 - 300 - 200 + 475);
}

#[test]
fn a_period_in_tiers_is_one_period() {
    let payments = vec![by_intent("inpay_1", "pi_a", 6000, 1)];
    let lines =
        vec![line("il_1", "si_1", 3000), line("il_2", "si_1", 500), line("il_3", "si_2", 2500)];
    let mut stripe = Stripe::of(&lines, &payments);
    stripe.pays("pi_a", 6000, &[]);
    let facts = stripe.read(&of_line("si_1")).unwrap();
    assert_eq!(facts.lines.iter().map(LineId::as_str).collect::<Vec<_>>(), ["il_1", "il_2"]);
    assert_eq!(facts.price.amount, 3500);
    assert_eq!(stripe.read(&of_line("il_2")).unwrap().price.amount, 500);
    let (field, told) = invalid(stripe.read(&usual_request()));
    assert_eq!(field, "line");
    for word in ["in_1", "il_1 and il_2 (si_1", "il_3 (si_2", &START.to_string()] {
        assert!(told.contains(word), "{word}: {told}");
    }
}

#[test]
fn what_is_no_period_is_told_by_its_kind() {
    let mut settles = line("il_2", "si_1", -500);
    settles["parent"]["subscription_item_details"]["proration"] = json!(true);
    let mut once = line("il_3", "si_1", 700);
    once["parent"] = json!({
        "type": "invoice_item_details", "subscription_item_details": null,
        "invoice_item_details": { "invoice_item": "ii_1", "proration": false },
    });
    let mut instant = line("il_4", "si_1", 100);
    instant["period"]["end"] = json!(START);
    let mut credit = line("il_5", "si_5", 100);
    credit["discount_amounts"] = json!([{ "amount": 101 }]);
    let payments = vec![by_intent("inpay_1", "pi_a", 3000, 1)];
    let lines = vec![line("il_1", "si_1", 3000), settles, once, instant];
    let mut stripe = Stripe::of(&lines, &payments);
    stripe.pays("pi_a", 3000, &[]);
    // None of them makes the one period ambiguous.
    assert_eq!(stripe.facts().lines[0].as_str(), "il_1");
    stripe.invoice()["lines"]["data"].as_array_mut().unwrap().push(credit);
    for (line, words) in [
        ("il_2", "settles a change"),
        ("il_3", "one-off"),
        ("il_4", "no length"),
        ("il_5", "comes to -1"),
        ("il_6", "is no line of in_1"),
        ("si_6", "il_1 (si_1"),
    ] {
        let (field, told) = invalid(stripe.read(&of_line(line)));
        assert_eq!(field, "line", "{told}");
        assert!(told.contains(words) && told.contains(line), "{told}");
    }
    let mut none = Stripe::of(&lines[1..], &payments);
    let (field, told) = invalid(none.read(&usual_request()));
    assert_eq!(field, "invoice");
    assert!(told.contains("none at all"), "{told}");
}

#[test]
fn a_period_may_be_asked_for() {
    let mut stripe = Stripe::usual();
    let asked =
        |end| InvoiceRequest { period: Some(Span { start: START, end }), ..usual_request() };
    assert_eq!(stripe.read(&asked(START + MONTH)).unwrap().price.amount, 3000);
    let (field, told) = invalid(stripe.read(&asked(START + MONTH + 1)));
    assert_eq!(field, "invoice");
    assert!(told.contains(&(START + MONTH + 1).to_string()) && told.contains("il_1"), "{told}");
}

#[test]
fn lists_that_do_not_fit_into_the_invoice_are_read_by_themselves() {
    let lines: Vec<_> =
        (0..120).map(|n| line(&format!("il_{n}"), &format!("si_{n}"), 10)).collect();
    let payments: Vec<_> =
        (0..12).map(|n| by_intent(&format!("inpay_{n:02}"), "pi_a", 100, n)).collect();
    let mut stripe = Stripe::of(&lines[..10], &payments[..10]);
    stripe.invoice()["lines"]["has_more"] = json!(true);
    stripe.invoice()["payments"]["has_more"] = json!(true);
    stripe.lists.insert("/v1/invoices/in_1/lines".into(), lines);
    stripe.lists.insert("/v1/invoice_payments".into(), payments);
    stripe.pays("pi_a", 1200, &[]);
    let facts = stripe.read(&of_line("si_119")).unwrap();
    assert_eq!((facts.price.amount, shares(&facts)), (10, vec![("pi_a", 1200, 0)]));
    let paths = stripe.paths();
    assert_eq!(paths.len(), 5, "{paths:?}");
    assert!(stripe.urls[3].contains("invoice=in_1&status=paid&limit=100"), "{}", stripe.urls[3]);
}

#[test]
fn earlier_refunds_count_as_every_verdict_counts_them() {
    let mut stripe = Stripe::usual();
    let refunds = vec![
        refund("re_1", 300, "succeeded", &json!({})),
        refund("re_2", 200, "pending", &json!({})),
        refund("re_3", 400, "failed", &json!({})),
        refund("re_4", 100, "canceled", &json!({})),
    ];
    stripe.pays("pi_a", 2000, &refunds);
    assert_eq!(shares(&stripe.facts()), [("pi_a", 2000, 500), ("pi_b", 1000, 0)]);
    // Stripe may know of more than it lists.
    let charge = &mut stripe.objects.get_mut("/v1/payment_intents/pi_a").unwrap()["latest_charge"];
    charge["amount_refunded"] = json!(900);
    assert_eq!(shares(&stripe.facts())[0], ("pi_a", 2000, 900));
}

#[test]
fn many_refunds_are_listed_by_themselves() {
    let mut stripe = Stripe::usual();
    let all: Vec<_> =
        (0..15).map(|n| refund(&format!("re_{n}"), 10, "succeeded", &json!({}))).collect();
    stripe.pays("pi_a", 2000, &all[..10]);
    let charge = &mut stripe.objects.get_mut("/v1/payment_intents/pi_a").unwrap()["latest_charge"];
    charge["refunds"]["has_more"] = json!(true);
    stripe.lists.insert("/v1/refunds".into(), all);
    assert_eq!(shares(&stripe.facts())[0], ("pi_a", 2000, 150));
}

#[test]
fn what_the_operation_made_is_not_what_was_refunded_before() {
    let mut stripe = Stripe::usual();
    let first = stripe.read(&as_operation("cancel-7")).unwrap();
    let quote = half(&first);
    let amount = quote.shares[0].amount;
    assert_eq!(amount, 1000);
    let own = |id: &str, operation: &str, amount| {
        refund(id, amount, "succeeded", &json!({ "refund_node_operation": operation }))
    };
    stripe.pays("pi_a", 2000, &[own("re_1", "cancel-7-ch_a", amount)]);
    let again = stripe.read(&as_operation("cancel-7")).unwrap();
    assert_eq!((&again.payments, half(&again)), (&first.payments, quote));
    assert_eq!(
        serde_json::to_value(&again.made).unwrap(),
        json!([{ "payment": "pi_a", "operation_id": "cancel-7-ch_a", "amount": 1000 }])
    );
    // For everybody else it was.
    for other in [usual_request(), as_operation("cancel"), as_operation("cancel-70")] {
        let facts = stripe.read(&other).unwrap();
        assert_eq!((shares(&facts)[0], facts.made.len()), (("pi_a", 2000, 1000), 0));
    }
    // The id belongs to the payment: a refund with the id for another payment is another operation's.
    stripe.pays("pi_a", 2000, &[own("re_1", "cancel-7-ch_b", 300)]);
    let facts = stripe.read(&as_operation("cancel-7")).unwrap();
    assert_eq!((shares(&facts)[0], facts.made.len()), (("pi_a", 2000, 300), 0));
    // And so is a copy of one that was found.
    stripe.pays(
        "pi_a",
        2000,
        &[own("re_2", "cancel-7-ch_a", 300), own("re_1", "cancel-7-ch_a", 300)],
    );
    assert_eq!(shares(&stripe.read(&as_operation("cancel-7")).unwrap())[0], ("pi_a", 2000, 300));
}

/// The operation's own refund may be named by a credit note, and other refunds may exceed the payment's share: neither
/// changes what is read once more.
#[test]
fn what_the_operation_made_changes_nothing_that_is_read_again() {
    let own =
        refund("re_1", 1000, "succeeded", &json!({ "refund_node_operation": "cancel-7-ch_a" }));
    for others in [vec![], vec![refund("re_2", 700, "succeeded", &json!({}))]] {
        for notes in [vec![], vec![note("cn_1", &[("", 300)], &[])]] {
            let mut stripe = Stripe::usual();
            // The payment paid another invoice too.
            stripe.pays("pi_a", 5000, &others);
            stripe.noted(notes.clone());
            let before = stripe.read(&as_operation("cancel-7")).unwrap();
            stripe.pays("pi_a", 5000, &[others.clone(), vec![own.clone()]].concat());
            stripe.noted([notes, vec![note("cn_2", &[("", 1000)], &[("re_1", 1000)])]].concat());
            let after = stripe.read(&as_operation("cancel-7")).unwrap();
            assert_eq!((&after.payments, after.credited), (&before.payments, before.credited));
            assert_eq!(after.made.len(), 1);
        }
    }
}

#[test]
fn an_own_refund_that_failed_was_made_all_the_same() {
    let mut stripe = Stripe::usual();
    let failed =
        refund("re_1", 1000, "failed", &json!({ "refund_node_operation": "cancel-7-ch_a" }));
    stripe.pays("pi_a", 2000, &[failed]);
    let facts = stripe.read(&as_operation("cancel-7")).unwrap();
    assert_eq!((shares(&facts)[0], facts.made[0].amount), (("pi_a", 2000, 0), 1000));
}

#[test]
fn what_was_refunded_for_another_line_is_gone_but_was_not_given_for_this_one() {
    let payments = vec![by_intent("inpay_1", "pi_a", 4000, 1)];
    let lines = vec![line("il_1", "si_1", 3000), line("il_2", "si_2", 1000)];
    let mut stripe = Stripe::of(&lines, &payments);
    stripe.pays("pi_a", 4000, &[]);
    let facts = stripe.read(&of_line("si_1")).unwrap();
    let first = facts.mark(Metadata::default());
    assert_eq!(first.get("refund_node_period"), Some("in_1/si_1"));
    stripe.pays("pi_a", 4000, &[refund("re_1", 1500, "succeeded", &json!(first))]);
    let second = stripe.read(&of_line("si_2")).unwrap();
    assert_eq!(shares(&second), [("pi_a", 2500, 0)]);
    assert_eq!(half(&second).refund.amount, 500);
    // For its own line it was given.
    assert_eq!(shares(&stripe.read(&of_line("si_1")).unwrap()), [("pi_a", 4000, 1500)]);
}

#[test]
fn a_payment_of_several_invoices_gives_no_more_than_it_has() {
    let mut stripe =
        Stripe::of(&[line("il_1", "si_1", 1000)], &[by_intent("inpay_1", "pi_a", 1000, 1)]);
    let for_other =
        |amount| refund("re_1", amount, "succeeded", &json!({ "refund_node_period": "in_2/si_1" }));
    let unmarked = |amount| refund("re_2", amount, "succeeded", &json!({}));
    for (refunds, expected) in [
        (vec![], (1000, 0)),
        (vec![for_other(2000)], (1000, 0)),
        (vec![for_other(2400)], (600, 0)),
        (vec![unmarked(300)], (1000, 300)),
        // Nobody said for which invoice it was: it counts for this one, and no more than was paid for it.
        (vec![unmarked(2500)], (1000, 1000)),
        (vec![for_other(1900), unmarked(300)], (1000, 300)),
    ] {
        stripe.pays("pi_a", 3000, &refunds);
        let facts = stripe.facts();
        assert_eq!(shares(&facts), [("pi_a", expected.0, expected.1)], "{refunds:?}");
    }
}

#[test]
fn what_was_paid_without_stripe_is_told_apart() {
    let mut recorded = by_intent("inpay_0", "pi_a", 1200, 1);
    recorded["payment"] = json!({ "type": "payment_record", "payment_record": "prec_1" });
    let mut by_charge = by_intent("inpay_1", "pi_a", 1000, 2);
    by_charge["payment"] =
        json!({ "type": "charge", "charge": { "id": "ch_b", "object": "charge" } });
    let mut stripe = Stripe::of(&[line("il_1", "si_1", 2200)], &[by_charge, recorded.clone()]);
    stripe.pays("pi_b", 1000, &[]);
    let facts = stripe.facts();
    assert_eq!((shares(&facts), facts.paid_elsewhere), (vec![("ch_b", 1000, 0)], 1200));
    // Nothing is refunded that was not paid here.
    let quote = half(&facts);
    assert_eq!((quote.refund.amount, quote.left_over), (1000, 100));
    stripe.invoice()["payments"]["data"] = json!([recorded]);
    let (field, told) = invalid(stripe.read(&usual_request()));
    assert!(field == "invoice" && told.contains("without Stripe"), "{told}");
    stripe.invoice()["payments"]["data"] = json!([]);
    let (field, told) = invalid(stripe.read(&usual_request()));
    assert!(field == "invoice" && told.contains("without a payment"), "{told}");
    stripe.invoice()["amount_paid_off_stripe"] = json!(2200);
    assert!(invalid(stripe.read(&usual_request())).1.contains("without Stripe"));
}

#[test]
fn an_intent_without_a_charge_gives_nothing() {
    let mut stripe = Stripe::usual();
    stripe.objects.get_mut("/v1/payment_intents/pi_b").unwrap()["latest_charge"] = Value::Null;
    let facts = stripe.facts();
    assert_eq!((shares(&facts), facts.paid_elsewhere), (vec![("pi_a", 2000, 0)], 1000));
}

#[test]
fn only_a_paid_invoice_is_read_on() {
    for (status, words) in [
        (json!("draft"), "is not paid but draft"),
        (json!("open"), "is not paid but open"),
        (json!("void"), "is not paid but void"),
        (json!("uncollectible"), "is not paid but uncollectible"),
        (json!("lost"), "is not paid but lost"),
        (Value::Null, "without a status"),
    ] {
        let mut stripe = Stripe::usual();
        stripe.invoice()["status"] = status;
        let (field, told) = invalid(stripe.read(&usual_request()));
        assert!(field == "invoice" && told.contains(words), "{told}");
        assert_eq!(stripe.urls.len(), 1);
    }
}

#[test]
fn currencies_do_not_mix() {
    let mut of_line = Stripe::usual();
    of_line.invoice()["lines"]["data"][0]["currency"] = json!("eur");
    let mut of_payment = Stripe::usual();
    of_payment.invoice()["payments"]["data"][0]["currency"] = json!("eur");
    let mut of_charge = Stripe::usual();
    let intent = of_charge.objects.get_mut("/v1/payment_intents/pi_b").unwrap();
    intent["latest_charge"]["currency"] = json!("eur");
    for (mut stripe, what) in [(of_line, "il_1"), (of_payment, "inpay_2"), (of_charge, "ch_b")] {
        let (field, told) = invalid(stripe.read(&usual_request()));
        assert_eq!(field, "invoice");
        assert!(told.contains(&format!("is in usd, but {what} is in eur")), "{told}");
    }
}

#[test]
fn bad_input_is_told_at_once_and_nothing_is_sent() {
    let mut stripe = Stripe::usual();
    let bad = InvoiceRequest {
        invoice: "sub_1".into(),
        line: Some("ii_1".into()),
        period: Some(Span { start: 5, end: 5 }),
        operation_id: Some(" ".into()),
    };
    let Err(CallError::Invalid { problems }) = stripe.read(&bad) else { panic!("invalid") };
    let fields: Vec<_> = problems.iter().map(|problem| problem.field.as_str()).collect();
    assert_eq!(fields, ["invoice", "line", "operation_id", "period.end"]);
    assert!(problems[0].problem.contains("but a subscription id"), "{}", problems[0]);
    assert!(problems[1].fix.contains("si_"), "{}", problems[1]);
    let long = stripe.read(&as_operation(&"x".repeat(199)));
    assert_eq!(invalid(long).0, "operation_id");
    let (field, _) = invalid(stripe.read(&of_line("si_a b")));
    assert_eq!(field, "line");
}

fn subscription(items: &[(&str, u64)]) -> Value {
    let item = |(id, end): &(&str, u64)| json!({ "id": id, "object": "subscription_item", "current_period_start": START, "current_period_end": end });
    json!({
        "id": "sub_1", "object": "subscription", "status": "canceled", "ended_at": START + 60,
        "items": { "data": items.iter().map(item).collect::<Vec<_>>(), "has_more": false },
        "latest_invoice": "in_1",
    })
}

fn period(of: Value, item: Option<&str>) -> Result<SubscriptionPeriod, CallError> {
    let mut stripe = Stripe::default();
    stripe.objects.insert("/v1/subscriptions/sub_1".into(), of);
    let connection = Connection::new(ConnectionInput::default()).unwrap();
    let found = client::read_subscription(&mut stripe, &connection, "sub_1", item);
    assert_eq!(stripe.urls.len(), 1);
    found
}

#[test]
fn periods_are_those_of_the_items() {
    let (month, year) = (START + MONTH, START + 12 * MONTH);
    let one = period(subscription(&[("si_1", month)]), None).unwrap();
    assert_eq!(
        serde_json::to_value(&one).unwrap(),
        json!({
            "subscription": "sub_1", "status": "canceled", "item": "si_1",
            "period": { "start": START, "end": month }, "latest_invoice": "in_1",
            "ended_at": START + 60,
        })
    );
    let same = period(subscription(&[("si_1", month), ("si_2", month)]), None).unwrap();
    assert_eq!((same.item, same.period.end), (None, month));
    let two = [("si_1", month), ("si_2", year)];
    assert_eq!(period(subscription(&two), Some("si_2")).unwrap().period.end, year);
    let mut more = subscription(&[("si_1", month)]);
    more["items"]["has_more"] = json!(true);
    for (of, item, words) in [
        (subscription(&two), None, "si_1 (1790000000 to 1792592000), si_2"),
        (subscription(&two), Some("si_3"), "is no item of sub_1, which has si_1"),
        (more.clone(), None, "more that Stripe did not list"),
        (more, Some("si_2"), "more that Stripe did not list"),
    ] {
        let Err(CallError::Invalid { problems }) = period(of, item) else { panic!("{words}") };
        assert_eq!(problems[0].field, "item");
        assert!(problems[0].to_string().contains(words), "{}", problems[0]);
    }
    let Err(CallError::Invalid { problems }) = period(subscription(&[]), None) else { panic!() };
    assert_eq!(problems[0].field, "subscription");
}

#[test]
fn invoke_reads_both_and_the_quote_takes_what_it_gives() {
    let mut stripe = Stripe::usual();
    stripe
        .objects
        .insert("/v1/subscriptions/sub_1".into(), subscription(&[("si_1", START + MONTH)]));
    let mut run = |operation: &str, input: Value| -> Result<Value, InvokeError> {
        let output = invoke(&mut stripe, operation, &input.to_string())?;
        Ok(serde_json::from_str(&output).unwrap())
    };
    let of = run("billing.subscription", json!({ "subscription": "sub_1" })).unwrap();
    let facts = run(
        "billing.invoice",
        json!({ "invoice": of["latest_invoice"], "line": of["item"], "period": of["period"] }),
    )
    .unwrap();
    let quote = run(
        "credits.prorate",
        json!({
            "price": facts["price"], "period": facts["period"], "payments": facts["payments"],
            "credited": facts["credited"], "ends": START + MONTH / 3,
        }),
    )
    .unwrap();
    assert_eq!(quote["refund"], json!({ "amount": 2000, "currency": "usd" }));
    let bad = run("billing.invoice", json!({ "invoice": "ch_1" })).unwrap_err();
    let InvokeError::InvalidInput(problems) = bad else { panic!("{bad:?}") };
    assert_eq!(problems[0].field, "invoice");
}
