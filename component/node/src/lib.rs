//! The guest: exports of the WIT contract over refund-core, HTTP over waki.
//!
//! Every file here converts and delegates; rules live in `refund-core`. With the feature `http` (the
//! default) the crate is the world `refund-node`, without it the world `pure`, which imports nothing.

#[cfg(feature = "http")]
mod billing;
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
mod credits;
#[cfg(feature = "http")]
mod disputes;
mod duplicates;
mod eligibility;
mod follow_ups;
#[cfg(feature = "http")]
mod http;
#[cfg(feature = "http")]
mod live;
mod node;
mod policies;
#[cfg(feature = "http")]
mod refunds;
mod reports;
mod rules;
#[cfg(feature = "http")]
mod transport;
mod types;
mod webhooks;

/// Implements every interface.
struct Component;
