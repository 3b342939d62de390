//! The wrapper components, composed with the node and embedded as bytes.
//!
//! Some hosts want another interface than the node's. The build script makes these; nothing has to be built by hand before.

/// A wrapper.
#[derive(Clone, Copy, Debug)]
pub struct Wrapper {
    /// The name of its file.
    pub name: &'static str,
    /// Composed with the node: what the platform runs.
    pub composed: &'static [u8],
    /// By itself, importing the node.
    pub alone: &'static [u8],
}

macro_rules! wrapper {
    ($name:literal) => {
        Wrapper {
            name: $name,
            composed: include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".wasm")),
            alone: include_bytes!(concat!(env!("OUT_DIR"), "/", $name, "-alone.wasm")),
        }
    };
}

/// For hosts that serve `wasi:http/incoming-handler`.
pub const HTTP: Wrapper = wrapper!("refund-node-http");

/// The same for trying out: it talks to a simulator on loopback, and never to Stripe.
pub const HTTP_SIMULATOR: Wrapper = wrapper!("refund-node-http-simulator");

/// Activities of Obelisk.
pub const OBELISK: Wrapper = wrapper!("refund-node-obelisk");

/// All of them.
pub const ALL: [Wrapper; 3] = [HTTP, HTTP_SIMULATOR, OBELISK];
