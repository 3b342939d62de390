//! `refund create | get | list | update | cancel`

use std::process::ExitCode;

use refund_app::component::{Attempt, Component};
use refund_app::outcome::Unrecorded;
use refund_app::{Ask, Called, Caller, OutcomeKind, WasmComponent};
use refund_core::client::ListFilter;
use refund_core::dispatch::InvokeError;
use refund_core::id::{PaymentRef, RefundId};
use refund_core::model::Refund as StripeRefund;

use crate::args::{Create, Global, List, Refund, RefundCommand};
use crate::context::{App, Context, caller};
use crate::create::{ask, with_ledger};
use crate::exit::Exit;
use crate::instants::now;
use crate::stop::finishing;
use crate::{inputs, outcomes, show};

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
    call: impl AsyncFnOnce(&WasmComponent) -> Called<StripeRefund, E>,
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

    async fn see(&self, refunds: impl IntoIterator<Item = StripeRefund>) -> anyhow::Result<()> {
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
    let outcome = Unrecorded::of(called, now());
    Ok(outcomes::unrecorded(global, &operation, &outcome))
}
