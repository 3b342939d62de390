//! The answer, and why.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

use super::Amount;
use super::fee::FeeKept;
use crate::id::PaymentRef;
use crate::money::{Currency, Money};

/// The three answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Decision {
    /// Go on.
    Approve,
    /// Go on once the refund is approved; no other rule failed.
    NeedsApproval,
    /// Do not.
    Deny,
}

/// A rule that failed, with its numbers. Amounts are in the charge's currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "rule", rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum FailedRule {
    /// The payment did not succeed.
    NotSucceeded {
        /// The status, in Stripe's word.
        status: String,
    },
    /// Nothing was captured yet: cancel the payment, there is nothing to give back.
    NotCaptured {
        /// What to cancel.
        cancel_instead: PaymentRef,
    },
    /// Everything was given back.
    AlreadyRefunded {
        /// This much.
        amount: u64,
    },
    /// More was asked for than is left.
    ExceedsRefundable {
        /// Asked for.
        requested: u64,
        /// Left.
        refundable: u64,
        /// Taken from the customer.
        captured: u64,
        /// Given back.
        refunded: u64,
        /// On its way back.
        pending: u64,
    },
    /// The request is in another currency.
    CurrencyMismatch {
        /// Asked for.
        requested: Currency,
        /// The charge's.
        charge: Currency,
    },
    /// The charge is too old for the policy.
    OutsideWindow {
        /// Whole days since the charge.
        age_days: u32,
        /// The policy's limit.
        limit_days: u32,
    },
    /// A dispute holds the money.
    Disputed {
        /// `dp_…`.
        dispute: String,
        /// In Stripe's word.
        status: String,
    },
    /// Stripe says that there is a dispute, but none was among the facts.
    DisputeUnknown,
    /// The merchant or Stripe reported the charge as fraudulent.
    FraudFlagged {
        /// `merchant` or `stripe`.
        reported_by: String,
        /// The report, in Stripe's word.
        report: String,
    },
    /// Below `minimum`.
    BelowMinimum {
        /// Asked for.
        requested: u64,
        /// The limit.
        limit: u64,
    },
    /// Above `never_above`.
    #[serde(alias = "above_maximum")]
    NeverAbove {
        /// Asked for.
        requested: u64,
        /// The limit.
        limit: u64,
    },
    /// Too many refunds already.
    AttemptLimit {
        /// Made so far.
        made: u32,
        /// Allowed.
        limit: u32,
    },
    /// The payment method is none of `payment_methods`.
    MethodNotAllowed {
        /// The charge's; empty when unknown.
        method: String,
        /// What is.
        allowed: Vec<String>,
    },
    /// The charge lacks what `required_metadata` wants.
    MetadataUnmet {
        /// The key.
        key: String,
        /// The values that are accepted; empty means any.
        #[serde(deserialize_with = "accepted")]
        expected: Vec<String>,
        /// The value that is there.
        found: Option<String>,
    },
    /// Above `approve_up_to`: needs approval, is not denied.
    #[serde(alias = "over_threshold")]
    ApproveUpTo {
        /// Asked for.
        requested: u64,
        /// The limit.
        limit: u64,
    },
    /// The policy lists amounts by currency, but none in this one: needs approval, is not denied.
    #[serde(alias = "no_threshold_for")]
    CurrencyNotListed {
        /// The currency.
        currency: Currency,
    },
    /// The reason is none of `reasons`.
    ReasonNotAllowed {
        /// What was given, if anything.
        reason: Option<String>,
        /// What may be given.
        allowed: Vec<String>,
    },
    /// More was asked for than `deduct` leaves.
    AboveDeductions {
        /// Asked for.
        requested: u64,
        /// What may be refunded now.
        allowed: u64,
        /// What is kept back.
        deducted: u64,
    },
    /// A rule denies it.
    RuleDenies {
        /// The rule's name.
        by: String,
        /// Why.
        #[serde(alias = "because")]
        cause: Cause,
    },
    /// A rule asks for a person: needs approval, is not denied.
    RuleAsks {
        /// The rule's name.
        by: String,
        /// Why.
        #[serde(alias = "because")]
        cause: Cause,
    },
    /// The payment lacks a fact that a rule looks at, and the rule would be stricter: needs approval, is not denied.
    FactMissing {
        /// The rule's name.
        by: String,
        /// `payment_method`, or `metadata.` and the key.
        fact: String,
    },
    /// Above `second_approval_above`: several people must approve; it is not denied.
    SecondApproval {
        /// Asked for.
        requested: u64,
        /// The limit.
        limit: u64,
        /// How many people.
        approvals: u8,
    },
}

