//! `policy check | explain | test | schema`

mod cases;
mod document;

use std::path::Path;
use std::process::ExitCode;

use refund_core::client::Checked;
use refund_core::policy::Described;
use serde_json::{Value, json};

pub(crate) use self::document::{parse, read};
use super::{check, inputs};
use crate::args::{Explain, Global, Policy, PolicyCommand};
use crate::context::{Context, pure};
use crate::exit::Exit;
use crate::show;

pub(crate) async fn run(global: &Global, args: Policy) -> anyhow::Result<ExitCode> {
    match args.command {
        PolicyCommand::Check { policy } => check_document(global, &policy).await,
        PolicyCommand::Explain(args) => explain(global, &args).await,
        PolicyCommand::Test { policy, cases } => cases::run(global, &policy, &cases).await,
        PolicyCommand::Schema => {
            show::line(document::schema()?);
            Ok(ExitCode::SUCCESS)
        }
    }
}

async fn check_document(global: &Global, file: &Path) -> anyhow::Result<ExitCode> {
    let described = describe(global, file).await?;
    if global.json {
        show::line(serde_json::to_string(&described)?);
    } else {
        show::line(format_args!(
            "{} {}: fine, {} rules and the defaults, hash {}",
            described.name, described.version, described.rules, described.hash
        ));
    }
    Ok(ExitCode::SUCCESS)
}

async fn explain(global: &Global, args: &Explain) -> anyhow::Result<ExitCode> {
    if args.payment.is_some() {
        return explain_payment(global, args).await;
    }
    let described = describe(global, &args.policy).await?;
    if global.json {
        show::line(serde_json::to_string(&described)?);
    } else {
        show::line(format_args!("{} {}", described.name, described.version));
        described.sentences.iter().for_each(show::line);
    }
    Ok(ExitCode::SUCCESS)
}

/// What the document says of a payment, from facts that are read now. Nothing is changed.
async fn explain_payment(global: &Global, args: &Explain) -> anyhow::Result<ExitCode> {
    let mut input = json!({
        "payment": args.payment, "document": read(&args.policy)?,
        "reason": args.reason, "self_serve": args.self_serve,
    });
    inputs::amount(&mut input, &args.amount, None)?;
    let output = Context::new(global)?.invoke("eligibility.check-live", input).await?;
    let checked: Checked = serde_json::from_value(output.clone())?;
    let sentences = checked.verdict.sentences();
    if global.json {
        show::line(json!({ "verdict": output["verdict"], "sentences": sentences }));
    } else {
        sentences.iter().for_each(show::line);
    }
    Ok(check::code(&checked.verdict))
}

/// What the component says about a document; it finds everything that makes no sense.
pub(crate) async fn describe(global: &Global, file: &Path) -> anyhow::Result<Described> {
    let input = json!({ "document": read(file)? });
    let output = invoke(&mut pure(global)?.session().await?, "policies.describe", &input).await?;
    Ok(serde_json::from_value(output)?)
}

async fn invoke(
    session: &mut refund_host::Session,
    operation: &str,
    input: &Value,
) -> anyhow::Result<Value> {
    let output = session.invoke(operation, &input.to_string()).await.map_err(Exit::failed)?;
    Ok(serde_json::from_str(&output.map_err(Exit::of)?)?)
}
