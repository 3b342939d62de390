use serde_json::{Value, json};

use super::*;
use crate::id::{OperationId, PaymentRef, RefundId};
use crate::metadata::{Metadata, OPERATION_KEY};
use crate::model::{Charge, Refund};
use crate::webhook::{interpret, parse};

fn refund(status: &str) -> Value {
    json!({
        "id": "re_1", "object": "refund", "amount": 1250, "currency": "usd", "status": status,
        "charge": "ch_1", "payment_intent": "pi_1",
        "metadata": {
            OPERATION_KEY: "op-1", "order_id": "6735", "customer_name": "Ann", "customer_email": "ann@example.com",
            "subscription_id": "sub_1",
        },
    })
}

fn charge(refunded: u64) -> Value {
    json!({
        "id": "ch_1", "object": "charge", "amount": 5000, "currency": "usd", "status": "succeeded", "created": 1,
        "amount_captured": 5000, "amount_refunded": refunded, "payment_intent": "pi_1",
        "metadata": { "order_id": "6735", "subscription_id": "sub_1" },
    })
}

fn of_event(kind: &str, object: &Value, options: &Options) -> Vec<FollowUp> {
    let body = json!({ "id": "evt_1", "object": "event", "type": kind, "created": 1, "data": { "object": object } });
    of_action(&interpret(&parse(body.to_string().as_bytes()).unwrap()), options)
}

fn outcome(ended: Ended, left: Option<u64>) -> Outcome {
    Outcome {
        operation_id: OperationId::parse("op-1").unwrap(),
        payment: PaymentRef::parse("pi_1").unwrap(),
        money: None,
        ended,
        left,
        metadata: Metadata::default(),
    }
}

fn made(status: &str) -> Ended {
    let refund: Refund = serde_json::from_value(refund(status)).unwrap();
    Ended::Refund(Box::new(refund))
}

/// Kind and telling detail of each, for tables.
fn said(found: &[FollowUp]) -> Vec<String> {
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    let one = |follow_up: &FollowUp| {
        let json = json!(follow_up);
        let data = &json["data"];
        let detail = ["message", "why", "status", "reason", "subscription"];
        let detail = detail.iter().find_map(|key| data.get(key)).unwrap();
        format!("{} {}", word(&json["type"]), word(detail))
    };
    found.iter().map(one).collect()
}

fn ids(found: &[FollowUp]) -> Vec<&str> {
    let mut ids: Vec<_> = found.iter().map(|one| one.id.as_str()).collect();
    ids.sort_unstable();
    ids
}

#[test]
fn each_status_of_a_refund() {
    let all = Options::default();
    let table: [(&str, &[&str]); 6] = [
        ("pending", &["notify-customer refund_pending", "update-order refund_pending"]),
        ("succeeded", &["notify-customer refund_succeeded", "update-order refund_succeeded"]),
        (
            "requires_action",
            &["notify-customer refund_needs_action", "update-order refund_needs_action"],
        ),
        (
            "failed",
            &[
                "notify-customer refund_failed",
                "update-order refund_failed",
                "keep-access refund_failed",
                "alert refund_failed",
            ],
        ),
        ("canceled", &["update-order refund_canceled", "keep-access refund_canceled"]),
        ("status_of_tomorrow", &["notify-customer refund_pending", "update-order refund_pending"]),
    ];
    for (status, expected) in table {
        assert_eq!(said(&of_event("refund.updated", &refund(status), &all)), expected, "{status}");
        assert_eq!(said(&of_outcome(&outcome(made(status), None), &all)), expected, "{status}");
    }
}

