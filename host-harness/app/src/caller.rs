//! Who calls.

use refund_ledger::UserName;

/// Who does something, and by which command: both are recorded in the audit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The user.
    pub user: UserName,
    /// The command or service, for example `bulk run`.
    pub command: String,
}

impl Caller {
    /// A user of a command.
    pub fn new(user: UserName, command: impl Into<String>) -> Self {
        Self { user, command: command.into() }
    }

    /// As the audit names it.
    pub fn actor(&self) -> String {
        format!("{} ({})", self.user, self.command)
    }
}
