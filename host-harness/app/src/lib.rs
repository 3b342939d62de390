//! The application layer: between the component and every way in.
//!
//! The command, the HTTP API, bulk runs, the webhook intake and pipelines translate; what an answer means is decided
//! here, once. [`Application`] asks for refunds, executes what was approved, finds out what became of a lost answer,
//! plans and runs files, takes events in, and compares ledger and Stripe. Every result is an [`Outcome`], read back
//! from the ledger after the call, never the answer of one call; one [table](outcome::TABLE) maps it to an exit
//! code, an HTTP status and the sentence about the money.
//!
//! The [rules] are functions over one transaction of a store. They do no I/O of their own, so that the model and the
//! simulation check the functions that the product runs.

mod application;
mod asking;
pub mod bulk;
mod caller;
pub mod component;
mod intake;
mod lookups;
pub mod outcome;
#[cfg(feature = "wasm")]
mod pipeline;
mod reconcile;
pub mod rules;
mod runtime;
#[cfg(feature = "wasm")]
mod wasm;

pub use application::{Application, Decided, Settings};
pub use asking::{Ask, AskError};
pub use caller::Caller;
pub use component::{Called, Component, OperationError, Webhooks};
pub use intake::{Received, ReceivedEvent, Receiver, RejectReason, Rejected};
pub use outcome::{Outcome, OutcomeKind};
#[cfg(feature = "wasm")]
pub use pipeline::{PipelineCall, PipelineError, PipelineRun};
pub use reconcile::{Difference, ReconcileError, Reconciled};
pub use rules::approval::{Ballot, DecideError};
pub use runtime::{Lost, Runtime, Tokio};
#[cfg(feature = "wasm")]
pub use wasm::{Connection, WasmComponent, verify_error};
