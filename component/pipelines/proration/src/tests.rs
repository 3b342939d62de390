//! Which refund has which id, and what a failure does to the rest.

use pipeline_shared::batch::settle;
use pipeline_shared::schema::{Title, compare, manifest};
use pipeline_shared::script::{Script, unknown, usd};
use refund_core::billing::SubscriptionPeriod;
use refund_core::client::CreateError;
use refund_core::credits::Span;
use refund_core::eligibility::{Amount, Verdict};
use refund_core::face::{self, FailureKind};
use refund_core::id::{InvoiceId, ItemId, LineId, SubscriptionId};
use serde_json::{Value, json};

use super::*;

fn share(payment: &str, amount: u64) -> RefundShare {
    let Ok(payment) = PaymentRef::parse(payment) else { panic!("{payment}") };
    RefundShare { payment, amount }
}

fn script(shares: Vec<RefundShare>) -> Script {
    let quote = Proration {
        refund: usd(shares.iter().map(|share| share.amount).sum()),
        shares,
        unused: 3000,
        subtracted: 0,
        left_over: 0,
        seconds_unused: 300,
        seconds: 1000,
    };
    Script { proration: Some(quote), ..Script::default() }
}

fn prorate(node: &mut Script, changes: Value) -> Result<Output, InvokeError> {
    let mut input = json!({
        "operation_id": "cancel-7",
        "price": { "amount": 10_000, "currency": "usd" },
        "period": { "start": 0, "end": 1000 },
        "ends": 700,
        "payments": [
            { "payment": "ch_a", "paid": 4000 },
            { "payment": "pi_b", "paid": 4000, "refunded": 10 },
            { "payment": "ch_c", "paid": 2000 },
        ],
        "dry_run": false,
    });
    if let (Some(input), Value::Object(changes)) = (input.as_object_mut(), changes) {
        input.extend(changes);
    }
    Prorate::run(face::read(&input.to_string())?, node)
}

/// What was read: an invoice that was paid by the same three.
fn read_from_stripe(made: &[(&str, &str, u64)]) -> Script {
    let paid = |payment: &str, paid| {
        let Ok(payment) = PaymentRef::parse(payment) else { panic!("{payment}") };
        PaymentShare { payment, paid, refunded: 0 }
    };
    let made_of = |(payment, operation, amount): &(&str, &str, u64)| {
        let (Ok(payment), Ok(operation_id)) =
            (PaymentRef::parse(payment), OperationId::parse(operation))
        else {
            panic!("{payment} {operation}")
        };
        MadeShare { payment, operation_id, amount: *amount }
    };
    let facts = InvoiceFacts {
        invoice: InvoiceId::from_stripe("in_1"),
        item: ItemId::from_stripe("si_1"),
        lines: vec![LineId::from_stripe("il_1")],
        price: usd(10_000),
        period: Span { start: 0, end: 1000 },
        payments: vec![paid("ch_a", 4000), paid("pi_b", 4000), paid("ch_c", 2000)],
        credited: 70,
        paid_elsewhere: 0,
        made: made.iter().map(made_of).collect(),
    };
    Script { facts: Some(facts), ..three() }
}

/// The usual input, with an invoice or a subscription in the place of price, period and payments.
fn prorate_read(node: &mut Script, changes: Value) -> Result<Output, InvokeError> {
    let mut input = json!({ "operation_id": "cancel-7", "ends": 700, "dry_run": false });
    if let (Some(input), Value::Object(changes)) = (input.as_object_mut(), changes) {
        input.extend(changes);
    }
    Prorate::run(face::read(&input.to_string())?, node)
}

fn three() -> Script {
    script(vec![share("ch_a", 1200), share("pi_b", 1197), share("ch_c", 603)])
}

fn asked(node: &Script) -> Vec<(&str, &str, Amount)> {
    node.asked
        .iter()
        .map(|one| (one.operation_id.as_str(), one.payment.as_str(), one.amount))
        .collect()
}

