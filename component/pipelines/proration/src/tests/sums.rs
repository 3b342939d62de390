//! What several calls with one operation id refund in sum, against a Stripe in memory.

use pipeline_shared::in_memory::{Lost, Node, START, Stripe};
use proptest::prelude::*;
use refund_core::credits::prorate as quote_of;

use super::*;

/// A payment of the input: `ch_<name>` and `pi_<name>`.
#[derive(Clone, Debug)]
struct Paid {
    name: String,
    captured: u64,
    share: u64,
}

/// One call: payments of which the first few, in which order, under which names, and what goes wrong.
#[derive(Clone, Debug, Default)]
struct Call {
    payments: usize,
    order: Vec<u32>,
    by_intent: Vec<bool>,
    hours_later: u64,
    dry_run: bool,
    lost: Vec<(usize, bool)>,
}

#[derive(Clone, Debug)]
struct Cancellation {
    paid: Vec<Paid>,
    unused: u64,
    order: &'static str,
}

const MOST: usize = 6;

impl Cancellation {
    fn stripe(&self) -> Stripe {
        let stripe = Stripe::default();
        self.paid.iter().for_each(|paid| stripe.charge(&paid.name, paid.captured));
        stripe
    }

    fn input(&self, call: &Call) -> Value {
        let mut payments: Vec<_> = self.paid.iter().take(call.payments).enumerate().collect();
        payments.sort_by_key(|(n, _)| call.order[*n]);
        let payment = |(n, paid): (usize, &Paid)| {
            let kind = if call.by_intent[n] { "pi" } else { "ch" };
            json!({ "payment": format!("{kind}_{}", paid.name), "paid": paid.share })
        };
        json!({
            "operation_id": "cancel-7",
            "price": { "amount": 5000, "currency": "usd" },
            "period": { "start": START, "end": START + 1000 },
            "ends": START + 1000 - self.unused,
            "payments": payments.into_iter().map(payment).collect::<Vec<_>>(),
            "order": self.order,
            "dry_run": call.dry_run,
        })
    }

    /// What is fair for the payments of a call.
    fn fair(&self, call: &Call) -> u64 {
        let mut input = self.input(call);
        let fields = input.as_object_mut().unwrap();
        fields.retain(|name, _| name != "operation_id" && name != "dry_run");
        quote_of(&dispatch::read(&input.to_string()).unwrap()).unwrap().refund.amount
    }

    fn run(&self, node: &mut Node, call: &Call) -> Result<Output, InvokeError> {
        Prorate::run(dispatch::read(&self.input(call).to_string()).unwrap(), &mut node.imported())
    }
}

fn cancellation() -> impl Strategy<Value = Cancellation> {
    let paid = (1..3000_u64, 1..=100_u64);
    let paid = prop::collection::vec(paid, 1..=MOST);
    let order = prop::sample::select(vec!["proportional", "first_first", "last_first"]);
    (paid, 0..=1000_u64, order).prop_map(|(paid, unused, order)| Cancellation {
        paid: paid
            .into_iter()
            .zip('a'..)
            .map(|((captured, percent), name)| Paid {
                name: name.to_string(),
                captured,
                share: (captured * percent / 100).max(1),
            })
            .collect(),
        unused,
        order,
    })
}

fn call() -> impl Strategy<Value = Call> {
    (
        1..=MOST,
        prop::collection::vec(any::<u32>(), MOST),
        prop::collection::vec(any::<bool>(), MOST),
        0..50_u64,
        prop::bool::weighted(0.2),
        prop::collection::vec((0..20_usize, any::<bool>()), 0..3),
    )
        .prop_map(|(payments, order, by_intent, hours_later, dry_run, lost)| Call {
            payments,
            order,
            by_intent,
            hours_later,
            dry_run,
            lost,
        })
}

