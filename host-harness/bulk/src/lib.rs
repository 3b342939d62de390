//! Bulk refunds: thousands of lines, each refunded once or told why not.
//!
//! [`input`] reads lines and keeps bad ones aside; [`import`] writes them into the ledger as planned
//! operations; [`forecast`] is the dry run; [`run`] sends, paced, and stops when something is wrong;
//! [`export`] writes what became of every line. Nothing here holds the input in memory.

mod export;
mod forecast;
mod import;
mod rejects;
mod run;
mod stop;

pub use export::{ExportError, Format, export};
pub use forecast::{Forecast, Forecaster, Sum};
pub use import::{ImportError, Imported, Source, import};
pub use refund_lines as input;
pub use rejects::Rejects;
pub use run::{Ended, Options, Progress, RunError, Runner, Summary};
pub use stop::{StopLoss, Stopped};
