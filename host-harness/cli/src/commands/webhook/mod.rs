//! `webhook verify | listen`

mod listen;

use std::io::Read;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use refund_app::verify_error;
use refund_host::api::webhooks::VerifyOptions;
use serde_json::json;

use crate::args::{Global, Verify, Webhook, WebhookCommand};
use crate::context::pure;
use crate::exit::Exit;
use crate::instants::now;
use crate::{secrets, show};

pub(crate) async fn run(global: &Global, args: Webhook) -> anyhow::Result<ExitCode> {
    match args.command {
        WebhookCommand::Verify(args) => verify(global, &args).await,
        WebhookCommand::Listen(args) => listen::run(global, args).await,
    }
}

async fn verify(global: &Global, args: &Verify) -> anyhow::Result<ExitCode> {
    let payload = read(&args.payload)?;
    let secrets = args.secret.iter().chain(&args.secret2).cloned().collect();
    let secrets = secrets::revealed(&secrets::webhook(secrets, &args.secret_file)?);
    let options =
        VerifyOptions { tolerance: Some(args.tolerance), future_tolerance: args.future_tolerance };
    let now = args.now.unwrap_or_else(now);
    let node = pure(global)?;
    let verdict = node.verify(&payload, args.header.as_deref(), &secrets, options, now).await?;
    let verdict = verdict.map_err(verify_error);
    match &verdict {
        Ok(verified) if global.json => show::json(&json!({
            "verdict": "accepted", "reason": null, "timestamp": verified.timestamp,
            "secret_index": verified.secret_index,
        })),
        Ok(verified) => show::line(format_args!(
            "accepted: signed at {} with secret {}",
            verified.timestamp, verified.secret_index
        )),
        Err(error) if global.json => show::json(&json!({
            "verdict": "rejected", "reason": error.reason(), "message": error.to_string(),
        })),
        Err(error) => show::line(format_args!("rejected: {error}")),
    }
    Ok(if verdict.is_ok() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    if path == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).context("stdin cannot be read")?;
        return Ok(bytes);
    }
    std::fs::read(path).map_err(|error| {
        Exit::bad_input(format!("payload `{}` cannot be read: {error}", path.display()))
    })
}
