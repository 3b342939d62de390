//! The inputs of the operations, as a person fills them into a form.
//!
//! # Null
//!
//! A field that is left out has a meaning. Null often comes from a variable that was empty by mistake, so it is refused
//! where leaving the field out can refund more, check less, find more, or act for another account. The test
//! `tests/nulls.rs` tries null in every field of every input and compares the result with the schemas.
//!
//! | field | left out | null |
//! |---|---|---|
//! | `amount`, `amount_decimal`, `currency` | everything that is left is refunded | refused |
//! | `policy`, `document` | no rules of the merchant | refused |
//! | in `policy` and `document`: every rule, limit and deduction, `product_key` | no such rule, or the defaults' | refused |
//! | `fee_rate`, a rule's `description` | no estimate, no text | taken |
//! | `refund_application_fee`, `reverse_transfer` | Stripe decides who pays | refused |
//! | `connection`, in it `base_url`, `account`, `api_key` | live Stripe, the platform's account, the host's key | refused |
//! | in `connection`: `max_retries` | 2 | taken |
//! | `payment`, `created_from`, `created_to` of a list; `range.created_to`, `range.customer` | more is found | refused |
//! | `max_charges`, `most`, `options.window_seconds` | the default limit | refused |
//! | `line`, `item`, `period` of an invoice or subscription | the only one | refused |
//! | `cap`, `rounding` | no cap; half up, which may be one unit more | refused |
//! | the ways to name what `proration.run` prorates | another way | refused |
//! | `future_tolerance` | no limit | refused |
//! | `self_serve`, `dry_run`, `credited`, `kept` and other fields without an absent state | the default | refused |
//! | `approval` | the approval is asked for | taken |
//! | `operation_id` of `billing.invoice` | its refunds count as made before: less is left | taken |
//! | `order` | the same sum, spread in proportion | taken |
//! | `reason`, `metadata`, `instructions_email` | none is sent | taken |
//! | `limit`, `cursor`, `product_key` and `top_customers` of a report | the default page or list | taken |
//! | `now`, `tolerance` | the clock, 300 seconds | taken |
//! | `header`, `payload`, `payload_base64` | not given: the webhook is refused | taken |
//! | `left` of `follow-ups.of-outcome` | less is known | taken |
//!
//! Stripe's objects (`charge`, `refunds`, `disputes`, `event`, `ended`) and the rows of a report are data, not requests:
//! null in them is absent, as Stripe writes it.

use serde::Deserialize;

use crate::client::{ConnectionInput, ScanRange};
use crate::duplicates;
use crate::eligibility::Amount;
use crate::metadata::Metadata;
use crate::model::{Charge, Dispute, Reason, Refund};
use crate::money::{Currency, Money};
use crate::policy::{Document, Terms};
use crate::problem::FieldProblem;
use crate::reports;
use crate::secret::Secret;

