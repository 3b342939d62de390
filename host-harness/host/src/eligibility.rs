//! Typed calls of `eligibility`, on given facts, and of `live`, on facts that are read first.

use crate::api::eligibility::{Ask, Facts, Rules, Verdict};
use crate::api::live::Checked;
use crate::api::types::{CallError, Connection, FieldProblem, PaymentRef};
use crate::node::{Answer, Node};

impl Node {
    /// Decides on given facts.
    pub async fn check(
        &self,
        ask: &Ask,
        facts: &Facts,
        rules: &Rules,
        now: u64,
    ) -> Answer<Verdict, Vec<FieldProblem>> {
        let eligibility = &self.exports.eligibility;
        self.once(eligibility, async |wit, store| {
            wit.call_check(store, ask, facts, rules, now).await
        })
        .await
    }

    /// Fetches the facts, then decides.
    pub async fn check_live(
        &self,
        connection: &Connection,
        payment: &PaymentRef,
        ask: &Ask,
        rules: &Rules,
    ) -> Answer<Checked, CallError> {
        let live = self.exports.live.get()?;
        self.once(live, async |wit, store| {
            wit.call_check_live(store, connection, payment, ask, rules).await
        })
        .await
    }
}
