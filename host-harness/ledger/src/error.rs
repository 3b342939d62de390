//! Why a ledger cannot be used.

/// A ledger cannot be used. The transaction changed nothing. Whether a request had left before is for the caller
/// to say: this error does not know.
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
        "the ledger {path} is damaged ({problem}): no refund is made without it. Restore it from a backup, or move it away and run `refund-node reconcile` against a new one before any refund"
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
    #[error("the ledger cannot be written: {0}")]
    Write(String),
    /// It cannot be read.
    #[error("the ledger cannot be read: {0}")]
    Read(String),
    /// The tables do not hold what the audit says.
    #[error(
        "operation `{0}` in the ledger is not what the audit recorded: the file was edited. It is not executed; run `refund-node audit verify`"
    )]
    Altered(String),
    /// The rules that an operation was asked for under were written by an earlier version, and are not known any more.
    #[error(
        "the policy that operation `{operation}` was asked for under cannot be read ({problem}): give a policy with --policy to ask again, or run `refund-node reconcile` to look up its refund without asking again"
    )]
    Policy {
        /// The operation.
        operation: String,
        /// Why its policy cannot be read.
        problem: String,
    },
    /// No such operation.
    #[error("the ledger has no operation `{0}`")]
    UnknownOperation(String),
    /// No such run.
    #[error("the ledger has no run `{0}`: `refund-node bulk status` lists the runs")]
    UnknownRun(String),
    /// A move that the states do not permit.
    #[error("an operation that is {from} cannot become {to}")]
    Move {
        /// Where it stands.
        from: crate::state::State,
        /// Where it should have gone.
        to: crate::state::State,
    },
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

/// What the ledger gives, unless it fails.
pub type LedgerResult<T> = Result<T, LedgerError>;
