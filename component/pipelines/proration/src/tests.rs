//! Which refund has which id, and what a failure does to the rest.

mod sums;

use pipeline_shared::batch::settle;
use pipeline_shared::schema::{About, compare, manifest, refuses_null};
use pipeline_shared::script::{Script, unknown, usd};
use refund_core::billing::SubscriptionPeriod;
use refund_core::client::{CallError, CreateError, TransportFailure, TransportKind};
use refund_core::credits::{PaymentShare, RefundShare, Span};
use refund_core::dispatch::{self, FailureKind};
use refund_core::eligibility::{Amount, Verdict};
use refund_core::id::{InvoiceId, ItemId, LineId, PaymentRef, SubscriptionId};
use serde_json::{Value, json};

use super::*;

fn payment(name: &str) -> PaymentRef {
    let Ok(payment) = PaymentRef::parse(name) else { panic!("{name}") };
    payment
}

fn share(name: &str, amount: u64) -> RefundShare {
    RefundShare { payment: payment(name), amount }
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
    Prorate::run(dispatch::read(&input.to_string())?, node)
}

/// What was read: an invoice that was paid by the same three.
fn read_from_stripe() -> Script {
    let paid = |name: &str, paid| PaymentShare { payment: payment(name), paid, refunded: 0 };
    let facts = InvoiceFacts {
        invoice: InvoiceId::from_stripe("in_1"),
        item: ItemId::from_stripe("si_1"),
        lines: vec![LineId::from_stripe("il_1")],
        price: usd(10_000),
        period: Span { start: 0, end: 1000 },
        payments: vec![paid("ch_a", 4000), paid("pi_b", 4000), paid("ch_c", 2000)],
        credited: 70,
        paid_elsewhere: 0,
        made: Vec::new(),
    };
    Script { facts: Some(facts), ..three() }
}

/// The usual input, with an invoice or a subscription in the place of price, period and payments.
fn prorate_read(node: &mut Script, changes: Value) -> Result<Output, InvokeError> {
    let mut input = json!({ "operation_id": "cancel-7", "ends": 700, "dry_run": false });
    if let (Some(input), Value::Object(changes)) = (input.as_object_mut(), changes) {
        input.extend(changes);
    }
    Prorate::run(dispatch::read(&input.to_string())?, node)
}

fn three() -> Script {
    script(vec![share("ch_a", 1200), share("pi_b", 1197), share("ch_c", 603)])
}

fn creates(node: &Script) -> Vec<(&str, &str, Amount)> {
    node.creates
        .iter()
        .map(|one| (one.operation_id.as_str(), one.payment.as_str(), one.amount))
        .collect()
}

#[test]
fn one_refund_for_each_payment_named_after_its_charge() {
    let mut node = three();
    let report = prorate(&mut node, json!({})).unwrap().report;
    let exactly = |amount| Amount::Exactly(usd(amount));
    let expected = [
        ("cancel-7-ch_a", "ch_a", exactly(1200)),
        ("cancel-7-ch_b", "ch_b", exactly(1197)),
        ("cancel-7-ch_c", "ch_c", exactly(603)),
    ];
    assert_eq!(creates(&node), expected);
    assert_eq!(report.refunds.len(), 3);
    let payments = node.prorate_request.unwrap().payments;
    assert_eq!(payments.iter().map(|one| one.refunded).collect::<Vec<_>>(), [0, 10, 0]);
}

#[test]
fn a_payment_has_one_id_under_both_of_its_names() {
    for (named, quoted) in [(["ch_b", "pi_a"], "ch_b"), (["pi_a", "pi_b"], "pi_b")] {
        let mut node = script(vec![share(quoted, 500)]);
        let payments = named.map(|name| json!({ "payment": name, "paid": 4000 }));
        prorate(&mut node, json!({ "payments": payments })).unwrap();
        assert_eq!(creates(&node), [("cancel-7-ch_b", "ch_b", Amount::Exactly(usd(500)))]);
    }
}

#[test]
fn two_names_of_one_payment_are_refused() {
    let mut node = three();
    let payments = ["ch_a", "pi_b", "pi_a"].map(|name| json!({ "payment": name, "paid": 4000 }));
    let Err(InvokeError::InvalidInput(problems)) =
        prorate(&mut node, json!({ "payments": payments }))
    else {
        panic!("twice")
    };
    assert_eq!(problems[0].field, "payments[2].payment");
    assert!(problems[0].problem.contains("same payment as ch_a"), "{}", problems[0]);
    assert!(node.creates.is_empty());
}

