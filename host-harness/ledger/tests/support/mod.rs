//! A ledger in a folder, and operations that are written as the rules write them: each change with its row of the audit.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

use std::path::{Path, PathBuf};

use refund_core::client::Origin;
use refund_core::eligibility::{Decision, Verdict};
use refund_core::id::{OperationId, PaymentRef};
use refund_core::model::Refund;
use refund_core::money::{Currency, Money};
use refund_ledger::{
    ApprovalId, ApprovalState, Entry, HeldRules, KeptRefund, Ledger, LedgerError, NewApproval,
    Operation, Request, Scope, Settlement, State, Store, Tx, UserName, Vote,
};
use serde_json::json;

pub const NOW: u64 = 1_780_000_000;

pub fn scope() -> Scope {
    Scope { base_url: "http://127.0.0.1:1".into(), live: false, account: None }
}

pub fn open(path: &Path) -> Ledger {
    Ledger::open(path, &scope()).unwrap()
}

pub struct Place {
    pub folder: tempfile::TempDir,
    pub file: PathBuf,
}

pub fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    Place { file: folder.path().join("ledger.db"), folder }
}

pub fn id(operation: &str) -> OperationId {
    OperationId::parse(operation).unwrap()
}

pub fn user(name: &str) -> UserName {
    UserName::parse(name).unwrap()
}

pub fn usd(amount: u64) -> Money {
    Money { amount, currency: Currency::parse("usd").unwrap() }
}

/// An operation that alice planned.
pub fn planned(operation: &str, payment: &str, amount: u64) -> Operation {
    let request = Request {
        amount: Some(usd(amount)),
        ..Request::new(id(operation), PaymentRef::parse(payment).unwrap())
    };
    Operation::new(request, user("alice"), HeldRules::default(), NOW)
}

pub fn refund(refund: &str, operation: &str) -> Refund {
    serde_json::from_value(json!({
        "id": refund, "amount": 500, "currency": "usd", "charge": "ch_1", "payment_intent": "pi_1",
        "status": "succeeded", "created": NOW, "metadata": { "refund_node_operation": operation },
    }))
    .unwrap()
}

/// Writes an operation and its row of the audit.
pub fn write(
    tx: &mut dyn Tx,
    before: Option<State>,
    operation: &Operation,
) -> Result<(), LedgerError> {
    tx.put_operation(operation)?;
    let entry = Entry {
        before,
        actor: "alice (test)".into(),
        outcome: operation.detail.clone(),
        request_id: None,
        time: operation.updated,
    };
    tx.record(operation, entry)
}

/// Plans an operation, marks it as sent, and takes its payment; `None` while another process works on it.
pub async fn begin(
    ledger: &Ledger,
    operation: Operation,
) -> Result<Option<Operation>, LedgerError> {
    ledger
        .write(move |tx| {
            let payment = tx.payment_key(operation.payment())?;
            if tx.working_on(&payment)?.is_some() {
                return Ok(None);
            }
            write(tx, None, &operation)?;
            tx.take_payment(&payment, operation.id())?;
            let sent = Operation {
                state: State::Sent,
                attempts: operation.attempts + 1,
                uncertain: Some(NOW),
                ..operation
            };
            write(tx, Some(State::Planned), &sent)?;
            Ok(Some(sent))
        })
        .await
}

/// Records that an operation has a refund, and lets go of its payment.
pub async fn settle(ledger: &Ledger, operation: &str, refund: Refund) -> Operation {
    let operation = id(operation);
    let settled = ledger.write(move |tx| {
        let sent = tx.operation(&operation)?.unwrap();
        tx.release_payment(&operation)?;
        if let (Some(intent), Some(charge)) = (&refund.payment_intent, &refund.charge) {
            tx.keep_charge(intent, charge)?;
        }
        let settled = Operation {
            state: State::Succeeded,
            settlement: Some(Settlement::Refunded { origin: Origin::Made, verdict: None }),
            refund: Some(KeptRefund::from(&refund)),
            uncertain: None,
            changes_sent: 1,
            ..sent.clone()
        };
        write(tx, Some(sent.state), &settled)?;
        Ok(settled)
    });
    let settled = settled.await.unwrap();
    ledger.let_go(settled.id());
    settled
}

pub async fn held(ledger: &Ledger, operation: &str) -> Operation {
    let operation = id(operation);
    ledger.read(move |tx| tx.operation(&operation)).await.unwrap().unwrap()
}

pub fn verdict() -> Verdict {
    Verdict {
        decision: Decision::NeedsApproval,
        failed: Vec::new(),
        amount: usd(500),
        refundable: usd(500),
        fee_kept: None,
        ruling: None,
    }
}

/// Files an approval, with a vote of bob's that suffices.
pub async fn approve(ledger: &Ledger, operation: &str) -> ApprovalId {
    let operation = id(operation);
    let filed = ledger.write(move |tx| {
        let waiting = tx.operation(&operation)?.unwrap();
        let waiting = Operation { state: State::NeedsApproval, ..waiting };
        let approval = tx.insert_approval(&NewApproval {
            operation: operation.clone(),
            request_hash: "hash".into(),
            fingerprint: waiting.fingerprint.clone(),
            money: usd(500),
            requester: waiting.requester.clone(),
            needed: 1,
            verdict: verdict(),
            created: NOW,
            expires: NOW + 100,
        })?;
        let vote = Vote {
            voter: user("bob"),
            agrees: true,
            note: None,
            time: NOW + 1,
            own_request: false,
        };
        tx.insert_vote(approval, &vote)?;
        let mut held = tx.approval(approval)?.unwrap();
        (held.state, held.decided) = (ApprovalState::Approved, Some(NOW + 1));
        tx.put_approval(&held)?;
        write(tx, Some(State::Planned), &waiting)?;
        Ok(approval)
    });
    filed.await.unwrap()
}

/// Changes the file behind the ledger's back.
pub fn tamper(file: &Path, sql: &str) {
    let connection = rusqlite::Connection::open(file).unwrap();
    connection
        .execute_batch("DROP TRIGGER audit_is_not_changed; DROP TRIGGER audit_is_not_shortened")
        .unwrap();
    connection.execute_batch(sql).unwrap();
}
