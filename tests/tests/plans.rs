//! The plan of a file is what the run does at the simulator, on random policies, files and ledgers.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use refund_app::bulk::{Ended, Forecast, Options, Runner, StopLoss, Stopped};
use refund_app::{Application, Ask, Caller, Connection, Settings, Tokio, WasmComponent};
use refund_bulk::{Planning, Rejects, Source, import, plan};
use refund_core::id::{OperationId, PaymentRef};
use refund_core::money::{Currency, Money};
use refund_core::policy::{Document, Terms};
use refund_ledger::{Ledger, MerchantRules, Request, Scope, UserName};
use refund_simulator::{DisputeOrder, NewCharge};
use refund_tests::Stage;
use serde_json::json;
use tokio::sync::watch;

/// Random cases.
const CASES: u64 = 16;

fn usd(amount: u64) -> Money {
    Money { amount, currency: Currency::parse("usd").unwrap() }
}

fn rules(luck: &mut fastrand::Rng) -> MerchantRules {
    let document = |defaults: serde_json::Value| {
        let document = json!({ "name": "Shop", "version": "1", "defaults": defaults });
        let document: Document = serde_json::from_value(document).unwrap();
        MerchantRules::document(document, false)
    };
    match luck.u8(0..6) {
        0 => MerchantRules::default(),
        1 => MerchantRules::policy(Terms {
            approve_up_to: Some(usd(700).into()),
            ..Terms::default()
        }),
        2 => {
            MerchantRules::policy(Terms { never_above: Some(usd(900).into()), ..Terms::default() })
        }
        3 => MerchantRules::policy(Terms { max_attempts: Some(1), ..Terms::default() }),
        4 => document(json!({ "deduct": { "restocking_basis_points": 1000 } })),
        _ => document(json!({
            "approve_up_to": { "usd": "5.00" }, "second_approval_above": { "usd": "8.00" },
            "never_above": { "usd": "15.00" }, "deduct": { "restocking_basis_points": 500 },
        })),
    }
}

/// A payment in one of its two names.
struct Payment {
    charge: String,
    intent: String,
}

impl Payment {
    fn name(&self, luck: &mut fastrand::Rng) -> &str {
        if luck.bool() { &self.charge } else { &self.intent }
    }
}

fn payments(stage: &Stage, luck: &mut fastrand::Rng) -> Vec<Payment> {
    let payment = |luck: &mut fastrand::Rng| {
        let amount = luck.u64(3..20) * 100;
        let charge = stage.stripe.charge(&NewCharge { amount, ..NewCharge::default() });
        let text = |name: &str| charge[name].as_str().unwrap().to_owned();
        let payment = Payment { charge: text("id"), intent: text("payment_intent") };
        if luck.u8(0..8) == 0 {
            stage.stripe.dispute(&DisputeOrder {
                charge: payment.charge.clone(),
                status: "needs_response".into(),
                reason: "fraudulent".into(),
                refundable: None,
            });
        }
        payment
    };
    (0..luck.usize(2..5)).map(|_| payment(luck)).collect()
}

fn file(folder: &Path, payments: &[Payment], luck: &mut fastrand::Rng) -> Source {
    let mut text = String::from("payment,amount,currency,operation\n");
    for _ in 0..luck.usize(3..12) {
        let payment = payments[luck.usize(0..payments.len())].name(luck);
        let operation = format!("op-{}", luck.u8(0..8));
        let _ = match luck.u8(0..5) {
            0 => writeln!(text, "{payment},all,,{operation}"),
            1 => writeln!(text, "{payment},1.001,usd,{operation}"),
            _ => writeln!(text, "{payment},{}.00,usd,{operation}", luck.u8(1..12)),
        };
    }
    let path = folder.join("input.csv");
    std::fs::write(&path, text).unwrap();
    Source {
        name: path.clone(),
        path,
        template: None,
        ignore_unknown: false,
        rules: MerchantRules::default(),
    }
}

