//! The search within the short bounds, and that it finds bugs.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails; what was searched is printed"
)]

use refund_model::bounds::Bounds;
use refund_model::fault::Fault;
use refund_model::report::{self, Found};
use refund_model::search::{Limits, explore};
use refund_model::world::Refunds;

/// Two halves, so that they run beside each other.
fn search(names: &[&str]) {
    let mut bounds = Bounds::short();
    bounds.retain(|one| names.contains(&one.name));
    assert_eq!(bounds.len(), names.len());
    let mut printed = Vec::new();
    let is_good = report::search(bounds, &mut printed).unwrap();
    let printed = String::from_utf8(printed).unwrap();
    println!("{printed}");
    assert!(is_good, "{printed}");
}

#[test]
fn every_invariant_holds_where_requests_are_late_and_rules_deny() {
    search(&["races", "late", "key-lapses", "corrections"]);
}

#[test]
fn every_invariant_holds_where_things_fail_and_others_act() {
    search(&["trouble", "dashboard", "approvals", "full-disk"]);
}

/// The bounds that a bug is found in, and the invariants of which it breaks one.
fn found_in(fault: Fault) -> (&'static str, &'static [&'static str]) {
    // That asking again leads to what Stripe has is checked in every state.
    let true_words = &["what is held is true", "what is answered is true", "none is lost"];
    match fault {
        Fault::GraceIgnored | Fault::LostTakenForUnsent => ("late", true_words),
        Fault::ClockStandsStill | Fault::CrashLosesCommit => ("races", true_words),
        Fault::FingerprintNotCompared => ("corrections", true_words),
        // Asking again would make the second one.
        Fault::KeyNotKept => ("late", &["at most one refund an operation", "none is lost"]),
        Fault::ForeignRefundTaken => ("dashboard", true_words),
        Fault::PaymentNotTaken => ("key-lapses", &["alone on its payment"]),
        Fault::ApprovalStaysApproved => ("approvals", true_words),
        Fault::ApprovalNeverExpires | Fault::OwnVoteCounts => {
            ("approvals", &["no payment above its votes"])
        }
        // The ledger refuses to go on with what it cannot account for.
        Fault::MoveNotRecorded => ("races", &["every move is recorded", "none is lost"]),
    }
}

#[test]
fn every_planted_bug_is_found() {
    for fault in Fault::ALL {
        let (name, invariants) = found_in(fault);
        let bounds = Bounds::short().into_iter().find(|one| one.name == name).unwrap();
        let mut model = Refunds::with_fault(bounds, Some(fault));
        let limits = Limits { states: usize::MAX, stop_when_broken: true };
        let found = Found { explored: explore(&mut model, limits), model };
        println!("{fault}, in `{name}`:\n{found}");
        let mut broken = found.explored.broken.keys();
        assert!(broken.any(|one| invariants.contains(one)), "{fault}: {found}");
    }
}
