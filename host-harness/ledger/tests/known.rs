//! What the ledger adds to refunds that somebody else listed.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]

use refund_core::id::{OperationId, PaymentRef};
use refund_core::metadata::Metadata;
use refund_core::money::{Currency, Money};
use refund_ledger::{
    Ballot, Begun, Journal, Kept, Ledger, NewOperation, Outcome, Request, Scope, State, Wish,
};

fn operation(id: &str, payment: &str) -> NewOperation {
    let amount = Some(Money { amount: 500, currency: Currency::parse("usd").unwrap() });
    let request =
        Request::new(OperationId::parse(id).unwrap(), PaymentRef::parse(payment).unwrap());
    NewOperation::new(&Request { amount, ..request })
}

fn made(refund: &str, charge: &str, operation: &str) -> Outcome {
    let kept = Kept {
        id: refund.into(),
        amount: 500,
        currency: "usd".into(),
        status: Some("succeeded".into()),
        charge: Some(charge.into()),
        payment_intent: None,
        operation: Some(operation.into()),
        created: 1_790_000_000,
        failure_reason: None,
        metadata: Metadata::default(),
    };
    Outcome {
        refund: Some(kept),
        fee: Some((20, "eur".into())),
        ..Outcome::without_refund(State::Succeeded, "made")
    }
}

#[tokio::test]
async fn fees_and_approvals_by_refund() {
    let folder = tempfile::tempdir().unwrap();
    let scope = Scope { base_url: "http://127.0.0.1:1".into(), live: false, account: None };
    let ledger = Ledger::open(&folder.path().join("ledger.db"), &scope, "test").unwrap();
    let ledger = ledger.in_the_name_of("alice");

    let begun = ledger.begin(operation("op-1", "ch_1")).await.unwrap();
    assert!(matches!(begun, Begun::Go { .. }), "{begun:?}");
    ledger.settle("op-1", made("re_1", "ch_1", "op-1")).await.unwrap();

    ledger.begin(operation("op-2", "ch_2")).await.unwrap();
    let wish = Wish {
        request_hash: "h".into(),
        amount: 500,
        currency: "usd".into(),
        needed: 1,
        verdict: "{}".into(),
    };
    let asks =
        Outcome { wish: Some(wish), ..Outcome::without_refund(State::NeedsApproval, "too much") };
    ledger.settle("op-2", asks).await.unwrap();
    let ballot = Ballot { agrees: true, ..Ballot::default() };
    let approval = ledger.in_the_name_of("bob").decide("ap_1", ballot).await.unwrap();
    let again = ledger.approved("ap_1").await.unwrap();
    let begun = ledger.begin_again(&again).await;
    assert!(begun.is_ok(), "{begun:?}");
    ledger.settle("op-2", made("re_2", "ch_2", "op-2")).await.unwrap();

    let known = ledger.known(&["re_1", "re_2", "re_elsewhere"]).await.unwrap();
    assert_eq!(known.len(), 2);
    assert_eq!(known["re_1"].fee, Some((20, "eur".to_owned())));
    assert_eq!((known["re_1"].requested, known["re_1"].decided), (None, None));
    let told = (known["re_2"].requested, known["re_2"].decided);
    assert_eq!(told, (Some(approval.created), approval.decided));
    assert!(ledger.known(&[]).await.unwrap().is_empty());
}
