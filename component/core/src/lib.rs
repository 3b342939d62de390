//! Every rule of a Stripe refund, pure: no I/O, no clock, no WASI.
//!
//! The crate reads from the bottom up: [`money`], [`id`] and [`metadata`] are the words; [`model`] is
//! Stripe's objects, decoded leniently; [`eligibility`], [`policy`], [`credits`], [`billing`], [`disputes`],
//! [`duplicates`], [`followups`], [`reports`] and [`webhook`] are the rules; [`wire`] is what requests and answers
//! look like; [`client`] is the careful sequences over a
//! [`client::Transport`] that the caller provides; [`dispatch`] is the generic `describe` / `invoke`.
//!
//! Facts about Stripe are cited as *reference* followed by a section: the study of the official
//! libraries and documents that this project rests on.

pub mod billing;
pub mod caller;
pub mod client;
pub mod credits;
pub mod dispatch;
pub mod disputes;
pub mod duplicates;
pub mod eligibility;
pub mod followups;
pub mod id;
mod json;
pub mod metadata;
pub mod model;
pub mod money;
pub mod optional;
pub mod pipeline;
pub mod policy;
pub mod problem;
pub mod reports;
pub mod request;
pub mod rounding;
pub mod secret;
mod sort;
#[cfg(test)]
mod testing;
pub mod webhook;
pub mod wire;

/// The API version every request names: the newest in the reference, section 4.
pub const API_VERSION: &str = "2026-10-28.endive";
