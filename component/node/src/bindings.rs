//! What wit-bindgen makes of the contract.

#[cfg(feature = "http")]
wit_bindgen::generate!({
    path: "../../wit",
    world: "refund-node",
    generate_all,
});

#[cfg(not(feature = "http"))]
wit_bindgen::generate!({
    path: "../../wit",
    world: "pure",
    generate_all,
});

use crate::Component;

export!(Component with_types_in crate::bindings);
