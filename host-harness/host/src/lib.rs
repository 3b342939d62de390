//! The library a platform embeds: runs the refund component in a sandbox.
//!
//! ```no_run
//! use refund_host::{Allow, Host, StripeKey, api};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let host = Host::builder()
//!     .key(StripeKey::parse(&std::env::var("STRIPE_SECRET_KEY")?)?)
//!     .allow(Allow::stripe())
//!     .build()?;
//! let node = host.load(&std::fs::read("refund-node.wasm")?)?;
//! let output = node.invoke("refunds.retrieve", r#"{"refund": "re_123"}"#).await?;
//! # Ok(()) }
//! ```
//!
//! Every call runs in a fresh instance. The component reaches nothing but the clocks and the requests
//! that the [`Allow`] list names; the key is added here, at the boundary, and never enters the
//! sandbox.

pub mod api;
mod cache;
mod component;
mod dispatch;
mod duplicates;
pub mod egress;
mod eligibility;
mod engine;
mod error;
mod host;
mod instance;
mod limits;
mod node;
mod policies;
mod refunds;
mod runtime;
mod secret;
mod session;
mod state;
mod trust;
mod webhooks;

pub use cache::default_cache;
pub use component::{Inspection, inspect};
pub use dispatch::Invoked;
pub use duplicates::Scanner;
pub use egress::{Allow, AllowError, Pace, Resolve, Rule};
pub use error::{CallError, CallFailure, ComponentError, HostError};
pub use host::{Host, HostBuilder};
pub use limits::{Limit, Limits};
pub use node::{Answer, Node};
pub use policies::Policy;
pub use secret::{KeyError, KeyMode, StripeKey};
pub use session::Session;
pub use trust::{BadPublicKey, PublicKey};
