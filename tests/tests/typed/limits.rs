//! A call of a kept resource is bounded as every other call is.

use std::time::Duration;

use refund_host::api::duplicates::Direction;
use refund_host::api::eligibility::{Amount, Facts, Rules};
use refund_host::api::types::{Charge, ChargeStatus, Refund, RefundStatus};
use refund_host::{CallError, CallFailure, Host, Limit, Limits};
use refund_tests::{COMPILED, usd};

use super::{DOCUMENT, NOW, ask, options};

const ITEMS: usize = 60_000;

fn charge(n: usize) -> Charge {
    Charge {
        id: format!("ch_{n}"),
        amount: usd(2500),
        amount_captured: 2500,
        amount_refunded: 0,
        status: ChargeStatus::Succeeded,
        captured: true,
        refunded: false,
        disputed: false,
        created: NOW + n as u64,
        customer: Some(format!("cus_{n}")),
        payment_intent: Some(format!("pi_{n}")),
        payment_method_type: Some("card".to_owned()),
        card_fingerprint: Some("fp".to_owned()),
        fraud_user_report: None,
        fraud_stripe_report: None,
        balance_transaction: None,
        livemode: false,
        metadata: Vec::new(),
    }
}

fn refund(n: usize) -> Refund {
    Refund {
        id: format!("re_{n}"),
        amount: usd(1),
        charge: Some("ch_0".to_owned()),
        payment_intent: None,
        status: RefundStatus::Succeeded,
        reason: None,
        failure_reason: None,
        pending_reason: None,
        created: NOW,
        balance_transaction: None,
        failure_balance_transaction: None,
        receipt_number: None,
        destination: None,
        metadata: Vec::new(),
        operation_id: None,
    }
}

fn limit<T>(answer: Result<T, CallError>) -> Limit {
    let error = answer.err().expect("the call is stopped");
    let CallFailure::Limit(limit) = error.failure() else { panic!("{error}") };
    assert_eq!(error.changes_sent(), 0);
    *limit
}

/// Plain calls, a scanner and a policy, each with more work than the limits permit.
async fn reached(limits: Limits) -> [Limit; 4] {
    let host = Host::builder().cache(COMPILED).limits(limits).build().unwrap();
    let node = host.load(refund_artifact::NODE).unwrap();
    let charges: Vec<_> = (0..ITEMS).map(charge).collect();
    let facts = Facts {
        charge: charge(0),
        refunds: (0..ITEMS).map(refund).collect(),
        disputes: Vec::new(),
    };
    let amount = Amount::Exactly(usd(1));
    let mut scanner = node.scanner(&options(), Direction::OldestFirst).await.unwrap();
    let mut policy = node.policy(DOCUMENT).await.unwrap().unwrap();
    [
        limit(node.detect(&charges, &options()).await),
        limit(scanner.push(&charges).await),
        limit(node.check(&ask(amount.clone()), &facts, &Rules::None, NOW).await),
        limit(policy.check(&ask(amount), &facts, NOW).await),
    ]
}

#[tokio::test]
async fn memory() {
    let memory = 4 << 20;
    let limits = Limits { memory, ..Limits::default() };
    assert_eq!(reached(limits).await, [Limit::Memory(memory); 4]);
}

fn roomy() -> Limits {
    Limits { memory: 512 << 20, transfer: 512 << 20, concurrency: 4, ..Limits::default() }
}

#[tokio::test]
async fn computing_time() {
    let cpu = Duration::from_millis(100);
    assert_eq!(reached(Limits { cpu, ..roomy() }).await, [Limit::Cpu(cpu); 4]);
}

#[tokio::test]
async fn time_of_a_call() {
    let call = Duration::from_millis(300);
    assert_eq!(reached(Limits { call, ..roomy() }).await, [Limit::Call(call); 4]);
}
