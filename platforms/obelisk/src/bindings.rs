//! What wit-bindgen makes of the world.

wit_bindgen::generate!({
    path: ["../../wit", "wit"],
    world: "refund-node:obelisk/facade",
    generate_all,
});

use crate::Facade;

export!(Facade with_types_in crate::bindings);
