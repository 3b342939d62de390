//! Wrapper: the node behind `wasi:http/incoming-handler`, for hosts that serve components.
//!
//! It holds nothing between requests and has no key: who calls brings one. See README.md.
#![cfg_attr(not(target_family = "wasm"), allow(dead_code, reason = "exported in wasm alone"))]

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
mod caller;
mod error;
mod key;
mod route;
mod wire;

use bindings::exports::wasi::http::incoming_handler::{Guest, IncomingRequest, ResponseOutparam};

struct Wrapper;

impl Guest for Wrapper {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        wire::send(route::answer(&request), out);
    }
}
