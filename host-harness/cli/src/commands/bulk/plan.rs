//! `bulk plan`

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::process::ExitCode;
use std::time::Duration;

use indicatif::ProgressBar;
use refund_bulk::input::Reader;
use refund_bulk::{Forecast, Forecaster, Sum};
use refund_host::KeyMode;
use serde_json::{Value, json};

use super::{pace, source};
use crate::args::{BulkPlan, Global, Speed};
use crate::context::Context;
use crate::exit::Exit;
use crate::{exit, show};

/// Requests for one refund: the charge with its refunds, and the refund.
const REQUESTS: f64 = 2.0;
/// Refused lines shown to people.
const SHOWN: usize = 20;

pub(super) async fn run(global: &Global, args: &BulkPlan) -> anyhow::Result<ExitCode> {
    let (source, _kept) = source(&args.input)?;
    let mut mode = KeyMode::Test;
    let context = Context::paced(global, |found| {
        mode = found;
        pace(&args.speed, found)
    })?;
    let file = BufReader::new(File::open(&source.path)?);
    let mut reader = Reader::new(file, source.template.clone(), source.ignore_unknown)
        .map_err(Exit::bad_input)?;
    let mut forecaster = Forecaster::new(
        context.node.clone(),
        context.connection.clone(),
        source.policy.clone(),
        args.speed.in_flight,
    );
    let bar = ProgressBar::new_spinner().with_message("lines looked at");
    while let Some((number, line)) = reader.next_line().map_err(Exit::bad_input)? {
        match line {
            Ok(line) => forecaster.take(number, line).await,
            Err(bad) => forecaster.refuse(number, bad.reason),
        }
        bar.set_position(number);
    }
    let forecast = forecaster.finish().await;
    bar.finish_and_clear();
    let available = available(&context).await;
    let duration = duration(&forecast, &args.speed, mode);
    if global.json {
        show::line(object(&forecast, available.as_ref(), duration));
    } else {
        print(&forecast, available.as_ref(), duration);
    }
    Ok(code(&forecast))
}

/// What can be paid out now, by currency; `None` when the key may not read it.
async fn available(context: &Context) -> Option<BTreeMap<String, i64>> {
    let balance = context.node.balance(&context.typed_connection()).await.ok()?.ok()?;
    Some(balance.into_iter().map(|funds| (funds.currency, funds.amount)).collect())
}

/// At the permitted rates; a spread only makes it longer.
fn duration(forecast: &Forecast, speed: &Speed, mode: KeyMode) -> Duration {
    let lines: u64 = forecast.refunds.values().map(|sum| sum.lines).sum();
    let asked =
        speed.spread.as_deref().and_then(|text| super::inputs::seconds("spread", text).ok());
    let paced = pace(speed, mode).map_or(0.0, |pace| {
        // Far below the numbers that a float holds exactly.
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let lines = lines as f64;
        lines / pace.endpoint.min(pace.account / REQUESTS)
    });
    Duration::from_secs_f64(paced).max(Duration::from_secs(asked.unwrap_or_default()))
}

fn code(forecast: &Forecast) -> ExitCode {
    if forecast.unknown_lines > 0 {
        ExitCode::from(exit::FAILED)
    } else if forecast.refused_lines > 0 {
        ExitCode::from(exit::DENIED)
    } else if !forecast.approvals.is_empty() {
        ExitCode::from(exit::NEEDS_APPROVAL)
    } else {
        ExitCode::SUCCESS
    }
}

fn print(forecast: &Forecast, available: Option<&BTreeMap<String, i64>>, duration: Duration) {
    let money = |amount: u64, currency: &str| show::money(&json!(amount), &json!(currency));
    let row = |what: &str, currency: &str, sum: &Sum| {
        [
            what.to_owned(),
            sum.lines.to_string(),
            money(sum.amount, currency),
            balance(available, currency, sum),
        ]
    };
    let mut rows: Vec<_> =
        forecast.refunds.iter().map(|(code, sum)| row("refund", code, sum)).collect();
    for (code, sum) in &forecast.approvals {
        let mut row = row("needs approval", code, sum);
        row[3].clear();
        rows.push(row);
    }
    for (what, lines) in [
        ("refunded already", forecast.done),
        ("refused", forecast.refused_lines),
        ("not looked up", forecast.unknown_lines),
    ] {
        if lines > 0 {
            rows.push([what.to_owned(), lines.to_string(), String::new(), String::new()]);
        }
    }
    show::table(["", "lines", "amount", "available on the balance"], rows);
    for (code, fee) in &forecast.fees {
        let estimated = match forecast.estimated_fees {
            0 => String::new(),
            lines => format!(" (estimated for {lines} lines)"),
        };
        show::line(format_args!("{} of fees will not come back{estimated}", money(*fee, code)));
    }
    for (number, reason) in forecast.refused.iter().chain(&forecast.unknown).take(SHOWN) {
        show::line(format_args!("line {number}: {reason}"));
    }
    let told = (forecast.refused.len() + forecast.unknown.len()).min(SHOWN) as u64;
    let more = forecast.refused_lines + forecast.unknown_lines - told;
    if more > 0 {
        show::line(format_args!("and {more} more; --json tells up to 1000"));
    }
    show::line(format_args!("It would take about {duration:.0?}. Nothing was sent."));
}

fn balance(available: Option<&BTreeMap<String, i64>>, currency: &str, sum: &Sum) -> String {
    let Some(available) = available else { return "not readable with this key".to_owned() };
    let amount = available.get(currency).copied().unwrap_or_default();
    let shown = show::money(&json!(amount), &json!(currency));
    let needed = i64::try_from(sum.amount).unwrap_or(i64::MAX);
    if amount < needed { format!("{shown}: TOO LITTLE") } else { shown }
}

fn object(
    forecast: &Forecast,
    available: Option<&BTreeMap<String, i64>>,
    duration: Duration,
) -> Value {
    let sums = |sums: &BTreeMap<String, Sum>| -> Value {
        sums.iter()
            .map(|(code, sum)| (code.clone(), json!({ "lines": sum.lines, "amount": sum.amount })))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    let told = |lines: &[(u64, String)]| -> Vec<Value> {
        lines.iter().map(|(line, reason)| json!({ "line": line, "reason": reason })).collect()
    };
    json!({
        "refunds": sums(&forecast.refunds),
        "needs_approval": sums(&forecast.approvals),
        "refunded_already": forecast.done,
        "refused": { "lines": forecast.refused_lines, "told": told(&forecast.refused) },
        "not_looked_up": { "lines": forecast.unknown_lines, "told": told(&forecast.unknown) },
        "fees_kept": forecast.fees,
        "estimated_fees": forecast.estimated_fees,
        "available": available,
        "seconds": duration.as_secs(),
    })
}
