//! `describe` and `invoke`

use std::io::Read;
use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::Value;

use crate::args::{Global, Invoke};
use crate::context::{Context, pure};
use crate::exit::Exit;
use crate::show;

pub(crate) async fn run(global: &Global) -> anyhow::Result<ExitCode> {
    let manifest = pure(global)?.describe().await?;
    if global.json {
        show::line(manifest);
        return Ok(ExitCode::SUCCESS);
    }
    let manifest: Value = serde_json::from_str(&manifest)?;
    let operations = manifest["operations"].as_array().cloned().unwrap_or_default();
    let row = |one: &Value| ["name", "effect", "description"].map(|field| show::text(&one[field]));
    show::table(["operation", "effect", "what it does"], operations.iter().map(row));
    show::line("Schemas of inputs and outputs: add --json");
    Ok(ExitCode::SUCCESS)
}

/// Runs one operation; those that need no HTTP run without a key.
pub(crate) async fn invoke(global: &Global, args: &Invoke) -> anyhow::Result<ExitCode> {
    let mut text = args.input.clone().unwrap_or_default();
    if args.input.is_none() {
        std::io::stdin().read_to_string(&mut text).context("stdin cannot be read")?;
    }
    let component = pure(global)?;
    // What the component itself says: a pipeline has operations of its own.
    let output = if needs_http(&component.describe().await?, &args.operation)? {
        let context = Context::new(global)?;
        let mut input: Value = serde_json::from_str(&text)
            .map_err(|error| Exit::bad_input(format!("the input is not JSON: {error}")))?;
        if !input.is_object() {
            return Err(Exit::bad_input(
                "the input is not a JSON object: see `refund-node describe --json`",
            ));
        }
        if !input["connection"].is_object() {
            input["connection"] = context.connection.clone();
        }
        let output = context.node.invoke(&args.operation, &input.to_string()).await;
        output.map_err(Exit::failed)?.map_err(Exit::of)?
    } else {
        let output = component.invoke(&args.operation, &text).await;
        output.map_err(Exit::failed)?.map_err(Exit::of)?
    };
    show::line(output);
    Ok(ExitCode::SUCCESS)
}

/// Whether a manifest has an operation of that name that talks to Stripe.
fn needs_http(manifest: &str, operation: &str) -> anyhow::Result<bool> {
    let manifest: Value = serde_json::from_str(manifest)?;
    let operations = manifest["operations"].as_array().cloned().unwrap_or_default();
    Ok(operations.iter().any(|one| one["name"] == operation && one["needs_http"] == true))
}
