//! Disputes: evidence is staged, sent once and in time; banks decide, and money moves.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]

use refund_simulator::{DisputeOrder, NewCharge, Simulator};
use serde_json::{Value, json};

use wire::{NOW, events, id, ids, ok, refused, start, upload};

mod wire;

const ALL: [&str; 10] = [
    "warning_needs_response",
    "warning_under_review",
    "warning_closed",
    "needs_response",
    "under_review",
    "won",
    "lost",
    "prevented",
    "appeal_needs_response",
    "appeal_under_review",
];

fn dispute(stripe: &Simulator, status: &str) -> String {
    let charge = stripe.charge(&NewCharge::default());
    let order = DisputeOrder {
        charge: id(&charge).to_owned(),
        status: status.to_owned(),
        reason: "fraudulent".to_owned(),
        refundable: None,
    };
    id(&stripe.dispute(&order)).to_owned()
}

/// Amounts and fees of the movements of a dispute.
fn moved(dispute: &Value) -> Vec<(i64, i64)> {
    let of = |one: &Value| (one["amount"].as_i64().unwrap(), one["fee"].as_i64().unwrap());
    dispute["balance_transactions"].as_array().unwrap().iter().map(of).collect()
}

#[tokio::test]
async fn evidence_is_staged_and_then_sent() {
    let stripe = start().await;
    for (status, sent) in
        [("needs_response", "under_review"), ("warning_needs_response", "warning_under_review")]
    {
        let path = format!("/v1/disputes/{}", dispute(&stripe, status));
        let body = "evidence[customer_name]=Anna&evidence[product_description]=Tea&submit=false";
        let staged = ok(&stripe, "POST", &path, body).await;
        assert_eq!(
            [&staged["status"], &staged["evidence_details"]["submission_count"]],
            [&json!(status), &json!(0)]
        );
        assert_eq!(staged["evidence_details"]["has_evidence"], true);
        // Merged, and an empty text clears.
        let body = "evidence[customer_name]=&evidence[shipping_carrier]=UPS&submit=false";
        let evidence = ok(&stripe, "POST", &path, body).await["evidence"].clone();
        assert_eq!(
            [
                &evidence["customer_name"],
                &evidence["product_description"],
                &evidence["shipping_carrier"]
            ],
            [&Value::Null, &json!("Tea"), &json!("UPS")]
        );
        let labelled = ok(&stripe, "POST", &path, "metadata[a]=1&submit=false").await;
        assert_eq!(labelled["status"], status);
        let out = ok(&stripe, "POST", &path, "submit=true").await;
        assert_eq!(
            [&out["status"], &out["evidence_details"]["submission_count"]],
            [&json!(sent), &json!(1)]
        );
        for again in
            ["submit=true", "evidence[customer_name]=B", "evidence[customer_name]=B&submit=false"]
        {
            refused(&stripe, "POST", &path, again).await;
        }
        assert_eq!(
            ok(&stripe, "POST", &path, "metadata[b]=2").await["metadata"],
            json!({"a": "1", "b": "2"})
        );
        assert_eq!(stripe.newest_event("charge.dispute.updated")["data"]["object"]["status"], sent);
    }
}

#[tokio::test]
async fn submit_is_true_unless_said_otherwise() {
    let stripe = start().await;
    let path = format!("/v1/disputes/{}", dispute(&stripe, "needs_response"));
    assert_eq!(
        ok(&stripe, "POST", &path, "evidence[customer_name]=A").await["status"],
        "under_review"
    );
    // Also for what was staged before.
    let path = format!("/v1/disputes/{}", dispute(&stripe, "needs_response"));
    ok(&stripe, "POST", &path, "evidence[customer_name]=A&submit=false").await;
    assert_eq!(ok(&stripe, "POST", &path, "metadata[a]=1").await["status"], "under_review");
    // Without any evidence there is nothing to send.
    let path = format!("/v1/disputes/{}", dispute(&stripe, "needs_response"));
    assert_eq!(ok(&stripe, "POST", &path, "metadata[a]=1").await["status"], "needs_response");
    refused(&stripe, "POST", &path, "submit=true").await;
}

#[tokio::test]
async fn too_late_is_refused() {
    let stripe = start().await;
    let path = format!("/v1/disputes/{}", dispute(&stripe, "needs_response"));
    let due = ok(&stripe, "GET", &path, "").await["evidence_details"]["due_by"].as_u64().unwrap();
    stripe.advance(due - NOW);
    ok(&stripe, "POST", &path, "evidence[customer_name]=A&submit=false").await;
    stripe.advance(1);
    assert_eq!(ok(&stripe, "GET", &path, "").await["evidence_details"]["past_due"], true);
    for body in ["evidence[customer_name]=A&submit=false", "submit=true"] {
        assert!(
            refused(&stripe, "POST", &path, body).await["message"]
                .as_str()
                .unwrap()
                .contains("deadline")
        );
    }
    for closed in ["won", "lost", "warning_closed", "prevented", "under_review"] {
        let path = format!("/v1/disputes/{}", dispute(&stripe, closed));
        refused(&stripe, "POST", &path, "evidence[customer_name]=A&submit=false").await;
        ok(&stripe, "POST", &path, "metadata[a]=1").await;
    }
}

