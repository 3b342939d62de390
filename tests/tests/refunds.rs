//! Refunds, end to end. What was refunded is counted at the simulator.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]

use refund_host::Limits;
use refund_host::api::eligibility::FailedRule;
use refund_host::api::refunds::{CreateError, ListFilter, Origin};
use refund_host::api::types::{CallError, PaymentRef, RefundStatus, RefusalKind, TransportKind};
use refund_simulator::{DisputeOrder, Fault, FaultKind, NewCharge};
use refund_tests::{Stage, request, usd};

#[tokio::test]
async fn full_and_partial_refunds() {
    let stage = Stage::new().await;
    let charge = stage.charge();
    let part = stage.node.create(&stage.connection, &request("op-1", &charge, Some(1000))).await;
    let part = part.unwrap().unwrap();
    assert_eq!((part.origin, part.refund.amount), (Origin::Made, usd(1000)));
    assert_eq!(part.refund.status, RefundStatus::Succeeded);
    assert_eq!(part.refund.operation_id.as_deref(), Some("op-1"));
    assert!(part.request_id.unwrap().starts_with("req_"));
    let rest = stage.node.create(&stage.connection, &request("op-2", &charge, None)).await;
    assert_eq!(rest.unwrap().unwrap().refund.amount, usd(1500));
    assert_eq!(stage.stripe.refunds_of(&charge).len(), 2);
    let over = stage.node.create(&stage.connection, &request("op-3", &charge, Some(1))).await;
    let Err(CreateError::Denied(verdict)) = over.unwrap() else { panic!("denied") };
    assert!(matches!(verdict.failed[..], [FailedRule::AlreadyRefunded(2500)]));
}

#[tokio::test]
async fn the_same_operation_is_the_same_refund_even_after_the_key_lapsed() {
    let stage = Stage::new().await;
    let charge = stage.charge();
    let call = || async {
        stage
            .node
            .create(&stage.connection, &request("op-1", &charge, Some(1000)))
            .await
            .unwrap()
            .unwrap()
    };
    let first = call().await;
    assert_eq!(call().await.origin, Origin::Found);
    stage.stripe.advance(2 * 86_400);
    assert_eq!(call().await.refund.id, first.refund.id);
    assert_eq!(stage.stripe.refunds_of(&charge).len(), 1);
}

#[tokio::test]
async fn a_hundred_calls_at_once_with_one_operation_make_one_refund() {
    let stage = Stage::new().await;
    let charge = stage.charge();
    let wanted = request("op-1", &charge, Some(100));
    let calls = (0..100).map(|_| stage.node.create(&stage.connection, &wanted));
    for outcome in futures::future::join_all(calls).await {
        let created = outcome.unwrap();
        assert!(created.is_ok(), "{created:?}");
    }
    assert_eq!(stage.stripe.refunds_of(&charge).len(), 1);
}

/// Once the last byte of a body is sent, a host may drop its end of the pipe before the component looks
/// at it again. That must not look like a lost answer: it would be sent twice for nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_quiet_network_needs_one_try() {
    let stage = Stage::new().await;
    let charges: Vec<_> = (0..400).map(|_| stage.charge()).collect();
    let calls = charges.iter().map(|charge| {
        let (node, connection) = (stage.node.clone(), stage.connection.clone());
        let wanted = request(charge, charge, None);
        tokio::spawn(async move { node.create(&connection, &wanted).await })
    });
    for outcome in futures::future::join_all(calls).await {
        let created = outcome.unwrap().unwrap().unwrap();
        assert_eq!((created.origin, created.attempts), (Origin::Made, 1));
    }
}

