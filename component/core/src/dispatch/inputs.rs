//! Fields that the inputs of several operations share, as a person fills them into a form.
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

use super::failure::InvokeError;
use crate::client::{Connection, ConnectionInput};
use crate::eligibility::Amount;
use crate::money::{Currency, Money};
use crate::problem::{FieldProblem, Problems};

/// Checks a connection; problems are named as the input has them.
pub fn connect(input: ConnectionInput) -> Result<Connection, Vec<FieldProblem>> {
    Connection::new(input).map_err(|problems| {
        let named = |problem: FieldProblem| {
            let field = format!("connection.{}", problem.field);
            problem.at(field)
        };
        problems.into_iter().map(named).collect()
    })
}

pub(super) fn failed(problems: Problems) -> InvokeError {
    problems.into_result().err().unwrap_or_default().into()
}

/// The time that is given, or else the clock's.
pub(super) fn needed_now(given: Option<u64>, clock: Option<u64>) -> Result<u64, FieldProblem> {
    given.or(clock).ok_or_else(|| {
        FieldProblem::missing("now", "this component has no clock: give the time in Unix seconds")
    })
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
        // A caller that names a currency meant an amount: a field left empty must not refund everything.
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