#[test]
fn an_operation_id_that_leaves_no_room_is_refused() {
    for (length, fits) in [(195, true), (196, false), (200, false)] {
        let mut node = three();
        let found = prorate(&mut node, json!({ "operation_id": "x".repeat(length) }));
        match found {
            Ok(_) => assert!(fits && node.creates.len() == 3),
            Err(InvokeError::InvalidInput(problems)) => {
                assert!(!fits && problems[0].field == "operation_id" && node.creates.is_empty());
                assert!(problems[0].fix.contains("shorten it to 195"), "{}", problems[0]);
            }
            Err(other) => panic!("{other:?}"),
        }
    }
}

#[test]
fn unless_told_otherwise_it_only_shows() {
    let mut node = three();
    let mut input = json!({});
    input["dry_run"] = json!(true);
    let report = prorate(&mut node, input).unwrap().report;
    assert!(report.dry_run && node.creates.is_empty());
    assert_eq!((report.planned.len(), node.checks), (3, 6));
    let input = r#"{"operation_id":"a","price":{"amount":1,"currency":"usd"},"period":{"start":0,"end":1},"ends":0,"payments":[]}"#;
    assert!(dispatch::read::<Input>(input).unwrap().dry_run);
}

#[test]
fn after_an_unknown_outcome_the_same_call_completes_it() {
    for lost in 0..3 {
        let mut node = three();
        node.troubles = (0..lost).map(|_| None).collect();
        node.troubles.push_back(Some(unknown("cancel-7-ch_a")));
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
    assert_eq!((failed.operation_id.as_str(), failed.amount), ("cancel-7-ch_b", usd(1197)));
    assert!(failed.message.contains("denied"), "{}", failed.message);
}

#[test]
fn approvals_go_to_their_operations() {
    let mut node = three();
    prorate(&mut node, json!({ "approvals": { "cancel-7-ch_b": "hash" } })).unwrap();
    let approvals: Vec<_> = node.creates.iter().map(|one| one.approval.as_deref()).collect();
    assert_eq!(approvals, [None, Some("hash"), None]);
}

#[test]
fn an_invoice_gives_price_period_payments_and_credits() {
    let mut node = read_from_stripe();
    let input =
        json!({ "invoice": "in_1", "line": "il_1", "credited": 5, "metadata": { "a": "b" } });
    let output = prorate_read(&mut node, input).unwrap();
    assert_eq!((output.invoice, output.report.refunds.len()), (node.facts.clone(), 3));
    let operations: Vec<_> = creates(&node).into_iter().map(|(id, ..)| id).collect();
    assert_eq!(operations, ["cancel-7-ch_a", "cancel-7-ch_b", "cancel-7-ch_c"]);
    let metadata = &node.creates[0].metadata;
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
    assert_eq!((output.invoice, node.creates[0].metadata.get("refund_node_period")), (None, None));
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
    let mut node = read_from_stripe();
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
        let mut node = read_from_stripe();
        node.subscription = subscription;
        node.facts = node.facts.filter(|_| facts);
        let input = json!({ "subscription": "sub_1" });
        let Err(InvokeError::InvalidInput(problems)) = prorate_read(&mut node, input) else {
            panic!("{field}")
        };
        assert_eq!(problems[0].field, field, "{problems:?}");
        assert!(node.creates.is_empty());
    }
}

/// Made once more after the renewal, the same call would meet the next period, all of it unused.
#[test]
fn a_period_that_has_only_begun_is_not_taken_for_the_one_before() {
    for (ends, is_meant) in [(0, false), (1, true)] {
        let mut node = read_from_stripe();
        node.subscription = Some(subscribed(Some("si_1"), Some("in_1")));
        let told = prorate_read(&mut node, json!({ "subscription": "sub_1", "ends": ends }));
        match told {
            Ok(_) => assert!(is_meant),
            Err(InvokeError::InvalidInput(problems)) => {
                assert!(!is_meant && problems[0].field == "ends", "{problems:?}");
                assert!(node.creates.is_empty());
            }
            Err(other) => panic!("{other:?}"),
        }
        // The invoice says which one is meant.
        let mut node = read_from_stripe();
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
        let mut node = read_from_stripe();
        let Err(InvokeError::InvalidInput(problems)) = prorate_read(&mut node, input.clone())
        else {
            panic!("{input}")
        };
        let told: Vec<_> = problems.iter().map(|problem| problem.field.as_str()).collect();
        assert_eq!(told, fields, "{input}");
        assert!(node.invoice_request.is_none() && node.creates.is_empty());
    }
}

