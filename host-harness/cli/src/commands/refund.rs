//! `refund create | get | list | update | cancel`

use std::process::ExitCode;
use std::time::Duration;

use refund_core::id::{OperationId, PaymentRef};
use refund_ledger::{
    Failure, Ledger, NewOperation, Operation, RefundError, Request, State, with_rules,
};
use serde_json::{Value, json};

use super::inputs;
use crate::args::{Create, Global, Refund, RefundCommand};
use crate::context::Context;
use crate::exit::Exit;
use crate::show;

pub(crate) async fn run(global: &Global, args: Refund) -> anyhow::Result<ExitCode> {
    let (operation, input) = match args.command {
        RefundCommand::Create(create) if global.ledger.is_some() || global.sinks.is_some() => {
            return with_ledger(global, &create, None).await;
        }
        RefundCommand::Create(create) => ("refunds.create", create_input(&create)?),
        RefundCommand::Get { refund } => ("refunds.retrieve", json!({ "refund": refund })),
        RefundCommand::Cancel { refund } => ("refunds.cancel", json!({ "refund": refund })),
        RefundCommand::Update { refund, metadata } => {
            let metadata = inputs::metadata(&metadata)?;
            ("refunds.update-metadata", json!({ "refund": refund, "metadata": metadata }))
        }
        RefundCommand::List(list) => {
            let input =
                json!({ "payment": list.payment, "limit": list.limit, "cursor": list.cursor });
            ("refunds.list", input)
        }
    };
    let output = Context::new(global)?.invoke(operation, input).await?;
    if global.json {
        show::line(&output);
    } else {
        print(&output);
    }
    Ok(ExitCode::SUCCESS)
}

fn create_input(create: &Create) -> anyhow::Result<Value> {
    let mut input = json!({
        "operation_id": create.operation,
        "payment": create.payment,
        "reason": create.reason,
        "metadata": inputs::metadata(&create.metadata)?,
        "approval": create.approval,
        "refund_application_fee": create.refund_application_fee.then_some(true),
        "reverse_transfer": create.reverse_transfer.then_some(true),
    });
    with_rules(&mut input, inputs::rules(&create.policy, create.amount.currency.as_deref())?);
    inputs::amount(&mut input, &create.amount, Some(&create.policy))?;
    Ok(input)
}

/// Makes a refund through the ledger: written down before it is sent, alone on its payment. Where somebody must agree,
/// there is as much time for it as is given, or as the ledger gives.
pub(crate) async fn with_ledger(
    global: &Global,
    create: &Create,
    approval_time: Option<Duration>,
) -> anyhow::Result<ExitCode> {
    let operation = operation(create)?;
    let context = Context::new(global)?;
    let ledger = context.ledger(global, "refund create")?;
    let ledger = approval_time.map_or_else(|| ledger.clone(), |time| ledger.approval_time(time));
    let done = context.refunder(global, &ledger).refund(operation).await;
    let done = done.map_err(|error| match error {
        RefundError::Conflict(_) => Exit::denied(error),
        RefundError::Blocked(_) => Exit::unknown(error),
        other => other.into(),
    })?;
    let output = match done.answer {
        Some(Ok(output)) => output,
        Some(Err(Failure::Operation(_))) if done.operation.state == State::NeedsApproval => {
            return waits(&ledger, &done.operation).await;
        }
        Some(Err(Failure::Operation(error))) => return Err(Exit::of(error)),
        Some(Err(Failure::Call(problem))) => return Err(Exit::unknown(problem)),
        None => earlier(&context, &done.operation).await?,
    };
    if global.json {
        show::line(&output);
    } else {
        print(&output);
    }
    Ok(ExitCode::SUCCESS)
}

/// Says which approval an operation waits for.
async fn waits(ledger: &Ledger, operation: &Operation) -> anyhow::Result<ExitCode> {
    let detail = operation.detail.clone().unwrap_or_default();
    let Some(approval) = ledger.approval_of(&operation.id).await? else {
        return Err(Exit::needs_approval(detail));
    };
    let id = &approval.id;
    Err(Exit::needs_approval(format!(
        "{detail}\n       It waits as {id} (asked by {}): refund-node approvals approve {id} --as NAME, then approvals execute {id}",
        approval.requester
    )))
}

/// What was asked for, in the ledger's words.
fn operation(create: &Create) -> anyhow::Result<NewOperation> {
    let id = OperationId::parse(&create.operation).map_err(Exit::bad_input)?;
    let payment = PaymentRef::parse(&create.payment).map_err(Exit::bad_input)?;
    let metadata = serde_json::from_value(inputs::metadata(&create.metadata)?)?;
    let request = Request {
        amount: inputs::money(&create.amount, &create.policy)?,
        reason: create.reason.clone(),
        metadata,
        refund_application_fee: create.refund_application_fee,
        reverse_transfer: create.reverse_transfer,
        ..Request::new(id, payment)
    };
    let rules = inputs::rules(&create.policy, create.amount.currency.as_deref())?;
    Ok(NewOperation::new(&request).policy(&rules).approval(create.approval.clone()))
}

/// The refund of an operation that had come to its end before.
async fn earlier(context: &Context, operation: &Operation) -> anyhow::Result<Value> {
    let Some(refund) = &operation.refund else {
        return Err(Exit::denied(format!(
            "operation `{}` was called off: choose another id to refund after all",
            operation.id
        )));
    };
    let refund = context.invoke("refunds.retrieve", json!({ "refund": refund })).await?;
    Ok(json!({ "refund": refund, "origin": "found", "attempts": 0 }))
}

/// One refund, a page, or a refund and how it came about.
fn print(output: &Value) {
    if let Some(refunds) = output["refunds"].as_array() {
        show::table(show::REFUND, refunds.iter().map(show::refund_row));
        if let Some(next) = output["next"].as_str() {
            show::line(format_args!("more: --cursor {next}"));
        }
        return;
    }
    let refund = if output["refund"].is_object() { &output["refund"] } else { output };
    show::table(show::REFUND, [show::refund_row(refund)]);
    let note = match output["origin"].as_str() {
        Some("found") => "an earlier call with this operation id had made it; nothing was sent",
        Some("replayed") => {
            "Stripe repeated the outcome of an earlier request; no second refund was made"
        }
        Some("reconciled") => {
            "the answer was lost; the refund was found at Stripe by its operation id"
        }
        _ => return,
    };
    show::line(note);
}