/// `refunds.create`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(super) struct Create {
    /// Which Stripe to talk to.
    #[serde(default)]
    pub(super) connection: ConnectionInput,
    /// Your own name for this refund, 1 to 200 characters. One id makes at most one refund.
    pub(super) operation_id: String,
    /// The charge (`ch_…`) or PaymentIntent (`pi_…`) to refund.
    pub(super) payment: String,
    /// In the smallest unit of the currency; everything that is left when no amount is given.
    #[serde(default, deserialize_with = "crate::optional::amount")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    pub(super) amount: Option<u64>,
    /// The same as a decimal of the currency, for example `25.00`; give one of the two.
    #[serde(default, deserialize_with = "crate::optional::amount")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    pub(super) amount_decimal: Option<String>,
    /// The charge's currency, for example `usd`; needed beside an amount, and refused without one.
    #[serde(default, deserialize_with = "crate::optional::currency")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    pub(super) currency: Option<String>,
    /// `duplicate`, `fraudulent` or `requested_by_customer`.
    #[serde(default)]
    pub(super) reason: Option<Reason>,
    /// Your own keys, at most 49.
    #[serde(default)]
    pub(super) metadata: Metadata,
    /// Connect: give the application fee back in proportion.
    #[serde(default, deserialize_with = "crate::optional::value")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    pub(super) refund_application_fee: Option<bool>,
    /// Connect: take the money back from the connected account in proportion.
    #[serde(default, deserialize_with = "crate::optional::value")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    pub(super) reverse_transfer: Option<bool>,
    /// Where to send instructions, for methods without native refunds.
    #[serde(default)]
    pub(super) instructions_email: Option<String>,
    /// Your rules, in the terms of a policy document.
    #[serde(default)]
    pub(super) policy: Terms,
    /// Or a policy document; nothing may stand in `policy` then.
    #[serde(default, deserialize_with = "crate::optional::value")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    pub(super) document: Option<Document>,
    /// Set when the customer requested this refund directly, without staff review. Used by policies only.
    #[serde(default)]
    pub(super) self_serve: bool,
    /// The `request_hash` of an earlier answer that asked for approval.
    #[serde(default)]
    pub(super) approval: Option<String>,
}

/// `refunds.preview`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(super) struct Preview {
    /// Which Stripe to talk to.
    #[serde(default)]
    pub(super) connection: ConnectionInput,
    /// The input of `refunds.create`, without its connection.
    pub(super) request: Create,
    /// Refunds of the same payment that are assumed to be made before this one, in the smallest unit.
    #[serde(default)]
    pub(super) earlier_refunds: Vec<u64>,
}

/// `refunds.balance`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(super) struct OnlyConnection {
    /// Which Stripe to talk to.
    #[serde(default)]
    pub(super) connection: ConnectionInput,
}

/// `payments.contact`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(super) struct OnePayment {
    /// Which Stripe to talk to.
    #[serde(default)]
    pub(super) connection: ConnectionInput,
    /// The charge or PaymentIntent.
    pub(super) payment: String,
}

/// `refunds.retrieve` and `refunds.cancel`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(super) struct OneRefund {
    /// Which Stripe to talk to.
    #[serde(default)]
    pub(super) connection: ConnectionInput,
    /// The refund, `re_…`.
    pub(super) refund: String,
}

/// `refunds.list`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(super) struct List {
    /// Which Stripe to talk to.
    #[serde(default)]
    pub(super) connection: ConnectionInput,
    /// Only those of this charge or PaymentIntent.
    #[serde(default, deserialize_with = "crate::optional::filter")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    pub(super) payment: Option<String>,
    /// Created at or after, Unix seconds.
    #[serde(default, deserialize_with = "crate::optional::filter")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    pub(super) created_from: Option<u64>,
    /// Created at or before, Unix seconds.
    #[serde(default, deserialize_with = "crate::optional::filter")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    pub(super) created_to: Option<u64>,
    /// Page size, 1 to 100; 10 when absent.
    #[serde(default)]
    pub(super) limit: Option<u8>,
    /// The `next` of the page before.
    #[serde(default)]
    pub(super) cursor: Option<String>,
}

/// `refunds.update-metadata`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(super) struct UpdateMetadata {
    /// Which Stripe to talk to.
    #[serde(default)]
    pub(super) connection: ConnectionInput,
    /// The refund, `re_…`.
    pub(super) refund: String,
    /// Keys to set; an empty value removes a key.
    pub(super) metadata: Metadata,
}

