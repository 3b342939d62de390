//! Each planted bug is found, by the rule that it breaks, within a bounded number of operations: so the judge can fail.

use refund_simulation::{Planted, Worlds};

/// By how many operations each of them must be found.
const MOST_OPERATIONS: u64 = 10_000;

/// Every bug, a rule of the judge that finds it, and a seed from which that does not take long.
const BUGS: [(Planted, &str, u64); 26] = [
    (Planted::LostCommit, "what is sent is marked as sent before", 1),
    (Planted::NoPaymentLock, "what is sent is marked as sent before", 5),
    (Planted::UnsettledNotSeen, "one operation at a time on a payment", 5),
    (Planted::StaleReads, "an answer is what the ledger held", 1),
    (Planted::NoAudit, "the audit holds", 1),
    (Planted::OneApproverIsEnough, "what needs approval has it", 22),
    (Planted::ApprovalsNeverExpire, "an approval in an answer is what the ledger held", 2),
    (Planted::NoOpenLines, "a session knows which lines are open", 1),
    (Planted::PriorRefundsNotSeen, "a run does not refund again what was refunded before", 5),
    (Planted::NewKeyEachRequest, "an operation makes one refund", 3),
    (Planted::RulesNotApplied, "what is denied is not sent", 1),
    (Planted::ApprovesItself, "what needs approval has it", 2),
    (Planted::ChangesNotCounted, "no refund, as it was said", 26),
    (Planted::ListsNothing, "no refund, as it was said", 211),
    (Planted::ListsTooLittle, "a comparison names every difference", 1),
    (Planted::LookupMakesRefund, "nothing was sent, as it was said", 1),
    (Planted::PlanMakesRefunds, "nothing was sent, as it was said", 1),
    (Planted::EverySignatureHolds, "a forged delivery is rejected", 1),
    (Planted::StripeForgetsKeys, "an operation makes one refund", 3),
    (Planted::StripeLosesMetadata, "a refund in an answer is real", 1),
    (Planted::LateRequests, "an answer is definite from the promised instant on", 20),
    (Planted::WildClocks, "everything can be found out", 9),
    (Planted::UnknownIsNothing, "an answer says what its operation says", 4),
    (Planted::DeniedIsWaiting, "an answer says what its operation says", 1),
    (Planted::DecisionNotRecorded, "a decision that counts is recorded", 2),
    (Planted::LineTooMany, "a session counts the lines that ended in it", 1),
];

#[test]
fn every_planted_bug_is_found() {
    let mut not_found = Vec::new();
    for (planted, rule, first_seed) in BUGS {
        let worlds = Worlds {
            first_seed,
            operations: MOST_OPERATIONS,
            operations_each: 50,
            jobs: 1,
            most_failures: 1,
            planted: Some(planted),
        };
        let summary = worlds.run(|_| {});
        let found = summary.failures.iter().flat_map(|failure| &failure.disagreements);
        let seeds: Vec<_> = summary.failures.iter().map(|failure| failure.seed).collect();
        println!("{planted:?}: seed {seeds:?}, {} operations", summary.counts.operations);
        if !found.into_iter().any(|found| found.rule == rule) {
            not_found.push((planted, rule, summary.failures));
        }
    }
    assert!(not_found.is_empty(), "{not_found:#?}");
}

#[test]
fn every_planted_bug_is_named_here() {
    for planted in Planted::ALL {
        assert!(BUGS.iter().any(|(named, _, _)| *named == planted), "{planted:?}");
    }
}