/// Every fault of the network and of Stripe on the request that makes the refund, and what must come
/// of it: one refund, always.
#[tokio::test]
async fn no_fault_makes_two_refunds_or_loses_one() {
    let limits = Limits { first_byte: std::time::Duration::from_millis(700), ..Limits::default() };
    let stage = Stage::with(|host| host.limits(limits)).await;
    let status = |status: u16, after_commit: bool| FaultKind::Status {
        status,
        code: None,
        html: status == 503,
        retry_after: None,
        should_retry: None,
        after_commit,
    };
    let cases = [
        ("429", status(429, false), 1, Origin::Made),
        ("409", status(409, false), 1, Origin::Made),
        ("500", status(500, false), 1, Origin::Made),
        ("503 with a page", status(503, false), 2, Origin::Made),
        ("500 after commit", status(500, true), 1, Origin::Replayed),
        ("500 after commit, thrice", status(500, true), 3, Origin::Reconciled),
        ("reset", FaultKind::Reset { after_commit: false }, 1, Origin::Made),
        ("reset after commit", FaultKind::Reset { after_commit: true }, 1, Origin::Replayed),
        (
            "reset after commit, thrice",
            FaultKind::Reset { after_commit: true },
            3,
            Origin::Reconciled,
        ),
        ("time-out", FaultKind::Hang { after_commit: false }, 1, Origin::Made),
        ("time-out after commit", FaultKind::Hang { after_commit: true }, 1, Origin::Replayed),
        (
            "time-out after commit, thrice",
            FaultKind::Hang { after_commit: true },
            3,
            Origin::Reconciled,
        ),
        ("half an answer", FaultKind::Truncate, 1, Origin::Replayed),
        ("half an answer, thrice", FaultKind::Truncate, 3, Origin::Reconciled),
        ("broken JSON", FaultKind::BrokenJson, 1, Origin::Replayed),
        ("endless", FaultKind::Endless, 3, Origin::Reconciled),
        ("slow", FaultKind::Slow { millis: 5 }, 1, Origin::Made),
    ];
    for (name, kind, times, origin) in cases {
        let charge = stage.charge();
        stage.stripe.order_fault(Fault::on_create(kind).times(times));
        let outcome =
            stage.node.create(&stage.connection, &request(name, &charge, Some(1000))).await;
        let created = outcome.unwrap().unwrap_or_else(|error| panic!("{name}: {error:?}"));
        assert_eq!(created.origin, origin, "{name}");
        assert_eq!(stage.stripe.refunds_of(&charge).len(), 1, "{name}");
    }
}

#[tokio::test]
async fn unknown_is_told_and_settled_by_the_same_operation() {
    let stage = Stage::new().await;
    let charge = stage.charge();
    let lost = FaultKind::Reset { after_commit: false };
    stage.stripe.order_fault(Fault::on_create(lost).times(3));
    let wanted = request("op-1", &charge, Some(1000));
    let outcome = stage.node.create(&stage.connection, &wanted).await.unwrap();
    let Err(CreateError::OutcomeUnknown(unknown)) = outcome else { panic!("{outcome:?}") };
    assert_eq!((unknown.operation_id.as_str(), unknown.attempts), ("op-1", 3));
    assert!(stage.node.create(&stage.connection, &wanted).await.unwrap().is_ok());
    assert_eq!(stage.stripe.refunds_of(&charge).len(), 1);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let stage = Stage::new().await;
    let charge = stage.charge();
    let to = format!("{}/v1/refunds", stage.stripe.base_url());
    stage.stripe.order_fault(Fault::on_create(FaultKind::Redirect { to }).times(3));
    let outcome = stage.node.create(&stage.connection, &request("op-1", &charge, None)).await;
    assert!(matches!(outcome.unwrap(), Err(CreateError::OutcomeUnknown(_))));
    assert!(stage.stripe.refunds_of(&charge).is_empty());
}

#[tokio::test]
async fn the_dashboard_and_disputes_are_seen() {
    let stage = Stage::new().await;
    let charge = stage.charge();
    stage.stripe.dashboard_refund(&charge, 2000);
    let over = stage.node.create(&stage.connection, &request("op-1", &charge, Some(1000))).await;
    let Err(CreateError::Denied(verdict)) = over.unwrap() else { panic!("denied") };
    assert_eq!(verdict.refundable, usd(500));
    for (status, refundable) in [("warning_needs_response", true), ("needs_response", false)] {
        let charge = stage.charge();
        stage.stripe.dispute(&DisputeOrder {
            charge: charge.clone(),
            status: status.into(),
            reason: "fraudulent".into(),
            refundable: None,
        });
        let outcome = stage.node.create(&stage.connection, &request(status, &charge, None)).await;
        let outcome = outcome.unwrap();
        assert_eq!(outcome.is_ok(), refundable, "{status}: {outcome:?}");
        assert_eq!(stage.stripe.refunds_of(&charge).len(), usize::from(refundable), "{status}");
    }
}

#[tokio::test]
async fn payment_intents_and_the_uncaptured() {
    let stage = Stage::new().await;
    let intent = |order: &NewCharge| {
        let charge = stage.stripe.charge(order);
        charge["payment_intent"].as_str().unwrap().to_owned()
    };
    let paid = intent(&NewCharge::default());
    let mut wanted = request("op-1", "", Some(1000));
    wanted.payment = PaymentRef::PaymentIntent(paid);
    assert!(stage.node.create(&stage.connection, &wanted).await.unwrap().is_ok());
    let open = intent(&NewCharge { captured: false, ..NewCharge::default() });
    wanted = request("op-2", "", None);
    wanted.payment = PaymentRef::PaymentIntent(open.clone());
    let outcome = stage.node.create(&stage.connection, &wanted).await.unwrap();
    let Err(CreateError::Denied(verdict)) = outcome else { panic!("{outcome:?}") };
    let [FailedRule::NotCaptured(cancel)] = &verdict.failed[..] else { panic!("{verdict:?}") };
    assert_eq!(cancel.cancel_instead, PaymentRef::PaymentIntent(open));
}

