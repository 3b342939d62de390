//! From what was typed to the JSON that operations take.

use anyhow::Result;
use refund_core::money::{Currency, Money};
use serde_json::{Map, Value, json};

use crate::args::{Amount, PolicyArgs};
use crate::exit::Exit;

/// The amount fields of an operation's input.
pub(crate) fn amount(input: &mut Value, amount: &Amount, rules: Option<&PolicyArgs>) -> Result<()> {
    refuse_stray_currency(amount, rules)?;
    if let Some(decimal) = &amount.amount {
        input["amount_decimal"] = json!(decimal);
    }
    if let Some(minor) = &amount.minor {
        input["amount"] = json!(minor_units(minor)?);
    }
    if amount.is_given() {
        input["currency"] = json!(amount.currency);
    }
    Ok(())
}

/// The amount itself; `None` for everything that is left.
pub(crate) fn money(amount: &Amount, rules: &PolicyArgs) -> Result<Option<Money>> {
    refuse_stray_currency(amount, Some(rules))?;
    let currency =
        || Currency::parse(amount.currency.as_deref().unwrap_or_default()).map_err(Exit::bad_input);
    let money = match (&amount.amount, &amount.minor) {
        (Some(decimal), _) => Money::parse_decimal(decimal, currency()?)
            .map_err(|problem| Exit::bad_input(problem.at("amount")))?,
        (None, Some(minor)) => Money { amount: minor_units(minor)?, currency: currency()? },
        (None, None) => return Ok(None),
    };
    money.check_input("amount").map_err(Exit::bad_input)?;
    Ok(Some(money))
}

/// Somebody who names a currency meant an amount, or a limit: the amount must not become everything by being
/// forgotten.
fn refuse_stray_currency(amount: &Amount, rules: Option<&PolicyArgs>) -> Result<()> {
    match &amount.currency {
        Some(code) if !amount.is_given() && !rules.is_some_and(PolicyArgs::names_amounts) => {
            Err(Exit::bad_input(format!(
                "currency `{code}` is given without an amount: give --amount or --minor, or leave out --currency to mean everything that is left"
            )))
        }
        _ => Ok(()),
    }
}

fn minor_units(minor: &str) -> Result<u64> {
    minor.parse().map_err(|_| {
        Exit::bad_input(format!("minor `{minor}` is not a whole number above zero: give the amount in the smallest unit, for example 2500 for 25.00 dollars"))
    })
}

/// The merchant's rules: a document, or the terms that were typed.
pub(crate) fn rules(args: &PolicyArgs, currency: Option<&str>) -> Result<Value> {
    let terms = policy(args, currency)?;
    let Some(file) = &args.policy else { return Ok(terms) };
    let is_said = |value: &Value| match value {
        Value::Null | Value::Bool(false) => false,
        Value::Array(list) => !list.is_empty(),
        _ => true,
    };
    if terms.as_object().is_some_and(|terms| terms.values().any(is_said)) {
        return Err(Exit::bad_input(
            "--policy is given beside rules of its own: put them all into the document, or leave it out",
        ));
    }
    Ok(json!({ "document": super::policy::read(file)?, "self_serve": args.self_serve }))
}

/// The policy of an operation's input.
fn policy(policy: &PolicyArgs, currency: Option<&str>) -> Result<Value> {
    let limit = |flag: &str, text: &Option<String>| -> Result<Value> {
        let Some(text) = text else { return Ok(json!([])) };
        let money = Currency::parse(currency.unwrap_or_default())
            .and_then(|currency| Money::parse_decimal(text, currency))
            .map_err(|problem| Exit::bad_input(problem.at(flag)))?;
        Ok(json!([money]))
    };
    let condition = |text: &String| match text.split_once('=') {
        Some((key, value)) => json!({ "key": key, "value": value }),
        None => json!({ "key": text }),
    };
    Ok(json!({
        "window_days": policy.window_days,
        "minimum": limit("minimum", &policy.minimum)?,
        "maximum": limit("maximum", &policy.maximum)?,
        "approval_above": limit("approval-above", &policy.approval_above)?,
        "max_attempts": policy.max_attempts,
        "payment_methods": policy.payment_method,
        "metadata_conditions": policy.require_metadata.iter().map(condition).collect::<Vec<_>>(),
        "block_fraud_flagged": policy.block_fraud,
        "fee_rate": policy.fee_basis_points.map(|bp| json!({ "basis_points": bp })),
    }))
}

/// `KEY=VALUE` pairs.
pub(crate) fn metadata(pairs: &[String]) -> Result<Value> {
    let mut metadata = Map::new();
    for pair in pairs {
        let (key, value) = pair.split_once('=').ok_or_else(|| {
            Exit::bad_input(format!(
                "metadata `{pair}` is not KEY=VALUE: write it like ticket=4711"
            ))
        })?;
        if metadata.insert(key.to_owned(), json!(value)).is_some() {
            return Err(Exit::bad_input(format!(
                "metadata `{key}` is given twice: keep one of them"
            )));
        }
    }
    Ok(Value::Object(metadata))
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
                "{flag} `{text}` is not a time: write it like 90s, 5m, 24h or 7d"
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
