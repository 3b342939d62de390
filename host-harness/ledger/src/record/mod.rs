//! What the ledger holds, as types.

mod approval;
mod event;
mod operation;
mod rules;
mod rules_before;
mod run;
mod settlement;
mod user;

pub use approval::{Approval, ApprovalId, ApprovalState, NewApproval, Vote};
pub use event::{Effect, Elsewhere, Event};
pub use operation::{Entry, Fee, Fingerprint, KeptRefund, Operation, Page, PaymentKey};
pub use rules::{HeldRules, MerchantRules};
pub use run::{Claimed, LineState, NewRun, PriorRefund, Run, RunState, Total};
pub use settlement::{CalledOff, Settlement};
pub use user::UserName;