#[test]
fn an_event_and_the_operation_tell_the_same_under_the_same_ids() {
    for options in [
        Options::default(),
        Options { revoke_access: When::Any, ..Options::default() },
        Options { revoke_access: When::Never, ..Options::default() },
    ] {
        for status in ["pending", "succeeded", "failed", "requires_action", "canceled"] {
            let event = of_event("refund.created", &refund(status), &options);
            let operation = of_outcome(&outcome(made(status), None), &options);
            assert_eq!(event, operation, "{status}");
        }
        // What is left of the payment is told by another event.
        let spent = ["succeeded", "pending"];
        for (status, refunded, left) in [(spent[0], 5000, 0), (spent[1], 1250, 3750)] {
            let mut events = of_event("refund.updated", &refund(status), &options);
            events.extend(of_event("charge.refunded", &charge(refunded), &options));
            events.extend(of_event("charge.refund.updated", &refund(status), &options));
            let operation = of_outcome(&outcome(made(status), Some(left)), &options);
            let mut told = ids(&events);
            told.dedup();
            assert_eq!(told, ids(&operation), "{status} {options:?}");
        }
    }
}

#[test]
fn full_partial_and_never() {
    let with = |revoke_access, cancel_subscription| Options {
        revoke_access,
        cancel_subscription,
        ..Options::default()
    };
    let of = |refunded, options: &Options| {
        said(&of_event("charge.refunded", &charge(refunded), options))
    };
    let usual = Options::default();
    assert_eq!(
        of(5000, &usual),
        [
            "revoke-access fully_refunded",
            "cancel-subscription sub_1",
            "update-order fully_refunded"
        ]
    );
    assert_eq!(of(4999, &usual), ["keep-access partly_refunded", "update-order partly_refunded"]);
    assert_eq!(
        of(1, &with(When::Any, When::Never)),
        ["revoke-access partly_refunded", "update-order partly_refunded"]
    );
    assert_eq!(
        of(5000, &with(When::Never, When::Any)),
        ["keep-access fully_refunded", "cancel-subscription sub_1", "update-order fully_refunded"]
    );
    // A refund that failed gives nothing back: the payment is not refunded in whole.
    let failed = of_outcome(&outcome(made("failed"), Some(0)), &usual);
    assert!(!said(&failed).iter().any(|one| one.starts_with("revoke")), "{failed:?}");
}

#[test]
fn where_any_refund_revokes_it_is_told_once() {
    let any = Options { revoke_access: When::Any, ..Options::default() };
    let mut ids: Vec<_> = [
        of_event("refund.updated", &refund("pending"), &any),
        of_event("refund.updated", &refund("succeeded"), &any),
        of_event("charge.refunded", &charge(1250), &any),
        of_event("charge.refunded", &charge(5000), &any),
        of_outcome(&outcome(made("succeeded"), Some(0)), &any),
    ]
    .concat()
    .into_iter()
    .filter(|one| one.task.kind() == Kind::RevokeAccess)
    .map(|one| one.id)
    .collect();
    assert_eq!(ids.len(), 5);
    ids.dedup();
    assert_eq!(ids.len(), 1);
}

#[test]
fn operations_without_a_refund() {
    let twice = vec![RefundId::from_stripe("re_1"), RefundId::from_stripe("re_2")];
    for (ended, expected) in [
        (Ended::Denied("too old".to_owned()), "notify-customer refund_denied"),
        (Ended::Refused("no".to_owned()), "alert refund_refused"),
        (Ended::OutcomeUnknown("broken".to_owned()), "alert outcome_unknown"),
        (Ended::RefundedTwice(twice), "alert refunded_twice"),
    ] {
        let found = of_outcome(&outcome(ended, None), &Options::default());
        assert_eq!(said(&found), [expected]);
        assert_eq!(
            (found[0].subject.as_str(), found[0].about.operation.as_deref()),
            ("pi_1", Some("op-1"))
        );
    }
}

