//! The rules of the application layer, over a ledger file, a component that follows orders, and a Stripe in memory.
//! Refunds are counted at that Stripe.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![allow(unreachable_pub, reason = "the support modules are shared by the modules beside them")]

mod approvals;
mod bulk;
mod corrections;
mod follow_ups;
mod full_disk;
mod inline_before;
mod migration;
mod operations;
mod outcomes;
mod plan_equals_run;
mod policy_in_force;
mod random;
mod records;
mod requester;
mod slow;
mod support;