/// `eligibility.check`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(super) struct Check {
    /// The charge, as Stripe gives it.
    pub(super) charge: Charge,
    /// Every refund of it.
    #[serde(default)]
    pub(super) refunds: Vec<Refund>,
    /// Every dispute of it.
    #[serde(default)]
    pub(super) disputes: Vec<Dispute>,
    /// In the smallest unit of the currency; everything that is left when no amount is given.
    #[serde(default, deserialize_with = "crate::optional::amount")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    pub(super) amount: Option<u64>,
    /// The same as a decimal of the currency; give one of the two.
    #[serde(default, deserialize_with = "crate::optional::amount")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    pub(super) amount_decimal: Option<String>,
    /// The charge's currency; needed beside an amount, and refused without one.
    #[serde(default, deserialize_with = "crate::optional::currency")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    pub(super) currency: Option<String>,
    /// Your rules, in the terms of a policy document.
    #[serde(default)]
    pub(super) policy: Terms,
    /// Or a policy document; nothing may stand in `policy` then.
    #[serde(default, deserialize_with = "crate::optional::value")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    pub(super) document: Option<Document>,
    /// Set when the customer requested this refund directly, without staff review. Used by policies only.
    #[serde(default)]
    pub(super) self_serve: bool,
    /// `duplicate`, `fraudulent` or `requested_by_customer`. Used by policies only.
    #[serde(default)]
    pub(super) reason: Option<Reason>,
    /// The instant against which the window is measured, Unix seconds; now where the component has a
    /// clock.
    #[serde(default)]
    pub(super) now: Option<u64>,
}

/// `eligibility.check-live`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(super) struct CheckLive {
    /// Which Stripe to talk to.
    #[serde(default)]
    pub(super) connection: ConnectionInput,
    /// The charge or PaymentIntent.
    pub(super) payment: String,
    /// In the smallest unit of the currency; everything that is left when no amount is given.
    #[serde(default, deserialize_with = "crate::optional::amount")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    pub(super) amount: Option<u64>,
    /// The same as a decimal of the currency; give one of the two.
    #[serde(default, deserialize_with = "crate::optional::amount")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    pub(super) amount_decimal: Option<String>,
    /// The charge's currency; needed beside an amount, and refused without one.
    #[serde(default, deserialize_with = "crate::optional::currency")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    pub(super) currency: Option<String>,
    /// Your rules, in the terms of a policy document.
    #[serde(default)]
    pub(super) policy: Terms,
    /// Or a policy document; nothing may stand in `policy` then.
    #[serde(default, deserialize_with = "crate::optional::value")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    pub(super) document: Option<Document>,
    /// Set when the customer requested this refund directly, without staff review. Used by policies only.
    #[serde(default)]
    pub(super) self_serve: bool,
    /// `duplicate`, `fraudulent` or `requested_by_customer`. Used by policies only.
    #[serde(default)]
    pub(super) reason: Option<Reason>,
}

/// `policies.describe`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(super) struct DescribePolicy {
    /// The document.
    pub(super) document: Document,
}

/// `duplicates.detect`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(super) struct Detect {
    /// Charges, as Stripe gives them, in any order.
    pub(super) charges: Vec<Charge>,
    /// How to look.
    #[serde(default)]
    pub(super) options: duplicates::Options,
}

/// `duplicates.scan-live`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(super) struct ScanLive {
    /// Which Stripe to talk to.
    #[serde(default)]
    pub(super) connection: ConnectionInput,
    /// Which charges to look at.
    pub(super) range: ScanRange,
    /// How to look.
    #[serde(default)]
    pub(super) options: duplicates::Options,
}

/// `reports.summarize`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(super) struct Summarize {
    /// Refunds, each once, in any order.
    pub(super) rows: Vec<reports::Row>,
    /// How to report, and the charges to compare with.
    #[serde(default)]
    pub(super) options: reports::Options,
}

