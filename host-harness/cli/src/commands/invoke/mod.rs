//! `invoke`: one operation, for one input or for every line of a file.

mod lines;

use std::io::Read;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use refund_host::api::node::InvokeError;
use refund_host::{CallError, Node};
use serde_json::{Map, Value};

use crate::args::{Global, Invoke};
use crate::commands::bulk;
use crate::context::{Context, pure};
use crate::exit::Exit;
use crate::show;

pub(crate) async fn run(global: &Global, args: &Invoke) -> anyhow::Result<ExitCode> {
    let operation = Operation::find(global, args).await?;
    if let Some(file) = &args.lines {
        return lines::run(Arc::new(operation), file, args.speed.in_flight).await;
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
    show::line(output.map_err(|error| Exit::of_call(&error))?.map_err(Exit::of)?);
    Ok(ExitCode::SUCCESS)
}

/// An operation, and the component that runs it: without a key and any way out, unless it talks to Stripe.
struct Operation {
    node: Node,
    name: String,
    connection: Option<Value>,
}

impl Operation {
    /// Asks the component itself what it needs: a pipeline has operations of its own.
    async fn find(global: &Global, args: &Invoke) -> anyhow::Result<Self> {
        let (node, name) = (pure(global)?, args.operation.clone());
        if !needs_http(&node.describe().await?, &name)? {
            return Ok(Self { node, name, connection: None });
        }
        let paced = args.lines.is_some();
        let pace = |mode| if paced { bulk::pace(&args.speed, mode) } else { None };
        let context = Context::paced(global, pace)?;
        Ok(Self { node: context.node, name, connection: Some(context.connection) })
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

/// Whether a manifest has an operation of that name that talks to Stripe.
fn needs_http(manifest: &str, operation: &str) -> anyhow::Result<bool> {
    let manifest: Value = serde_json::from_str(manifest)?;
    let operations = manifest["operations"].as_array().cloned().unwrap_or_default();
    Ok(operations.iter().any(|one| one["name"] == operation && one["needs_http"] == true))
}
