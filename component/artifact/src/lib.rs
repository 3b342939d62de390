//! The built component files, embedded as bytes.
//!
//! The build script makes them from `component/node`; nothing has to be built by hand before.

/// The component of the world `refund-node`: everything, over HTTP.
pub const NODE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/refund-node.wasm"));

/// The component of the world `pure`: without any import.
pub const PURE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/refund-node-pure.wasm"));
