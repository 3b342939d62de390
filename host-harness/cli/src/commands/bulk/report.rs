//! What a run has come to, in a table or as JSON.

use std::process::ExitCode;

use refund_bulk::{Ended, Summary};
use refund_ledger::{Ledger, Run, State, Total};
use serde_json::{Value, json};

use crate::args::Global;
use crate::{exit, show};

/// `bulk status RUN`
pub(super) async fn status(
    global: &Global,
    ledger: &Ledger,
    run: &Run,
) -> anyhow::Result<ExitCode> {
    let totals = ledger.totals(run).await?;
    let open = ledger.open_lines(run).await?;
    if global.json {
        show::line(json!({
            "run": run.id, "input": run.input, "state": run.state.as_str(), "lines": run.lines,
            "repeated": run.repeated, "open": open, "totals": objects(&totals),
        }));
    } else {
        table(&totals);
        show::line(format_args!(
            "run {} of {}: {open} of {} lines open",
            run.id, run.input, run.lines
        ));
    }
    Ok(ExitCode::SUCCESS)
}

/// The end of `bulk run` and `bulk resume`.
pub(super) async fn end(
    global: &Global,
    ledger: &Ledger,
    run: &Run,
    summary: &Summary,
    throttled: u64,
) -> anyhow::Result<ExitCode> {
    let totals = ledger.totals(run).await?;
    let (word, reason) = match &summary.ended {
        Ended::Complete if summary.open > 0 => (
            "incomplete",
            Some("some lines could not be settled: resume tries them again".to_owned()),
        ),
        Ended::Complete => ("complete", None),
        Ended::Stopped(stopped) => ("stopped", Some(stopped.to_string())),
        Ended::Interrupted => ("interrupted", Some("resume goes on where it ended".to_owned())),
    };
    let seconds = summary.time.as_secs_f64();
    if global.json {
        show::line(json!({
            "run": run.id, "ended": word, "reason": reason, "lines": summary.lines,
            "open": summary.open, "seconds": seconds, "throttled": throttled,
            "totals": objects(&totals),
        }));
    } else {
        table(&totals);
        let reason = reason.map_or_else(String::new, |reason| format!(": {reason}"));
        show::line(format_args!(
            "run {} is {word}{reason}\n{} lines in {seconds:.1} s, {} open",
            run.id, summary.lines, summary.open
        ));
        if word != "complete" {
            show::line(format_args!("go on with: refund-node bulk resume {}", run.id));
        }
    }
    Ok(code(summary, &totals))
}

fn code(summary: &Summary, totals: &[Total]) -> ExitCode {
    let any = |states: &[&str]| totals.iter().any(|total| states.contains(&total.state.as_str()));
    if !matches!(summary.ended, Ended::Complete) {
        ExitCode::from(exit::STOPPED)
    } else if summary.open > 0 {
        ExitCode::from(exit::UNKNOWN)
    } else if any(&[State::Refused.as_str(), State::Failed.as_str(), "unreadable"]) {
        ExitCode::from(exit::DENIED)
    } else if any(&[State::NeedsApproval.as_str()]) {
        ExitCode::from(exit::NEEDS_APPROVAL)
    } else {
        ExitCode::SUCCESS
    }
}

fn table(totals: &[Total]) {
    let rows = totals.iter().map(|total| {
        let money = |amount: u64| {
            if total.currency.is_empty() {
                String::new()
            } else {
                show::money(&json!(amount), &json!(total.currency))
            }
        };
        let fee = if total.fee == 0 { String::new() } else { money(total.fee) };
        [total.state.clone(), total.count.to_string(), money(total.amount), fee]
    });
    show::table(["state", "lines", "amount", "fee kept by Stripe"], rows);
}

fn objects(totals: &[Total]) -> Vec<Value> {
    let object = |total: &Total| {
        json!({
            "state": total.state, "currency": total.currency, "lines": total.count,
            "amount": total.amount, "fee_kept": total.fee,
        })
    };
    totals.iter().map(object).collect()
}
