//! What can go wrong around a component, as opposed to in it.

use std::fmt;
use std::time::Duration;

use wasmtime::Trap;

use crate::egress::AllowError;

/// A bound that a call ran into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Bytes of memory.
    Memory(usize),
    /// Entries of a table.
    Table(usize),
    /// Time spent computing.
    Cpu(Duration),
    /// Time of the whole call, waiting included.
    Call(Duration),
    /// Depth of the stack, in bytes.
    Stack(usize),
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory(bytes) => write!(f, "memory ({bytes} bytes)"),
            Self::Table(entries) => write!(f, "table ({entries} entries)"),
            Self::Cpu(time) => write!(f, "computing time ({time:?})"),
            Self::Call(time) => write!(f, "time of a call ({time:?})"),
            Self::Stack(bytes) => write!(f, "stack ({bytes} bytes)"),
        }
    }
}

impl std::error::Error for Limit {}

/// A host cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// The machine does not give what the engine needs.
    #[error("the engine cannot be made: {0}")]
    Engine(String),
    /// The allow-list makes no sense.
    #[error(transparent)]
    Allow(#[from] AllowError),
}

/// A file is no component that this host can run.
#[derive(Debug, thiserror::Error)]
pub enum ComponentError {
    /// The file cannot be read.
    #[error("{path} cannot be read: {error}")]
    Unreadable {
        /// The file.
        path: String,
        /// Why.
        error: std::io::Error,
    },
    /// It is something else.
    #[error("this is {what}, not a component: give the file that `cargo xtask build` makes")]
    NotAComponent {
        /// What it is.
        what: String,
    },
    /// It begins like a component, but cannot be compiled.
    #[error("the component cannot be compiled, it is damaged or cut off: {0}")]
    Damaged(String),
    /// It wants more than this host gives.
    #[error(
        "the component imports {import}, which this host does not give: it is not a refund node, or of another version"
    )]
    ForeignImport {
        /// The import.
        import: String,
    },
    /// It does not offer what a refund node offers.
    #[error(
        "the component does not export {export}: it is not a refund node, or of another version"
    )]
    MissingExport {
        /// The export.
        export: String,
    },
}

/// A call did not come to an answer. Where it was `refunds.create`, nobody knows whether the refund was
/// made: call again with the same operation id.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// A limit was reached.
    #[error(
        "the call was stopped: it reached the limit of {0}. If it made a refund, call again with the same operation id"
    )]
    Limit(Limit),
    /// The component trapped.
    #[error(
        "the component trapped ({0}): report this. If it made a refund, call again with the same operation id"
    )]
    Trap(String),
    /// The component was loaded without HTTP.
    #[error(
        "this component has no HTTP and no operation {0}: load the component of the world refund-node"
    )]
    NoHttp(&'static str),
    /// The host closed the door.
    #[error("the sandbox cannot be opened: {0}")]
    Sandbox(String),
}

impl CallError {
    /// Tells a limit from a trap.
    pub(crate) fn from_wasmtime(error: &wasmtime::Error, stack: usize) -> Self {
        if let Some(limit) = error.downcast_ref::<Limit>() {
            return Self::Limit(*limit);
        }
        match error.downcast_ref::<Trap>() {
            Some(Trap::StackOverflow) => Self::Limit(Limit::Stack(stack)),
            Some(trap) => Self::Trap(trap.to_string()),
            None => Self::Sandbox(error.root_cause().to_string()),
        }
    }
}
