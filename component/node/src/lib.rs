//! The guest: exports of the WIT contract over refund-core, HTTP over waki.
//!
//! Every file here converts and delegates; rules live in `refund-core`. With the feature `http` (the
//! default) the crate is the world `refund-node`, without it the world `pure`, which imports nothing.

#[allow(
    clippy::all,
    clippy::pedantic,
    missing_docs,
    unreachable_pub,
    unsafe_code,
    unused_qualifications,
    reason = "made by wit-bindgen"
)]
mod bindings;
mod duplicates;
mod eligibility;
#[cfg(feature = "http")]
mod http;
#[cfg(feature = "http")]
mod live;
mod node;
mod policies;
#[cfg(feature = "http")]
mod refunds;
mod rules;
#[cfg(feature = "http")]
mod transport;
mod types;
mod webhooks;

/// Implements every interface.
struct Component;
