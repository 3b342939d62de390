//! Bulk runs: thousands of lines, each refunded once or reported.
//!
//! [`lines`] records lines as planned operations; [`run`] sends them, paced, and stops when something is wrong; [`plan`]
//! is the same run on a throw-away copy of the ledger, with a component that sends nothing that changes anything.

mod lines;
mod options;
mod plan;
mod run;
mod stop;
mod summary;

pub use self::lines::{LineAdmitted, NewLine};
pub use self::options::{RulesUnknown, StartedWith, rules_of};
pub use self::plan::{Forecast, Planned, PreviewComponent, Sum};
pub use self::run::{Options, Progress, Runner};
pub use self::stop::{StopLoss, Stopped};
pub use self::summary::{Ended, RunError, Summary, spent};
