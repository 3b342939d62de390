//! The types of the contract, as wit-bindgen names them.

pub use bindings::exports::refund_node::refunds::{
    duplicates, eligibility, live, node, policies, refunds, types, webhooks,
};

#[allow(
    clippy::all,
    clippy::pedantic,
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    reason = "made by bindgen"
)]
mod bindings {
    // Exports alone: the imports are linked by the crates that implement WASI.
    wasmtime::component::bindgen!({
        inline: "
            package refund-node:host;

            world exports {
                include refund-node:refunds/pure@0.1.0;
                export refund-node:refunds/refunds@0.1.0;
                export refund-node:refunds/live@0.1.0;
            }
        ",
        path: "../../wit",
        exports: { default: async },
        additional_derives: [PartialEq],
    });
}