#[test]
fn one_refund_a_payment_numbered_as_in_the_input() {
    let mut node = three();
    let report = prorate(&mut node, json!({})).unwrap().report;
    let exactly = |amount| Amount::Exactly(usd(amount));
    let expected = [
        ("cancel-7-1", "ch_a", exactly(1200)),
        ("cancel-7-2", "pi_b", exactly(1197)),
        ("cancel-7-3", "ch_c", exactly(603)),
    ];
    assert_eq!(asked(&node), expected);
    assert_eq!(report.refunds.len(), 3);
    let payments = node.prorate_request.unwrap().payments;
    assert_eq!(payments.iter().map(|one| one.refunded).collect::<Vec<_>>(), [0, 10, 0]);
}

#[test]
fn the_number_stays_whatever_the_quote() {
    let mut node = script(vec![share("ch_c", 603), share("pi_b", 1197)]);
    prorate(&mut node, json!({})).unwrap();
    let operations: Vec<_> = asked(&node).into_iter().map(|(id, ..)| id).collect();
    assert_eq!(operations, ["cancel-7-3", "cancel-7-2"]);
}

#[test]
fn unless_told_otherwise_it_only_shows() {
    let mut node = three();
    let mut input = json!({});
    input["dry_run"] = json!(true);
    let report = prorate(&mut node, input).unwrap().report;
    assert!(report.dry_run && node.asked.is_empty());
    assert_eq!((report.planned.len(), node.checks), (3, 3));
    let input = r#"{"operation_id":"a","price":{"amount":1,"currency":"usd"},"period":{"start":0,"end":1},"ends":0,"payments":[]}"#;
    assert!(face::read::<Input>(input).unwrap().dry_run);
}

#[test]
fn after_an_unknown_outcome_the_same_call_completes_it() {
    for lost in 0..3 {
        let mut node = three();
        node.troubles = (0..lost).map(|_| None).collect();
        node.troubles.push_back(Some(unknown(&format!("cancel-7-{}", lost + 1))));
        let output = prorate(&mut node, json!({})).unwrap();
        let Err(InvokeError::Failed(failure)) = settle(output) else { panic!("{lost}") };
        assert_eq!((failure.kind, failure.retryable), (FailureKind::OutcomeUnknown, true));
        let details: Value = serde_json::from_str(&failure.details).unwrap();
        let count = |list: &str| details[list].as_array().map(Vec::len);
        assert_eq!(count("refunds"), Some(lost));
        assert_eq!(count("failures"), Some(1));
        assert_eq!(count("not_tried"), Some(2 - lost));
        assert_eq!(details["failures"][0]["error"]["type"], "outcome_unknown");
        let again = settle(prorate(&mut node, json!({})).unwrap()).unwrap();
        assert_eq!((again.report.refunds.len(), node.made.len()), (3, 3));
    }
}

#[test]
fn one_that_is_denied_is_told_beside_the_others() {
    let mut node = three();
    let verdict = Verdict::not_succeeded("failed", usd(0).currency, &Amount::Everything);
    node.troubles.extend([None, Some(CreateError::Denied { verdict })]);
    let report = settle(prorate(&mut node, json!({})).unwrap()).unwrap().report;
    assert_eq!((report.refunds.len(), report.failures.len(), report.not_tried.len()), (2, 1, 0));
    let failed = &report.failures[0];
    assert_eq!((failed.operation_id.as_str(), failed.amount), ("cancel-7-2", usd(1197)));
    assert!(failed.message.contains("denied"), "{}", failed.message);
}

#[test]
fn approvals_go_to_their_operations() {
    let mut node = three();
    prorate(&mut node, json!({ "approvals": { "cancel-7-2": "hash" } })).unwrap();
    let approvals: Vec<_> = node.asked.iter().map(|one| one.approval.as_deref()).collect();
    assert_eq!(approvals, [None, Some("hash"), None]);
}

