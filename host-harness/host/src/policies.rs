//! A policy document that is read once and checks many refunds.

use wasmtime::component::ResourceAny;

use crate::api::eligibility::{Ask, Facts, Verdict};
use crate::api::policies::{Described, Guest};
use crate::api::types::FieldProblem;
use crate::error::CallError;
use crate::instance::Instance;
use crate::node::{Answer, Node};

/// A document in an instance that is kept. It needs no key, and its instance reaches nothing.
pub struct Policy {
    instance: Instance,
    policies: Guest,
    resource: ResourceAny,
}

impl Node {
    /// Reads a policy document that checks many refunds. It keeps its instance until it is dropped.
    pub async fn policy(&self, document: &str) -> Answer<Policy, Vec<FieldProblem>> {
        let interface = self.exports.policies.get()?;
        let mut instance = Instance::open(&self.linked).await?;
        let policies = instance.load(interface)?;
        let read = instance
            .call(&policies, async |wit, store| wit.policy().call_read(store, document).await);
        let read = read.await?;
        Ok(read.map(|resource| Policy { instance, policies, resource }))
    }
}

impl Policy {
    /// What it says.
    pub async fn describe(&mut self) -> Result<Described, CallError> {
        self.instance
            .call(&self.policies, async |wit, store| {
                wit.policy().call_describe(store, self.resource).await
            })
            .await
    }

    /// Decides on given facts.
    pub async fn check(
        &mut self,
        ask: &Ask,
        facts: &Facts,
        now: u64,
    ) -> Answer<Verdict, Vec<FieldProblem>> {
        self.instance
            .call(&self.policies, async |wit, store| {
                wit.policy().call_check(store, self.resource, ask, facts, now).await
            })
            .await
    }
}
