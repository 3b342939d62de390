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

mod bindings;
mod cache;
mod component;
pub mod egress;
mod engine;
mod error;
mod host;
mod limits;
mod node;
mod offers;
mod policy;
mod scanner;
mod secret;
mod session;
mod state;
mod trust;

/// The types of the contract, as wit-bindgen names them.
pub mod api {
    pub use crate::bindings::exports::refund_node::refunds::{
        billing, credits, disputes, duplicates, eligibility, follow_ups, live, node, policies,
        refunds, reports, types, webhooks,
    };
}

pub use cache::default_cache;
pub use component::{Inspection, inspect};
pub use egress::{Allow, AllowError, Pace, Resolve, Rule};
pub use error::{CallError, CallFailure, ComponentError, HostError, Limit};
pub use host::{Host, HostBuilder};
pub use limits::Limits;
pub use node::{Answer, Invoked, Node};
pub use policy::Policy;
pub use scanner::Scanner;
pub use secret::{KeyError, KeyMode, StripeKey};
pub use session::Session;
pub use trust::{BadPublicKey, PublicKey};
