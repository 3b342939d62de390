//! A guest that tries to break out. It exports what a refund node exports; `invoke` takes the name of an
//! attack and says, as plain text, how far it came.

mod attacks;
#[allow(
    clippy::all,
    clippy::pedantic,
    missing_docs,
    unreachable_pub,
    unsafe_code,
    unused_qualifications,
    reason = "made by wit-bindgen"
)]
mod bindings {
    wit_bindgen::generate!({
        path: ["../../wit", "wit"],
        world: "refund-node:hostile/hostile",
        generate_all,
    });

    use crate::Hostile;

    export!(Hostile with_types_in crate::bindings);
}
mod dispatch;
mod http;

/// Implements every interface.
struct Hostile;
