//! `credits sla-quote | prorate`

mod prorate;

use std::process::ExitCode;

use refund_app::{Connection, WasmComponent};
use refund_core::credits::{Downtime, Quote, Scale, SlaRequest, Span, Tier};
use refund_core::money::{Currency, Money};
use refund_core::problem::FieldProblem;
use serde::de::value::Error;
use serde::de::{DeserializeOwned, IntoDeserializer};

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
    let request = quote_request(args)?;
    let quote = component(global)?.sla_quote(&request).await.map_err(Exit::of_read)?;
    if global.json {
        show::output(&quote)
    } else {
        print_quote(&quote);
        Ok(())
    }
}

/// A component that reaches nothing.
fn component(global: &Global) -> anyhow::Result<WasmComponent> {
    Ok(WasmComponent::new(pure(global)?, Connection::default()))
}

fn quote_request(args: &SlaQuote) -> anyhow::Result<SlaRequest> {
    let currency = currency(&args.currency)?;
    let spans = |flag: &str, texts: &[String]| {
        texts.iter().map(|text| span(flag, text)).collect::<anyhow::Result<Vec<_>>>()
    };
    Ok(SlaRequest {
        downtime: match &args.down {
            Some(text) => Downtime::Seconds(inputs::seconds("down", text)?),
            None => Downtime::Incidents(spans("incident", &args.incident)?),
        },
        scale: match &args.proportional {
            Some(text) => Scale::Proportional(share("proportional", text)?),
            None => {
                Scale::Tiers(args.tier.iter().map(|text| tier(text)).collect::<Result<_, _>>()?)
            }
        },
        cap: args.cap.as_ref().map(|text| share("cap", text)).transpose()?,
        paid: money("paid", &args.paid, currency)?.into(),
        period: span("period", &args.period)?,
        excluded: spans("exclude", &args.exclude)?,
        credited: optional("credited", args.credited.as_deref(), currency)?,
        rounding: Some(word(&args.rounding)?),
    })
}

fn currency(code: &str) -> anyhow::Result<Currency> {
    Currency::parse(code).map_err(Exit::bad_input)
}

/// A decimal of the currency.
fn money(flag: &str, text: &str, currency: Currency) -> anyhow::Result<Money> {
    Money::parse_decimal(text, currency).map_err(|problem| Exit::bad_input(problem.at(flag)))
}

fn optional(flag: &str, text: Option<&str>, currency: Currency) -> anyhow::Result<u64> {
    text.map_or(Ok(0), |text| Ok(money(flag, text, currency)?.amount))
}

fn span(flag: &str, text: &str) -> anyhow::Result<Span> {
    let (start, end) = instants::span(flag, text).map_err(Exit::bad_input)?;
    Ok(Span { start, end })
}

fn share(flag: &str, text: &str) -> anyhow::Result<u32> {
    percent::read(flag, text).map_err(Exit::bad_input)
}

/// `99.9=10`
fn tier(text: &str) -> anyhow::Result<Tier> {
    let Some((below, credit)) = text.split_once('=') else {
        let fix = "write it like 99.9=10: below 99.9 % of uptime, 10 % of what was paid";
        return Err(Exit::bad_input(FieldProblem::new("tier", text, "is no tier", fix)));
    };
    Ok(Tier { below: share("tier", below)?, credit: share("tier", credit)? })
}

/// A word of the contract, as it is typed: `half-up`.
fn word<T: DeserializeOwned>(typed: &str) -> Result<T, Error> {
    T::deserialize(typed.replace('-', "_").into_deserializer())
}

fn print_quote(quote: &Quote) {
    let earned = Money { amount: quote.earned, ..quote.credit };
    let mut rows = vec![
        row("credit", quote.credit.to_string()),
        row("earned", earned.to_string()),
        row("uptime", percent::show(quote.uptime)),
        row("down", time(quote.seconds_down)),
        row("of", time(quote.seconds_counted)),
    ];
    if let Some(Tier { below, credit }) = quote.tier {
        let shares = format!("below {}: {}", percent::show(below), percent::show(credit));
        rows.push(row("tier", shares));
    }
    if quote.capped {
        rows.push(row("capped", "the cap, or what was paid, made it less".to_owned()));
    }
    rows.extend(quote.merged.iter().map(|span| row("counted", stretch(*span))));
    show::table(["", ""], rows);
}

fn row(name: &str, value: String) -> [String; 2] {
    [name.to_owned(), value]
}

/// `2026-11-01 00:00 UTC to 2026-12-01 00:00 UTC`
fn stretch(span: Span) -> String {
    format!("{} to {}", instants::show(span.start), instants::show(span.end))
}

/// Seconds for people: `1h 30m`.
fn time(seconds: u64) -> String {
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    format!("{:#}", jiff::SignedDuration::from_secs(seconds))
}
