//! The careful sequences: what is sent in which order, and what each outcome means.
//!
//! Nothing here does I/O. A [`Transport`] sends one request, tells the time and waits; in the component
//! it is WASI HTTP, in the tests a script that loses answers on purpose.

mod billing;
mod call;
mod changes;
mod connection;
mod contact;
mod create;
pub mod disputes;
mod error;
mod facts;
mod pages;
mod reads;
mod reports;
mod scan;
mod transport;

pub use billing::{InvoiceRequest, read_invoice, read_subscription};
pub use changes::{cancel, update_metadata};
pub use connection::{Connection, ConnectionInput};
pub use contact::contact;
pub use create::{CreateRequest, Created, Origin, Previewed, create, find_existing, preview};
pub use error::{
    CallError, ChangeError, ChangeUnknown, CreateError, NeedsApproval, OperationConflict,
    OutcomeUnknown, TransportFailure, TransportKind,
};
pub use facts::{Checked, check_live};
pub use reads::{ListFilter, RefundPage, balance, list, retrieve};
pub use reports::{RowPage, RowRange, TakenPage, TakenRange, charges_taken, refund_rows};
pub use scan::{ScanRange, Scanned, scan_live};
pub use transport::{HttpRequest, SendFailure, Transport};
