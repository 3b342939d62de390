//! `refund create` and `approvals request`: from what was typed to a refund through the ledger.

use std::process::ExitCode;
use std::time::Duration;

use refund_app::{Application, Ask, Settings, Tokio, WasmComponent};
use refund_core::id::{OperationId, PaymentRef};
use refund_core::request::Request;

use crate::args::{Create, Global};
use crate::context::{Context, caller, settings};
use crate::exit::Exit;
use crate::{inputs, outcomes};

/// Asks for a refund through the ledger: recorded before it is sent, alone on its payment. Where it needs approval, there
/// is as much time for that as is given, or as the ledger gives.
pub(crate) async fn with_ledger(
    global: &Global,
    create: &Create,
    approval_time: Option<Duration>,
) -> anyhow::Result<ExitCode> {
    if create.approval.is_some() {
        return Err(Exit::bad_input(
            "--approval is for calls without a ledger; with one, approvers decide: `refund-node approvals list`. Nothing was sent.",
        ));
    }
    let ask = ask(create)?;
    let context = Context::new(global)?;
    let ledger = context.ledger(global)?;
    let default = settings(global);
    let approval_secs = approval_time.map_or(default.approval_secs, |time| time.as_secs());
    let settings = Settings { approval_secs, ..default };
    let application: Application<WasmComponent, _, _> =
        Application::new(context.component.clone(), ledger, Tokio, settings);
    let outcome = application.ask(ask, &caller(global, "refund create")?).await;
    Ok(outcomes::recorded(global, &outcome.map_err(|error| Exit::of_ask(&error))?))
}

/// What was typed, as the application layer takes it.
pub(crate) fn ask(create: &Create) -> anyhow::Result<Ask> {
    let id = OperationId::parse(&create.operation)
        .map_err(|problem| Exit::bad_input(problem.at("--operation")))?;
    let payment = PaymentRef::parse(&create.payment).map_err(Exit::bad_input)?;
    let request = Request {
        amount: inputs::money(&create.amount, &create.policy)?,
        reason: create.reason.clone(),
        metadata: inputs::metadata(&create.metadata)?,
        refund_application_fee: create.refund_application_fee,
        reverse_transfer: create.reverse_transfer,
        ..Request::new(id, payment)
    };
    let rules = inputs::rules(&create.policy, create.amount.currency.as_deref())?;
    Ok(Ask { request, rules })
}
