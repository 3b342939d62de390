//! `describe`

use std::process::ExitCode;

use serde_json::Value;

use crate::args::Global;
use crate::context::pure;
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
