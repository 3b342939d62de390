//! The short form: some hundreds of operations, every kind of answer, and the same world twice.

use refund_simulation::{KINDS, Plan, Worlds};

/// Worlds of the short form, each of fifty operations.
const WORLDS: u64 = 30;

/// Kinds of answers that the worlds together must give: what was asked, and what was answered.
const REACHED: [&str; 72] = [
    "ask again: blocked",
    "ask again: denied",
    "ask again: found",
    "ask again: made",
    "ask again: needs-approval",
    "ask: blocked",
    "ask: busy",
    "ask: canceled",
    "ask: conflict",
    "ask: denied",
    "ask: failed",
    "ask: invalid",
    "ask: found",
    "ask: ledger failed",
    "ask: made",
    "ask: needs-approval",
    "ask: no-answer",
    "ask: outcome-unknown",
    "ask: refused",
    "cancel: canceled",
    "decide: altered",
    "decide: approved",
    "decide: denied",
    "decide: expired",
    "decide: ledger failed",
    "decide: not open",
    "decide: open",
    "decide: own request",
    "execute: expired",
    "execute: made",
    "execute: not approved",
    "find out: busy",
    "find out: outcome-unknown",
    "find out: pending",
    "find out: planned",
    "find out: refused",
    "find out: succeeded",
    "forge: rejected",
    "look: approval executed",
    "look: approval open",
    "look: needs-approval",
    "look: pending",
    "look: planned",
    "look: refused",
    "look: sent",
    "look: succeeded",
    "plan: planned",
    "reconcile: compared",
    "reconcile: ledger failed",
    "reconcile: refund-not-known",
    "reconcile: refund-without-operation",
    "reconcile: unsettled",
    "resume: complete",
    "resume: line ended",
    "resume: stopped at the total",
    "resume: stopped by earlier refunds",
    "run: complete",
    "run: line ended",
    "run: not recorded",
    "run: stopped at the total",
    "run: stopped by earlier refunds",
    "run: stopped by the balance",
    "run: stopped by the key",
    "run: stuck",
    "webhook: elsewhere",
    "webhook: known",
    "webhook: moved",
    "webhook: not now",
    "webhook: noted",
    "webhook: repeated",
    "webhook: signature",
    "withdraw: expired",
];

fn worlds(first_seed: u64) -> Worlds {
    Worlds {
        first_seed,
        operations: WORLDS * 50,
        operations_each: 50,
        jobs: 2,
        most_failures: 3,
        planted: None,
    }
}

#[test]
fn no_answer_disagrees_and_every_kind_of_answer_is_given() {
    let summary = worlds(1).run(|_| {});
    assert!(summary.failures.is_empty(), "{:#?}", summary.failures);
    assert_eq!(summary.counts.paid_twice, 0);
    let unknown: Vec<_> = REACHED.into_iter().filter(|kind| !KINDS.contains(kind)).collect();
    assert!(unknown.is_empty(), "not among the kinds of answers: {unknown:?}");
    let missing: Vec<_> =
        REACHED.into_iter().filter(|kind| !summary.reached.contains_key(*kind)).collect();
    assert!(missing.is_empty(), "never answered: {missing:?}\n{:#?}", summary.reached);
    let counts = summary.counts;
    let happened = [counts.crashes, counts.freezes, counts.jumps, counts.lost_answers];
    assert!(happened.iter().all(|times| *times > 20), "{counts:?}");
}

#[test]
fn a_seed_is_a_world() {
    for seed in [7, 331] {
        let plan = Plan { is_traced: true, ..Plan::new(seed, 50) };
        let (once, again) = (plan.run(), plan.run());
        assert_eq!((once.digest, once.counts), (again.digest, again.counts), "seed {seed}");
        assert_eq!(once.trace, again.trace, "seed {seed}");
    }
}