#[test]
fn an_invoice_gives_price_period_payments_and_credits() {
    let mut node = read_from_stripe(&[]);
    let input =
        json!({ "invoice": "in_1", "line": "il_1", "credited": 5, "metadata": { "a": "b" } });
    let output = prorate_read(&mut node, input).unwrap();
    assert_eq!((output.invoice, output.report.refunds.len()), (node.facts.clone(), 3));
    let operations: Vec<_> = asked(&node).into_iter().map(|(id, ..)| id).collect();
    assert_eq!(operations, ["cancel-7-1", "cancel-7-2", "cancel-7-3"]);
    let metadata = &node.asked[0].metadata;
    assert_eq!(
        (metadata.get("a"), metadata.get("refund_node_period")),
        (Some("b"), Some("in_1/si_1"))
    );
    let request = node.invoice_request.unwrap();
    assert_eq!(request.operation_id.as_deref(), Some("cancel-7"));
    assert_eq!((request.line.as_deref(), request.period), (Some("il_1"), None));
    let quoted = node.prorate_request.unwrap();
    assert_eq!((quoted.credited, quoted.price.amount, quoted.payments.len()), (75, 10_000, 3));
}

#[test]
fn what_is_given_carries_no_mark() {
    let mut node = three();
    let output = prorate(&mut node, json!({})).unwrap();
    assert_eq!((output.invoice, node.asked[0].metadata.get("refund_node_period")), (None, None));
}

fn subscribed(item: Option<&str>, invoice: Option<&str>) -> SubscriptionPeriod {
    SubscriptionPeriod {
        subscription: SubscriptionId::from_stripe("sub_1"),
        status: "canceled".into(),
        item: item.map(ItemId::from_stripe),
        period: Span { start: 0, end: 1000 },
        latest_invoice: invoice.map(InvoiceId::from_stripe),
        ended_at: Some(700),
    }
}

#[test]
fn a_subscription_leads_to_its_newest_invoice_and_no_other_period() {
    let mut node = read_from_stripe(&[]);
    node.subscription = Some(subscribed(Some("si_1"), Some("in_1")));
    let input = json!({ "subscription": "sub_1", "item": "si_1" });
    assert_eq!(prorate_read(&mut node, input).unwrap().report.refunds.len(), 3);
    let request = node.invoice_request.unwrap();
    assert_eq!((request.invoice.as_str(), request.line.as_deref()), ("in_1", Some("si_1")));
    assert_eq!(request.period, Some(Span { start: 0, end: 1000 }));
}

#[test]
fn what_is_wrong_with_a_subscription_is_told_in_its_words() {
    for (subscription, facts, field) in [
        (None, true, "item"),
        (Some(subscribed(None, Some("in_1"))), false, "item"),
        (Some(subscribed(Some("si_1"), None)), true, "subscription"),
    ] {
        let mut node = read_from_stripe(&[]);
        node.subscription = subscription;
        node.facts = node.facts.filter(|_| facts);
        let input = json!({ "subscription": "sub_1" });
        let Err(InvokeError::InvalidInput(problems)) = prorate_read(&mut node, input) else {
            panic!("{field}")
        };
        assert_eq!(problems[0].field, field, "{problems:?}");
        assert!(node.asked.is_empty());
    }
}

/// Made once more after the renewal, the same call would meet the next period, all of it unused.
#[test]
fn a_period_that_has_only_begun_is_not_taken_for_the_one_before() {
    for (ends, is_meant) in [(0, false), (1, true)] {
        let mut node = read_from_stripe(&[]);
        node.subscription = Some(subscribed(Some("si_1"), Some("in_1")));
        let told = prorate_read(&mut node, json!({ "subscription": "sub_1", "ends": ends }));
        match told {
            Ok(_) => assert!(is_meant),
            Err(InvokeError::InvalidInput(problems)) => {
                assert!(!is_meant && problems[0].field == "ends", "{problems:?}");
                assert!(node.asked.is_empty());
            }
            Err(other) => panic!("{other:?}"),
        }
        // The invoice says which one is meant.
        let mut node = read_from_stripe(&[]);
        let told = prorate_read(&mut node, json!({ "invoice": "in_1", "ends": ends }));
        assert!(told.is_ok(), "{told:?}");
    }
}

