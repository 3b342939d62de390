//! `describe`

use std::process::ExitCode;

use crate::args::Global;
use crate::context::pure;
use crate::manifest::Manifest;
use crate::show;

pub(crate) async fn run(global: &Global) -> anyhow::Result<ExitCode> {
    let manifest = pure(global)?.describe().await?;
    if global.json {
        show::line(manifest);
        return Ok(ExitCode::SUCCESS);
    }
    let manifest: Manifest = serde_json::from_str(&manifest)?;
    let rows = manifest.operations.into_iter().map(|one| [one.name, one.effect, one.description]);
    show::table(["operation", "effect", "what it does"], rows);
    show::line("Schemas of inputs and outputs: add --json");
    Ok(ExitCode::SUCCESS)
}
