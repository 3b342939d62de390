//! `refund create | get | list | update | cancel`

use std::process::ExitCode;
use std::time::Duration;

use refund_app::component::{Attempt, Component};
use refund_app::outcome::Unrecorded;
use refund_app::{Application, Ask, Called, Caller, OutcomeKind, Settings, Tokio, WasmComponent};
use refund_core::client::ListFilter;
use refund_core::dispatch::InvokeError;
use refund_core::id::{OperationId, PaymentRef, RefundId};
use refund_core::model::Refund as Shown;
use refund_core::request::Request;

use super::inputs;
use crate::args::{Create, Global, List, Refund, RefundCommand};
use crate::context::{App, Context, caller, settings};
use crate::exit::Exit;
use crate::stop::finishing;
use crate::{outcomes, show};

pub(crate) async fn run(global: &Global, args: Refund) -> anyhow::Result<ExitCode> {
    match args.command {
        RefundCommand::Create(create) if global.names_ledger() => {
            finishing(Box::pin(with_ledger(global, &create, None))).await
        }
        RefundCommand::Create(create) => finishing(Box::pin(without_ledger(global, &create))).await,
        RefundCommand::Get { refund } => {
            let id = RefundId::from_stripe(refund);
            one(global, async |component| component.retrieve(&id).await).await
        }
        RefundCommand::Cancel { refund } => {
            finishing(Box::pin(one(global, async |component| component.cancel(&refund).await)))
                .await
        }
        RefundCommand::Update { refund, metadata } => {
            let metadata = inputs::metadata(&metadata)?;
            let update = async |component: &WasmComponent| {
                component.update_metadata(&refund, &metadata).await
            };
            finishing(Box::pin(one(global, update))).await
        }
        RefundCommand::List(list) => page(global, list).await,
    }
}

/// Shows one refund. Where a ledger is named, the operation of the refund moves to what Stripe shows.
async fn one<E: Into<InvokeError>>(
    global: &Global,
    call: impl AsyncFnOnce(&WasmComponent) -> Called<Shown, E>,
) -> anyhow::Result<ExitCode> {
    let context = Context::new(global)?;
    // Opened before anything is changed at Stripe.
    let watcher = Watcher::new(global, &context)?;
    let refund = Exit::of_change(call(&context.component).await)?;
    if global.json {
        show::output(&refund)?;
    } else {
        show::table(show::REFUND, [show::refund_row(&refund)]);
    }
    watcher.see([refund]).await?;
    Ok(ExitCode::SUCCESS)
}

async fn page(global: &Global, list: List) -> anyhow::Result<ExitCode> {
    let payment = list.payment.as_deref().map(PaymentRef::parse).transpose();
    let filter = ListFilter {
        payment: payment.map_err(Exit::bad_input)?,
        limit: Some(list.limit),
        cursor: list.cursor,
        ..ListFilter::default()
    };
    let context = Context::new(global)?;
    let watcher = Watcher::new(global, &context)?;
    let page = Exit::of_change(context.component.refunds(&filter).await)?;
    if global.json {
        show::output(&page)?;
    } else {
        show::table(show::REFUND, page.refunds.iter().map(show::refund_row));
        if let Some(next) = &page.next {
            show::line(format_args!("more: --cursor {next}"));
        }
    }
    watcher.see(page.refunds).await?;
    Ok(ExitCode::SUCCESS)
}

/// The ledger, where one is named: operations move to what Stripe shows of their refunds.
struct Watcher(Option<(App, Caller)>);

impl Watcher {
    fn new(global: &Global, context: &Context) -> anyhow::Result<Self> {
        if !global.names_ledger() {
            return Ok(Self(None));
        }
        Ok(Self(Some((context.application(global)?, caller(global, "refund")?))))
    }

    async fn see(&self, refunds: impl IntoIterator<Item = Shown>) -> anyhow::Result<()> {
        let Some((application, caller)) = &self.0 else { return Ok(()) };
        for refund in refunds {
            application.see(refund, caller).await.map_err(|error| {
                Exit::of(
                    OutcomeKind::LedgerFailed,
                    format!("{error}. Stripe answered as shown, which the ledger does not hold yet: `refund-node reconcile --repair` takes it over"),
                )
            })?;
        }
        Ok(())
    }
}

/// Without a ledger the component alone protects. One operation id is one refund: of one payment always, of several
/// payments for as long as Stripe keeps the key.
async fn without_ledger(global: &Global, create: &Create) -> anyhow::Result<ExitCode> {
    let Ask { request, rules } = ask(create)?;
    let operation = request.operation.to_string();
    let attempt = Attempt { request, rules, approval: create.approval.clone() };
    let called = Context::new(global)?.component.create(&attempt).await;
    let outcome = Unrecorded::of(called, super::webhook::now());
    Ok(outcomes::unrecorded(global, &operation, &outcome))
}

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
fn ask(create: &Create) -> anyhow::Result<Ask> {
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