fn with_made(mut node: Script, made: &[(&str, &str, u64)]) -> Script {
    for (operation, of, amount) in made {
        let Ok(operation) = OperationId::parse(operation) else { panic!("{operation}") };
        node.add_made(&operation, &payment(of), *amount);
    }
    node
}

#[test]
fn what_was_made_must_still_be_what_is_fair() {
    let made = [("cancel-7-ch_a", "ch_a", 1200), ("cancel-7-ch_c", "ch_c", 603)];
    for given in [true, false] {
        let run = |node: &mut Script| {
            if given {
                prorate(node, json!({}))
            } else {
                prorate_read(node, json!({ "invoice": "in_1" }))
            }
        };
        let mut node = with_made(read_from_stripe(), &made);
        let report = run(&mut node).unwrap().report;
        assert_eq!((report.refunds.len(), node.creates.len()), (3, 3));
        for differs in [1199, 1201, 0] {
            let made = [made[1], ("cancel-7-ch_a", "ch_a", differs)];
            let mut node = with_made(read_from_stripe(), &made);
            let Err(InvokeError::Failed(failure)) = run(&mut node) else { panic!("{differs}") };
            assert_eq!((failure.kind, failure.retryable), (FailureKind::Conflict, false));
            assert!(failure.message.contains("ch_a: "), "{}", failure.message);
            assert!(failure.message.contains("12.00 usd is asked for"), "{}", failure.message);
            assert!(node.creates.is_empty());
            // The details list everything that was made, and are those of any operation conflict.
            let details: Value = serde_json::from_str(&failure.details).unwrap();
            let list = details["made"].as_array().unwrap();
            let told: Vec<_> = list.iter().map(|one| one["operation_id"].as_str()).collect();
            assert_eq!(told, [Some("cancel-7-ch_a"), Some("cancel-7-ch_c")]);
            assert_eq!(list[0]["fair"], json!({ "amount": 1200, "currency": "usd" }));
            assert_eq!(list[0]["refund"]["amount"], differs);
            let error: CreateError = serde_json::from_str(&failure.details).unwrap();
            let CreateError::OperationConflict(conflict) = error else { panic!("{error:?}") };
            assert_eq!(conflict.operation_id, "cancel-7");
            assert_eq!(conflict.existing.map(|refund| refund.amount), Some(differs));
        }
    }
}

#[test]
fn what_was_made_of_a_payment_that_is_due_nothing_is_a_conflict() {
    let made = [("cancel-7-ch_c", "ch_c", 603)];
    let mut node = with_made(script(vec![share("ch_a", 1200)]), &made);
    let Err(InvokeError::Failed(failure)) = prorate(&mut node, json!({})) else { panic!("due") };
    assert_eq!((failure.kind, node.creates.len()), (FailureKind::Conflict, 0));
    // Refunds of other operations are none of this one's.
    let others = [("cancel-70-ch_c", "ch_c", 603), ("cancel-7", "ch_a", 1)];
    let mut node = with_made(script(vec![share("ch_a", 1200)]), &others);
    assert_eq!(prorate(&mut node, json!({})).unwrap().report.refunds.len(), 1);
}

#[test]
fn another_reason_is_a_conflict_before_anything_is_made() {
    let mut node = with_made(three(), &[("cancel-7-ch_c", "ch_c", 603)]);
    let input = json!({ "reason": "requested_by_customer" });
    let Err(InvokeError::Failed(failure)) = prorate(&mut node, input) else { panic!("reason") };
    assert_eq!((failure.kind, node.creates.len()), (FailureKind::Conflict, 0));
    assert!(failure.message.contains("its reason is none"), "{}", failure.message);
}

