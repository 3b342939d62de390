//! What can go wrong around a component, as opposed to in it.

use std::fmt;

use wasmtime::Trap;
use wasmtime::component::ResourceTableError;

use crate::egress::AllowError;
use crate::limits::{Limit, Limits};

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
    /// It is larger than any refund node.
    #[error(
        "the component has {size} bytes, and at most {most} are loaded: it is not a refund node"
    )]
    TooLarge {
        /// Bytes.
        size: usize,
        /// The bound.
        most: usize,
    },
    /// It has more parts than any refund node.
    #[error("the component has more than {most} {what}: it is not a refund node")]
    TooComplex {
        /// Of what.
        what: &'static str,
        /// The bound.
        most: usize,
    },
    /// It begins like a component, but cannot be compiled.
    #[error("the component cannot be compiled, it is damaged or cut off, or wants too much: {0}")]
    Damaged(String),
    /// It wants more than this host gives.
    #[error(
        "the component imports {import}, which this host does not give: it is not a refund node, or of another version"
    )]
    ForeignImport {
        /// The import.
        import: String,
    },
    /// It is not the one that was asked for.
    #[error(
        "this component has the digest sha256:{found}, and only sha256:{wanted} may run: it was changed, or is of another version"
    )]
    WrongDigest {
        /// The digest it has.
        found: String,
        /// The digest it must have.
        wanted: String,
    },
    /// Nobody vouches for it.
    #[error("the component's signature is not good: {0}")]
    Signature(String),
    /// It does not offer what a refund node offers.
    #[error(
        "the component does not export {export}: it is not a refund node, or of another version"
    )]
    MissingExport {
        /// The export.
        export: String,
    },
}

/// A call did not come to an answer.
///
/// Whether a refund may have been made is known: the host counts the requests that change something as they leave.
#[derive(Debug)]
pub struct CallError {
    failure: CallFailure,
    changes_sent: u32,
}

impl CallError {
    pub(crate) fn new(failure: CallFailure, changes_sent: u32) -> Self {
        Self { failure, changes_sent }
    }

    /// What happened.
    pub fn failure(&self) -> &CallFailure {
        &self.failure
    }

    /// How many requests that change something had left, or may have. With none, nothing was changed at Stripe.
    pub fn changes_sent(&self) -> u32 {
        self.changes_sent
    }
}

impl From<CallFailure> for CallError {
    /// A failure of a call that sent nothing.
    fn from(failure: CallFailure) -> Self {
        Self::new(failure, 0)
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let money = if self.changes_sent == 0 {
            "nothing was sent that changes anything at Stripe"
        } else {
            "a change may have been made at Stripe: the same call with the same operation id finds out"
        };
        write!(f, "{}; {money}", self.failure)
    }
}

impl std::error::Error for CallError {}

/// Why a call did not come to an answer.
#[derive(Debug, thiserror::Error)]
pub enum CallFailure {
    /// A limit was reached.
    #[error("the call was stopped: it reached the limit of {0}")]
    Limit(Limit),
    /// The component trapped.
    #[error("the component trapped ({0}): report this")]
    Trap(String),
    /// The component does not export the interface.
    #[error(
        "this component does not export the interface {0}: load one of this version, and one of the world refund-node for what needs HTTP"
    )]
    NoInterface(&'static str),
    /// The sandbox could not be opened, or what the component returned is not what its contract says.
    #[error("the call failed in the sandbox: {0}")]
    Sandbox(String),
}

impl CallFailure {
    /// Tells a limit from a trap.
    pub(crate) fn from_wasmtime(error: &wasmtime::Error, limits: &Limits) -> Self {
        if let Some(limit) = error.downcast_ref::<Limit>() {
            return Self::Limit(*limit);
        }
        if matches!(error.downcast_ref(), Some(ResourceTableError::Full)) {
            return Self::Limit(Limit::Handles(limits.handles));
        }
        // wasmtime keeps the types of these two to itself.
        let text = error.root_cause().to_string();
        if text.contains("fuel allocated for hostcalls") {
            return Self::Limit(Limit::Transfer(limits.transfer));
        }
        if text.contains("total size of fields exceeds limit") {
            return Self::Limit(Limit::Headers(limits.headers));
        }
        match error.downcast_ref::<Trap>() {
            Some(Trap::StackOverflow) => Self::Limit(Limit::Stack(limits.stack)),
            Some(trap) => Self::Trap(trap.to_string()),
            None => Self::Sandbox(text),
        }
    }
}
