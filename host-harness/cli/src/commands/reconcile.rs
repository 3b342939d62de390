//! `reconcile`

use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use refund_ledger::{Difference, ReconcileError, reconcile};
use serde_json::{Value, json};

use super::inputs;
use crate::args::{Global, Reconcile};
use crate::context::Context;
use crate::exit::Exit;
use crate::{exit, show};

pub(crate) async fn run(global: &Global, args: &Reconcile) -> anyhow::Result<ExitCode> {
    let since = inputs::seconds("since", &args.since)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let context = Context::new(global)?;
    let ledger = context.ledger(global, "reconcile")?;
    let tell = |difference: Difference| {
        if global.json {
            show::line(object(&difference));
        } else {
            show::line(sentence(&difference));
        }
    };
    let from = now.saturating_sub(since);
    let done =
        reconcile(&context.node, &context.connection, &ledger, from, args.repair, tell).await;
    let done = done.map_err(|error| match error {
        ReconcileError::Stripe(said) => Exit::failed(said),
        ReconcileError::Ledger(error) => error.into(),
    })?;
    if global.json {
        show::line(json!({
            "refunds": done.refunds, "operations": done.operations,
            "differences": done.differences, "repaired": done.repaired,
        }));
    } else {
        let verdict = match done.differences {
            0 => "ledger and Stripe agree".to_owned(),
            1 => "1 difference".to_owned(),
            more => format!("{more} differences"),
        };
        let repaired =
            if args.repair { format!(", {} repaired", done.repaired) } else { String::new() };
        show::line(format_args!(
            "{} refunds at Stripe, {} of them of this ledger: {verdict}{repaired}",
            done.refunds, done.operations
        ));
    }
    let agree = done.differences == 0;
    Ok(if agree { ExitCode::SUCCESS } else { ExitCode::from(exit::DIFFERS) })
}

fn sentence(difference: &Difference) -> String {
    match difference {
        Difference::RefundWithoutOperation { refund } => {
            let amount = show::money(&json!(refund.amount), &json!(refund.currency));
            let of = refund.charge.as_deref().unwrap_or("no charge");
            format!("{} ({amount} of {of}) was made elsewhere", refund.id)
        }
        Difference::OperationWithoutRefund { operation, refund } => {
            format!("{operation}: the ledger names {refund}, Stripe knows no such refund")
        }
        Difference::RefundNotKnown { operation, state, refund } => {
            format!("{operation}: the ledger says {state}, but {refund} exists at Stripe")
        }
        Difference::Amount { operation, ledger, stripe, currency } => {
            let money = |amount: &u64| show::money(&json!(amount), &json!(currency));
            format!("{operation}: the ledger says {}, Stripe {}", money(ledger), money(stripe))
        }
        Difference::Status { operation, ledger, stripe } => {
            format!("{operation}: the ledger says {ledger}, Stripe {stripe}")
        }
        Difference::Twice { operation, known, refund } => {
            format!("{operation}: REFUNDED TWICE, {known} and {refund}")
        }
        Difference::Unsettled { operation, state } => {
            format!(
                "{operation}: {state}, nobody knows what became of it: ask for the same again, or resume its run"
            )
        }
    }
}

fn object(difference: &Difference) -> Value {
    let mut object = match difference {
        Difference::RefundWithoutOperation { refund } => json!({
            "refund": refund.id, "amount": refund.amount, "currency": refund.currency,
            "charge": refund.charge, "operation": refund.operation,
        }),
        Difference::OperationWithoutRefund { operation, refund } => {
            json!({ "operation": operation, "refund": refund })
        }
        Difference::RefundNotKnown { operation, state, refund } => {
            json!({ "operation": operation, "ledger": state.as_str(), "refund": refund })
        }
        Difference::Amount { operation, ledger, stripe, currency } => json!({
            "operation": operation, "ledger": ledger, "stripe": stripe, "currency": currency,
        }),
        Difference::Status { operation, ledger, stripe } => json!({
            "operation": operation, "ledger": ledger.as_str(), "stripe": stripe.as_str(),
        }),
        Difference::Twice { operation, known, refund } => {
            json!({ "operation": operation, "known": known, "refund": refund })
        }
        Difference::Unsettled { operation, state } => {
            json!({ "operation": operation, "ledger": state.as_str() })
        }
    };
    object["difference"] = json!(difference.kind());
    object
}