#[tokio::test]
async fn limits_of_text() {
    let stripe = start().await;
    let path = format!("/v1/disputes/{}", dispute(&stripe, "needs_response"));
    let text = |name: &str, length: usize| format!("evidence[{name}]={}&", "%C3%A9".repeat(length));
    let stage = |body: String| format!("{body}submit=false");
    let long = [
        "access_activity_log",
        "cancellation_policy_disclosure",
        "cancellation_rebuttal",
        "duplicate_charge_explanation",
        "product_description",
        "refund_policy_disclosure",
        "refund_refusal_explanation",
        "uncategorized_text",
    ];
    for name in long {
        let error = refused(&stripe, "POST", &path, &stage(text(name, 20_001))).await;
        assert_eq!(error["param"], format!("evidence[{name}]"));
    }
    ok(&stripe, "POST", &path, &stage(long[..7].iter().map(|name| text(name, 20_000)).collect()))
        .await;
    // 140,000 are there; the limit of all counts them.
    ok(&stripe, "POST", &path, &stage(text("billing_address", 10_000))).await;
    let error = refused(&stripe, "POST", &path, &stage(text("customer_name", 1))).await;
    assert_eq!(error["param"], "evidence");
    refused(&stripe, "POST", &path, "evidence[colour]=red").await;
}

#[tokio::test]
async fn files_must_exist_and_be_evidence() {
    let stripe = start().await;
    let path = format!("/v1/disputes/{}", dispute(&stripe, "needs_response"));
    let error = refused(&stripe, "POST", &path, "evidence[receipt]=file_1&submit=false").await;
    assert_eq!(
        [&error["code"], &error["param"]],
        [&json!("resource_missing"), &json!("evidence[receipt]")]
    );
    let other = upload(&stripe, "identity_document", b"%PDF-1").await.body;
    let body = format!("evidence[receipt]={}&submit=false", id(&other));
    refused(&stripe, "POST", &path, &body).await;
    let good = upload(&stripe, "dispute_evidence", b"%PDF-1").await.body;
    let body = format!("evidence[receipt]={}&submit=false&expand[]=evidence.receipt", id(&good));
    assert_eq!(
        ok(&stripe, "POST", &path, &body).await["evidence"]["receipt"]["purpose"],
        "dispute_evidence"
    );
}

#[tokio::test]
async fn visa_wants_two_earlier_payments() {
    let stripe = start().await;
    let path = format!("/v1/disputes/{}", dispute(&stripe, "needs_response"));
    let of = |n: usize| -> String {
        let at = "evidence[enhanced_evidence][visa_compelling_evidence_3][prior_undisputed_transactions]";
        let mut fields: Vec<_> = (0..n).map(|n| format!("{at}[{n}][charge]=ch_{n}")).collect();
        fields.push("submit=false".to_owned());
        fields.join("&")
    };
    refused(&stripe, "POST", &path, &of(1)).await;
    refused(&stripe, "POST", &path, &of(3)).await;
    let staged = ok(&stripe, "POST", &path, &of(2)).await;
    assert_eq!(staged["evidence_details"]["has_evidence"], true);
    let more = "evidence[enhanced_evidence][visa_compliance][fee_acknowledged]=true&submit=false";
    let enhanced = ok(&stripe, "POST", &path, more).await["evidence"]["enhanced_evidence"].clone();
    assert_eq!(enhanced["visa_compliance"]["fee_acknowledged"], true);
    assert!(enhanced["visa_compelling_evidence_3"].is_object());
    let cleared = ok(&stripe, "POST", &path, "evidence[enhanced_evidence]=&submit=false").await;
    assert_eq!(cleared["evidence_details"]["has_evidence"], false);
}

#[tokio::test]
async fn closing_is_losing_and_final() {
    let stripe = start().await;
    for status in ALL {
        let path = format!("/v1/disputes/{}", dispute(&stripe, status));
        let close = format!("{path}/close");
        if status.ends_with("needs_response") {
            let lost = ok(&stripe, "POST", &close, "").await;
            assert_eq!(
                [&lost["status"], &lost["is_charge_refundable"]],
                [&json!("lost"), &json!(false)]
            );
            assert_eq!(
                stripe.newest_event("charge.dispute.closed")["data"]["object"]["id"],
                lost["id"]
            );
        }
        refused(&stripe, "POST", &close, "").await;
    }
}

