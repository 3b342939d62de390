//! Files of refunds: read into runs of the ledger, and written out again.
//!
//! [`input`] reads lines and keeps bad ones aside; [`import`] records them through the application layer; [`plan`] does
//! the same with a throw-away copy of the ledger; [`export`] writes what became of every line. Nothing here holds the
//! input in memory, and nothing here decides about a refund.

mod export;
mod import;
mod plan;
mod rejects;

pub use export::{ExportError, Format, export};
pub use import::{ImportError, Imported, Source, import};
pub use plan::{PlanError, Planning, plan};
pub use refund_lines as input;
pub use rejects::Rejects;
