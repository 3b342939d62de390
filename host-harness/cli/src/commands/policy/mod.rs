//! `policy check | explain | test | schema`

mod cases;
mod schema;

use std::path::Path;
use std::process::ExitCode;

use refund_app::component::{Component, Question};
use refund_core::id::PaymentRef;
use refund_core::model::Reason;
use refund_ledger::MerchantRules;
use serde_json::json;

use crate::args::{Explain, Global, Policy, PolicyArgs, PolicyCommand};
use crate::context::Context;
use crate::documents::{describe, parse};
use crate::exit::Exit;
use crate::outcomes::verdict_code;
use crate::{inputs, show};

pub(crate) async fn run(global: &Global, args: Policy) -> anyhow::Result<ExitCode> {
    match args.command {
        PolicyCommand::Check { policy } => check_document(global, &policy).await,
        PolicyCommand::Explain(args) => explain(global, &args).await,
        PolicyCommand::Test { policy, cases } => cases::run(global, &policy, &cases).await,
        PolicyCommand::Schema => {
            show::line(schema::schema()?);
            Ok(ExitCode::SUCCESS)
        }
    }
}

async fn check_document(global: &Global, file: &Path) -> anyhow::Result<ExitCode> {
    let described = describe(global, file).await?;
    if global.json {
        show::json(&described);
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
        show::json(&described);
    } else {
        show::line(format_args!("{} {}", described.name, described.version));
        described.sentences.iter().for_each(show::line);
    }
    Ok(ExitCode::SUCCESS)
}

/// What the document says of a payment, from facts that are read now. Nothing is changed.
async fn explain_payment(global: &Global, args: &Explain) -> anyhow::Result<ExitCode> {
    let payment = args.payment.as_deref().unwrap_or_default();
    let none = PolicyArgs::default();
    let question = Question {
        payment: PaymentRef::parse(payment).map_err(Exit::bad_input)?,
        amount: inputs::amount(&args.amount, &none)?,
        reason: args.reason.as_deref().map(Reason::from),
        rules: MerchantRules::document(parse(&args.policy)?, args.self_serve),
    };
    let checked = Context::new(global)?.component.check(&question).await.result;
    let verdict = checked.map_err(Exit::of_read)?.verdict;
    let sentences = verdict.sentences();
    if global.json {
        show::json(&json!({ "verdict": verdict, "sentences": sentences }));
    } else {
        sentences.iter().for_each(show::line);
    }
    Ok(verdict_code(&verdict))
}
