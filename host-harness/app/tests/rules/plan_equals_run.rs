//! A plan says what the run then does, on random policies, payments and ledgers.

use proptest::prelude::*;
use refund_app::bulk::{Ended, Forecast, Options, Stopped};
use refund_core::policy::{Document, Terms};
use refund_ledger::MerchantRules;
use serde_json::json;

use crate::bulk::{options, plan, record, send};
use crate::support::{Desk, approve_up_to, cases, request, try_ask, usd};

/// What a case of the property has.
#[derive(Clone, Debug)]
struct Case {
    charges: Vec<u64>,
    earlier: Vec<(usize, Option<u64>, bool)>,
    lines: Vec<(usize, usize, Option<u64>, bool)>,
    rules: Rules,
    in_flight: usize,
}

#[derive(Clone, Copy, Debug)]
enum Rules {
    None,
    Approval(u64),
    Maximum(u64),
    Attempts(u32),
    Deduction(u32),
}

impl Rules {
    fn merchant(self) -> MerchantRules {
        let policy = |policy: Terms| MerchantRules::policy(policy);
        match self {
            Self::None => MerchantRules::default(),
            Self::Approval(amount) => approve_up_to(amount),
            Self::Maximum(amount) => {
                policy(Terms { never_above: Some(usd(amount).into()), ..Terms::default() })
            }
            Self::Attempts(most) => policy(Terms { max_attempts: Some(most), ..Terms::default() }),
            Self::Deduction(points) => {
                let document: Document = serde_json::from_value(json!({
                    "name": "Shop", "version": "1",
                    "defaults": { "deduct": { "restocking_basis_points": points } },
                }))
                .unwrap();
                MerchantRules::document(document, false)
            }
        }
    }
}

fn case() -> impl Strategy<Value = Case> {
    let amount = || proptest::option::of(prop_oneof![Just(100_u64), Just(400), Just(900)]);
    let rules = prop_oneof![
        Just(Rules::None),
        prop_oneof![Just(50_u64), Just(500)].prop_map(Rules::Approval),
        prop_oneof![Just(300_u64), Just(800)].prop_map(Rules::Maximum),
        (1..3_u32).prop_map(Rules::Attempts),
        (0..3_u32).prop_map(|tenths| Rules::Deduction(tenths * 1000)),
    ];
    (
        proptest::collection::vec(prop_oneof![Just(500_u64), Just(1_000), Just(1_300)], 1..4),
        proptest::collection::vec((0..4_usize, amount(), any::<bool>()), 0..3),
        proptest::collection::vec((0..6_usize, 0..4_usize, amount(), any::<bool>()), 1..8),
        rules,
        1..4_usize,
    )
        .prop_map(|(charges, earlier, lines, rules, in_flight)| Case {
            charges,
            earlier,
            lines,
            rules,
            in_flight,
        })
}

async fn plan_and_run(case: &Case) -> Result<(), TestCaseError> {
    let desk = Desk::empty();
    for (number, amount) in case.charges.iter().enumerate() {
        desk.stripe.charge(&format!("ch_{number}"), *amount);
    }
    let payment = |number: usize, by_intent: bool| {
        let kind = if by_intent { "pi" } else { "ch" };
        format!("{kind}_{}", number % case.charges.len())
    };
    let rules = case.rules.merchant();
    for (number, (charge, amount, by_intent)) in case.earlier.iter().enumerate() {
        let wanted = request(&format!("op-{number}"), &payment(*charge, *by_intent), *amount);
        try_ask(&desk.application, "alice", wanted, &rules).await.unwrap();
    }
    let requests: Vec<_> = case
        .lines
        .iter()
        .map(|(operation, charge, amount, by_intent)| {
            request(&format!("op-{operation}"), &payment(*charge, *by_intent), *amount)
        })
        .collect();
    let before = (desk.stripe.total(), desk.stripe.posts());
    let head = desk.ledger().audit(None).await.unwrap();
    let mut planned = plan(&desk, "run", &requests, &rules).await;
    prop_assert_eq!((desk.stripe.total(), desk.stripe.posts()), before, "a plan sends nothing");
    let after = desk.ledger().audit(None).await.unwrap();
    prop_assert_eq!(after, head, "and writes nothing");
    let (run, _) = record(&desk.application, "run", &requests, &rules).await;
    let stopping = Options { in_flight: case.in_flight, ..options(&rules) };
    let stopped = send(&desk.application, &run, stopping.clone()).await;
    let listed = match stopped.ended {
        Ended::Stopped(Stopped::RefundedBefore(prior)) => prior,
        _ => Vec::new(),
    };
    prop_assert_eq!(&listed, &planned.refunded_before);
    if !listed.is_empty() {
        prop_assert_eq!(desk.stripe.posts(), before.1, "nothing was sent");
        let allowed = Options { allow_refunded_payments: true, ..stopping };
        send(&desk.application, &run, allowed).await;
    }
    let happened = Forecast::of(desk.ledger(), &run, listed).await.unwrap();
    let refunded = desk.stripe.total().1 - before.0.1;
    let sum = planned.refunds.get("usd").map_or(0, |sum| sum.amount);
    prop_assert_eq!(sum, refunded, "planned {:?}, happened {:?}", planned, happened);
    planned.refunded_before.clone_from(&happened.refunded_before);
    prop_assert_eq!(&planned, &happened);
    // Of a run that has ended nothing is planned any more, and it sends nothing any more.
    let sent = desk.stripe.posts();
    let again = plan(&desk, "run", &requests, &rules).await;
    prop_assert_eq!(again.refunds.len(), 0, "{:?}", again);
    let done = planned.done + planned.refunds.values().map(|sum| sum.lines).sum::<u64>();
    prop_assert_eq!(again.done, done);
    send(&desk.application, &run, options(&rules)).await;
    prop_assert_eq!(desk.stripe.posts(), sent);
    prop_assert_eq!(desk.ledger().audit(None).await.unwrap().broken, []);
    Ok(())
}

proptest! {
    #![proptest_config(cases(48))]

    /// On whatever policy, input and ledger: the plan is what the run does at Stripe.
    #[test]
    fn the_plan_is_what_the_run_does(case in case()) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(plan_and_run(&case))?;
    }
}
