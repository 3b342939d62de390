//! What the ledger adds to refunds that were listed elsewhere.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use refund_ledger::{ApprovalState, Fee, Operation, Store};
use support::{NOW, approve, begin, id, open, place, planned, refund, settle, write};

#[tokio::test]
async fn fees_and_approvals_by_refund() {
    let place = place();
    let ledger = open(&place.file);
    begin(&ledger, planned("op-1", "ch_1", 500)).await.unwrap();
    let made = settle(&ledger, "op-1", refund("re_1", "op-1")).await;
    let fee = Some(Fee { amount: 20, currency: "eur".into() });
    ledger.write(move |tx| write(tx, Some(made.state), &Operation { fee, ..made })).await.unwrap();

    let waiting = planned("op-2", "ch_2", 500);
    ledger.write(move |tx| write(tx, None, &waiting)).await.unwrap();
    let superseded = approve(&ledger, "op-2").await;
    ledger
        .write(move |tx| {
            let mut approval = tx.approval(superseded)?.unwrap();
            (approval.state, approval.decided) = (ApprovalState::Superseded, Some(7));
            tx.put_approval(&approval)?;
            let operation = tx.operation(&id("op-2"))?.unwrap();
            write(tx, Some(operation.state), &operation)
        })
        .await
        .unwrap();
    approve(&ledger, "op-2").await;
    settle(&ledger, "op-2", refund("re_2", "op-2")).await;

    let known = ledger.known(&["re_1", "re_2", "re_elsewhere"]).await.unwrap();
    assert_eq!(known.len(), 2);
    assert_eq!(known["re_1"].fee, Some((20, "eur".to_owned())));
    assert_eq!((known["re_1"].requested, known["re_1"].decided), (None, None));
    let decided = (known["re_2"].requested, known["re_2"].decided);
    assert_eq!(decided, (Some(NOW), Some(NOW + 1)), "the one that came to something");
    assert!(ledger.known(&[]).await.unwrap().is_empty());
}