#[tokio::test]
async fn what_banks_decide_and_what_moves() {
    let stripe = start().await;
    let taken = (-2500, 1500);
    for (from, to, movements, refundable) in [
        ("needs_response", "won", vec![taken, (2500, 0)], true),
        ("under_review", "lost", vec![taken], false),
        ("needs_response", "prevented", vec![taken], false),
        ("warning_under_review", "warning_closed", vec![], true),
        ("warning_needs_response", "needs_response", vec![taken], false),
        ("warning_needs_response", "prevented", vec![(-2500, 0)], false),
    ] {
        let id = dispute(&stripe, from);
        let decided = stripe.close_dispute(&id, to);
        assert_eq!(decided["status"], to, "{from}");
        assert_eq!(moved(&decided), movements, "{from} {to}");
        assert_eq!(decided["is_charge_refundable"], refundable, "{from} {to}");
        assert_eq!(stripe.object(decided["charge"].as_str().unwrap())["disputed"], true);
        assert_eq!(ok(&stripe, "GET", &format!("/v1/disputes/{id}"), "").await, decided);
    }
    for (from, to) in [
        ("won", "lost"),
        ("lost", "won"),
        ("prevented", "won"),
        ("warning_closed", "needs_response"),
        ("needs_response", "warning_closed"),
        ("warning_needs_response", "won"),
        ("needs_response", "nonsense"),
    ] {
        assert!(stripe.close_dispute(&dispute(&stripe, from), to).is_null(), "{from} {to}");
    }
}

#[tokio::test]
async fn money_and_events_come_together() {
    let stripe = start().await;
    let available = |balance: Value| balance["available"][0]["amount"].as_i64().unwrap();
    let charge = stripe.charge(&NewCharge::default());
    let before = available(ok(&stripe, "GET", "/v1/balance", "").await);
    let order = format!(r#"{{"charge": {}}}"#, charge["id"]);
    let opened = ok(&stripe, "POST", "/_control/disputes", &order).await;
    assert_eq!(before - available(ok(&stripe, "GET", "/v1/balance", "").await), 2500 + 1500);
    let of = format!("/v1/balance_transactions?source={}", id(&opened));
    let movement = ok(&stripe, "GET", &of, "").await["data"][0].clone();
    assert_eq!(
        [&movement["type"], &movement["reporting_category"]],
        [&json!("adjustment"), &json!("dispute")]
    );
    ok(&stripe, "POST", &format!("/v1/disputes/{}", id(&opened)), "evidence[customer_name]=A")
        .await;
    let order = format!(r#"{{"dispute": {}, "status": "won"}}"#, opened["id"]);
    ok(&stripe, "POST", "/_control/disputes/close", &order).await;
    assert_eq!(before - available(ok(&stripe, "GET", "/v1/balance", "").await), 1500);
    let mut seen = events(&stripe).await;
    seen.retain(|kind| kind.starts_with("charge.dispute."));
    assert_eq!(
        seen,
        [
            "charge.dispute.closed",
            "charge.dispute.funds_reinstated",
            "charge.dispute.updated",
            "charge.dispute.funds_withdrawn",
            "charge.dispute.created",
        ]
    );
}

#[tokio::test]
async fn any_status_can_be_ordered_and_listed() {
    let stripe = start().await;
    let made: Vec<_> = ALL.iter().map(|status| dispute(&stripe, status)).collect();
    for (id, status) in made.iter().zip(ALL) {
        let read = ok(&stripe, "GET", &format!("/v1/disputes/{id}"), "").await;
        assert_eq!(read["status"], status);
        let by = format!("/v1/disputes?charge={}", read["charge"].as_str().unwrap());
        assert_eq!(ids(&ok(&stripe, "GET", &by, "").await), [id.as_str()]);
        let by =
            format!("/v1/disputes?payment_intent={}", read["payment_intent"].as_str().unwrap());
        assert_eq!(ids(&ok(&stripe, "GET", &by, "").await), [id.as_str()]);
    }
    let page = ok(&stripe, "GET", "/v1/disputes?limit=3", "").await;
    assert_eq!([ids(&page).len(), usize::from(page["has_more"] == true)], [3, 1]);
    let later = format!("/v1/disputes?created[gt]={NOW}");
    assert!(ids(&ok(&stripe, "GET", &later, "").await).is_empty());
    let order = DisputeOrder {
        charge: stripe.object(&made[0])["charge"].as_str().unwrap().to_owned(),
        status: "accepted".to_owned(),
        reason: "general".to_owned(),
        refundable: None,
    };
    assert!(stripe.dispute(&order).is_null());
}
