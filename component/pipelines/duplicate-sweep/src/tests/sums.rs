//! What several sweeps refund in sum, against a Stripe in memory.

use pipeline_shared::in_memory::{Lost, Node, START, Stripe};
use proptest::prelude::*;

use super::*;

/// Charges of a few customers: who, and how long after the one before.
#[derive(Clone, Debug)]
struct Shop(Vec<(u8, u64)>);

/// One sweep, and what goes wrong.
#[derive(Clone, Debug)]
struct Sweep {
    prefix: &'static str,
    most: u32,
    hours_later: u64,
    lost: Vec<(usize, bool)>,
}

impl Shop {
    fn stripe(&self) -> Stripe {
        let stripe = Stripe::default();
        for (n, (customer, later)) in self.0.iter().enumerate() {
            stripe.advance(*later);
            let fields = json!({ "customer": format!("cus_{customer}") });
            stripe.charge_of(&n.to_string(), 2500, &fields);
        }
        stripe
    }

    /// The charges that nobody is refunded: the first of each customer.
    fn first_of_each(&self) -> Vec<String> {
        let firsts = self.0.iter().enumerate().filter(|(n, (customer, _))| {
            !self.0.iter().take(*n).any(|(other, _)| other == customer)
        });
        firsts.map(|(n, _)| n.to_string()).collect()
    }
}

fn shop() -> impl Strategy<Value = Shop> {
    prop::collection::vec((0..3_u8, 0..400_u64), 0..8).prop_map(Shop)
}

fn a_sweep() -> impl Strategy<Value = Sweep> {
    (
        prop::sample::select(vec!["s", "t"]),
        1..6_u32,
        0..50_u64,
        prop::collection::vec((0..15_usize, any::<bool>()), 0..2),
    )
        .prop_map(|(prefix, most, hours_later, lost)| Sweep {
            prefix,
            most,
            hours_later,
            lost,
        })
}

fn input(sweep: &Sweep, dry_run: bool) -> Value {
    json!({
        "range": { "created_from": START }, "prefix": sweep.prefix, "most": sweep.most,
        "dry_run": dry_run,
    })
}

fn run(node: &mut Node, input: &Value) -> Result<Output, InvokeError> {
    DuplicateSweep::run(dispatch::read(&input.to_string()).unwrap(), &mut node.imported())
}

fn node(stripe: &Stripe, sweep: &Sweep) -> Node {
    let lost = |arrived| if arrived { Lost::Answer } else { Lost::Request };
    sweep.lost.iter().fold(Node::new(stripe), |node, &(n, arrived)| node.losing(n, lost(arrived)))
}

/// At most once each, and never the first that a customer paid.
fn check(shop: &Shop, stripe: &Stripe) -> Result<(), TestCaseError> {
    for n in 0..shop.0.len() {
        prop_assert!(stripe.refunds_of(&n.to_string()).len() <= 1);
    }
    for first in shop.first_of_each() {
        prop_assert!(stripe.refunds_of(&first).is_empty(), "{first}");
    }
    Ok(())
}

proptest! {
    #[test]
    fn however_often_and_under_whatever_prefix_each_charge_is_refunded_once(
        shop in shop(),
        sweeps in prop::collection::vec(a_sweep(), 1..5),
    ) {
        let stripe = shop.stripe();
        for sweep in &sweeps {
            stripe.advance(sweep.hours_later * 3600);
            let _ = run(&mut node(&stripe, sweep), &input(sweep, false));
            check(&shop, &stripe)?;
        }
    }

    #[test]
    fn at_once_each_charge_is_refunded_once(
        shop in shop(),
        first in a_sweep(),
        second in a_sweep(),
        at in 0..15_usize,
    ) {
        let stripe = shop.stripe();
        let inner = stripe.clone();
        let mut outer = node(&stripe, &first).interrupted(at, move || {
            let _ = run(&mut node(&inner, &second), &input(&second, false));
        });
        let _ = run(&mut outer, &input(&first, false));
        check(&shop, &stripe)?;
    }

    #[test]
    fn what_is_planned_makes_what_the_pipeline_makes(
        shop in shop(),
        before in prop::option::of(a_sweep()),
        sweep in a_sweep(),
        rules in prop::sample::select(vec![
            json!({}),
            json!({ "policy": { "never_above": { "usd": "20.00" } } }),
            json!({ "document": { "name": "shop", "version": "1", "defaults": { "deduct": { "restocking_basis_points": 1000 } } } }),
        ]),
    ) {
        let made = [true, false].map(|dry_run| {
            let stripe = shop.stripe();
            let with = |mut input: Value| {
                input["metadata"] = json!({ "swept": "yes" });
                input["confidence"] = json!("low");
                input.as_object_mut().unwrap().extend(rules.as_object().unwrap().clone());
                input
            };
            if let Some(before) = &before {
                let _ = run(&mut node(&stripe, before), &with(input(before, false)));
            }
            let mut node = Node::new(&stripe);
            let input = with(input(&sweep, dry_run));
            let output = run(&mut node, &input).unwrap();
            if dry_run {
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
