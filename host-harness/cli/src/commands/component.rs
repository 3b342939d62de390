//! `component inspect | extract`

use std::process::ExitCode;

use anyhow::Context;
use serde_json::json;

use crate::args::{Component, ComponentCommand, Global};
use crate::exit::Exit;
use crate::show;

pub(crate) fn run(global: &Global, args: &Component) -> anyhow::Result<ExitCode> {
    match &args.command {
        ComponentCommand::Inspect => inspect(global)?,
        ComponentCommand::Extract { file, pure } => {
            let bytes = if *pure { refund_artifact::PURE } else { refund_artifact::NODE };
            std::fs::write(file, bytes)
                .with_context(|| format!("{} cannot be written", file.display()))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn inspect(global: &Global) -> anyhow::Result<()> {
    let bytes = match &global.component {
        Some(file) => std::fs::read(file).map_err(|error| {
            Exit::bad_input(format!("{} cannot be read: {error}", file.display()))
        })?,
        None => refund_artifact::NODE.to_vec(),
    };
    let seen = refund_host::inspect(&bytes).map_err(Exit::bad_input)?;
    if global.json {
        show::json(&json!({
            "digest": format!("sha256:{}", seen.digest),
            "size": seen.size,
            "imports": seen.imports,
            "exports": seen.exports,
            "api_version": refund_core::API_VERSION,
        }));
        return Ok(());
    }
    let rows = [
        ["digest".to_owned(), format!("sha256:{}", seen.digest)],
        ["size".to_owned(), format!("{} bytes", seen.size)],
        ["imports".to_owned(), seen.imports.join("\n")],
        ["exports".to_owned(), seen.exports.join("\n")],
        ["API version".to_owned(), refund_core::API_VERSION.to_owned()],
    ];
    show::table(["", ""], rows);
    Ok(())
}