/// What the simulator holds, in cents.
fn refunded(stage: &Stage, payments: &[Payment]) -> u64 {
    let refunds = payments.iter().flat_map(|one| stage.stripe.refunds_of(&one.charge));
    refunds.filter_map(|refund| refund["amount"].as_u64()).sum()
}

async fn play(seed: u64) {
    let mut luck = fastrand::Rng::with_seed(seed);
    let stage = Stage::new().await;
    let folder = tempfile::tempdir().unwrap();
    let payments = payments(&stage, &mut luck);
    let rules = rules(&mut luck);
    let source = Source { rules: rules.clone(), ..file(folder.path(), &payments, &mut luck) };
    let scope = Scope { base_url: stage.stripe.base_url(), live: false, account: None };
    let path = folder.path().join("ledger");
    let ledger = Ledger::open(&path, &scope).unwrap();
    let connection = Connection { base_url: Some(stage.stripe.base_url()), account: None };
    let component = WasmComponent::new(stage.node.clone(), connection);
    let caller = Caller::new(UserName::parse("alice").unwrap(), "test");
    let application =
        Application::new(component.clone(), ledger.clone(), Tokio, Settings::default());
    for number in 0..luck.u8(0..4) {
        let payment = payments[luck.usize(0..payments.len())].name(&mut luck);
        let request = Request {
            amount: Some(usd(luck.u64(1..6) * 100)),
            ..Request::new(
                OperationId::parse(&format!("op-{number}")).unwrap(),
                PaymentRef::parse(payment).unwrap(),
            )
        };
        application.ask(Ask { request, rules: rules.clone() }, &caller).await.unwrap();
    }
    let in_force = (!rules.is_empty()).then(|| rules.clone());
    let in_flight = luck.usize(1..5);
    let planning = Planning {
        component,
        runtime: Tokio,
        settings: Settings::default(),
        ledger: &path,
        scope: &scope,
        in_flight,
        rules: in_force.clone(),
    };
    let before = (refunded(&stage, &payments), ledger.audit(None).await.unwrap());
    let planned = plan(planning, &source, &caller, |_| {}).await.unwrap();
    let after = (refunded(&stage, &payments), ledger.audit(None).await.unwrap());
    assert_eq!(after, before, "seed {seed}: a plan changes nothing");

    let imported = import(&application, &source, &caller, Rejects::none(), |_| {}).await.unwrap();
    let mut options = Options {
        in_flight,
        spread: None,
        stop: StopLoss { go_on_when_short: true, ..StopLoss::default() },
        tries: 1,
        rules: in_force,
        allow_refunded_payments: false,
    };
    let mut listed = Vec::new();
    loop {
        let run = &imported.run;
        let runner = Runner::new(&application, run, options.clone(), BTreeMap::new(), &caller);
        let (_never, interrupt) = watch::channel(false);
        let summary = runner.await.unwrap().run(interrupt, &mut ()).await.unwrap();
        let Ended::Stopped(Stopped::RefundedBefore(prior)) = summary.ended else { break };
        assert_eq!(refunded(&stage, &payments), before.0, "seed {seed}: it stops before it sends");
        listed = prior;
        options.allow_refunded_payments = true;
    }
    assert_eq!(planned.refunded_before, listed, "seed {seed}");
    let sum = planned.refunds.get("usd").map_or(0, |sum| sum.amount);
    assert_eq!(sum, refunded(&stage, &payments) - before.0, "seed {seed}: {planned:?}");
    let happened = Forecast::of(&ledger, &imported.run, listed).await.unwrap();
    assert_eq!(planned, happened, "seed {seed}");
    assert_eq!(ledger.audit(None).await.unwrap().broken, [], "seed {seed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_plan_is_what_the_run_does() {
    for seed in 0..CASES {
        Box::pin(play(seed)).await;
    }
}