#[tokio::test]
async fn yen_are_not_multiplied() {
    let stage = Stage::new().await;
    let charge = stage.charge_with(&NewCharge {
        amount: 5000,
        currency: "jpy".into(),
        ..NewCharge::default()
    });
    let input = format!(
        r#"{{"connection":{{"base_url":"{}"}},"operation_id":"op-1","payment":"{charge}","amount_decimal":"500","currency":"jpy"}}"#,
        stage.stripe.base_url()
    );
    let output = stage.node.invoke("refunds.create", &input).await.unwrap().unwrap();
    assert!(output.contains(r#""amount":500,"#), "{output}");
    assert_eq!(stage.stripe.refunds_of(&charge)[0]["amount"], 500);
}

#[tokio::test]
async fn read_list_update_cancel() {
    let stage = Stage::new().await;
    let charge =
        stage.charge_with(&NewCharge { refunds_need_action: true, ..NewCharge::default() });
    for n in 0..5 {
        let wanted = request(&format!("op-{n}"), &charge, Some(100));
        stage.node.create(&stage.connection, &wanted).await.unwrap().unwrap();
    }
    let mut filter = ListFilter {
        payment: Some(PaymentRef::Charge(charge.clone())),
        created_from: None,
        created_to: None,
        limit: Some(2),
        cursor: None,
    };
    let mut ids = Vec::new();
    loop {
        let page = stage.node.list(&stage.connection, &filter).await.unwrap().unwrap();
        ids.extend(page.refunds.into_iter().map(|refund| refund.id));
        filter.cursor = page.next;
        if filter.cursor.is_none() {
            break;
        }
    }
    assert_eq!(ids.len(), 5);
    let keys = vec![("note".to_owned(), "a & b".to_owned())];
    let updated = stage.node.update_metadata(&stage.connection, &ids[0], &keys).await;
    assert!(updated.unwrap().unwrap().metadata.contains(&keys[0]));
    let read = stage.node.retrieve(&stage.connection, &ids[0]).await.unwrap().unwrap();
    assert_eq!(read.operation_id.as_deref(), Some("op-4"), "the operation id survives an update");
    let canceled = stage.node.cancel(&stage.connection, &ids[0]).await.unwrap().unwrap();
    assert_eq!(canceled.status, RefundStatus::Canceled);
    let again = stage.node.cancel(&stage.connection, &ids[0]).await.unwrap().unwrap();
    assert_eq!(again.status, RefundStatus::Canceled, "repeating it tells what became of it");
}

#[tokio::test]
async fn unknown_ids_and_wrong_keys_are_typed() {
    let stage = Stage::new().await;
    let missing = stage.node.retrieve(&stage.connection, "re_none").await.unwrap();
    let Err(CallError::Refused(refusal)) = missing else { panic!("{missing:?}") };
    assert_eq!(
        (refusal.kind, refusal.code.as_deref()),
        (RefusalKind::NotFound, Some("resource_missing"))
    );
    let live = stage.charge_with(&NewCharge { livemode: true, ..NewCharge::default() });
    let outcome =
        stage.node.create(&stage.connection, &request("op-1", &live, None)).await.unwrap();
    assert!(
        matches!(outcome, Err(CreateError::Refused(refusal)) if refusal.kind == RefusalKind::NotFound)
    );
}

#[tokio::test]
async fn nobody_listens() {
    let stage = Stage::new().await;
    let nowhere = "http://127.0.0.1:9";
    let host = refund_host::Host::builder()
        .allow(refund_host::Allow::stripe_at(nowhere).unwrap())
        .build()
        .unwrap();
    let node = host.load(refund_artifact::NODE).unwrap();
    let mut connection = stage.connection.clone();
    connection.base_url = Some(nowhere.into());
    connection.max_retries = Some(0);
    let outcome = node.create(&connection, &request("op-1", "ch_1", None)).await.unwrap();
    let Err(CreateError::Transport(failure)) = outcome else { panic!("{outcome:?}") };
    assert_eq!(failure.kind, TransportKind::Connect);
}
