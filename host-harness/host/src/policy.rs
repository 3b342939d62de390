//! A policy document that is read once and asked many times.

use wasmtime::component::ResourceAny;

use crate::api::eligibility::{Ask, Facts, Verdict};
use crate::api::policies::{Described, Guest};
use crate::api::types::FieldProblem;
use crate::error::{CallError, CallFailure};
use crate::node::{Answer, Node, Opened};

/// A document in an instance that is kept. It needs no key, and its instance reaches nothing.
pub struct Policy {
    node: Node,
    opened: Opened,
    face: Guest,
    resource: ResourceAny,
}

impl Policy {
    pub(crate) async fn read(
        node: Node,
        mut opened: Opened,
        face: Guest,
        document: &str,
    ) -> Result<Result<Self, Vec<FieldProblem>>, CallFailure> {
        let read = face.policy().call_read(&mut opened.store, document).await;
        let read = read.map_err(|error| node.failure(&error))?;
        Ok(read.map(|resource| Self { node, opened, face, resource }))
    }

    /// What it says.
    pub async fn describe(&mut self) -> Result<Described, CallError> {
        self.node.start_clock(&mut self.opened.store);
        let face = self.face.policy();
        let described = face.call_describe(&mut self.opened.store, self.resource).await;
        Ok(described.map_err(|error| self.node.failure(&error))?)
    }

    /// Decides on given facts.
    pub async fn check(
        &mut self,
        ask: &Ask,
        facts: &Facts,
        now: u64,
    ) -> Answer<Verdict, Vec<FieldProblem>> {
        let (node, store) = (&self.node, &mut self.opened.store);
        node.start_clock(store);
        let face = self.face.policy();
        let checked = node.within(async {
            let answer = face.call_check(&mut *store, self.resource, ask, facts, now).await;
            answer.map_err(|error| node.failure(&error))
        });
        Ok(checked.await?)
    }
}
