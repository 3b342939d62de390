//! What wit-bindgen makes of the worlds of all pipelines. Interfaces that a pipeline never calls are not
//! imported by its component.

wit_bindgen::generate!({
    inline: "
        package refund-node:pipelines;

        world any {
            include refund-node:refunds/duplicate-sweep@0.1.0;
            include refund-node:refunds/sla-credit@0.1.0;
            include refund-node:refunds/proration@0.1.0;
        }
    ",
    path: "../../../wit",
    world: "refund-node:pipelines/any",
    generate_all,
    // What the imported and the exported `node` say is the same then.
    merge_structurally_equal_types: true,
    pub_export_macro: true,
    default_bindings_module: "pipeline_shared::bindings",
});