/// Reads what was accepted. Verdicts in older ledgers have one value, or null for any.
fn accepted<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Accepted {
        Any(()),
        One(String),
        List(Vec<String>),
    }
    Ok(match Accepted::deserialize(deserializer)? {
        Accepted::Any(()) => Vec::new(),
        Accepted::One(value) => vec![value],
        Accepted::List(values) => values,
    })
}

/// What made a rule ask or deny.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Cause {
    /// It always does.
    Always,
    /// The charge was reported as fraudulent.
    FraudReport,
    /// There is a dispute or an inquiry that still permits a refund.
    Dispute,
    /// The request is self-serve, and the rule does not offer that.
    SelfServeNotOffered,
    /// The amount is above the limit for self-serve.
    SelfServeAmount,
    /// The charge is too old for self-serve.
    SelfServeAge,
    /// The reason is not one for self-serve.
    SelfServeReason,
    /// Self-serve is for the first refund of a payment, and there was one before.
    SelfServeRepeated,
}

impl Cause {
    fn explain(self) -> &'static str {
        match self {
            Self::Always => "for every payment that it matches",
            Self::FraudReport => "because the charge was reported as fraudulent",
            Self::Dispute => "because there is a dispute or an inquiry",
            Self::SelfServeNotOffered => "because it does not offer self-serve",
            Self::SelfServeAmount => "because the amount is above the limit for self-serve",
            Self::SelfServeAge => "because the charge is too old for self-serve",
            Self::SelfServeReason => "because the reason is not one for self-serve",
            Self::SelfServeRepeated => {
                "because self-serve is for the first refund of a payment, and there was one before"
            }
        }
    }
}

/// Which rules of which policy decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Ruling {
    /// The document's name; `inline` if the terms were given with the call.
    pub policy: String,
    /// The document's own mark for its version; empty if the terms were given with the call.
    pub version: String,
    /// SHA-256 of the document or the terms.
    pub hash: String,
    /// The first of `rules`.
    pub rule: String,
    /// The rules that led to this decision, in the order of the document: those that deny where it is denied, those that
    /// ask where it needs approval, otherwise all that match. `defaults` if no rule matches.
    #[serde(default)]
    pub rules: Vec<String>,
    /// How many people must approve; 0 if the refund needs no approval.
    pub approvals: u8,
    /// What is kept back, in the smallest unit.
    pub deducted: u64,
}

impl FailedRule {
    /// The rule asks for a person; it does not forbid.
    pub fn asks_for_approval(&self) -> bool {
        matches!(
            self,
            Self::ApproveUpTo { .. }
                | Self::CurrencyNotListed { .. }
                | Self::RuleAsks { .. }
                | Self::FactMissing { .. }
                | Self::SecondApproval { .. }
        )
    }

    /// Stripe would accept no amount at all.
    pub(super) fn blocks_everything(&self) -> bool {
        matches!(
            self,
            Self::NotSucceeded { .. }
                | Self::NotCaptured { .. }
                | Self::AlreadyRefunded { .. }
                | Self::Disputed { .. }
                | Self::DisputeUnknown
        )
    }

    /// Stripe itself enforces it.
    fn is_of_stripe(&self) -> bool {
        self.blocks_everything()
            || matches!(self, Self::ExceedsRefundable { .. } | Self::CurrencyMismatch { .. })
    }

