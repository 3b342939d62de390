//! `credits sla-quote | prorate`

mod prorate;
mod values;

use std::process::ExitCode;

use refund_core::credits::{Downtime, Quote, Scale, SlaRequest, Tier};
use refund_core::money::Money;
use refund_core::problem::FieldProblem;

use self::values::{component, currency, money, optional, row, span, stretch, time, word};
use crate::args::{Credits, CreditsCommand, Global, SlaQuote};
use crate::exit::Exit;
use crate::{inputs, percent, show};

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
