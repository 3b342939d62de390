//! What wasmtime makes of the contract.
#![allow(
    clippy::all,
    clippy::pedantic,
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    reason = "made by bindgen"
)]

// Exports alone: the imports are linked by the crates that implement WASI.
wasmtime::component::bindgen!({
    inline: "
        package refund-node:host;

        world exports {
            include refund-node:refunds/pure@0.1.0;
            export refund-node:refunds/refunds@0.1.0;
            export refund-node:refunds/live@0.1.0;
            export refund-node:refunds/disputes@0.1.0;
            export refund-node:refunds/billing@0.1.0;
        }
    ",
    path: "../../wit",
    exports: { default: async },
    additional_derives: [PartialEq],
});
