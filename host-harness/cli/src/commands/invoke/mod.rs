//! `invoke`: one operation, for one input or for every line of a file.

mod exit_code;
mod lines;
mod operation;
mod output;
mod recorded;

use std::io::Read;
use std::process::ExitCode;

use anyhow::Context as _;

use self::operation::Operation;
use self::output::NoOutput;
use crate::args::{Global, Invoke};
use crate::exit::Exit;
use crate::stop::finishing;
use crate::{show, strict, terminal};

pub(crate) async fn run(global: &Global, args: &Invoke) -> anyhow::Result<ExitCode> {
    let operation = Operation::find(global, args).await?;
    if let Some(file) = &args.lines {
        return lines::run(operation, file, args.speed.in_flight).await;
    }
    let mut text = args.input.clone().unwrap_or_default();
    if args.input.is_none() {
        std::io::stdin().read_to_string(&mut text).context("stdin cannot be read")?;
    }
    let input = strict::from_str(&text).map_err(|error| {
        Exit::bad_input(format!(
            "the input is not a JSON object: {error}; see `refund-node describe --json`"
        ))
    })?;
    let output = finishing(Box::pin(operation.run(input))).await.map_err(NoOutput::exit)?;
    show::json(&output.json);
    if let Some(message) = output.message {
        terminal::say(format_args!("error: {message}"));
    }
    Ok(ExitCode::from(output.code))
}
