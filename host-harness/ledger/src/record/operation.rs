//! Operations.

use std::fmt;

use refund_core::id::{ChargeId, OperationId, PaymentIntentId, PaymentRef, RefundId};
use refund_core::model::Refund;
use refund_core::money::Money;
use refund_core::request::Request;
use refund_core::wire::hex;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::rules::HeldRules;
use super::settlement::Settlement;
use super::user::UserName;
use crate::state::State;

/// SHA-256 of a request as JSON: the same for the same request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// The fingerprint of a request.
    pub fn of(request: &Request) -> Self {
        Self(hex(&Sha256::digest(request.json())))
    }

    pub(crate) fn stored(text: String) -> Self {
        Self(text)
    }

    /// 64 hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A payment by its one name in the ledger: its charge, once that is known. A PaymentIntent and its charge are
/// one payment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PaymentKey(String);

impl PaymentKey {
    /// The key of this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PaymentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What the ledger keeps of a refund.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptRefund {
    /// `re_…`.
    pub id: RefundId,
    /// What was refunded.
    pub money: Money,
    /// The charge it was taken from.
    pub charge: Option<ChargeId>,
    /// The PaymentIntent it was taken from.
    pub payment_intent: Option<PaymentIntentId>,
}

impl From<&Refund> for KeptRefund {
    fn from(refund: &Refund) -> Self {
        Self {
            id: refund.id.clone(),
            money: refund.money(),
            charge: refund.charge.clone(),
            payment_intent: refund.payment_intent.clone(),
        }
    }
}

/// The share of a payment's fee that Stripe keeps: smallest unit and currency of the settlement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fee {
    /// In the smallest unit.
    pub amount: i64,
    /// Its currency.
    pub currency: String,
}

/// An operation as the ledger holds it.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    /// What was asked for last; its operation id is the id of this operation.
    pub request: Request,
    /// Of `request`.
    pub fingerprint: Fingerprint,
    /// Who asked first. It never changes.
    pub requester: UserName,
    /// Who corrected the request after it had been denied or was invalid, or asked again with a user name for what had been
    /// asked for without one.
    pub corrected_by: Option<UserName>,
    /// The merchant's rules of the last attempt.
    pub rules: HeldRules,
    /// Where it stands.
    pub state: State,
    /// Why; absent before the first attempt, and for what an earlier version wrote.
    pub settlement: Option<Settlement>,
    /// The refund.
    pub refund: Option<KeptRefund>,
    /// One sentence about the last move.
    pub detail: Option<String>,
    /// Stripe's id of the last request that answered.
    pub request_id: Option<String>,
    /// How often it was begun.
    pub attempts: u32,
    /// How many requests to make the refund have left, or may have.
    pub changes_sent: u32,
    /// The share of the payment's fee that Stripe keeps.
    pub fee: Option<Fee>,
    /// When the last request may have left whose outcome is not known, Unix seconds.
    pub uncertain: Option<u64>,
    /// The last move, Unix seconds.
    pub updated: u64,
}

impl Operation {
    /// A new operation: planned, nothing sent.
    pub fn new(request: Request, requester: UserName, rules: HeldRules, now: u64) -> Self {
        Self {
            fingerprint: Fingerprint::of(&request),
            request,
            requester,
            corrected_by: None,
            rules,
            state: State::Planned,
            settlement: None,
            refund: None,
            detail: None,
            request_id: None,
            attempts: 0,
            changes_sent: 0,
            fee: None,
            uncertain: None,
            updated: now,
        }
    }

    /// The operation id.
    pub fn id(&self) -> &OperationId {
        &self.request.operation
    }

    /// The payment as it was named.
    pub fn payment(&self) -> &PaymentRef {
        &self.request.payment
    }

    /// What was refunded, or what was asked for where nothing was; absent for "everything that is left".
    pub fn money(&self) -> Option<Money> {
        self.refund.as_ref().map(|refund| refund.money).or(self.request.amount)
    }

    /// Whether this user asked for what is now asked for, and so may not approve it.
    pub fn was_asked_for_by(&self, user: &UserName) -> bool {
        self.requester == *user || self.corrected_by.as_ref() == Some(user)
    }

    /// Who asked, as an approval shows it: the requester, or whoever asked again where the requester is unknown. Unknown
    /// after a correction without a user name: then no approver can be shown to be a different person.
    pub fn asked_by(&self) -> &UserName {
        let unknown = UserName::unknown();
        match &self.corrected_by {
            Some(user) if *user == unknown || self.requester == unknown => user,
            _ => &self.requester,
        }
    }
}

/// A row of the audit about an operation: a move, or a remark where the state stays.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The state before; absent for the first row of an operation.
    pub before: Option<State>,
    /// Who did it: user and command.
    pub actor: String,
    /// What happened, in one sentence.
    pub outcome: Option<String>,
    /// Stripe's id of the request, where there was one.
    pub request_id: Option<String>,
    /// When, Unix seconds.
    pub time: u64,
}

/// A page of operations, newest first.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// At most as many as were asked for.
    pub operations: Vec<Operation>,
    /// Where the next page begins; absent on the last.
    pub next: Option<i64>,
}
