//! Typed calls of `duplicates`, on given charges, and of `live`, on charges that are read first.

use wasmtime::component::ResourceAny;

use crate::api::duplicates::{Direction, Group, Guest, Options, ScanError, Tally};
use crate::api::live::{ScanRange, Scanned};
use crate::api::types::{self, Charge, Connection, FieldProblem};
use crate::error::CallError;
use crate::instance::Instance;
use crate::node::{Answer, Node};

/// Looks at a stream of charges, page by page, in one instance of the component, which reaches nothing.
pub struct Scanner {
    instance: Instance,
    duplicates: Guest,
    resource: ResourceAny,
}

impl Node {
    /// Finds duplicates in a list.
    pub async fn detect(
        &self,
        charges: &[Charge],
        options: &Options,
    ) -> Answer<Vec<Group>, Vec<FieldProblem>> {
        let duplicates = &self.exports.duplicates;
        self.once(duplicates, async |wit, store| wit.call_detect(store, charges, options).await)
            .await
    }

    /// Reads charges, then finds duplicates.
    pub async fn scan_live(
        &self,
        connection: &Connection,
        range: &ScanRange,
        options: &Options,
    ) -> Answer<Scanned, types::CallError> {
        let live = self.exports.live.get()?;
        self.once(live, async |wit, store| {
            wit.call_scan_live(store, connection, range, options).await
        })
        .await
    }

    /// Opens a scanner that takes charges page by page. It keeps its instance until it is dropped.
    pub async fn scanner(
        &self,
        options: &Options,
        direction: Direction,
    ) -> Result<Scanner, CallError> {
        let mut instance = Instance::open(&self.linked).await?;
        let duplicates = instance.load(&self.exports.duplicates)?;
        let opened = instance.call(&duplicates, async |wit, store| {
            wit.scanner().call_constructor(store, options, direction).await
        });
        let resource = opened.await?;
        Ok(Scanner { instance, duplicates, resource })
    }
}

impl Scanner {
    /// Takes a page, gives the groups that are complete by now.
    pub async fn push(&mut self, page: &[Charge]) -> Answer<Vec<Group>, ScanError> {
        self.instance
            .call(&self.duplicates, async |wit, store| {
                wit.scanner().call_push(store, self.resource, page).await
            })
            .await
    }

    /// Gives the groups that were still open.
    pub async fn finish(&mut self) -> Result<Vec<Group>, CallError> {
        self.instance
            .call(&self.duplicates, async |wit, store| {
                wit.scanner().call_finish(store, self.resource).await
            })
            .await
    }

    /// What was seen so far.
    pub async fn tally(&mut self) -> Result<Tally, CallError> {
        self.instance
            .call(&self.duplicates, async |wit, store| {
                wit.scanner().call_tally(store, self.resource).await
            })
            .await
    }
}
