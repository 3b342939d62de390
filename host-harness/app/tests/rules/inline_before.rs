//! A ledger of format 5 with rules that were given with calls, in the words of that version.
//!
//! `host-harness/ledger/tests/format-5-inline.ledger` was made by that version against its own simulator:
//!
//! | operation | flags | what happened |
//! |---|---|---|
//! | `waits` | `--maximum 50.00 --approval-above 1.00` | alice asked for 5.00, `ap_1` waits |
//! | `denied` | `--maximum 5.00 --approval-above 1.00` | 6.00 was denied |
//! | `every-rule` | all of them | 2.00 was denied |
//! | `recall-3` | as `waits` | the line of frank's run, `ap_2` waits |

use refund_app::OutcomeKind;
use refund_app::bulk::rules_of;
use refund_core::eligibility::FailedRule;
use refund_core::policy::Terms;
use refund_ledger::{HeldRules, Ledger, MerchantRules, Scope, State};
use serde_json::json;

use crate::support::{Desk, caller, operation_id};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../ledger/tests/format-5-inline.ledger");

/// A desk over a copy of the file. Stripe has the payments of the operations.
async fn desk() -> Desk {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ledger");
    std::fs::copy(FILE, &file).unwrap();
    let scope = Scope { base_url: "http://127.0.0.1:13998".into(), live: false, account: None };
    let desk = Desk::over(folder, Ledger::open(&file, &scope).unwrap());
    let operations = desk.ledger().page(None, 100, None).await.unwrap().operations;
    // A minute after the file was made.
    desk.clock.set(operations.iter().map(|operation| operation.updated).max().unwrap() + 60);
    for operation in &operations {
        desk.stripe.charge(operation.payment().as_str(), 3_000);
    }
    desk
}

fn held(terms: serde_json::Value) -> HeldRules {
    let terms: Terms = serde_json::from_value(terms).unwrap();
    MerchantRules::policy(terms).into()
}

async fn ask_again(desk: &Desk, operation: &str) -> OutcomeKind {
    let operation = operation_id(operation);
    desk.application.ask_again(&operation, None, &caller("alice")).await.unwrap().kind()
}

#[tokio::test]
async fn rules_have_the_same_meaning() {
    let desk = desk().await;
    let limits = json!({ "never_above": { "usd": "50.00" }, "approve_up_to": { "usd": "1.00" } });
    assert_eq!(desk.operation("waits").await.rules, held(limits.clone()));
    let every_rule = json!({
        "window_days": 1, "minimum": { "usd": "1.00" }, "never_above": { "usd": "50.00" },
        "approve_up_to": { "usd": "1.00" }, "max_attempts": 1, "payment_methods": ["card"],
        "required_metadata": { "plan": ["pro"], "order": [] }, "fraud": "deny",
        "fee_rate": { "basis_points": 290, "fixed": 0 },
    });
    assert_eq!(desk.operation("every-rule").await.rules, held(every_rule));
    let run = desk.ledger().runs().await.unwrap().remove(0);
    let of_run = rules_of(&run).unwrap().unwrap();
    assert_eq!(HeldRules::from(of_run), held(limits));
    let approval = desk.approval("ap_1").await;
    let failed = approval.verdict.unwrap().failed;
    assert_eq!(failed, [FailedRule::ApproveUpTo { requested: 500, limit: 100 }]);
}

/// Under the rules as they were read: `denied` stays denied, `waits` is made once it is approved.
#[tokio::test]
async fn what_waits_goes_on_and_the_audit_holds() {
    let desk = desk().await;
    assert_eq!(desk.ledger().audit(None).await.unwrap().broken, []);
    assert_eq!(ask_again(&desk, "denied").await, OutcomeKind::Denied);
    assert_eq!(ask_again(&desk, "waits").await, OutcomeKind::Waiting);
    desk.approve("bob", "ap_1").await;
    let made = desk.application.execute("ap_1", None, &caller("carol")).await.unwrap().unwrap();
    assert_eq!(made.kind(), OutcomeKind::Made);
    assert_eq!((desk.state("waits").await, desk.stripe.posts()), (State::Succeeded, 1));
    assert_eq!(desk.ledger().audit(None).await.unwrap().broken, []);
}
