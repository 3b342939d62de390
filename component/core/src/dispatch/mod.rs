//! The generic interface: `describe` and `invoke`, JSON in and JSON out. With these two functions a platform shows a form
//! and runs a node.

mod asked;
mod billing;
mod disputes;
mod failure;
mod follow_ups;
mod inputs;
mod invoke;
#[cfg(feature = "schema")]
pub mod manifest;
mod reports;

pub use asked::Asked;
pub use failure::{Failure, FailureKind, InvokeError};
pub use invoke::{Never, connect, invoke, read, write};

/// The manifest of the component with HTTP.
pub const MANIFEST: &str = include_str!("manifest.json");
/// The manifest of the component without any import.
pub const PURE_MANIFEST: &str = include_str!("manifest.pure.json");

/// The operations that need no HTTP.
pub const PURE_OPERATIONS: &[&str] = &[
    "eligibility.check",
    "policies.describe",
    "duplicates.detect",
    "reports.summarize",
    "webhooks.verify",
    "webhooks.parse",
    "webhooks.interpret",
    "credits.sla-quote",
    "credits.prorate",
    "follow-ups.of-event",
    "follow-ups.of-outcome",
];

/// The operations that talk to Stripe.
pub const HTTP_OPERATIONS: &[&str] = &[
    "refunds.create",
    "refunds.preview",
    "refunds.retrieve",
    "refunds.list",
    "refunds.update-metadata",
    "refunds.cancel",
    "refunds.balance",
    "payments.contact",
    "eligibility.check-live",
    "duplicates.scan-live",
    "disputes.retrieve",
    "disputes.list",
    "disputes.stage-evidence",
    "disputes.submit",
    "disputes.close",
    "disputes.upload-file",
    "reports.rows",
    "reports.charges-taken",
    "billing.invoice",
    "billing.subscription",
];
