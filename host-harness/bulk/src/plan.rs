//! The dry run: the run itself on a throw-away copy of the ledger, with a component that changes nothing.

use std::path::Path;

use refund_app::bulk::{Forecast, PreviewComponent, RunError};
use refund_app::{Application, Caller, Component, Runtime, Settings};
use refund_ledger::{Ledger, LedgerError, MerchantRules, Scope};

use crate::import::{ImportError, Source, import};
use crate::rejects::Rejects;

/// A plan did not come to its end. Nothing was sent.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The input cannot be imported.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// The copy of the ledger cannot be used.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The copy of the ledger failed.
    #[error(transparent)]
    Run(#[from] RunError),
}

/// What a plan needs beside the input.
pub struct Planning<'a, C, R> {
    /// The component; it is asked to preview, never to create.
    pub component: C,
    /// The clocks.
    pub runtime: R,
    /// As the run would have them.
    pub settings: Settings,
    /// The ledger that the run would use; it may not exist yet.
    pub ledger: &'a Path,
    /// What that ledger is for.
    pub scope: &'a Scope,
    /// Payments looked at, at the same time.
    pub in_flight: usize,
    /// The rules in force.
    pub rules: Option<MerchantRules>,
}

/// Says what a run of this input would do now. Facts are read from Stripe; nothing is written there or in the ledger.
///
/// # Errors
/// When the input cannot be read, or no copy of the ledger can be made.
pub async fn plan<C: Component, R: Runtime>(
    planning: Planning<'_, C, R>,
    source: &Source,
    caller: &Caller,
    progress: impl Fn(u64),
) -> Result<Forecast, PlanError> {
    let copy = Ledger::scratch(planning.ledger, planning.scope)?;
    let component = PreviewComponent::new(planning.component);
    let application = Application::new(component, copy, planning.runtime, planning.settings);
    let imported = import(&application, source, caller, Rejects::none(), progress).await?;
    let Planning { in_flight, rules, .. } = planning;
    Ok(application.forecast(&imported.run, in_flight, rules, caller).await?)
}
