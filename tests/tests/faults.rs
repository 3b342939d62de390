//! The fault matrix: every fault at every step, once and until all tries are used up, through the
//! ledger. Refunds are counted at the simulator, never in our own records.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::time::Duration;

use refund_core::id::{OperationId, PaymentRef};
use refund_core::money::{Currency, Money};
use refund_host::{Allow, Host, Limits, Node, StripeKey};
use refund_ledger::{
    Difference, Effect, Kept, Ledger, NewOperation, RefundError, Refunded, Refunder, Request,
    Scope, State, reconcile,
};
use refund_simulator::{DisputeOrder, Fault, FaultKind, NewCharge, Simulator, TEST_KEY};
use serde_json::{Value, json};

const DAY: u64 = 86_400;

/// One simulator and one ledger; the component is shared, compiling it takes longer than the test.
struct Scene {
    stripe: Simulator,
    charge: String,
    ledger: Ledger,
    connection: Value,
    node: Node,
    _folder: tempfile::TempDir,
}

impl Scene {
    fn refunder(&self, grace: u64) -> Refunder<Ledger> {
        Refunder::new(self.node.clone(), self.connection.clone(), self.ledger.clone())
            .grace(Duration::from_secs(grace))
    }

    async fn refund(&self, operation: &str) -> Refunded {
        self.refunder(0).refund(ask(operation, &self.charge, 1000)).await.unwrap()
    }

    /// Tries again as a person or a run would, until it is settled.
    async fn settle(&self, operation: &str) -> State {
        for _ in 0..4 {
            let state = self.refund(operation).await.operation.state;
            if !state.is_unsettled() && state != State::Planned {
                return state;
            }
        }
        panic!("{operation} is never settled")
    }

    fn refunds(&self, operation: &str) -> usize {
        let refunds = self.stripe.refunds_of(&self.charge);
        refunds.iter().filter(|one| one["metadata"]["refund_node_operation"] == operation).count()
    }

    fn order(&self, kind: FaultKind, path: &str, method: &str, times: u32) {
        self.stripe.order_fault(Fault {
            method: Some(method.into()),
            path: Some(path.into()),
            skip: 0,
            times,
            kind,
        });
    }

    async fn differences(&self, repair: bool) -> Vec<Difference> {
        let mut found = Vec::new();
        reconcile(&self.node, &self.connection, &self.ledger, 0, repair, |one| found.push(one))
            .await
            .unwrap();
        found
    }
}

fn ask(operation: &str, charge: &str, amount: u64) -> NewOperation {
    let currency = Currency::parse("usd").unwrap();
    NewOperation::new(&Request {
        amount: Some(Money { amount, currency }),
        ..Request::new(OperationId::parse(operation).unwrap(), PaymentRef::parse(charge).unwrap())
    })
}

/// So many scenes over one component.
async fn scenes(count: usize) -> Vec<Scene> {
    let mut stripes = Vec::new();
    let mut allow = Allow::default();
    for _ in 0..count {
        let stripe = Simulator::builder().seed(11).start().await.unwrap();
        allow = allow.or(Allow::stripe_at(&stripe.base_url()).unwrap());
        stripes.push(stripe);
    }
    let limits = Limits { first_byte: Duration::from_millis(400), ..Limits::default() };
    let key = StripeKey::parse(TEST_KEY).unwrap();
    let host = Host::builder().key(key).allow(allow).limits(limits).build().unwrap();
    let node = host.load(refund_artifact::NODE).unwrap();
    stripes.into_iter().map(|stripe| scene(stripe, node.clone())).collect()
}

fn scene(stripe: Simulator, node: Node) -> Scene {
    let folder = tempfile::tempdir().unwrap();
    let scope = Scope { base_url: stripe.base_url(), live: false, account: None };
    let ledger = Ledger::open(&folder.path().join("ledger"), &scope, "test").unwrap();
    let charge = stripe.charge(&NewCharge::default())["id"].as_str().unwrap().to_owned();
    let connection = json!({ "base_url": stripe.base_url() });
    Scene { stripe, charge, ledger, connection, node, _folder: folder }
}

async fn one() -> Scene {
    scenes(1).await.remove(0)
}

