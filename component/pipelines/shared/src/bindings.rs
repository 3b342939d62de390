//! What wit-bindgen makes of the world of a pipeline.

wit_bindgen::generate!({
    path: "../../../wit",
    world: "refund-node:refunds/pipeline",
    generate_all,
    // What the imported and the exported `node` say is the same then.
    merge_structurally_equal_types: true,
    pub_export_macro: true,
    default_bindings_module: "pipeline_shared::bindings",
});