fn node(stripe: &Stripe, call: &Call) -> Node {
    let lost = |arrived| if arrived { Lost::Answer } else { Lost::Request };
    call.lost.iter().fold(Node::new(stripe), |node, &(n, arrived)| node.losing(n, lost(arrived)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Every call gives the payments of the calls before, in any order, under any name, and perhaps more: inserted
    /// anywhere, at any time, whatever was lost.
    #[test]
    fn never_more_than_is_fair(
        cancellation in cancellation(),
        mut calls in prop::collection::vec(call(), 1..5),
    ) {
        calls.sort_by_key(|call| call.payments);
        let stripe = cancellation.stripe();
        let mut most = 0;
        for call in &calls {
            stripe.advance(call.hours_later * 3600);
            let before = stripe.made();
            let mut node = node(&stripe, call);
            let output = cancellation.run(&mut node, call);
            most = most.max(cancellation.fair(call));
            prop_assert!(stripe.refunded() <= most, "{} of {most}: {calls:?}", stripe.refunded());
            let conflicts = |error: &InvokeError| {
                matches!(error, InvokeError::Failed(failed) if failed.kind == FailureKind::Conflict)
            };
            match output {
                Err(error) => {
                    prop_assert!(conflicts(&error), "{error:?}");
                    prop_assert_eq!(stripe.made(), before);
                }
                Ok(output) => {
                    let Report { refunds, failures, not_tried, .. } = &output.report;
                    if call.dry_run {
                        prop_assert_eq!((node.changes(), stripe.made()), (0, before));
                    } else if failures.is_empty() && not_tried.is_empty() {
                        prop_assert_eq!(stripe.refunded(), output.quote.refund.amount);
                        prop_assert_eq!(refunds.len(), output.quote.shares.len());
                    }
                    let all = output.report.planned.len() + refunds.len() + failures.len()
                        + not_tried.len();
                    prop_assert!(all >= output.quote.shares.len());
                }
            }
        }
    }

    /// The same payments in another order, a day later, are found.
    #[test]
    fn in_proportion_the_order_changes_nothing(
        cancellation in cancellation(),
        first in call(),
        again in call(),
    ) {
        let cancellation = Cancellation { order: "proportional", ..cancellation };
        let calls = [&first, &again].map(|call| Call { payments: MOST, dry_run: false, ..call.clone() });
        let stripe = cancellation.stripe();
        let _ = cancellation.run(&mut node(&stripe, &calls[0]), &calls[0]);
        stripe.advance(25 * 3600);
        let output = cancellation.run(&mut Node::new(&stripe), &calls[1]).unwrap();
        prop_assert_eq!(output.report.refunds.len(), output.quote.shares.len());
        prop_assert_eq!(stripe.refunded(), cancellation.fair(&calls[0]));
    }

    /// Two calls at once, with the payments under different names, and in different orders where the shares do not
    /// depend on the order.
    #[test]
    fn at_once_it_is_never_more_than_is_fair_either(
        cancellation in cancellation(),
        first in call(),
        second in call(),
        at in 0..20_usize,
    ) {
        let [first, mut second] =
            [first, second].map(|call| Call { payments: MOST, dry_run: false, ..call });
        if cancellation.order != "proportional" {
            second.order.clone_from(&first.order);
        }
        let stripe = cancellation.stripe();
        let inner = (cancellation.clone(), stripe.clone(), second.clone());
        let mut outer = node(&stripe, &first).interrupted(at, move || {
            let (cancellation, stripe, second) = inner;
            let _ = cancellation.run(&mut node(&stripe, &second), &second);
        });
        let _ = cancellation.run(&mut outer, &first);
        let fair = cancellation.fair(&first);
        prop_assert!(stripe.refunded() <= fair);
        cancellation.run(&mut Node::new(&stripe), &second).unwrap();
        prop_assert_eq!(stripe.refunded(), fair);
    }

    /// Two operations on the same payments at once are two cancellations. Stripe alone limits what they refund.
    #[test]
    fn two_operations_at_once_refund_no_more_than_was_captured(
        cancellation in cancellation(),
        first in call(),
        at in 0..20_usize,
    ) {
        let first = Call { payments: MOST, dry_run: false, ..first };
        let stripe = cancellation.stripe();
        let inner = (cancellation.clone(), stripe.clone(), first.clone());
        let mut outer = Node::new(&stripe).interrupted(at, move || {
            let (cancellation, stripe, call) = inner;
            let mut input = cancellation.input(&call);
            input["operation_id"] = json!("cancel-8");
            let _ = Prorate::run(dispatch::read(&input.to_string()).unwrap(), &mut Node::new(&stripe).imported());
        });
        let _ = cancellation.run(&mut outer, &first);
        for paid in &cancellation.paid {
            let amounts = stripe.refunds_of(&paid.name);
            let sum: u64 = amounts.iter().filter_map(|refund| refund["amount"].as_u64()).sum();
            prop_assert!(sum <= paid.captured);
        }
        prop_assert!(stripe.refunded() <= 2 * cancellation.fair(&first));
    }

    /// A host that makes the planned refunds itself, one by one, refunds what the pipeline would have.
    #[test]
    fn what_is_planned_makes_what_the_pipeline_makes(
        cancellation in cancellation(),
        before in call(),
        call in call(),
        changes in prop::sample::select(vec![
            json!({}),
            json!({ "reason": "requested_by_customer", "metadata": { "order": "7", "note": "a b&c" } }),
            json!({ "policy": { "never_above": { "usd": "3.00" } } }),
            json!({ "policy": { "approve_up_to": { "usd": "3.00" } } }),
            json!({ "document": { "name": "shop", "version": "1", "defaults": { "never_above": { "usd": "3.00" } } } }),
        ]),
    ) {
        let call = Call { payments: MOST, ..call };
        let mut input = cancellation.input(&call);
        let (Some(fields), Some(changes)) = (input.as_object_mut(), changes.as_object()) else {
            panic!("objects")
        };
        fields.extend(changes.clone());
        let run = |node: &mut Node, input: &Value| {
            Prorate::run(dispatch::read(&input.to_string()).unwrap(), &mut node.imported())
        };
        let [by_host, by_pipeline] = [true, false].map(|dry_run| {
            let stripe = cancellation.stripe();
            // Some of them may have been made before.
            let mut earlier = input.clone();
            earlier["dry_run"] = json!(false);
            let _ = run(&mut node(&stripe, &Call { lost: vec![(7, false)], ..before.clone() }), &earlier);
            stripe.advance(25 * 3600);
            input["dry_run"] = json!(dry_run);
            let mut node = Node::new(&stripe);
            let output = run(&mut node, &input).unwrap();
            if dry_run {
                assert_eq!(node.changes(), 0);
                for planned in &output.report.planned {
                    let _ = Node::new(&stripe).make_planned(planned, &input);
                }
                let seen = output.report.planned.len() + output.report.refunds.len();
                assert_eq!(seen, output.quote.shares.len());
            }
            stripe.made()
        });
        prop_assert_eq!(by_host, by_pipeline);
    }
}

/// The finding: four payments of 20.00, a quarter of the period unused.
#[test]
fn another_order_a_day_later_refunds_nothing_more() {
    for hours in [1, 25] {
        let stripe = Stripe::default();
        for name in ["a", "b", "c", "d"] {
            stripe.charge(name, 2000);
        }
        let run = |names: &[&str]| {
            let payments: Vec<_> =
                names.iter().map(|name| json!({ "payment": name, "paid": 2000 })).collect();
            let input = json!({
                "operation_id": "cancel-7", "price": { "amount": 8000, "currency": "usd" },
                "period": { "start": START, "end": START + 4000 }, "ends": START + 3000,
                "payments": payments, "dry_run": false,
            });
            Prorate::run(
                dispatch::read(&input.to_string()).unwrap(),
                &mut Node::new(&stripe).imported(),
            )
        };
        run(&["ch_a", "ch_b", "ch_c", "ch_d"]).unwrap();
        stripe.advance(hours * 3600);
        assert_eq!(run(&["pi_d", "ch_c", "pi_b", "ch_a"]).unwrap().report.refunds.len(), 4);
        stripe.charge("e", 2000);
        let inserted = run(&["ch_e", "ch_a", "ch_b", "ch_c", "ch_d"]);
        assert!(matches!(inserted, Err(InvokeError::Failed(_))), "{inserted:?}");
        assert_eq!(stripe.refunded(), 2000, "{hours}");
    }
}

/// Whether the payments are given or read from their invoice, the operation finds what it made.
#[test]
fn given_or_read_from_the_invoice_it_is_the_same_operation() {
    let month = 30 * 86_400;
    let given = json!({
        "price": { "amount": 3000, "currency": "usd" },
        "period": { "start": START, "end": START + month },
        "payments": [{ "payment": "ch_a", "paid": 2000 }, { "payment": "ch_b", "paid": 1000 }],
    });
    let read = json!({ "invoice": "in_1" });
    for ways in [[&given, &read], [&read, &given]] {
        let stripe = Stripe::default();
        stripe.charge("a", 2000);
        stripe.charge("b", 1000);
        stripe.object("/v1/invoices/in_1", invoice(START + month));
        for (way, lost) in ways.into_iter().zip([vec![], vec![(0, false)]]) {
            let mut input = json!({
                "operation_id": "cancel-7", "ends": START + month / 2, "dry_run": false,
            });
            input.as_object_mut().unwrap().extend(way.as_object().unwrap().clone());
            let calls = [Call { lost, ..Call::default() }, Call::default()];
            for call in calls {
                let _ = Prorate::run(
                    dispatch::read(&input.to_string()).unwrap(),
                    &mut node(&stripe, &call).imported(),
                );
                stripe.advance(25 * 3600);
            }
            assert_eq!(stripe.refunded(), 1500, "{way}");
        }
        assert_eq!(stripe.made().len(), 2);
    }
}

fn invoice(end: u64) -> Value {
    let payment = |name: &str, amount: u64| {
        json!({
            "id": format!("inpay_{name}"), "object": "invoice_payment", "amount_paid": amount,
            "currency": "usd", "created": START, "status": "paid",
            "status_transitions": { "paid_at": START },
            "payment": { "type": "payment_intent", "payment_intent": format!("pi_{name}") },
        })
    };
    json!({
        "id": "in_1", "object": "invoice", "status": "paid", "currency": "usd",
        "lines": { "object": "list", "has_more": false, "data": [{
            "id": "il_1", "object": "line_item", "amount": 3000, "currency": "usd",
            "period": { "start": START, "end": end },
            "discount_amounts": [], "pretax_credit_amounts": null, "taxes": [],
            "parent": {
                "type": "subscription_item_details", "invoice_item_details": null,
                "subscription_item_details": { "subscription_item": "si_1", "proration": false },
            },
        }] },
        "payments": { "object": "list", "has_more": false, "data": [payment("a", 2000), payment("b", 1000)] },
        "pre_payment_credit_notes_amount": 0, "post_payment_credit_notes_amount": 0,
    })
}