#[test]
fn exactly_one_of_three_ways() {
    let (price, period) =
        (json!({ "amount": 1, "currency": "usd" }), json!({ "start": 0, "end": 1 }));
    for (input, fields) in [
        (json!({}), vec!["invoice"]),
        (json!({ "line": "il_1" }), vec!["invoice"]),
        (json!({ "item": "si_1" }), vec!["subscription"]),
        (json!({ "price": price }), vec!["period", "payments"]),
        (json!({ "invoice": "in_1", "subscription": "sub_1" }), vec!["subscription"]),
        (json!({ "invoice": "in_1", "item": "si_1" }), vec!["item"]),
        (json!({ "subscription": "sub_1", "line": "il_1" }), vec!["subscription"]),
        (json!({ "invoice": "in_1", "price": price, "payments": [] }), vec!["price", "payments"]),
        (json!({ "subscription": "sub_1", "period": period }), vec!["period"]),
    ] {
        let mut node = read_from_stripe(&[]);
        let Err(InvokeError::InvalidInput(problems)) = prorate_read(&mut node, input.clone())
        else {
            panic!("{input}")
        };
        let told: Vec<_> = problems.iter().map(|problem| problem.field.as_str()).collect();
        assert_eq!(told, fields, "{input}");
        assert!(node.invoice_request.is_none() && node.asked.is_empty());
    }
}

#[test]
fn what_was_made_must_still_be_what_is_fair() {
    let made = [("ch_a", "cancel-7-1", 1200), ("ch_c", "cancel-7-3", 603)];
    let mut node = read_from_stripe(&made);
    assert_eq!(
        prorate_read(&mut node, json!({ "invoice": "in_1" })).unwrap().report.refunds.len(),
        3
    );
    for (payment, operation, amount) in
        [("ch_a", "cancel-7-1", 1201), ("pi_b", "cancel-7-2", 1), ("ch_d", "cancel-7-1", 5)]
    {
        let mut node = read_from_stripe(&[(payment, operation, amount)]);
        let Err(InvokeError::Failed(failure)) =
            prorate_read(&mut node, json!({ "invoice": "in_1" }))
        else {
            panic!("{operation}")
        };
        assert_eq!((failure.kind, failure.retryable), (FailureKind::Conflict, false));
        assert!(failure.message.contains(operation), "{}", failure.message);
        assert!(node.asked.is_empty());
    }
}

#[test]
fn problems_name_their_fields() {
    for (changes, field) in [
        (json!({ "operation_id": " " }), "operation_id"),
        (json!({ "operation_id": "x".repeat(199) }), "operation_id"),
        (json!({ "payments": [{ "payment": "ch_x", "paid": 1 }] }), "payments"),
        (json!({ "order": "random" }), "order"),
    ] {
        let mut node = three();
        let Err(InvokeError::InvalidInput(problems)) = prorate(&mut node, changes) else {
            panic!("{field}")
        };
        assert_eq!(problems[0].field, field, "{problems:?}");
        assert!(node.asked.is_empty());
    }
    let Err(InvokeError::InvalidInput(problems)) = prorate(&mut Script::default(), json!({}))
    else {
        panic!("quote")
    };
    assert_eq!(problems[0].field, "ends");
}

#[test]
fn the_manifest_is_current() {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/manifest.json");
    let title = Title {
        title: "Refund an unused period",
        description: "Computes what is fair when a period ends early, and refunds it payment by payment. What was paid is given, or read from an invoice or a subscription. A dry run unless you say otherwise. What is denied or needs approval is among the failures; an outcome that nobody knows is a failure of the whole, to be completed by calling again with the same input.",
        icon: "M4 5h16v15H4zM4 9h16M8 3v4M16 3v4M9 14h6",
    };
    compare(&file, &manifest::<Prorate>(title));
}
