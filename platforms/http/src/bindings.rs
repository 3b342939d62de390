//! What wit-bindgen makes of the world.

wit_bindgen::generate!({
    path: ["../../wit", "wit"],
    world: "refund-node:http/wrapper",
    generate_all,
});

#[cfg(target_family = "wasm")]
use crate::Wrapper;

// Its symbols have names that no native linker takes; natively there are only the unit tests.
#[cfg(target_family = "wasm")]
export!(Wrapper with_types_in crate::bindings);
