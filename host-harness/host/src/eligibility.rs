//! Typed calls of `eligibility`, on given facts, and of `live`, on facts that are read first.

use crate::api::eligibility::{Amount, Facts, Policy, Verdict};
use crate::api::live::Checked;
use crate::api::policies::Ask;
use crate::api::types::{CallError, Connection, FieldProblem, PaymentRef};
use crate::node::{Answer, Node};

impl Node {
    /// Decides on given facts.
    pub async fn check(
        &self,
        amount: &Amount,
        facts: &Facts,
        policy: &Policy,
        now: u64,
    ) -> Answer<Verdict, Vec<FieldProblem>> {
        let eligibility = &self.exports.eligibility;
        self.once(eligibility, async |wit, store| {
            wit.call_check(store, amount, facts, policy, now).await
        })
        .await
    }

    /// Fetches the facts, then decides.
    pub async fn check_live(
        &self,
        connection: &Connection,
        payment: &PaymentRef,
        amount: &Amount,
        policy: &Policy,
    ) -> Answer<Checked, CallError> {
        let live = self.exports.live.get()?;
        self.once(live, async |wit, store| {
            wit.call_check_live(store, connection, payment, amount, policy).await
        })
        .await
    }

    /// Fetches the facts, then decides by a policy document.
    pub async fn check_document(
        &self,
        connection: &Connection,
        payment: &PaymentRef,
        ask: &Ask,
        document: &str,
    ) -> Answer<Checked, CallError> {
        let live = self.exports.live.get()?;
        self.once(live, async |wit, store| {
            wit.call_check_document(store, connection, payment, ask, document).await
        })
        .await
    }
}
