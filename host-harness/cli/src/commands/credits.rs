//! `credits sla-quote | prorate`

mod prorate;

use std::process::ExitCode;

use refund_core::money::{Currency, Money};
use refund_core::problem::FieldProblem;
use serde_json::{Value, json};

use super::inputs;
use crate::args::{Credits, CreditsCommand, Global, SlaQuote};
use crate::context::pure;
use crate::exit::Exit;
use crate::{instants, percent, show};

pub(crate) async fn run(global: &Global, args: Credits) -> anyhow::Result<ExitCode> {
    match &args.command {
        CreditsCommand::SlaQuote(args) => quote(global, args).await?,
        CreditsCommand::Prorate(args) => prorate::run(global, args).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn quote(global: &Global, args: &SlaQuote) -> anyhow::Result<()> {
    let output = compute(global, "credits.sla-quote", &quote_input(args)?).await?;
    if global.json {
        show::line(output);
    } else {
        print_quote(&output);
    }
    Ok(())
}

/// Runs an operation that reaches nothing.
async fn compute(global: &Global, operation: &str, input: &Value) -> anyhow::Result<Value> {
    let output = pure(global)?.invoke(operation, &input.to_string()).await;
    let output = output.map_err(Exit::failed)?.map_err(Exit::of)?;
    Ok(serde_json::from_str(&output)?)
}

fn quote_input(args: &SlaQuote) -> anyhow::Result<Value> {
    let currency = currency(&args.currency)?;
    let spans = |flag: &str, texts: &[String]| {
        texts.iter().map(|text| span(flag, text)).collect::<anyhow::Result<Vec<_>>>()
    };
    let downtime = match &args.down {
        Some(text) => json!({ "seconds": inputs::seconds("down", text)? }),
        None => json!({ "incidents": spans("incident", &args.incident)? }),
    };
    let scale = if let Some(text) = &args.proportional {
        json!({ "proportional": share("proportional", text)? })
    } else {
        let tiers = args.tier.iter().map(|text| tier(text));
        json!({ "tiers": tiers.collect::<anyhow::Result<Vec<_>>>()? })
    };
    let cap = args.cap.as_ref().map(|text| share("cap", text)).transpose()?;
    Ok(json!({
        "paid": price("paid", &args.paid, currency)?,
        "period": span("period", &args.period)?,
        "downtime": downtime,
        "excluded": spans("exclude", &args.exclude)?,
        "scale": scale,
        "cap": cap,
        "credited": optional("credited", args.credited.as_deref(), currency)?,
        "rounding": word(&args.rounding),
    }))
}

fn currency(code: &str) -> anyhow::Result<Currency> {
    Currency::parse(code).map_err(Exit::bad_input)
}

/// A decimal in the smallest unit.
fn units(flag: &str, text: &str, currency: Currency) -> anyhow::Result<u64> {
    let money = Money::parse_decimal(text, currency);
    Ok(money.map_err(|problem| Exit::bad_input(problem.at(flag)))?.amount)
}

fn optional(flag: &str, text: Option<&str>, currency: Currency) -> anyhow::Result<u64> {
    text.map_or(Ok(0), |text| units(flag, text, currency))
}

fn price(flag: &str, text: &str, currency: Currency) -> anyhow::Result<Money> {
    Ok(Money { amount: units(flag, text, currency)?, currency })
}

fn span(flag: &str, text: &str) -> anyhow::Result<Value> {
    let (start, end) = instants::span(flag, text).map_err(Exit::bad_input)?;
    Ok(json!({ "start": start, "end": end }))
}

fn share(flag: &str, text: &str) -> anyhow::Result<u32> {
    percent::read(flag, text).map_err(Exit::bad_input)
}

/// `99.9=10`
fn tier(text: &str) -> anyhow::Result<Value> {
    let Some((below, credit)) = text.split_once('=') else {
        let fix = "write it like 99.9=10: below 99.9 % of uptime, 10 % of what was paid";
        return Err(Exit::bad_input(FieldProblem::new("tier", text, "is no tier", fix)));
    };
    Ok(json!({ "below": share("tier", below)?, "credit": share("tier", credit)? }))
}

/// As the contract spells it.
fn word(flag: &str) -> String {
    flag.replace('-', "_")
}

fn print_quote(quote: &Value) {
    let currency = &quote["credit"]["currency"];
    let mut rows = vec![
        row("credit", show::money(&quote["credit"]["amount"], currency)),
        row("earned", show::money(&quote["earned"], currency)),
        row("uptime", percent::show(quote["uptime"].as_u64().unwrap_or_default())),
        row("down", time(&quote["seconds_down"])),
        row("of", time(&quote["seconds_counted"])),
    ];
    if let Some(tier) = quote["tier"].as_object() {
        let share = |name: &str| percent::show(tier[name].as_u64().unwrap_or_default());
        rows.push(row("tier", format!("below {}: {}", share("below"), share("credit"))));
    }
    if quote["capped"] == true {
        rows.push(row("capped", "the cap, or what was paid, made it less".to_owned()));
    }
    for span in quote["merged"].as_array().into_iter().flatten() {
        let at = |name: &str| instants::show(span[name].as_u64().unwrap_or_default());
        rows.push(row("counted", format!("{} to {}", at("start"), at("end"))));
    }
    show::table(["", ""], rows);
}

fn row(name: &str, value: String) -> [String; 2] {
    [name.to_owned(), value]
}

/// Seconds for people: `1h 30m`.
fn time(seconds: &Value) -> String {
    let seconds = i64::try_from(seconds.as_u64().unwrap_or_default()).unwrap_or(i64::MAX);
    format!("{:#}", jiff::SignedDuration::from_secs(seconds))
}
