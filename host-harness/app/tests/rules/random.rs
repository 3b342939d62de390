//! Random orders of requests, losses, events, votes, crashes and waits: whatever is reported agrees with Stripe.

use proptest::prelude::*;
use refund_app::{Outcome, OutcomeKind};
use refund_ledger::{MerchantRules, State};

use crate::support::{
    App, Desk, Fate, GRACE_SECS, approve_up_to, caller, cases, never_above, operation_id, request,
    try_ask, yes,
};

const OPERATIONS: [&str; 3] = ["op-0", "op-1", "op-2"];
const NAMES: [&str; 3] = ["alice", "bob", "carol"];

#[derive(Clone, Copy, Debug)]
enum Step {
    Ask {
        operation: usize,
        amount: u64,
        name: usize,
        rules: usize,
        by_intent: bool,
    },
    Fate(Fate),
    Unreadable,
    Trap(u32),
    Advance(u64),
    Dashboard(u64),
    /// The newest refund ends.
    Fail,
    /// An event about the newest refund arrives.
    Event,
    Approve {
        approval: usize,
        name: usize,
    },
    Execute {
        approval: usize,
        name: usize,
    },
    FindOut(usize),
    /// The process ends, and another one goes on.
    Restart,
    ForgetKeys,
}

fn step() -> impl Strategy<Value = Step> {
    let fate = prop_oneof![
        Just(Fate::AnswerLost),
        Just(Fate::RequestLost),
        (1..GRACE_SECS).prop_map(Fate::Late),
        Just(Fate::NotReached),
        prop_oneof![Just(400_u16), Just(429), Just(500)].prop_map(Fate::Refused),
    ];
    let amount = prop_oneof![Just(100_u64), Just(600), Just(900)];
    prop_oneof![
        6 => (0..3_usize, amount, 0..3_usize, 0..3_usize, any::<bool>()).prop_map(
            |(operation, amount, name, rules, by_intent)| Step::Ask { operation, amount, name, rules, by_intent }
        ),
        3 => fate.prop_map(Step::Fate),
        1 => Just(Step::Unreadable),
        1 => (0..2_u32).prop_map(Step::Trap),
        2 => prop_oneof![Just(1_u64), Just(40), Just(GRACE_SECS), Just(2 * GRACE_SECS)].prop_map(Step::Advance),
        1 => prop_oneof![Just(100_u64), Just(500)].prop_map(Step::Dashboard),
        1 => Just(Step::Fail),
        1 => Just(Step::Event),
        1 => (1..5_usize, 0..3_usize).prop_map(|(approval, name)| Step::Approve { approval, name }),
        1 => (1..5_usize, 0..3_usize).prop_map(|(approval, name)| Step::Execute { approval, name }),
        1 => (0..3_usize).prop_map(Step::FindOut),
        1 => Just(Step::Restart),
        1 => Just(Step::ForgetKeys),
    ]
}

/// Whatever the outcome says about the refund must be so at Stripe, and in the ledger.
async fn check(desk: &Desk, application: &App, outcome: &Outcome) -> Result<(), TestCaseError> {
    let operation = outcome.operation.id().as_str();
    let made = desk.stripe.count_of(operation);
    prop_assert!(made <= 1, "{operation} has {made} refunds");
    let held = application.held(outcome.operation.id()).await.unwrap();
    prop_assert_eq!(&held, &outcome.operation, "what is reported is what is held");
    let is_open = desk.stripe.is_under_way(operation);
    match outcome.kind() {
        OutcomeKind::Made | OutcomeKind::Found | OutcomeKind::Failed => {
            prop_assert_eq!(made, 1, "{:?}", outcome);
        }
        OutcomeKind::Waiting
        | OutcomeKind::Denied
        | OutcomeKind::Invalid
        | OutcomeKind::Refused
        | OutcomeKind::NoAnswer
        | OutcomeKind::Canceled => {
            prop_assert_eq!((made, is_open), (0, false), "{:?}", outcome);
        }
        OutcomeKind::Unknown => prop_assert!(held.state.is_unsettled(), "{:?}", outcome),
        OutcomeKind::Blocked | OutcomeKind::Conflict | OutcomeKind::Busy => {}
        other => prop_assert!(false, "{:?}: {:?}", other, outcome),
    }
    for settled in &outcome.also_settled {
        let id = settled.id().as_str();
        let made = desk.stripe.count_of(id);
        let expected = usize::from(settled.refund.is_some());
        prop_assert_eq!((made, desk.stripe.is_under_way(id)), (expected, false), "{:?}", settled);
    }
    Ok(())
}

