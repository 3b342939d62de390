//! `serve`

use std::process::ExitCode;
use std::sync::Arc;

use refund_app::{Receiver, Settings, Tokio};
use refund_core::policy::Document;
use refund_ledger::UserName;
use refund_serve::{NewToken, Role, Service, Token, Tokens, router};
use serde::{Deserialize, Serialize};

use crate::args::{Global, Serve};
use crate::context::{Context, caller, settings};
use crate::exit::Exit;
use crate::listener::{self, bind};
use crate::terminal::say as note;
use crate::{documents, inputs, secrets, show};

/// The file of tokens.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    tokens: Vec<Token>,
}

pub(crate) async fn run(global: &Global, args: &Serve) -> anyhow::Result<ExitCode> {
    if args.openapi {
        show::line(refund_serve::description());
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(name) = &args.new_token {
        return new_token(name, &args.role);
    }
    let service = Arc::new(service(global, args).await?);
    let listener = bind(args.port).await?;
    note(format_args!("Serving http://{}; Ctrl-C ends it.", listener.local_addr()?));
    let app = router(Arc::clone(&service));
    listener::serve(listener, app, |ended| service.deliver_until(ended)).await?;
    Ok(ExitCode::SUCCESS)
}

async fn service(global: &Global, args: &Serve) -> anyhow::Result<Service> {
    let file = args.tokens.as_ref().ok_or_else(|| Exit::bad_input("name a file with --tokens"))?;
    let File { tokens } = documents::parse(file)?;
    let tokens = Tokens::new(tokens)
        .map_err(|error| Exit::bad_input(format!("{}: {error}", file.display())))?;
    let document: Option<Document> = match &args.policy {
        Some(file) => {
            // Reported at the start, not to the first caller.
            documents::describe(global, file).await?;
            Some(documents::parse(file)?)
        }
        None => None,
    };
    if document.is_none() && tokens.has_self_serve() {
        return Err(Exit::bad_input(
            "a token has the role self_serve, and without --policy nothing limits what it refunds: name a policy with limits for self_serve",
        ));
    }
    let approval_secs = inputs::seconds("valid-for", &args.valid_for)?;
    let context = Context::new(global)?;
    let ledger = context.ledger(global)?;
    let secrets = secrets::webhook(Vec::new(), &args.webhook_secret_file)?;
    let receiver = (!secrets.is_empty()).then(|| -> anyhow::Result<_> {
        let caller = caller(global, "serve")?;
        let component = context.component.clone();
        let receiver = Receiver::new(
            component.clone(),
            ledger.clone(),
            Tokio,
            secrets,
            300,
            global.live,
            caller,
        );
        Ok(receiver.reading(Some(component)))
    });
    let settings = Settings { approval_secs, ..settings(global) };
    let application = refund_app::Application::new(context.component, ledger, Tokio, settings);
    Ok(Service::new(application, tokens)
        .policy(document)
        .own_requests(args.own_requests)
        .receiver(receiver.transpose()?))
}

/// The entry goes to stdout, to be kept; the token to stderr, to be handed over and forgotten.
fn new_token(name: &str, roles: &[String]) -> anyhow::Result<ExitCode> {
    let role = |word: &String| {
        Role::parse(word).ok_or_else(|| {
            Exit::bad_input(format!(
                "role `{word}` is none of: requester, self_serve, approver, auditor"
            ))
        })
    };
    let roles = roles.iter().map(role).collect::<Result<Vec<_>, _>>()?;
    let name =
        UserName::parse(name).map_err(|problem| Exit::bad_input(problem.at("--new-token")))?;
    let mut random = [0; 32];
    getrandom::fill(&mut random)
        .map_err(|error| anyhow::anyhow!("the system gives no random numbers: {error}"))?;
    let new = NewToken::new(name.as_str(), roles, &random);
    show::line(toml::to_string(&File { tokens: vec![new.entry] })?.trim_end());
    note(format_args!(
        "{}\nThis is the token of {name}. It is shown once and kept nowhere.",
        *new.secret
    ));
    Ok(ExitCode::SUCCESS)
}
