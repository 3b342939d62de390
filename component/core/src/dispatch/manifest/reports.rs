//! The operations that read for a report.

use schemars::SchemaGenerator;

use super::{Effect, ICON_REPORT, Operation};
use crate::client::{RowPage, TakenPage};
use crate::dispatch::reports as inputs;

pub(super) fn operations(schemas: &mut SchemaGenerator) -> Vec<Operation> {
    vec![
        Operation {
            name: "reports.rows",
            title: "Read refunds for a report",
            description: "Reads a page of the refunds of a time range, each with customer, product and lost fee from its charge, as `reports.summarize` takes them.",
            icon: ICON_REPORT,
            effect: Effect::Reads,
            input: schemas.subschema_for::<inputs::Rows>(),
            output: schemas.subschema_for::<RowPage>(),
        },
        Operation {
            name: "reports.charges-taken",
            title: "Sum up charges for a report",
            description: "Sums up the charges of a time range by currency and month, which a refund rate is measured against.",
            icon: ICON_REPORT,
            effect: Effect::Reads,
            input: schemas.subschema_for::<inputs::Taken>(),
            output: schemas.subschema_for::<TakenPage>(),
        },
    ]
}
