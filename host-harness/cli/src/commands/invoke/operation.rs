//! An operation, and what runs it.

use refund_app::{Caller, Connection, WasmComponent};
use serde_json::{Map, Value};

use super::exit_code;
use super::output::{NoOutput, Output};
use super::recorded::Recorded;
use crate::args::{Global, Invoke};
use crate::context::{App, Context, caller, pure};
use crate::manifest::Manifest;
use crate::speed::pace;

/// An operation, and what runs it.
pub(super) struct Operation {
    name: String,
    way: Route,
    /// One call has to see what the one before it refunded: a pipeline reads first what is left. `refunds.create` needs no
    /// company either way: its id is its own.
    pub(super) alone: bool,
}

/// How an operation is run.
enum Route {
    /// By a component without a key and any way out.
    Pure(WasmComponent),
    /// By a component that talks to Stripe.
    Direct(WasmComponent),
    /// Through the ledger.
    Recorded { recorded: Recorded, application: Box<App>, caller: Caller },
}

impl Operation {
    /// Asks the component itself what it needs: a pipeline has operations of its own.
    pub(super) async fn find(global: &Global, args: &Invoke) -> anyhow::Result<Self> {
        let (node, name) = (pure(global)?, args.operation.clone());
        let manifest: Manifest = serde_json::from_str(&node.describe().await?)?;
        let about =
            manifest.operations.into_iter().find(|one| one.name == name).unwrap_or_default();
        let moves_money = about.effect == "moves-money";
        let alone = moves_money && name != "refunds.create";
        if !moves_money {
            global.refuse_ledger(&format!("invoke {name}"))?;
        }
        if !about.needs_http {
            let way = Route::Pure(WasmComponent::new(node, Connection::default()));
            return Ok(Self { name, way, alone });
        }
        let paced = args.lines.is_some();
        let pace = |mode| if paced { pace(&args.speed, mode) } else { None };
        let context = Context::paced(global, pace)?;
        let way = if moves_money && global.names_ledger() {
            Route::Recorded {
                recorded: Recorded::of(&name),
                application: Box::new(context.application(global)?),
                caller: caller(global, "invoke")?,
            }
        } else {
            Route::Direct(context.component)
        };
        Ok(Self { name, way, alone })
    }

    pub(super) async fn run(&self, input: Map<String, Value>) -> Result<Output, NoOutput> {
        let output = match &self.way {
            Route::Pure(component) => component.run_pure(&self.name, input).await?,
            Route::Direct(component) => component.pass_through(&self.name, input).await?,
            Route::Recorded { recorded, application, caller } => {
                return recorded.run(application, caller, input).await;
            }
        };
        Ok(Output::new(&output, exit_code::of_output(&output), None)?)
    }
}
