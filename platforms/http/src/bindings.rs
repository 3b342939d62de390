//! What wit-bindgen makes of the world.

wit_bindgen::generate!({
    path: ["../../wit", "wit"],
    world: "refund-node:http/wrapper",
    generate_all,
});

use crate::Wrapper;

export!(Wrapper with_types_in crate::bindings);
