//! From what was typed to what operations take.

use std::collections::BTreeMap;

use anyhow::Result;
use refund_core::eligibility::{self, FeeRate};
use refund_core::metadata::Metadata;
use refund_core::money::{Currency, Money};
use refund_core::policy::{Handling, Limits, Terms};
use refund_ledger::MerchantRules;

use crate::args::{Amount, PolicyArgs};
use crate::documents;
use crate::exit::Exit;

/// What is asked for: everything that is left where no amount is given.
pub(crate) fn amount(amount: &Amount, rules: &PolicyArgs) -> Result<eligibility::Amount> {
    let money = money(amount, rules)?;
    Ok(money.map_or(eligibility::Amount::Everything, eligibility::Amount::Exactly))
}

/// The amount; `None` for everything that is left.
pub(crate) fn money(amount: &Amount, rules: &PolicyArgs) -> Result<Option<Money>> {
    refuse_stray_currency(amount, rules)?;
    let currency =
        || Currency::parse(amount.currency.as_deref().unwrap_or_default()).map_err(Exit::bad_input);
    let money = match (&amount.amount, &amount.minor) {
        (Some(decimal), _) => Money::parse_decimal(decimal, currency()?)
            .map_err(|problem| Exit::bad_input(problem.at("--amount")))?,
        (None, Some(minor)) => Money { amount: minor_units(minor)?, currency: currency()? },
        (None, None) => return Ok(None),
    };
    let flag = if amount.amount.is_some() { "--amount" } else { "--minor" };
    money.check_input(flag).map_err(Exit::bad_input)?;
    Ok(Some(money))
}

/// Whoever names a currency meant an amount, or a limit: the amount must not become everything by being forgotten.
fn refuse_stray_currency(amount: &Amount, rules: &PolicyArgs) -> Result<()> {
    match &amount.currency {
        Some(code) if !amount.is_given() && !rules.names_amounts() => {
            Err(Exit::bad_input(format!(
                "--currency `{code}` is given without an amount: give --amount or --minor, or leave out --currency to mean everything that is left"
            )))
        }
        _ => Ok(()),
    }
}

fn minor_units(minor: &str) -> Result<u64> {
    minor.parse().map_err(|_| {
        Exit::bad_input(format!("--minor `{minor}` is not a whole number above zero: give the amount in the smallest unit, for example 2500 for 25.00 dollars"))
    })
}

/// The merchant's rules: a document, or the terms that were typed.
pub(crate) fn rules(args: &PolicyArgs, currency: Option<&str>) -> Result<MerchantRules> {
    let terms = terms(args, currency)?;
    let Some(file) = &args.policy else { return Ok(MerchantRules::policy(terms)) };
    if terms != Terms::default() {
        return Err(Exit::bad_input(
            "--policy is given beside rules of its own: put them all into the document, or leave it out",
        ));
    }
    Ok(MerchantRules::document(documents::parse(file)?, args.self_serve))
}

/// The terms that were typed.
fn terms(args: &PolicyArgs, currency: Option<&str>) -> Result<Terms> {
    let limit = |flag: &str, text: &Option<String>| -> Result<Option<Limits>> {
        let Some(text) = text else { return Ok(None) };
        let money = Currency::parse(currency.unwrap_or_default())
            .and_then(|currency| Money::parse_decimal(text, currency))
            .map_err(|problem| Exit::bad_input(problem.at(flag)))?;
        Ok(Some(money.into()))
    };
    Ok(Terms {
        window_days: args.window_days,
        minimum: limit("--minimum", &args.minimum)?,
        approve_up_to: limit("--approve-up-to", &args.approve_up_to)?,
        second_approval_above: limit("--second-approval-above", &args.second_approval_above)?,
        never_above: limit("--never-above", &args.never_above)?,
        max_attempts: args.max_attempts,
        payment_methods: Some(args.payment_methods.clone()).filter(|methods| !methods.is_empty()),
        required_metadata: required(&args.required_metadata),
        fraud: args.fraud.map(Handling::from),
        fee_rate: args.fee_rate.map(|basis_points| FeeRate { basis_points, fixed: 0 }),
        ..Terms::default()
    })
}

/// `KEY` with any value, or `KEY=VALUE`; of several values for one key, each is accepted.
fn required(given: &[String]) -> Option<BTreeMap<String, Vec<String>>> {
    let mut required: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for text in given {
        let (key, value) = match text.split_once('=') {
            Some((key, value)) => (key, Some(value.to_owned())),
            None => (text.as_str(), None),
        };
        required.entry(key.to_owned()).or_default().extend(value);
    }
    (!required.is_empty()).then_some(required)
}

/// `KEY=VALUE` pairs.
pub(crate) fn metadata(pairs: &[String]) -> Result<Metadata> {
    let mut metadata = Metadata::default();
    for pair in pairs {
        let (key, value) = pair.split_once('=').ok_or_else(|| {
            Exit::bad_input(format!(
                "--metadata `{pair}` is not KEY=VALUE: write it like ticket=4711"
            ))
        })?;
        if metadata.0.insert(key.to_owned(), value.to_owned()).is_some() {
            return Err(Exit::bad_input(format!(
                "--metadata `{key}` is given twice: keep one of them"
            )));
        }
    }
    Ok(metadata)
}

/// `90s`, `5m`, `24h`, `7d`, or seconds.
pub(crate) fn seconds(flag: &str, text: &str) -> Result<u64> {
    let (number, unit) = match text.find(|c: char| !c.is_ascii_digit()) {
        Some(at) => text.split_at(at),
        None => (text, "s"),
    };
    let factor = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => 0,
    };
    number
        .parse::<u64>()
        .ok()
        .filter(|_| factor > 0)
        .and_then(|number| number.checked_mul(factor))
        .ok_or_else(|| {
            Exit::bad_input(format!(
                "--{flag} `{text}` is not a time: write it like 90s, 5m, 24h or 7d"
            ))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        for (text, expected) in [
            ("90s", Some(90)),
            ("5m", Some(300)),
            ("24h", Some(86_400)),
            ("7d", Some(604_800)),
            ("12", Some(12)),
            ("5 m", None),
            ("m", None),
            ("", None),
            ("-5m", None),
            ("99999999999999999999d", None),
        ] {
            assert_eq!(seconds("window", text).ok(), expected, "{text}");
        }
    }
}
