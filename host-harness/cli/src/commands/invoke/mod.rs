//! `invoke`: one operation, for one input or for every line of a file.

mod lines;

use std::io::Read;
use std::process::ExitCode;

use anyhow::Context as _;
use refund_host::api::node::InvokeError;
use refund_host::{CallError, Node};
use serde_json::{Map, Value};

use crate::args::{Global, Invoke};
use crate::commands::bulk;
use crate::context::{Context, pure};
use crate::exit::{self, Exit};
use crate::show;

pub(crate) async fn run(global: &Global, args: &Invoke) -> anyhow::Result<ExitCode> {
    let operation = Operation::find(global, args).await?;
    if let Some(file) = &args.lines {
        return lines::run(operation, file, args.speed.in_flight).await;
    }
    let mut text = args.input.clone().unwrap_or_default();
    if args.input.is_none() {
        std::io::stdin().read_to_string(&mut text).context("stdin cannot be read")?;
    }
    let input = serde_json::from_str(&text).map_err(|error| {
        Exit::bad_input(format!(
            "the input is not a JSON object: {error}; see `refund-node describe --json`"
        ))
    })?;
    let output = operation.run(input).await;
    let output = output.map_err(|error| Exit::of_call(&error))?.map_err(Exit::of)?;
    show::line(&output);
    let undone = left_undone(&serde_json::from_str(&output)?);
    Ok(if undone { ExitCode::from(exit::FAILED) } else { ExitCode::SUCCESS })
}

/// A pipeline that made some of its refunds answers, and names those it did not make.
fn left_undone(output: &Value) -> bool {
    let any = |list: &str| output[list].as_array().is_some_and(|list| !list.is_empty());
    any("failures") || any("not_tried")
}

/// An operation, and the component that runs it: without a key and any way out, unless it talks to Stripe.
struct Operation {
    node: Node,
    name: String,
    connection: Option<Value>,
    /// One call has to see what the one before it refunded: a pipeline reads first what is left, and there is no ledger
    /// here to keep two from one payment. `refunds.create` needs no company either way: its id is its own.
    alone: bool,
}

impl Operation {
    /// Asks the component itself what it needs: a pipeline has operations of its own.
    async fn find(global: &Global, args: &Invoke) -> anyhow::Result<Self> {
        let (node, name) = (pure(global)?, args.operation.clone());
        let about = about(&node.describe().await?, &name)?;
        let alone = about["effect"] == "moves-money" && name != "refunds.create";
        if about["needs_http"] != true {
            return Ok(Self { node, name, connection: None, alone });
        }
        let paced = args.lines.is_some();
        let pace = |mode| if paced { bulk::pace(&args.speed, mode) } else { None };
        let context = Context::paced(global, pace)?;
        Ok(Self { node: context.node, name, connection: Some(context.connection), alone })
    }

    async fn run(
        &self,
        mut input: Map<String, Value>,
    ) -> Result<Result<String, InvokeError>, CallError> {
        if let Some(connection) = &self.connection
            && !input.get("connection").is_some_and(Value::is_object)
        {
            input.insert("connection".to_owned(), connection.clone());
        }
        self.node.invoke(&self.name, &Value::Object(input).to_string()).await
    }
}

/// What a manifest says of an operation; nothing where it has none of that name.
fn about(manifest: &str, operation: &str) -> anyhow::Result<Value> {
    let mut manifest: Value = serde_json::from_str(manifest)?;
    let Value::Array(operations) = manifest["operations"].take() else { return Ok(Value::Null) };
    Ok(operations.into_iter().find(|one| one["name"] == operation).unwrap_or_default())
}
