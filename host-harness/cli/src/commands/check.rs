//! `check`

use std::process::ExitCode;

use refund_app::component::{Component, Question};
use refund_core::eligibility::{FeeSource, Verdict};
use refund_core::id::PaymentRef;
use refund_core::model::Reason;

use crate::args::{Check, Global};
use crate::context::Context;
use crate::exit::Exit;
use crate::outcomes::verdict_code;
use crate::{inputs, show};

pub(crate) async fn run(global: &Global, args: &Check) -> anyhow::Result<ExitCode> {
    let question = Question {
        payment: PaymentRef::parse(&args.payment).map_err(Exit::bad_input)?,
        amount: inputs::amount(&args.amount, &args.policy)?,
        reason: args.reason.as_deref().map(Reason::from),
        rules: inputs::rules(&args.policy, args.amount.currency.as_deref())?,
    };
    let checked = Context::new(global)?.component.check(&question).await.result;
    let checked = checked.map_err(Exit::of_read)?;
    if global.json {
        show::json(&checked);
    } else {
        print(&checked.verdict);
    }
    Ok(verdict_code(&checked.verdict))
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
    if let Some(ruling) = verdict.decided_by() {
        rows.push(["rule".to_owned(), ruling.to_string()]);
    }
    let currency = verdict.refundable.currency;
    rows.extend(verdict.failed.iter().map(|rule| ["because".to_owned(), rule.explain(currency)]));
    show::table(["", ""], rows);
}
