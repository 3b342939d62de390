//! Wrapper: the node as activities of Obelisk, whose errors say what may be tried again.
//!
//! It keeps nothing and decides nothing: the node does, and its promise that one operation id is one refund is what
//! makes trying again safe. See README.md.
#![cfg_attr(not(target_family = "wasm"), allow(dead_code, reason = "exported in wasm alone"))]

mod activity;
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
mod deployment;
mod error;
mod words;

struct Facade;
