//! The fault matrix: every fault at every step, once and until all tries are used up, through the
//! ledger. Refunds are counted at the simulator, never in our own records.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::time::Duration;

use refund_app::outcome::Standing;
use refund_app::{
    Application, Ask, Caller, Connection, Difference, Outcome, OutcomeKind, Settings, Tokio,
    WasmComponent,
};
use refund_core::id::{OperationId, PaymentRef};
use refund_core::money::{Currency, Money};
use refund_host::{Allow, Host, Limits, Node, StripeKey};
use refund_ledger::{Effect, Ledger, MerchantRules, Request, Scope, State, UserName};
use refund_simulator::{DisputeOrder, Fault, FaultKind, NewCharge, Simulator, TEST_KEY};

const DAY: u64 = 86_400;

/// One simulator and one ledger; the component is shared, compiling it takes longer than the test.
struct Scene {
    stripe: Simulator,
    charge: String,
    ledger: Ledger,
    component: WasmComponent,
    _folder: tempfile::TempDir,
}

impl Scene {
    fn application(&self, grace_secs: u64) -> Application<WasmComponent, Ledger, Tokio> {
        let settings = Settings { grace_secs, ..Settings::default() };
        Application::new(self.component.clone(), self.ledger.clone(), Tokio, settings)
    }

    async fn refund(&self, operation: &str) -> Outcome {
        self.ask(0, operation, 1000).await
    }

    async fn ask(&self, grace_secs: u64, operation: &str, amount: u64) -> Outcome {
        let wanted = ask(operation, &self.charge, amount);
        self.application(grace_secs).ask(wanted, &caller()).await.unwrap()
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
        let application = self.application(0);
        application.reconcile(0, repair, &caller(), |one| found.push(one)).await.unwrap();
        found
    }
}

fn ask(operation: &str, charge: &str, amount: u64) -> Ask {
    let currency = Currency::parse("usd").unwrap();
    let request = Request {
        amount: Some(Money { amount, currency }),
        ..Request::new(OperationId::parse(operation).unwrap(), PaymentRef::parse(charge).unwrap())
    };
    Ask { request, rules: MerchantRules::default() }
}

fn caller() -> Caller {
    Caller::new(UserName::parse("alice").unwrap(), "test")
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
    let ledger = Ledger::open(&folder.path().join("ledger"), &scope).unwrap();
    let charge = stripe.charge(&NewCharge::default())["id"].as_str().unwrap().to_owned();
    let connection = Connection { base_url: Some(stripe.base_url()), account: None };
    let component = WasmComponent::new(node, connection);
    Scene { stripe, charge, ledger, component, _folder: folder }
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
    let outcome = scene.refund("op-1").await;
    assert_eq!(outcome.operation.state, State::OutcomeUnknown);
    assert_eq!((outcome.kind(), outcome.kind().row().exit), (OutcomeKind::Unknown, 6));
    assert_eq!(scene.refunds("op-1"), usize::from(made));
    scene.stripe.clear_faults();
}

#[tokio::test]
async fn nothing_new_is_sent_for_a_payment_before_the_unknown_is_settled() {
    let scene = one().await;
    lost(&scene, true).await;
    // The refunds cannot be listed, so the outcome of op-1 stays unknown: op-2 has to wait.
    scene.order(FaultKind::Reset { after_commit: false }, "/v1/refunds", "GET", 3);
    let blocked = scene.ask(0, "op-2", 500).await;
    let Standing::Blocked { operation, .. } = &blocked.standing else { panic!("{blocked:?}") };
    assert_eq!((operation.as_str(), blocked.kind().row().exit), ("op-1", 6));
    // Nor does a key of another account tell anything: the charge is not found there.
    scene.order(FaultKind::status(404), "/v1/charges/*", "GET", 1);
    let state = scene.refund("op-1").await.operation.state;
    assert_eq!((state, scene.refunds("op-2")), (State::OutcomeUnknown, 0));
    // The next refund of the payment finds out about op-1, and sends nothing for it.
    let posts = || scene.stripe.requests().iter().filter(|one| one.method == "POST").count();
    let before = posts();
    let second = scene.ask(0, "op-2", 500).await;
    assert_eq!((second.operation.state, posts()), (State::Succeeded, before + 1));
    let [settled] = &second.also_settled[..] else { panic!("{second:?}") };
    assert_eq!((settled.id().as_str(), settled.state), ("op-1", State::Succeeded));
    assert_eq!(scene.settle("op-1").await, State::Succeeded);
    assert_eq!((scene.refunds("op-1"), scene.refunds("op-2")), (1, 1));
}

#[tokio::test]
async fn an_unknown_operation_of_which_nothing_is_found_is_not_sent_for_another() {
    let scene = one().await;
    lost(&scene, false).await;
    let early = scene.ask(3600, "op-2", 500).await;
    assert_eq!((early.kind(), early.kind().row().http), (OutcomeKind::Blocked, 504));
    let second = scene.ask(0, "op-2", 500).await;
    assert_eq!(second.operation.state, State::Succeeded);
    assert_eq!(second.also_settled[0].state, State::Planned, "none was made for it");
    assert_eq!((scene.refunds("op-1"), scene.refunds("op-2")), (0, 1));
    assert_eq!(scene.settle("op-1").await, State::Succeeded, "the same id goes on with it");
    assert_eq!(scene.refunds("op-1"), 1);
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
    let early = scene.ask(3600, "op-1", 1000).await;
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
    scene.stripe.end_refund(refund.id.as_str(), "failed", Some("expired_or_canceled_card"));
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
    let refund = serde_json::from_value(refund).unwrap();
    let moved = scene.application(0).see(refund, &caller()).await.unwrap();
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
        let (application, wanted) =
            (scene.application(0), ask(&format!("op-{n}"), &scene.charge, 1000));
        tokio::spawn(async move { application.ask(wanted, &caller()).await })
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
