//! What a run has come to, in a table or as JSON.

use std::process::ExitCode;

use refund_app::bulk::{Ended, Summary};
use refund_ledger::{Ledger, PriorRefund, Run, Total};
use serde_json::{Value, json};

use super::runs::open_lines;
use crate::args::Global;
use crate::show;

/// `bulk status RUN`
pub(super) async fn status(
    global: &Global,
    ledger: &Ledger,
    run: &Run,
) -> anyhow::Result<ExitCode> {
    let totals = ledger.totals(run).await?;
    let open = open_lines(ledger, run).await?;
    if global.json {
        show::json(&json!({
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
        Ended::Canceled => ("canceled", Some("what was sent before stays as it is".to_owned())),
    };
    let seconds = summary.time.as_secs_f64();
    if global.json {
        show::json(&json!({
            "run": run.id, "ended": word, "reason": reason, "lines": summary.lines,
            "open": summary.open, "seconds": seconds, "throttled": throttled,
            "also_settled": summary.also_settled, "totals": objects(&totals),
            "refunded_before": summary.refunded_before.iter().map(prior_refund).collect::<Vec<_>>(),
        }));
    } else {
        table(&totals);
        let reason = reason.map_or_else(String::new, |reason| format!(": {reason}"));
        show::line(format_args!(
            "run {} is {word}{reason}\n{} lines in {seconds:.1} s, {} open",
            run.id, summary.lines, summary.open
        ));
        if summary.also_settled > 0 {
            show::line(format_args!(
                "{} earlier operations on the same payments were looked up first",
                summary.also_settled
            ));
        }
        if !matches!(word, "complete" | "canceled") {
            show::line(format_args!("go on with: refund-node bulk resume {}", run.id));
        }
    }
    Ok(ExitCode::from(summary.exit(&totals)))
}

fn table(totals: &[Total]) {
    let rows = totals.iter().map(|total| {
        let money = |amount: u64| {
            if total.currency.is_empty() {
                String::new()
            } else {
                show::minor(amount, &total.currency)
            }
        };
        let fee = match (total.fee, total.fee_unknown) {
            (0, 0) => String::new(),
            (fee, 0) => money(fee),
            (0, lines) => format!("not known for {lines}"),
            (fee, lines) => format!("{}, not known for {lines}", money(fee)),
        };
        [total.state.clone(), total.count.to_string(), money(total.amount), fee]
    });
    show::table(["state", "lines", "amount", "fee kept by Stripe"], rows);
}

fn objects(totals: &[Total]) -> Vec<Value> {
    let object = |total: &Total| {
        json!({
            "state": total.state, "currency": total.currency, "lines": total.count,
            "amount": total.amount, "denied": total.denied, "fee_kept": total.fee,
            "fee_unknown": total.fee_unknown,
        })
    };
    totals.iter().map(object).collect()
}

/// A line whose payment was refunded under another operation id.
pub(super) fn prior_refund(prior: &PriorRefund) -> Value {
    json!({
        "line": prior.line, "payment": prior.payment.as_str(), "operation": prior.operation,
        "state": prior.state.as_str(), "refund": prior.refund,
        "amount": prior.money.map(|money| money.amount),
        "currency": prior.money.map(|money| money.currency),
    })
}