#[test]
fn what_was_made_under_the_name_of_the_payment_intent_is_found() {
    let mut node = with_made(three(), &[("cancel-7-pi_b", "pi_b", 1197)]);
    let refund = node.made.get_mut("cancel-7-pi_b").unwrap();
    refund.payment_intent = Some(refund_core::id::PaymentIntentId::from_stripe("pi_b"));
    prorate(&mut node, json!({})).unwrap();
    let operations: Vec<_> = creates(&node).into_iter().map(|(id, ..)| id).collect();
    assert_eq!(operations, ["cancel-7-ch_a", "cancel-7-pi_b", "cancel-7-ch_c"]);
    assert_eq!(node.made.len(), 3);
}

/// A refund of it may exist, so nothing is certain about the sum.
#[test]
fn a_payment_that_cannot_be_read_stops_everything() {
    for dry_run in [true, false] {
        let failure =
            TransportFailure { kind: TransportKind::Timeout, detail: "slow".into(), attempts: 3 };
        let mut node = Script { check_fails: Some(CallError::Transport(failure)), ..three() };
        let report = prorate(&mut node, json!({ "dry_run": dry_run })).unwrap().report;
        assert_eq!((report.failures.len(), report.not_tried.len()), (1, 2));
        assert!(report.planned.is_empty() && report.refunds.is_empty() && node.creates.is_empty());
        let failed = &report.failures[0];
        assert_eq!((failed.payment.as_str(), failed.amount), ("ch_a", usd(1200)));
        assert!(matches!(failed.error, CreateError::Transport(_)));
        assert_eq!(report.dry_run, dry_run);
    }
}

#[test]
fn a_payment_without_a_charge_is_a_failure_and_stops_nothing() {
    for dry_run in [true, false] {
        let mut node = three();
        node.unpaid.push(payment("pi_b"));
        let report = prorate(&mut node, json!({ "dry_run": dry_run })).unwrap().report;
        let failed = &report.failures[0];
        assert_eq!((failed.payment.as_str(), report.failures.len()), ("pi_b", 1));
        assert!(matches!(failed.error, CreateError::Denied { .. }));
        let others = if dry_run { report.planned.len() } else { report.refunds.len() };
        assert_eq!((others, report.not_tried.len()), (2, 0));
    }
}

#[test]
fn another_amount_that_appears_meanwhile_ends_the_call() {
    let mut node = three();
    let conflict = refund_core::client::OperationConflict {
        operation_id: "cancel-7-ch_a".into(),
        existing: None,
        detail: "Stripe has seen its key with other parameters".into(),
    };
    node.troubles.push_back(Some(CreateError::OperationConflict(conflict)));
    let report = prorate(&mut node, json!({})).unwrap().report;
    assert_eq!((report.failures.len(), report.not_tried.len(), node.made.len()), (1, 2, 0));
}

#[test]
fn what_create_would_refuse_is_told_in_a_dry_run_too() {
    for (changes, field) in [
        (json!({ "metadata": { "refund_node_operation": "a" } }), "metadata"),
        (json!({ "reason": "angry" }), "reason"),
    ] {
        for dry_run in [true, false] {
            let mut changes = changes.clone();
            changes["dry_run"] = json!(dry_run);
            let mut node = three();
            let Err(InvokeError::InvalidInput(problems)) = prorate(&mut node, changes) else {
                panic!("{field}")
            };
            assert_eq!((problems[0].field.as_str(), node.checks), (field, 0));
        }
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
        assert!(node.creates.is_empty());
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
    let about = About {
        title: "Refund an unused period",
        description: "Computes what is fair when a period ends early, and refunds it payment by payment. What was paid is given, or read from an invoice or a subscription. A dry run unless `dry_run` is false: it plans every refund in full and changes nothing. Giving the same input again makes the refunds that are missing. Where the same operation id refunded something else before, nothing is refunded and the call fails with a conflict. Refunds that are denied or need approval are among the failures; a refund whose outcome is unknown makes the whole call fail, and the same input completes it.",
        icon: "M4 5h16v15H4zM4 9h16M8 3v4M16 3v4M9 14h6",
    };
    compare(&file, &manifest::<Prorate>(about));
}

#[test]
fn null_is_no_default() {
    refuses_null::<Prorate>(&[
        "connection.max_retries",
        "policy.fee_rate",
        "order",
        "reason",
        "metadata",
    ]);
}