/// Every fault the simulator knows, with a name.
fn faults() -> Vec<(&'static str, FaultKind)> {
    let code = |code: u16| FaultKind::status(code);
    let changed = |mut kind: FaultKind, change: fn(&mut Extras<'_>)| {
        if let FaultKind::Status { code, html, retry_after, should_retry, after_commit, .. } =
            &mut kind
        {
            change(&mut Extras { code, html, retry_after, should_retry, after_commit });
        }
        kind
    };
    vec![
        ("409", code(409)),
        ("429", code(429)),
        ("429, Retry-After", changed(code(429), |x| *x.retry_after = Some("1".into()))),
        ("429, do not retry", changed(code(429), |x| *x.should_retry = Some(false))),
        ("429, lock_timeout", changed(code(429), |x| *x.code = Some("lock_timeout".into()))),
        ("500", code(500)),
        ("500 after commit", changed(code(500), |x| *x.after_commit = true)),
        ("500, do not retry", changed(code(500), |x| *x.should_retry = Some(false))),
        ("503 with a page", changed(code(503), |x| *x.html = true)),
        (
            "502 with a page after commit",
            changed(code(502), |x| (*x.html, *x.after_commit) = (true, true)),
        ),
        ("time-out", FaultKind::Hang { after_commit: false }),
        ("time-out after commit", FaultKind::Hang { after_commit: true }),
        ("reset", FaultKind::Reset { after_commit: false }),
        ("reset after commit", FaultKind::Reset { after_commit: true }),
        ("half an answer", FaultKind::Truncate),
        ("cut-off JSON", FaultKind::BrokenJson),
        ("slow", FaultKind::Slow { millis: 2 }),
        ("endless", FaultKind::Endless),
        ("redirect", FaultKind::Redirect { to: "https://example.com/".into() }),
    ]
}

/// What an error answer may have beside its status.
struct Extras<'a> {
    code: &'a mut Option<String>,
    html: &'a mut bool,
    retry_after: &'a mut Option<String>,
    should_retry: &'a mut Option<bool>,
    after_commit: &'a mut bool,
}

/// Steps of one refund: reading the charge, and making the refund. The third, looking for it after a
/// loss, is lost on top of either.
const STEPS: [(&str, &str); 2] = [("GET", "/v1/charges/*"), ("POST", "/v1/refunds")];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fault_at_every_step_makes_one_refund() {
    let mut plans = Vec::new();
    for (name, kind) in faults() {
        for (method, path) in STEPS {
            for times in [1, 3] {
                for lookup_lost in [false, true] {
                    plans.push((name, kind.clone(), method, path, times, lookup_lost));
                }
            }
        }
    }
    let scenes = scenes(plans.len()).await;
    let runs = scenes.into_iter().zip(plans).map(|(scene, plan)| {
        tokio::spawn(async move {
            let (name, kind, method, path, times, lookup_lost) = plan;
            let what =
                format!("{name} on {method} {path}, {times} times, lookup lost: {lookup_lost}");
            scene.order(kind, path, method, times);
            if lookup_lost {
                scene.order(FaultKind::Reset { after_commit: false }, "/v1/refunds", "GET", 3);
            }
            scene.refund("op-1").await;
            let first = scene.refunds("op-1");
            assert!(first <= 1, "{what}: {first} refunds at once");
            scene.stripe.clear_faults();
            // The next try comes after Stripe has forgotten the key.
            scene.stripe.advance(2 * DAY);
            assert_eq!(scene.settle("op-1").await, State::Succeeded, "{what}");
            assert_eq!(scene.refunds("op-1"), 1, "{what}");
            assert_eq!(scene.settle("op-1").await, State::Succeeded, "{what}");
            assert_eq!(scene.refunds("op-1"), 1, "{what}: again");
            assert_eq!(scene.differences(false).await, [], "{what}");
            assert_eq!(scene.ledger.audit(None).await.unwrap().broken, [], "{what}");
        })
    });
    for run in futures::future::join_all(runs).await {
        run.unwrap();
    }
}

/// What a loss leaves behind: the operation is unknown, and its refund does or does not exist.
async fn lost(scene: &Scene, made: bool) {
    let reset = FaultKind::Reset { after_commit: made };
    scene.order(reset, "/v1/refunds", "POST", 3);
    scene.order(FaultKind::Reset { after_commit: false }, "/v1/refunds", "GET", 3);
    let refunded = scene.refund("op-1").await;
    assert_eq!(refunded.operation.state, State::OutcomeUnknown);
    assert_eq!(scene.refunds("op-1"), usize::from(made));
    scene.stripe.clear_faults();
}

#[tokio::test]
async fn nothing_new_is_sent_for_a_payment_before_the_unknown_is_settled() {
    let scene = one().await;
    lost(&scene, true).await;
    // The charge cannot be read, so nothing can tell about op-1: op-2 has to wait.
    scene.order(FaultKind::Reset { after_commit: false }, "/v1/charges/*", "GET", 3);
    let blocked = scene.refunder(0).refund(ask("op-2", &scene.charge, 500)).await;
    assert!(matches!(blocked, Err(RefundError::Blocked(ref by)) if by == "op-1"), "{blocked:?}");
    // Nor does a key of another account tell anything: the charge is not found there.
    scene.order(FaultKind::status(404), "/v1/charges/*", "GET", 1);
    let state = scene.refund("op-1").await.operation.state;
    assert_eq!((state, scene.refunds("op-2")), (State::OutcomeUnknown, 0));
    assert_eq!(scene.settle("op-1").await, State::Succeeded);
    let second = scene.refunder(0).refund(ask("op-2", &scene.charge, 500)).await.unwrap();
    assert_eq!(second.operation.state, State::Succeeded);
    assert_eq!((scene.refunds("op-1"), scene.refunds("op-2")), (1, 1));
}