/// `webhooks.verify`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(super) struct Verify {
    /// The raw body as text, exactly as received: never a parsed and re-printed one.
    #[serde(default)]
    pub(super) payload: Option<String>,
    /// The raw body in base64; give one of the two.
    #[serde(default)]
    pub(super) payload_base64: Option<String>,
    /// The `Stripe-Signature` header.
    #[serde(default)]
    pub(super) header: Option<String>,
    /// The endpoint's secrets, `whsec_…`.
    pub(super) secrets: Vec<Secret>,
    /// Greatest age in seconds; 300 when absent, 0 for any.
    #[serde(default)]
    pub(super) tolerance: Option<u32>,
    /// Greatest lead over `now` in seconds; any when absent.
    #[serde(default, deserialize_with = "crate::optional::limit")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    pub(super) future_tolerance: Option<u32>,
    /// Unix seconds; now where the component has a clock.
    #[serde(default)]
    pub(super) now: Option<u64>,
}

/// `webhooks.parse`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(super) struct Parse {
    /// The body as text.
    #[serde(default)]
    pub(super) payload: Option<String>,
    /// The body in base64; give one of the two.
    #[serde(default)]
    pub(super) payload_base64: Option<String>,
}

/// The amount out of the three fields that people fill in.
pub(super) fn amount(
    minor: Option<u64>,
    decimal: Option<&str>,
    currency: Option<&str>,
) -> Result<Amount, FieldProblem> {
    let needed = || {
        let code = currency.ok_or_else(|| {
            FieldProblem::missing(
                "currency",
                "give the charge's currency beside the amount, for example `usd`",
            )
        })?;
        Currency::parse(code)
    };
    match (minor, decimal) {
        (Some(minor), Some(_)) => Err(FieldProblem::new(
            "amount",
            minor,
            "is given twice, as `amount` and as `amount_decimal`",
            "give one of the two",
        )),
        (Some(amount), None) => Ok(Amount::Exactly(Money { amount, currency: needed()? })),
        (None, Some(text)) => Money::parse_decimal(text, needed()?)
            .map(Amount::Exactly)
            .map_err(|problem| problem.at("amount_decimal")),
        // Somebody who names a currency meant an amount: a field left empty must not refund everything.
        (None, None) => match currency {
            Some(code) => Err(FieldProblem::new(
                "currency",
                code,
                "is given without an amount",
                "give `amount` or `amount_decimal` as well; to mean everything that is left, give none of the three",
            )),
            None => Ok(Amount::Everything),
        },
    }
}

/// The payload out of the two fields it may come in.
pub(super) fn payload(text: Option<String>, base64: Option<&str>) -> Result<Vec<u8>, FieldProblem> {
    use base64::Engine;
    match (text, base64) {
        (Some(text), None) => Ok(text.into_bytes()),
        (None, Some(encoded)) => {
            base64::engine::general_purpose::STANDARD.decode(encoded).map_err(|error| {
                FieldProblem::new(
                    "payload_base64",
                    encoded,
                    format!("is not base64 ({error})"),
                    "encode the raw body once, with padding",
                )
            })
        }
        (None, None) => Err(FieldProblem::missing(
            "payload",
            "give the raw body, as `payload` or `payload_base64`",
        )),
        (Some(_), Some(_)) => Err(FieldProblem::new(
            "payload",
            "",
            "is given twice",
            "give `payload` or `payload_base64`",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_never_forgotten() {
        let usd =
            |amount| Amount::Exactly(Money { amount, currency: Currency::parse("usd").unwrap() });
        assert_eq!(amount(None, None, None), Ok(Amount::Everything));
        assert_eq!(amount(Some(5), None, Some("usd")), Ok(usd(5)));
        assert_eq!(amount(None, Some("5"), Some("usd")), Ok(usd(500)));
        for (minor, decimal, currency, field) in [
            (None, None, Some("usd"), "currency"),
            (Some(5), None, None, "currency"),
            (Some(5), Some("5"), Some("usd"), "amount"),
            (None, Some("5,00"), Some("usd"), "amount_decimal"),
            (None, Some(""), Some("usd"), "amount_decimal"),
        ] {
            let problem = amount(minor, decimal, currency).unwrap_err();
            assert_eq!(problem.field, field, "{problem:?}");
        }
    }
}
