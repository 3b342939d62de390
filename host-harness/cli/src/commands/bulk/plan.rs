//! `bulk plan`

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

use indicatif::{HumanDuration, ProgressBar};
use refund_app::OutcomeKind;
use refund_app::Tokio;
use refund_app::bulk::{Forecast, Stopped, Sum};
use refund_app::outcome::table::EXIT_STOPPED;
use refund_bulk::{ImportError, PlanError, Planning, plan};
use refund_host::KeyMode;
use serde_json::{Value, json};

use super::report;
use super::runs::source;
use crate::args::{BulkPlan, Global, Speed};
use crate::context::{Context, caller, ledger_path, settings};
use crate::exit::Exit;
use crate::show;
use crate::speed::{check_speed, pace, spread};

/// Requests for one refund: the charge with its refunds, and the refund.
const REQUESTS: f64 = 2.0;
/// Refused lines shown to people.
const SHOWN: usize = 20;

pub(super) async fn run(global: &Global, args: &BulkPlan) -> anyhow::Result<ExitCode> {
    check_speed(&args.speed)?;
    let spread = spread(&args.speed)?;
    let (source, _kept) = source(&args.input)?;
    let mut mode = KeyMode::Test;
    let context = Context::paced(global, |found| {
        mode = found;
        pace(&args.speed, found)
    })?;
    let planning = Planning {
        component: context.component.clone(),
        runtime: Tokio,
        settings: settings(global),
        ledger: &ledger_path(global),
        scope: &context.scope,
        in_flight: args.speed.in_flight,
        rules: (!source.rules.is_empty()).then(|| source.rules.clone()),
    };
    let bar = ProgressBar::new_spinner().with_message("lines read");
    let progress = |line| bar.set_position(line);
    let forecast = plan(planning, &source, &caller(global, "bulk plan")?, progress).await;
    bar.finish_and_clear();
    let forecast = forecast.map_err(|error| match error {
        PlanError::Import(ImportError::Input(_) | ImportError::Canceled(_)) => {
            Exit::bad_input(error)
        }
        other => other.into(),
    })?;
    let available = available(&context).await;
    let duration = duration(&forecast, &args.speed, spread, mode);
    if global.json {
        show::json(&object(&forecast, available.as_ref(), duration));
    } else {
        print(&forecast, available.as_ref(), duration);
    }
    Ok(code(&forecast))
}

/// What can be paid out now, by currency; `None` when the key may not read it.
async fn available(context: &Context) -> Option<BTreeMap<String, i64>> {
    let balance = context.component.balance().await.result.ok()?;
    Some(
        balance.available.into_iter().map(|funds| (funds.currency.clone(), funds.amount)).collect(),
    )
}

/// At the permitted rates; a spread only makes it longer.
fn duration(
    forecast: &Forecast,
    speed: &Speed,
    spread: Option<Duration>,
    mode: KeyMode,
) -> Duration {
    let lines: u64 = forecast.refunds.values().map(|sum| sum.lines).sum();
    let paced = pace(speed, mode).map_or(0.0, |pace| {
        // Far below the numbers that a float holds exactly.
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let lines = lines as f64;
        lines / pace.endpoint.min(pace.account / REQUESTS)
    });
    Duration::from_secs_f64(paced).max(spread.unwrap_or_default())
}

/// What a run would end with.
fn code(forecast: &Forecast) -> ExitCode {
    let kind = if forecast.unsettled_lines > 0 {
        OutcomeKind::Unknown
    } else if !forecast.refunded_before.is_empty() {
        return ExitCode::from(EXIT_STOPPED);
    } else if forecast.unknown_lines > 0 {
        OutcomeKind::NoAnswer
    } else if forecast.refused_lines > 0 {
        OutcomeKind::Denied
    } else if !forecast.approvals.is_empty() {
        OutcomeKind::Waiting
    } else {
        return ExitCode::SUCCESS;
    };
    ExitCode::from(kind.row().exit)
}

fn print(forecast: &Forecast, available: Option<&BTreeMap<String, i64>>, duration: Duration) {
    let money = show::minor;
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
    let shown = (forecast.refused.len() + forecast.unknown.len()).min(SHOWN) as u64;
    let more = forecast.refused_lines + forecast.unknown_lines - shown;
    if more > 0 {
        show::line(format_args!("and {more} more; --json lists up to 1000"));
    }
    if !forecast.refunded_before.is_empty() {
        let stopped = Stopped::RefundedBefore(forecast.refunded_before.clone());
        show::line(format_args!("A run stops before it sends anything: {stopped}"));
    }
    let long = match duration.as_secs() {
        0 => "less than a second".to_owned(),
        _ => format!("about {}", HumanDuration(duration)),
    };
    show::line(format_args!("It would take {long}. Nothing was sent."));
}

fn balance(available: Option<&BTreeMap<String, i64>>, currency: &str, sum: &Sum) -> String {
    let Some(available) = available else { return "not readable with this key".to_owned() };
    let amount = available.get(currency).copied().unwrap_or_default();
    let shown = match u64::try_from(amount) {
        Ok(amount) => show::minor(amount, currency),
        Err(_) => format!("-{}", show::minor(amount.unsigned_abs(), currency)),
    };
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
    let listed = |lines: &[(u64, String)]| -> Vec<Value> {
        lines.iter().map(|(line, reason)| json!({ "line": line, "reason": reason })).collect()
    };
    json!({
        "refunds": sums(&forecast.refunds),
        "needs_approval": sums(&forecast.approvals),
        "refunded_already": forecast.done,
        "refused": { "lines": forecast.refused_lines, "listed": listed(&forecast.refused) },
        "not_looked_up": { "lines": forecast.unknown_lines, "listed": listed(&forecast.unknown) },
        "fees_kept": forecast.fees,
        "estimated_fees": forecast.estimated_fees,
        "available": available,
        "seconds": duration.as_secs(),
        "refunded_before":
            forecast.refunded_before.iter().map(report::prior_refund).collect::<Vec<_>>(),
    })
}
