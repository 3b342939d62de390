//! `check`

use std::process::ExitCode;

use refund_core::client::Checked;
use refund_core::eligibility::{Decision, FeeSource, Verdict};
use refund_ledger::with_rules;
use serde_json::json;

use super::inputs;
use crate::args::{Check, Global};
use crate::context::Context;
use crate::{exit, show};

pub(crate) async fn run(global: &Global, args: &Check) -> anyhow::Result<ExitCode> {
    let mut input = json!({ "payment": args.payment, "reason": args.reason });
    with_rules(&mut input, inputs::rules(&args.policy, args.amount.currency.as_deref())?);
    inputs::amount(&mut input, &args.amount, Some(&args.policy))?;
    let output = Context::new(global)?.invoke("eligibility.check-live", input).await?;
    let checked: Checked = serde_json::from_value(output.clone())?;
    if global.json {
        show::line(&output);
    } else {
        print(&checked.verdict);
    }
    Ok(code(&checked.verdict))
}

/// The exit code of a verdict.
pub(crate) fn code(verdict: &Verdict) -> ExitCode {
    match verdict.decision {
        Decision::Approve => ExitCode::SUCCESS,
        Decision::NeedsApproval => ExitCode::from(exit::NEEDS_APPROVAL),
        Decision::Deny => ExitCode::from(exit::DENIED),
    }
}

fn print(verdict: &Verdict) {
    let mut rows = vec![
        ["decision".to_owned(), verdict.decision.to_string()],
        ["amount".to_owned(), verdict.amount.to_string()],
        ["refundable".to_owned(), verdict.refundable.to_string()],
    ];
    if let Some(fee) = &verdict.fee_kept {
        let source = match &fee.source {
            FeeSource::BalanceTransaction(id) => format!("read from {id}"),
            FeeSource::Estimated => "estimated".to_owned(),
        };
        rows.push([
            "fee kept by Stripe".to_owned(),
            format!("{} of {} ({source})", fee.share, fee.total),
        ]);
    }
    if let Some(ruling) = &verdict.ruling {
        rows.push([
            "rule".to_owned(),
            format!("{} of {} {}", ruling.rule, ruling.policy, ruling.version),
        ]);
    }
    let currency = verdict.refundable.currency;
    rows.extend(verdict.failed.iter().map(|rule| ["because".to_owned(), rule.explain(currency)]));
    show::table(["", ""], rows);
}