#[tokio::test]
async fn a_dispute_in_between_stops_the_refund_and_is_believed_only_after_a_while() {
    let scene = one().await;
    lost(&scene, false).await;
    scene.stripe.dispute(&DisputeOrder {
        charge: scene.charge.clone(),
        status: "needs_response".into(),
        reason: "fraudulent".into(),
        refundable: None,
    });
    let early = scene.refunder(3600).refund(ask("op-1", &scene.charge, 1000)).await.unwrap();
    assert_eq!(early.operation.state, State::OutcomeUnknown, "it may still be on its way");
    assert_eq!(scene.settle("op-1").await, State::Refused);
    assert_eq!(scene.refunds("op-1"), 0);
}

#[tokio::test]
async fn a_dashboard_refund_in_between_is_seen() {
    let scene = one().await;
    lost(&scene, false).await;
    scene.stripe.dashboard_refund(&scene.charge, 2500);
    assert_eq!(scene.settle("op-1").await, State::Refused);
    assert_eq!(scene.stripe.refunds_of(&scene.charge).len(), 1);
    let differences = scene.differences(false).await;
    let [Difference::RefundWithoutOperation { refund }] = &differences[..] else {
        panic!("{differences:?}")
    };
    assert_eq!(refund.amount, 2500);
}

#[tokio::test]
async fn a_late_failure_reopens_and_is_not_paid_again_by_itself() {
    let scene = one().await;
    let refund = scene.refund("op-1").await.operation.refund.unwrap();
    scene.stripe.advance(20 * DAY);
    scene.stripe.end_refund(&refund, "failed", Some("expired_or_canceled_card"));
    let differences = scene.differences(true).await;
    assert!(matches!(differences[..], [Difference::Status { .. }]), "{differences:?}");
    assert_eq!(scene.settle("op-1").await, State::Failed);
    assert_eq!(scene.refunds("op-1"), 1);
    assert_eq!(scene.differences(false).await, []);
}

#[tokio::test]
async fn a_short_balance_is_pending_until_it_is_filled() {
    let scene = one().await;
    scene.stripe.set_balance("usd", 10);
    assert_eq!(scene.refund("op-1").await.operation.state, State::Pending);
    assert_eq!(scene.settle("op-1").await, State::Pending, "no second one");
    scene.stripe.set_balance("usd", 1_000_000);
    let refund = scene.stripe.refunds_of(&scene.charge).remove(0);
    let moved = scene.ledger.see(Kept::of(&refund).unwrap()).await.unwrap();
    assert!(matches!(moved, Effect::Moved { to: State::Succeeded, .. }), "{moved:?}");
    assert_eq!(scene.refunds("op-1"), 1);
}

#[tokio::test]
async fn clocks_that_differ_do_not_matter() {
    for start in [1_000_000_000, 2_100_000_000] {
        let stripe = Simulator::builder().start_at(start).start().await.unwrap();
        let allow = Allow::stripe_at(&stripe.base_url()).unwrap();
        let key = StripeKey::parse(TEST_KEY).unwrap();
        let host = Host::builder().key(key).allow(allow).build().unwrap();
        let scene = scene(stripe, host.load(refund_artifact::NODE).unwrap());
        lost(&scene, true).await;
        assert_eq!(scene.settle("op-1").await, State::Succeeded);
        assert_eq!(scene.refunds("op-1"), 1);
    }
}

#[tokio::test]
async fn a_wrong_key_harms_no_operation() {
    let scene = one().await;
    scene.order(FaultKind::status(401), "/v1/charges/*", "GET", 1);
    assert_eq!(scene.refund("op-1").await.operation.state, State::Planned);
    assert_eq!(scene.settle("op-1").await, State::Succeeded);
    assert_eq!(scene.refunds("op-1"), 1);
}

#[tokio::test]
async fn two_operations_on_one_payment_never_take_more_than_there_is() {
    let scene = one().await;
    let tries = (0..10).map(|n| {
        let refunder = scene.refunder(0);
        let charge = scene.charge.clone();
        tokio::spawn(async move { refunder.refund(ask(&format!("op-{n}"), &charge, 1000)).await })
    });
    let states: Vec<_> = futures::future::join_all(tries)
        .await
        .into_iter()
        .map(|done| done.unwrap().unwrap().operation.state)
        .collect();
    let made = states.iter().filter(|state| **state == State::Succeeded).count();
    assert_eq!((made, scene.stripe.refunds_of(&scene.charge).len()), (2, 2), "{states:?}");
    // The check saw what the ones before had done: Stripe had nothing to refuse.
    let refused = scene.stripe.requests().iter().filter(|one| one.status >= 400).count();
    assert_eq!(refused, 0);
}

/// The key of the account is in no file that the ledger leaves.
#[tokio::test]
async fn no_secret_reaches_the_ledger() {
    let scene = one().await;
    lost(&scene, true).await;
    scene.settle("op-1").await;
    let folder = scene.ledger.path().parent().unwrap().to_owned();
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            let found = bytes.windows(TEST_KEY.len()).any(|part| part == TEST_KEY.as_bytes());
            assert!(!found, "{}", path.display());
        }
    }
}
