//! What can go wrong with a ledger.

use crate::state::IllegalMove;

/// A ledger cannot be used, or an operation cannot move. Nothing was changed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum LedgerError {
    /// The file cannot be opened.
    #[error("the ledger {path} cannot be opened: {problem}")]
    Open {
        /// The file.
        path: String,
        /// Why.
        problem: String,
    },
    /// The file is no ledger, or its pages are damaged.
    #[error(
        "the ledger {path} is damaged ({problem}): nothing is sent without it. Restore it from a backup, or move it away and run `refund-node reconcile` against a new one before any refund"
    )]
    Damaged {
        /// The file.
        path: String,
        /// What was found.
        problem: String,
    },
    /// A later version made it.
    #[error(
        "the ledger {path} has format {found}, this program knows {known}: use a newer program"
    )]
    TooNew {
        /// The file.
        path: String,
        /// Its format.
        found: i64,
        /// The newest known.
        known: i64,
    },
    /// It belongs to another Stripe account or mode.
    #[error(
        "the ledger {path} belongs to {found}, this call is for {wanted}: give another file with --ledger"
    )]
    OtherScope {
        /// The file.
        path: String,
        /// What it was made for.
        found: String,
        /// What it was opened for.
        wanted: String,
    },
    /// It cannot be written.
    #[error("the ledger cannot be written, so nothing is sent: {0}")]
    Write(String),
    /// It cannot be read.
    #[error("the ledger cannot be read: {0}")]
    Read(String),
    /// No such operation.
    #[error("the ledger knows no operation `{0}`")]
    UnknownOperation(String),
    /// No such run.
    #[error("the ledger knows no run `{0}`: `refund-node bulk status` shows those there are")]
    UnknownRun(String),
    /// A move that makes no sense.
    #[error(transparent)]
    Move(#[from] IllegalMove),
    /// The writer is gone: the process is ending.
    #[error("the ledger is closed")]
    Closed,
}

impl From<rusqlite::Error> for LedgerError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        let code = error.sqlite_error_code();
        let text = error.to_string();
        match code {
            Some(ErrorCode::DiskFull) => Self::Write(format!("the disk is full ({text})")),
            Some(ErrorCode::ReadOnly) => Self::Write(format!("it is read-only ({text})")),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Damaged { path: String::new(), problem: text }
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                Self::Write(format!("another process holds it for too long ({text})"))
            }
            _ => Self::Write(text),
        }
    }
}