async fn play(steps: &[Step]) -> Result<(), TestCaseError> {
    let desk = Desk::with_payment(1_000);
    let (mut application, mut component) = desk.process();
    let rules = [MerchantRules::default(), approve_up_to(500), never_above(800)];
    for step in steps {
        match *step {
            Step::Ask { operation, amount, name, rules: under, by_intent } => {
                let payment = if by_intent { "pi_1" } else { "ch_1" };
                let wanted = request(OPERATIONS[operation], payment, Some(amount));
                let outcome = try_ask(&application, NAMES[name], wanted, &rules[under]).await;
                check(&desk, &application, &outcome.unwrap()).await?;
            }
            Step::Fate(fate) => desk.stripe.order(&[fate]),
            Step::Unreadable => desk.stripe.order_unreadable(1),
            Step::Trap(changes_sent) => component.trap(changes_sent),
            Step::Advance(seconds) => desk.clock.advance(seconds),
            Step::Dashboard(amount) => desk.stripe.try_dashboard_refund("ch_1", amount),
            Step::Fail => desk.stripe.fail_newest(),
            Step::Event => {
                if let Some(refund) = desk.stripe.newest() {
                    application.see(refund, &caller("stripe")).await.unwrap();
                }
            }
            Step::Approve { approval, name } => {
                let id = format!("ap_{approval}");
                let before = application.approval(&id).await.ok();
                let decided = application.decide(&id, yes(), &caller(NAMES[name])).await;
                if let Ok(decided) = decided {
                    let operation = decided.operation;
                    prop_assert!(
                        !operation.was_asked_for_by(&caller(NAMES[name]).user),
                        "{before:?}"
                    );
                }
            }
            Step::Execute { approval, name } => {
                let id = format!("ap_{approval}");
                let executed = application.execute(&id, None, &caller(NAMES[name])).await;
                if let Ok(outcome) = executed {
                    check(&desk, &application, &outcome.unwrap()).await?;
                }
            }
            Step::FindOut(operation) => {
                let id = operation_id(OPERATIONS[operation]);
                if let Ok(Some(found)) = application.find_out(&id, &caller("zoe")).await {
                    let made = desk.stripe.count_of(id.as_str());
                    if found.state == State::Planned {
                        prop_assert_eq!((made, desk.stripe.is_under_way(id.as_str())), (0, false));
                    }
                }
            }
            Step::Restart => {
                drop((application, component));
                (application, component) = desk.process();
            }
            Step::ForgetKeys => desk.stripe.forget_keys(),
        }
        for id in OPERATIONS {
            prop_assert!(desk.stripe.count_of(id) <= 1, "{id} was refunded twice");
        }
    }
    // Each refund that was approved by somebody was approved by another person than who asked.
    for approval in application.store().approvals(None, desk.clock.unix()).await.unwrap() {
        let operation = application.held(&approval.operation).await.unwrap();
        prop_assert_eq!(&approval.requester, &operation.requester);
        prop_assert!(approval.votes.iter().all(|vote| vote.voter != operation.requester));
    }
    prop_assert_eq!(application.store().audit(None).await.unwrap().broken, []);
    Ok(())
}

proptest! {
    #![proptest_config(cases(96))]

    #[test]
    fn whatever_happens_the_report_agrees_with_stripe(steps in proptest::collection::vec(step(), 1..24)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(play(&steps))?;
    }
}
