//! Ways on which the product once broke an invariant, each as short as it can be.

use refund_model::bounds::{Bounds, Item, What};
use refund_model::call::{Call, Rules};
use refund_model::search::follow;
use refund_model::stripe::Handling;
use refund_model::world::Action::{
    Arrive, Begin, Commit, Crash, Land, Lose, Pass, Read, ReadSlowly, Send,
};
use refund_model::world::{Action, Jump, Loss, Refunds};

/// Follows a way; every invariant must hold on it.
fn holds(bounds: Bounds, way: &[Action]) {
    let broken = follow(&mut Refunds::new(bounds), way);
    assert_eq!(broken, Some(Vec::new()));
}

/// A lookup read the clock, waited for its transaction, and in between another process sent the request and crashed.
/// The lookup then took the request for older than it was, and said that no refund was made while it still could be.
#[test]
fn the_clock_of_a_lookup_is_read_in_its_transaction() {
    let way = [
        Begin(0, 0),
        Commit(0),
        Read(0),
        Begin(1, 2),
        Pass(Jump::Grace),
        Send(0),
        Crash(0),
        Commit(1),
        Read(1),
        Commit(1),
        Land(0, Handling::Made),
    ];
    holds(Bounds::smoke(), &way);
}

/// Stripe was asked before the grace period was over, and answered after: its answer was taken for one from after.
#[test]
fn a_lookup_counts_from_when_it_began() {
    let way = [
        Begin(0, 0),
        Commit(0),
        Read(0),
        Send(0),
        Lose(0, Loss::Late),
        Lose(0, Loss::Read),
        Commit(0),
        Pass(Jump::Short),
        Begin(1, 2),
        Commit(1),
        ReadSlowly(1),
        Land(0, Handling::Made),
        Pass(Jump::Short),
        Arrive(1),
        Commit(1),
    ];
    let mut bounds = Bounds::smoke();
    (bounds.budget.short, bounds.budget.lost) = (2, 2);
    holds(bounds, &way);
}

/// The same for an attempt: it read the payment before an earlier request was carried out, and a rule denied it.
#[test]
fn an_attempt_counts_from_when_it_began() {
    let way = [
        Begin(0, 0),
        Commit(0),
        Read(0),
        Send(0),
        Lose(0, Loss::Late),
        Lose(0, Loss::Read),
        Commit(0),
        Pass(Jump::Short),
        Begin(1, 3),
        Commit(1),
        ReadSlowly(1),
        Land(0, Handling::Made),
        Pass(Jump::Short),
        Arrive(1),
        Commit(1),
    ];
    let mut bounds = Bounds::smoke();
    (bounds.budget.short, bounds.budget.lost) = (2, 2);
    let (operation, payment, user) = ("op-1", "ch_1", "alice");
    let under_rules = Call::Ask { operation, payment, cents: 6_000, rules: Rules::Maximum, user };
    bounds.menu.push(Item { what: What::Call(under_rules), times: 1 });
    holds(bounds, &way);
}
