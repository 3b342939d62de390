//! What several calls refund in sum, against a Stripe in memory.

use pipeline_shared::in_memory::{Lost, Node, START, Stripe};
use proptest::prelude::*;

use super::*;

const MONTH: u64 = 30 * 86_400;

/// One call: which incidents, in which order, under which name of the payment, and what goes wrong.
#[derive(Clone, Debug)]
struct Call {
    incidents: Vec<(u64, u64)>,
    by_intent: bool,
    hours_later: u64,
    dry_run: bool,
    lost: Vec<(usize, bool)>,
}

fn call() -> impl Strategy<Value = Call> {
    (
        prop::collection::vec((0..MONTH - 90_000, 1..90_000_u64), 0..4),
        any::<bool>(),
        0..50_u64,
        prop::bool::weighted(0.2),
        prop::collection::vec((0..6_usize, any::<bool>()), 0..2),
    )
        .prop_map(|(incidents, by_intent, hours_later, dry_run, lost)| Call {
            incidents,
            by_intent,
            hours_later,
            dry_run,
            lost,
        })
}

fn input(operation: &str, call: &Call) -> Value {
    let incident = |(start, length): &(u64, u64)| json!({ "start": START + start, "end": START + start + length });
    json!({
        "operation_id": operation,
        "payment": if call.by_intent { "pi_a" } else { "ch_a" },
        "sla": {
            "period": { "start": START, "end": START + MONTH },
            "downtime": { "incidents": call.incidents.iter().map(incident).collect::<Vec<_>>() },
            "scale": { "tiers": [
                { "below": 999_000, "credit": 100_000 }, { "below": 980_000, "credit": 400_000 },
            ] },
        },
        "dry_run": call.dry_run,
    })
}

fn run(node: &mut Node, input: &Value) -> Result<Output, InvokeError> {
    SlaCredit::run(dispatch::read(&input.to_string()).unwrap(), &mut node.imported())
}

fn node(stripe: &Stripe, call: &Call) -> Node {
    let lost = |arrived| if arrived { Lost::Answer } else { Lost::Request };
    call.lost.iter().fold(Node::new(stripe), |node, &(n, arrived)| node.losing(n, lost(arrived)))
}

fn stripe() -> Stripe {
    let stripe = Stripe::default();
    stripe.charge("a", 10_000);
    stripe
}

proptest! {
    #[test]
    fn one_operation_makes_one_refund_whatever_the_incidents(calls in prop::collection::vec(call(), 1..5)) {
        let stripe = stripe();
        for call in &calls {
            stripe.advance(call.hours_later * 3600);
            let before = stripe.made();
            let mut node = node(&stripe, call);
            let output = run(&mut node, &input("outage-7", call));
            prop_assert!(stripe.made().len() <= 1);
            if !before.is_empty() {
                prop_assert_eq!(stripe.made(), before);
            }
            match output {
                // What was refunded is what the last call that succeeded computed.
                Ok(output) if !call.dry_run => {
                    prop_assert_eq!(output.quote.credit.amount, stripe.refunded());
                }
                _ => prop_assert!(!call.dry_run || node.changes() == 0),
            }
        }
    }

    #[test]
    fn the_order_of_incidents_and_the_name_of_the_payment_change_nothing(call in call()) {
        let call = Call { dry_run: false, lost: Vec::new(), ..call };
        let stripe = stripe();
        let first = run(&mut Node::new(&stripe), &input("outage-7", &call)).unwrap();
        stripe.advance(25 * 3600);
        let mut incidents = call.incidents.clone();
        incidents.reverse();
        incidents.extend(call.incidents.first());
        let again = Call { incidents, by_intent: !call.by_intent, ..call };
        let again = run(&mut Node::new(&stripe), &input("outage-7", &again)).unwrap();
        prop_assert_eq!(again.report.refunds.len(), first.report.refunds.len());
        prop_assert_eq!(stripe.refunded(), first.quote.credit.amount);
    }

    #[test]
    fn at_once_one_operation_makes_one_refund_and_two_no_more_than_was_paid(
        first in call(),
        second in call(),
        at in 0..6_usize,
        same: bool,
    ) {
        let [first, second] = [first, second].map(|call| Call { dry_run: false, ..call });
        let stripe = stripe();
        let (inner, other) = (stripe.clone(), if same { "outage-7" } else { "outage-8" });
        let mut outer = node(&stripe, &first).interrupted(at, move || {
            let _ = run(&mut node(&inner, &second), &input(other, &second));
        });
        let _ = run(&mut outer, &input("outage-7", &first));
        prop_assert!(stripe.refunded() <= 10_000);
        let most = if same { 1 } else { 2 };
        prop_assert!(stripe.made().len() <= most);
    }

    #[test]
    fn what_is_planned_makes_what_the_pipeline_makes(
        before in call(),
        call in call(),
        limit in prop::option::of(500..5000_u64),
    ) {
        let call = Call { lost: Vec::new(), ..call };
        let made = [true, false].map(|dry_run| {
            let stripe = stripe();
            let mut input = input("outage-7", &call);
            input["metadata"] = json!({ "incident": "7" });
            input["reason"] = json!("requested_by_customer");
            if let Some(limit) = limit {
                input["policy"] = json!({ "never_above": { "usd": format!("{}.{:02}", limit / 100, limit % 100) } });
            }
            let mut earlier = input.clone();
            earlier["dry_run"] = json!(false);
            let _ = run(&mut node(&stripe, &Call { lost: vec![(2, false)], ..before.clone() }), &earlier);
            input["dry_run"] = json!(dry_run);
            let mut node = Node::new(&stripe);
            let output = run(&mut node, &input);
            if let (true, Ok(output)) = (dry_run, output) {
                assert_eq!(node.changes(), 0);
                for planned in &output.report.planned {
                    let _ = Node::new(&stripe).make_planned(planned, &input);
                }
            }
            stripe.made()
        });
        prop_assert_eq!(&made[0], &made[1]);
    }
}