    /// One sentence for people. `currency` is the charge's.
    pub fn explain(&self, currency: Currency) -> String {
        let money = |amount: &u64| Money { amount: *amount, currency }.to_string();
        match self {
            Self::NotSucceeded { status } => {
                format!("the payment did not succeed, its status is {status}")
            }
            Self::NotCaptured { cancel_instead } => {
                format!("the payment is not captured: cancel {cancel_instead} instead, there is nothing to give back")
            }
            Self::AlreadyRefunded { amount } => {
                format!("all of it, {}, was given back already", money(amount))
            }
            Self::ExceedsRefundable { requested, refundable, captured, refunded, pending } => format!(
                "{} is asked for, but only {} is left ({} captured, {} refunded, {} pending)",
                money(requested), money(refundable), money(captured), money(refunded), money(pending)
            ),
            Self::CurrencyMismatch { requested, charge } => {
                format!("the charge is in {charge}, the request in {requested}")
            }
            Self::OutsideWindow { age_days, limit_days } => {
                format!("the charge is {age_days} days old, the policy allows {limit_days}")
            }
            Self::Disputed { dispute, status } => {
                format!("dispute {dispute} ({status}) holds the money: answer the dispute, a refund would pay twice")
            }
            Self::DisputeUnknown => {
                "Stripe says that the charge is disputed, but the dispute is not among the facts: give it".into()
            }
            Self::FraudFlagged { reported_by, report } => {
                format!("{reported_by} reported the charge as {report}")
            }
            Self::BelowMinimum { requested, limit } => {
                format!("{} is below the policy's minimum, {}", money(requested), money(limit))
            }
            Self::NeverAbove { requested, limit } => {
                format!("{} is above {}, above which the policy never refunds", money(requested), money(limit))
            }
            Self::AttemptLimit { made, limit } => {
                format!("{made} refunds were made on this payment, the policy allows {limit}")
            }
            Self::MethodNotAllowed { method, allowed } => {
                let method = if method.is_empty() { "an unknown method" } else { method };
                format!("it was paid with {method}, the policy allows {}", allowed.join(", "))
            }
            Self::MetadataUnmet { key, expected, found } => {
                let expected: Vec<_> = expected.iter().map(|value| format!("`{value}`")).collect();
                let expected = if expected.is_empty() { "any value".to_owned() } else { expected.join(" or ") };
                let found = found.as_ref().map_or("nothing".into(), |value| format!("`{value}`"));
                format!("the charge's metadata `{key}` is {found}, the policy wants {expected}")
            }
            Self::ApproveUpTo { requested, limit } => {
                format!("{} is above {}, above which 1 person must approve", money(requested), money(limit))
            }
            Self::CurrencyNotListed { currency } => {
                format!("the policy lists no amount in {currency}, so the refund needs approval")
            }
            Self::ReasonNotAllowed { reason, allowed } => {
                let reason = reason.as_ref().map_or("no reason is given".into(), |reason| format!("the reason is `{reason}`"));
                if allowed.is_empty() {
                    return format!("{reason}, and no reason is allowed by every rule that matches");
                }
                format!("{reason}, the policy allows {}", allowed.join(", "))
            }
            Self::AboveDeductions { requested, allowed, deducted } => format!(
                "{} is asked for, but the policy keeps {} back, which leaves {}",
                money(requested), money(deducted), money(allowed)
            ),
            Self::RuleDenies { by, cause } => {
                format!("rule `{by}` denies it, {}", cause.explain())
            }
            Self::RuleAsks { by, cause } => {
                format!("rule `{by}` asks for approval, {}", cause.explain())
            }
            Self::FactMissing { by, fact } => {
                format!("the charge has no `{fact}`, so it is unknown whether rule `{by}` applies, which is stricter")
            }
            Self::SecondApproval { requested, limit, approvals } => format!(
                "{} is above {}, above which {approvals} people must approve", money(requested), money(limit)
            ),
        }
    }
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Verdict {
    /// Approve, needs approval, or deny.
    pub decision: Decision,
    /// Every rule that failed, not only the first.
    pub failed: Vec<FailedRule>,
    /// What would be refunded. For everything: all that is left.
    pub amount: Money,
    /// The largest amount that Stripe would accept now.
    pub refundable: Money,
    /// The fee that will not come back; absent when nothing tells it.
    pub fee_kept: Option<FeeKept>,
    /// Which rules of which policy decided; absent where the merchant has no rules.
    #[serde(default)]
    pub ruling: Option<Ruling>,
}

impl Verdict {
    /// The verdict on a payment that never had a charge.
    pub fn not_succeeded(status: &str, currency: Currency, asked: &Amount) -> Self {
        let nothing = Money { amount: 0, currency };
        Self {
            decision: Decision::Deny,
            failed: vec![FailedRule::NotSucceeded { status: status.to_owned() }],
            amount: match asked {
                Amount::Everything => nothing,
                Amount::Exactly(money) => *money,
            },
            refundable: nothing,
            fee_kept: None,
            ruling: None,
        }
    }

    /// All that failed, in sentences; empty when nothing did.
    pub fn explain(&self) -> String {
        let currency = self.refundable.currency;
        let reasons: Vec<_> = self.failed.iter().map(|rule| rule.explain(currency)).collect();
        reasons.join("; ")
    }
}

impl Verdict {
    /// The rules that decided; `None` if there are none, or if Stripe would refuse the refund whatever they say.
    pub fn decided_by(&self) -> Option<&Ruling> {
        let mut denials = self.failed.iter().filter(|rule| !rule.asks_for_approval());
        let by_stripe = self.decision == Decision::Deny && denials.all(FailedRule::is_of_stripe);
        self.ruling.as_ref().filter(|_| !by_stripe)
    }

    /// How many people must approve before the refund is made.
    pub fn approvals(&self) -> u8 {
        match (&self.ruling, self.decision) {
            (_, Decision::Approve | Decision::Deny) => 0,
            (Some(ruling), Decision::NeedsApproval) => ruling.approvals,
            (None, Decision::NeedsApproval) => 1,
        }
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Approve => "approve",
            Self::NeedsApproval => "needs approval",
            Self::Deny => "deny",
        })
    }
}
