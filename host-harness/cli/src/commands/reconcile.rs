//! `reconcile`

use std::process::ExitCode;

use refund_app::outcome::table::EXIT_DIFFERS;
use refund_app::{Difference, ReconcileError};
use serde_json::{Value, json};

use crate::args::{Global, Reconcile};
use crate::context::{Context, caller};
use crate::exit::Exit;
use crate::{inputs, show};

pub(crate) async fn run(global: &Global, args: &Reconcile) -> anyhow::Result<ExitCode> {
    let since = inputs::seconds("since", &args.since)?;
    let application = Context::new(global)?.application(global)?;
    let each = |difference: Difference| {
        if global.json {
            show::json(&object(&difference));
        } else {
            show::line(sentence(&difference));
        }
    };
    let from = application.now().saturating_sub(since);
    let caller = caller(global, "reconcile")?;
    let done = application.reconcile(from, args.repair, &caller, each).await;
    let done = done.map_err(|error| match error {
        ReconcileError::Stripe(said) => Exit::failed(said),
        ReconcileError::Ledger(error) => error.into(),
    })?;
    if global.json {
        show::json(&json!({
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
    Ok(if agree { ExitCode::SUCCESS } else { ExitCode::from(EXIT_DIFFERS) })
}

fn sentence(difference: &Difference) -> String {
    match difference {
        Difference::RefundWithoutOperation { refund } => {
            let of = refund.charge.as_ref().map_or("no charge", |charge| charge.as_str());
            format!("{} ({} of {of}) was made elsewhere", refund.id, refund.money())
        }
        Difference::OperationWithoutRefund { operation, refund } => {
            format!("{operation}: the ledger names {refund}, Stripe has no such refund")
        }
        Difference::RefundNotKnown { operation, state, refund } => {
            format!("{operation}: the ledger says {state}, but {refund} exists at Stripe")
        }
        Difference::Amount { operation, ledger, stripe } => {
            format!("{operation}: the ledger says {ledger}, Stripe {stripe}")
        }
        Difference::Status { operation, ledger, stripe } => {
            format!("{operation}: the ledger says {ledger}, Stripe {stripe}")
        }
        Difference::Twice { operation, known, refund } => {
            format!("{operation}: REFUNDED TWICE, {known} and {refund}")
        }
        Difference::Unsettled { operation, state } => {
            format!(
                "{operation}: {state}, its outcome is unknown: ask for the same again, or resume its run"
            )
        }
    }
}

fn object(difference: &Difference) -> Value {
    let kind = difference.kind();
    match difference {
        Difference::RefundWithoutOperation { refund } => json!({
            "difference": kind, "refund": refund.id, "amount": refund.amount, "currency": refund.currency,
            "charge": refund.charge, "operation": refund.metadata.operation_id(),
        }),
        Difference::OperationWithoutRefund { operation, refund } => {
            json!({ "difference": kind, "operation": operation, "refund": refund })
        }
        Difference::RefundNotKnown { operation, state, refund } => {
            json!({ "difference": kind, "operation": operation, "ledger": state.as_str(), "refund": refund })
        }
        Difference::Amount { operation, ledger, stripe } => json!({
            "difference": kind, "operation": operation, "ledger": ledger.amount, "stripe": stripe.amount,
            "currency": ledger.currency,
        }),
        Difference::Status { operation, ledger, stripe } => json!({
            "difference": kind, "operation": operation, "ledger": ledger.as_str(), "stripe": stripe.as_str(),
        }),
        Difference::Twice { operation, known, refund } => {
            json!({ "difference": kind, "operation": operation, "known": known, "refund": refund })
        }
        Difference::Unsettled { operation, state } => {
            json!({ "difference": kind, "operation": operation, "ledger": state.as_str() })
        }
    }
}
