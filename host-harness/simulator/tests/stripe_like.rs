//! The simulator over real HTTP, where the official libraries do not look.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::time::{Duration, Instant};

use refund_simulator::{Fault, FaultKind, LIVE_KEY, NewCharge, Simulator, StartError};
use serde_json::Value;

use wire::{Answer, id, ok, send, start};

mod wire;

async fn post(stripe: &Simulator, body: &str, key: &str) -> Option<Answer> {
    send(stripe, "POST", "/v1/refunds", body, &[("idempotency-key", key)]).await
}

fn charge(stripe: &Simulator) -> String {
    stripe.charge(&NewCharge::default())["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_same_seed_makes_the_same_ids() {
    let (one, two) = (start().await, start().await);
    assert_eq!(charge(&one), charge(&two));
    let other = Simulator::builder().seed(2).start().await.unwrap();
    assert_ne!(charge(&one), charge(&other));
}

#[tokio::test]
async fn only_loopback_and_a_free_port() {
    let public = "0.0.0.0:0".parse().unwrap();
    let error = Simulator::builder().address(public).start().await.unwrap_err();
    assert!(matches!(error, StartError::NotLoopback(_)));
    let running = start().await;
    let taken = running.base_url().trim_start_matches("http://").parse().unwrap();
    let error = Simulator::builder().address(taken).start().await.unwrap_err();
    assert!(matches!(error, StartError::InUse(_)), "{error}");
}

#[tokio::test]
async fn answers_come_as_late_as_ordered_but_orders_at_once() {
    let late = Duration::from_millis(80);
    let stripe = Simulator::builder().latency(late).start().await.unwrap();
    let began = Instant::now();
    ok(&stripe, "GET", "/v1/charges", "").await;
    assert!(began.elapsed() >= late);
    // Only an order that were held back as well would take an hour.
    let far = Simulator::builder().latency(Duration::from_hours(1)).start().await.unwrap();
    let ordered = ok(&far, "POST", "/_control/charges", "{}");
    tokio::time::timeout(Duration::from_mins(1), ordered).await.unwrap();
}

#[tokio::test]
async fn a_late_request_is_carried_out_after_its_client_went_away() {
    let stripe = start().await;
    let charge = charge(&stripe);
    stripe.order_fault(Fault::on_create(FaultKind::Late { millis: 300 }));
    let body = format!("charge={charge}&amount=100");
    let patience = Duration::from_millis(50);
    assert!(tokio::time::timeout(patience, post(&stripe, &body, "k1")).await.is_err());
    assert_eq!(stripe.refunds_of(&charge).len(), 0);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(stripe.refunds_of(&charge).len(), 1);
}

#[tokio::test]
async fn what_is_kept_under_a_key() {
    let stripe = start().await;
    let charge = charge(&stripe);
    // A validation failure is not kept: the key is free for another try.
    assert_eq!(post(&stripe, "charge=ch_1&amount=ten", "k1").await.unwrap().status, 400);
    let body = format!("charge={charge}&amount=100");
    let first = post(&stripe, &body, "k1").await.unwrap();
    let again = post(&stripe, &body, "k1").await.unwrap();
    assert_eq!(first.body["id"], again.body["id"]);
    assert_eq!(again.headers["idempotent-replayed"], "true");
    assert_eq!(again.headers["original-request"], first.headers["request-id"]);
    // Another account, another mode: other keys.
    let account = [("idempotency-key", "k1"), ("stripe-account", "acct_1")];
    let other = send(&stripe, "POST", "/v1/refunds", &body, &account).await.unwrap();
    assert_ne!(other.body["id"], first.body["id"]);
    assert_eq!(other.headers["stripe-account"], "acct_1");
    let live = format!("Bearer {LIVE_KEY}");
    let live = [("authorization", live.as_str()), ("idempotency-key", "k1")];
    let unknown = send(&stripe, "POST", "/v1/refunds", &body, &live).await.unwrap();
    assert_eq!(
        (unknown.status, &unknown.body["error"]["code"]),
        (404, &Value::from("resource_missing"))
    );
    stripe.advance(86_400);
    let lapsed = post(&stripe, &body, "k1").await.unwrap();
    assert_ne!(lapsed.body["id"], first.body["id"]);
}

#[tokio::test]
async fn faults_after_commit_leave_a_refund_behind() {
    let kinds = [
        FaultKind::Reset { after_commit: true },
        FaultKind::Truncate,
        FaultKind::Hang { after_commit: true },
    ];
    let stripe = start().await;
    for kind in kinds {
        let charge = charge(&stripe);
        stripe.order_fault(Fault::on_create(kind.clone()));
        let body = format!("charge={charge}");
        let call = post(&stripe, &body, &charge);
        let answer = tokio::time::timeout(Duration::from_millis(300), call).await.ok().flatten();
        assert!(answer.is_none(), "{kind:?}");
        assert_eq!(stripe.refunds_of(&charge).len(), 1, "{kind:?}");
    }
    let charge = charge(&stripe);
    stripe.order_fault(Fault::on_create(FaultKind::Reset { after_commit: false }));
    assert!(post(&stripe, &format!("charge={charge}"), "k").await.is_none());
    assert!(stripe.refunds_of(&charge).is_empty());
}

#[tokio::test]
async fn limits_are_per_endpoint_and_second() {
    let stripe =
        Simulator::builder().start_at(1_790_000_000).rate_limits(true).start().await.unwrap();
    for _ in 0..25 {
        assert_eq!(send(&stripe, "GET", "/v1/refunds", "", &[]).await.unwrap().status, 200);
    }
    let refused = send(&stripe, "GET", "/v1/refunds", "", &[]).await.unwrap();
    assert_eq!(refused.status, 429);
    assert!(refused.headers.contains_key("stripe-rate-limited-reason"));
    stripe.advance(1);
    assert_eq!(send(&stripe, "GET", "/v1/refunds", "", &[]).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_late_failure_and_its_events() {
    let stripe = start().await;
    let charge = charge(&stripe);
    let refund = post(&stripe, &format!("charge={charge}"), "k").await.unwrap().body;
    let id = refund["id"].as_str().unwrap();
    for status in ["failed", "failed", "canceled"] {
        // Its money comes back once.
        stripe.end_refund(id, status, Some("lost_or_stolen_card"));
        assert_eq!(stripe.object(&charge)["amount_refunded"], 0);
        assert_eq!(stripe.object(id)["status"], "failed");
    }
    assert!(stripe.object(id)["failure_balance_transaction"].is_string());
    assert_eq!(stripe.newest_event("refund.failed")["data"]["object"]["id"], *id);
    assert_eq!(stripe.newest_event("refund.created")["request"]["idempotency_key"], "k");
}

#[tokio::test]
async fn the_log_of_requests_is_no_log_of_keys() {
    let stripe = start().await;
    let key = [("authorization", "Bearer sk_test_verysecret")];
    send(&stripe, "GET", "/v1/refunds", "", &key).await.unwrap();
    assert!(!format!("{:?}", stripe.requests()).contains("verysecret"));
}

#[tokio::test]
async fn control_over_http() {
    let stripe = start().await;
    let made =
        send(&stripe, "POST", "/_control/charges", r#"{"amount": 700, "currency": "eur"}"#, &[])
            .await
            .unwrap();
    assert_eq!(made.body["amount"], 700);
    let order = format!(r#"{{"charge": {}, "amount": 200}}"#, made.body["id"]);
    assert_eq!(
        send(&stripe, "POST", "/_control/refunds", &order, &[]).await.unwrap().body["amount"],
        200
    );
    let stats = send(&stripe, "GET", "/_control/stats", "", &[]).await.unwrap().body;
    assert_eq!(stats["refunds"], 1);
    let wrong =
        send(&stripe, "POST", "/_control/charges", r#"{"colour": "red"}"#, &[]).await.unwrap();
    assert_eq!(wrong.status, 400);
}

#[tokio::test]
async fn addresses_are_where_stripe_has_them() {
    let stripe = start().await;
    let customer = r#"{"email": "cleo@example.com", "name": "Cleo"}"#;
    let customer = ok(&stripe, "POST", "/_control/customers", customer).await;
    let read = ok(&stripe, "GET", &format!("/v1/customers/{}", id(&customer)), "").await;
    assert_eq!((&read["email"], &read["name"]), (&"cleo@example.com".into(), &"Cleo".into()));
    let order = r#"{"billing_details": {"email": "bea@example.com"}, "receipt_email": "rae@example.com",
        "metadata": {"a": "1"}, "payment_intent_metadata": {"a": "2"}}"#;
    let charge = ok(&stripe, "POST", "/_control/charges", order).await;
    let read = ok(&stripe, "GET", &format!("/v1/charges/{}", id(&charge)), "").await;
    assert_eq!(read["billing_details"]["email"], "bea@example.com");
    assert_eq!(read["billing_details"]["name"], Value::Null);
    assert_eq!(
        (&read["receipt_email"], &read["metadata"]["a"]),
        (&"rae@example.com".into(), &"1".into())
    );
    let intent = format!("/v1/payment_intents/{}", read["payment_intent"].as_str().unwrap());
    assert_eq!(ok(&stripe, "GET", &intent, "").await["metadata"]["a"], "2");
}

/// Every answer is compared with Stripe's description, all the way down: one that is not as described is a
/// 500.
#[tokio::test]
async fn every_answer_is_as_described() {
    let stripe = start().await;
    for method in ["card", "us_bank_account", "sepa_debit"] {
        for (captured, needs_action) in [(true, false), (true, true), (false, false)] {
            let charge = stripe.charge(&NewCharge {
                method: method.to_owned(),
                captured,
                refunds_need_action: needs_action,
                fraud_user_report: Some("safe".to_owned()),
                ..NewCharge::default()
            });
            let at = format!("/v1/charges/{}", id(&charge));
            if !captured {
                ok(&stripe, "POST", &format!("{at}/capture"), "").await;
            }
            let body = format!("charge={}&amount=100&expand[]=charge.payment_intent", id(&charge));
            for end in ["succeeded", "failed", "canceled"] {
                let refund = ok(&stripe, "POST", "/v1/refunds", &body).await;
                stripe.end_refund(id(&refund), end, None);
                let at = format!("/v1/refunds/{}?expand[]=balance_transaction", id(&refund));
                ok(&stripe, "GET", &at, "").await;
            }
            ok(&stripe, "GET", &format!("{at}?expand[]=refunds&expand[]=balance_transaction"), "")
                .await;
            let intent = charge["payment_intent"].as_str().unwrap();
            ok(&stripe, "GET", &format!("/v1/payment_intents/{intent}?expand[]=latest_charge"), "")
                .await;
        }
    }
    let made = stripe.charge(&NewCharge { captured: false, ..NewCharge::default() });
    let intent = made["payment_intent"].as_str().unwrap();
    ok(&stripe, "POST", &format!("/v1/payment_intents/{intent}/cancel"), "").await;
    let customer = ok(&stripe, "POST", "/_control/customers", "").await;
    ok(&stripe, "GET", &format!("/v1/customers/{}", id(&customer)), "").await;
    let body = "url=http://127.0.0.1:9/&enabled_events[]=*";
    ok(&stripe, "POST", "/v1/webhook_endpoints", body).await;
    for list in
        ["events", "balance_transactions", "webhook_endpoints", "charges", "payment_intents"]
    {
        ok(&stripe, "GET", &format!("/v1/{list}?limit=100"), "").await;
    }
}
