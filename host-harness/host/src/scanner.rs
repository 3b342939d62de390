//! A scanner that lives over several calls.

use wasmtime::component::ResourceAny;

use crate::api::duplicates::{Direction, Group, Guest, Options, ScanError, Tally};
use crate::api::types::Charge;
use crate::error::CallError;
use crate::node::{Node, Opened};

/// Looks at a stream of charges, page by page, in one instance of the component.
pub struct Scanner {
    node: Node,
    opened: Opened,
    face: Guest,
    resource: ResourceAny,
}

impl Scanner {
    pub(crate) async fn open(
        node: Node,
        mut opened: Opened,
        face: Guest,
        options: &Options,
        direction: Direction,
    ) -> Result<Self, CallError> {
        let made = face.scanner().call_constructor(&mut opened.store, options, direction).await;
        let resource = made.map_err(|error| node.failure(&error))?;
        Ok(Self { node, opened, face, resource })
    }

    /// Takes a page, gives the groups that are complete by now.
    pub async fn push(
        &mut self,
        page: &[Charge],
    ) -> Result<Result<Vec<Group>, ScanError>, CallError> {
        let (node, store) = (self.node.clone(), &mut self.opened.store);
        // Every page has the computing time of a call.
        node.start_clock(store);
        let face = self.face.scanner();
        let call = async {
            let answer = face.call_push(store, self.resource, page).await;
            answer.map_err(|error| node.failure(&error))
        };
        Ok(node.within(call).await?)
    }

    /// Gives the groups that were still open.
    pub async fn finish(&mut self) -> Result<Vec<Group>, CallError> {
        self.node.start_clock(&mut self.opened.store);
        let face = self.face.scanner();
        let groups = face.call_finish(&mut self.opened.store, self.resource).await;
        Ok(groups.map_err(|error| self.node.failure(&error))?)
    }

    /// What was seen so far.
    pub async fn tally(&mut self) -> Result<Tally, CallError> {
        let face = self.face.scanner();
        let tally = face.call_tally(&mut self.opened.store, self.resource).await;
        Ok(tally.map_err(|error| self.node.failure(&error))?)
    }
}
