//! What the manifest says about an operation: texts, an icon, and the schemas of input and output.

use schemars::{JsonSchema, Schema, SchemaGenerator};

/// What the manifest says about an operation, beside its name and its effect.
#[derive(Clone, Copy)]
pub(super) struct About {
    pub(super) title: &'static str,
    pub(super) description: &'static str,
    /// One of `icon`.
    pub(super) icon: &'static str,
    pub(super) input: fn(&mut SchemaGenerator) -> Schema,
    pub(super) output: fn(&mut SchemaGenerator) -> Schema,
}

/// The schema of a type, for `About`.
pub(super) fn schema<T: JsonSchema>(schemas: &mut SchemaGenerator) -> Schema {
    schemas.subschema_for::<T>()
}

/// Paths of drawings of 24 by 24 for forms and lists.
pub(super) mod icon {
    pub(in crate::dispatch) const REFUND: &str = "M4 12a8 8 0 1 0 3-6M4 3v5h5";
    pub(in crate::dispatch) const CHECK: &str = "M4 12l5 5L20 6";
    pub(in crate::dispatch) const DUPLICATES: &str = "M8 8h12v12H8zM16 4H4v12";
    pub(in crate::dispatch) const CREDIT: &str = "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M12 7v5l4 2";
    pub(in crate::dispatch) const FOLLOW_UP: &str = "M4 12h14M12 6l6 6-6 6";
    pub(in crate::dispatch) const REPORT: &str = "M4 20h16M7 16v-5M12 16V5M17 16v-8";
    pub(in crate::dispatch) const WEBHOOK: &str = "M12 3a4 4 0 0 1 3 7l3 5M9 9l-3 6M8 18h8";
    pub(in crate::dispatch) const DISPUTE: &str = "M12 3v18M5 21h14M4 14l3-8 3 8zM14 14l3-8 3 8z";
}
