//! `check`

use std::process::ExitCode;

use refund_core::client::Checked;
use refund_core::eligibility::{Decision, FeeSource, Verdict};
use serde_json::json;

use super::inputs;
use crate::args::{Check, Global};
use crate::context::Context;
use crate::{exit, show};

pub(crate) async fn run(global: &Global, args: &Check) -> anyhow::Result<ExitCode> {
    let policy = inputs::policy(&args.policy, args.amount.currency.as_deref())?;
    let mut input = json!({ "payment": args.payment, "policy": policy });
    inputs::amount(&mut input, &args.amount)?;
    let output = Context::new(global)?.invoke("eligibility.check-live", input).await?;
    let checked: Checked = serde_json::from_value(output.clone())?;
    if global.json {
        show::line(&output);
    } else {
        print(&checked.verdict);
    }
    Ok(match checked.verdict.decision {
        Decision::Approve => ExitCode::SUCCESS,
        Decision::NeedsApproval => ExitCode::from(exit::NEEDS_APPROVAL),
        Decision::Deny => ExitCode::from(exit::DENIED),
    })
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
    let currency = verdict.refundable.currency;
    rows.extend(verdict.failed.iter().map(|rule| ["because".to_owned(), rule.explain(currency)]));
    show::table(["", ""], rows);
}
