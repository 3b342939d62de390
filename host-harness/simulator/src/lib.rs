//! A stateful Stripe double over real HTTP on loopback.
//!
//! It keeps charges, payment intents, refunds, disputes with evidence and files, invoices with payments,
//! subscriptions, balance, events and webhook endpoints; refuses what Stripe refuses, with Stripe's error objects; replays idempotency keys; and can be told to fail
//! in every way a network fails. It shares no code with `refund-core`: a double that shares the code
//! under test proves nothing.
//!
//! ```no_run
//! # async fn run() -> Result<(), refund_simulator::StartError> {
//! use refund_simulator::{NewCharge, Simulator};
//!
//! let stripe = Simulator::builder().seed(7).start().await?;
//! let charge = stripe.charge(&NewCharge { amount: 2500, ..NewCharge::default() });
//! println!("{} {}", stripe.base_url(), charge["id"]);
//! # Ok(()) }
//! ```
//!
//! [`InProcess`] is the same without HTTP, for simulations that have a time of their own.
//!
//! The same can be ordered over HTTP, under `/_control`; see the README of this crate.

mod api;
mod bank;
mod billing;
mod control;
mod delivery;
mod error;
mod expand;
mod fault;
mod form;
mod handle;
mod idempotency;
mod in_process;
mod limit;
mod list;
mod pipeline;
mod schema;
mod seed;
mod server;
mod sha;
mod simulator;
mod store;
mod upload;
mod world;

pub use billing::{NewCreditNote, NewInvoice, NewItem, NewLine, NewPayment, NewSubscription};
pub use fault::{Fault, FaultKind};
pub use handle::Handle;
pub use in_process::{InProcess, PlainAnswer, PlainRequest};
pub use simulator::{Builder, Simulator, StartError};
pub use world::{DisputeOrder, NewBillingDetails, NewCharge, NewCustomer, Recorded};

/// A key that the simulator accepts, as it does every other `sk_test_…` and `rk_test_…`.
pub const TEST_KEY: &str = "sk_test_simulator";
/// The same for live mode: objects of the other mode are unknown.
pub const LIVE_KEY: &str = "sk_live_simulator";