#[test]
fn disputes_and_money_given_back_twice() {
    let dispute = json!({
        "id": "dp_1", "object": "dispute", "amount": 5000, "currency": "usd", "status": "lost", "charge": "ch_1",
        "reason": "fraudulent", "evidence_details": { "due_by": 1_795_000_000 },
    });
    let usual = Options::default();
    let opened = of_event("charge.dispute.created", &dispute, &usual);
    let due = |one: &FollowUp| match &one.task {
        Task::Alert { severity, due_by, .. } => (*severity, *due_by),
        other => panic!("{other:?}"),
    };
    assert_eq!(said(&opened), ["alert dispute_opened"]);
    assert_eq!(due(&opened[0]), (Severity::Critical, Some(1_795_000_000)));
    assert_eq!(opened[0].subject, "ch_1");
    assert_eq!(said(&of_event("charge.dispute.closed", &dispute, &usual)), ["alert dispute_lost"]);
    let won = {
        let mut won = dispute.clone();
        won["status"] = json!("won");
        won
    };
    assert_eq!(said(&of_event("charge.dispute.closed", &won, &usual)), ["alert dispute_closed"]);
    assert!(of_event("charge.dispute.updated", &dispute, &usual).is_empty());

    let alerts = Options { only: vec![Kind::Alert], ..Options::default() };
    let mut over = charge(5001);
    assert_eq!(said(&of_event("charge.refunded", &over, &alerts)), ["alert refunded_twice"]);
    over["amount_refunded"] = json!(10);
    over["disputed"] = json!(true);
    assert_eq!(
        said(&of_event("charge.refunded", &over, &alerts)),
        ["alert refunded_while_disputed"]
    );
}

#[test]
fn only_what_is_wanted() {
    for kind in Kind::ALL {
        let options = Options { only: vec![kind], ..Options::default() };
        let found = of_outcome(&outcome(made("failed"), None), &options);
        assert!(found.iter().all(|one| one.task.kind() == kind));
        assert_eq!(json!(kind), json!(kind.as_str()));
    }
    let keys = Options { reference_keys: vec!["invoice".to_owned()], ..Options::default() };
    let found = of_event("refund.updated", &refund("pending"), &keys);
    assert_eq!(said(&found), ["notify-customer refund_pending"], "another key than the order's");
}

#[test]
fn customer_and_order_are_found_in_the_payment_where_the_refund_says_nothing() {
    let charge: Charge = serde_json::from_value(charge(0)).unwrap();
    let mut bare = refund("succeeded");
    bare["metadata"] = json!({});
    let ended = Ended::Refund(Box::new(serde_json::from_value(bare).unwrap()));
    let metadata =
        charge.metadata.0.into_iter().chain([("email".to_owned(), " b@example.com ".to_owned())]);
    let outcome = Outcome { metadata: metadata.collect(), ..outcome(ended, None) };
    let found = of_outcome(&outcome, &Options::default());
    let Task::NotifyCustomer { customer, .. } = &found[0].task else { panic!("{found:?}") };
    assert_eq!(customer.email.as_deref(), Some("b@example.com"));
    assert!(matches!(&found[1].task, Task::UpdateOrder { order, .. } if order == "6735"));
}

/// What receivers get. A change here breaks them; another id would deliver everything once more.
#[test]
fn the_json_is_fixed() {
    let found = of_event("refund.failed", &refund("failed"), &Options::default());
    assert_eq!(
        json!(found[0]),
        json!({
            "id": "fu_c96b6499f021fb30cc50ac21a8d5f027c2652a7ff665b23a9396f1cd1fa0a78e",
            "subject": "ch_1",
            "type": "notify-customer",
            "data": {
                "message": "refund_failed",
                "customer": { "name": "Ann", "email": "ann@example.com" },
                "detail": null,
            },
            "about": {
                "operation": "op-1", "refund": "re_1", "dispute": null, "charge": "ch_1", "payment_intent": "pi_1",
                "money": { "amount": 1250, "currency": "usd" },
            },
        })
    );
    for one in &found {
        let text = serde_json::to_string(one).unwrap();
        assert_eq!(&serde_json::from_str::<FollowUp>(&text).unwrap(), one);
    }
}
