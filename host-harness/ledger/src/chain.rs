//! The audit: rows that each carry the hash of the row before.

use serde::Serialize;
use sha2::{Digest, Sha256};

/// A hash of the chain.
pub(crate) type Hash = [u8; 32];

/// What the first row follows upon.
pub(crate) const BEGINNING: Hash = [0; 32];

/// One move of one operation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AuditRow {
    /// Counted from 1 without gaps.
    pub seq: i64,
    /// Unix seconds.
    pub time: i64,
    /// Who moved it: user and command.
    pub actor: String,
    /// The operation.
    pub operation: String,
    /// The state before; absent for the first row of an operation.
    pub before: Option<String>,
    /// The state after.
    pub after: String,
    /// SHA-256 of the request, in hexadecimal digits.
    pub request_hash: String,
    /// The payment as it was asked for.
    pub payment: String,
    /// The charge, once known.
    pub charge: Option<String>,
    /// What was asked for, or what was refunded once that is known; in the smallest unit.
    pub amount: Option<i64>,
    /// Its currency.
    pub currency: Option<String>,
    /// The refund, once known.
    pub refund: Option<String>,
    /// What happened, in one sentence.
    pub outcome: Option<String>,
    /// Stripe's id of the request.
    pub request_id: Option<String>,
    /// SHA-256 of what the tables held of the operation, its approvals and votes after the move, in hexadecimal
    /// digits; absent in rows of earlier versions.
    pub held: Option<String>,
}

/// Where the audit does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// The hash of a row is not that of its contents and the row before: one of the two was changed.
    #[error("row {0} was changed, or the row before it was")]
    Changed(i64),
    /// A row is missing.
    #[error("row {0} is missing")]
    Missing(i64),
    /// The tables hold something else than the last row of the audit about this operation says.
    #[error(
        "operation `{0}`, its approvals or their votes are not what the last row of the audit recorded"
    )]
    Operation(String),
    /// A stored policy is not the one that its hash names.
    #[error("the policy stored as {0} is not the one of that hash")]
    Policy(String),
    /// The PaymentIntent of a refunded charge is not kept beside the charge.
    #[error(
        "operation `{0}`: that its PaymentIntent and its charge are one payment is missing or changed"
    )]
    Alias(String),
    /// An approval or a vote belongs to no operation.
    #[error("approval {0} or its votes belong to no operation of the ledger")]
    Approval(String),
    /// What the ledger is for was changed.
    #[error("the ledger says that it is for {0}, and the audit says otherwise")]
    Scope(String),
    /// The end is not the one that was noted.
    #[error("the audit does not end with the hash {0}: rows were removed from its end, or changed")]
    Head(String),
}

impl AuditRow {
    /// The hash of this row after that one.
    pub(crate) fn hash(&self, before: &Hash) -> Hash {
        let mut hash = Sha256::new();
        hash.update(before);
        let mut part = |text: Option<&str>| match text {
            Some(text) => {
                hash.update((text.len() as u64).to_be_bytes());
                hash.update(text);
            }
            None => hash.update(u64::MAX.to_be_bytes()),
        };
        part(Some(&self.seq.to_string()));
        part(Some(&self.time.to_string()));
        part(Some(&self.actor));
        part(Some(&self.operation));
        part(self.before.as_deref());
        part(Some(&self.after));
        part(Some(&self.request_hash));
        part(Some(&self.payment));
        part(self.charge.as_deref());
        part(self.amount.map(|amount| amount.to_string()).as_deref());
        part(self.currency.as_deref());
        part(self.refund.as_deref());
        part(self.outcome.as_deref());
        part(self.request_id.as_deref());
        // Rows of earlier versions end here, and keep their hashes.
        if self.held.is_some() {
            part(self.held.as_deref());
        }
        hash.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use refund_core::wire::hex;

    fn row() -> AuditRow {
        AuditRow {
            seq: 1,
            operation: "op-1".into(),
            after: "planned".into(),
            ..AuditRow::default()
        }
    }

    /// This value must not change: a ledger written today is verified by every later version.
    #[test]
    fn the_hash_is_fixed() {
        assert_eq!(
            hex(&row().hash(&BEGINNING)),
            "516ec1ff01c91773880960ed7657cb27618a1cc57a696b3a31360682bf41c248"
        );
    }

    #[test]
    fn absent_is_not_empty() {
        let with = AuditRow { charge: Some(String::new()), ..row() };
        assert_ne!(with.hash(&BEGINNING), row().hash(&BEGINNING));
    }

    proptest! {
        /// Text cannot move from one field to the next without a trace.
        #[test]
        fn fields_do_not_run_together(a in "[a-z]{0,6}", b in "[a-z]{0,6}", cut in 0_usize..6) {
            let whole = format!("{a}{b}");
            let cut = cut.min(whole.len());
            let one = AuditRow { actor: a.clone(), operation: b.clone(), ..row() };
            let two = AuditRow { actor: whole[..cut].into(), operation: whole[cut..].into(), ..row() };
            prop_assert_eq!(one.hash(&BEGINNING) == two.hash(&BEGINNING), one == two);
        }
    }
}
