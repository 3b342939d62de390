//! `doctor`: what works, and what to do about what does not.

use std::process::ExitCode;

use refund_app::outcome::CallProblem;
use refund_core::client::CallError;
use refund_core::wire::RefusalKind;
use refund_host::api::node::InvokeError;
use refund_host::{KeyMode, inspect};
use serde_json::json;

use crate::args::Global;
use crate::context::{Context, any_ledger, ledger_path};
use crate::{secrets, show};

/// Seconds. Stripe refuses nothing for the clock, but the age of webhooks is measured with it.
const MOST_SKEW: i64 = 30;

/// How a check ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Well,
    Failed,
    NotChecked,
}

struct Check {
    name: &'static str,
    state: State,
    /// What was found, or what to do.
    text: String,
}

pub(crate) async fn run(global: &Global) -> anyhow::Result<ExitCode> {
    let mut checks = vec![component(global)];
    match key(global) {
        Err(check) => checks.push(check),
        Ok((context, check)) => {
            checks.push(check);
            stripe(&context, &mut checks).await;
        }
    }
    checks.push(ledger(global).await);
    report(global, &checks);
    let failed = checks.iter().any(|check| check.state == State::Failed);
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn well(name: &'static str, text: impl Into<String>) -> Check {
    Check { name, state: State::Well, text: text.into() }
}

fn failed(name: &'static str, text: impl std::fmt::Display) -> Check {
    Check { name, state: State::Failed, text: text.to_string() }
}

fn not_checked(name: &'static str, text: impl Into<String>) -> Check {
    Check { name, state: State::NotChecked, text: text.into() }
}

/// Loads it as any command would, and looks at what it could reach.
fn component(global: &Global) -> Check {
    const NAME: &str = "component";
    let node = match crate::context::pure(global) {
        Ok(node) => node,
        Err(error) => return failed(NAME, format!("{error:#}")),
    };
    let bytes = match &global.component {
        Some(file) => std::fs::read(file).unwrap_or_default(),
        None => refund_artifact::NODE.to_vec(),
    };
    let imports = inspect(&bytes).map_or(0, |seen| seen.imports.len());
    let compiled = if node.was_cached() { "compiled before" } else { "compiled now" };
    let pinned = if global.digest.is_some() { ", pinned" } else { "" };
    let short = &node.digest()[..12];
    well(NAME, format!("sha256:{short}…{pinned}, {imports} imports, {compiled}"))
}

fn key(global: &Global) -> Result<(Context, Check), Check> {
    const NAME: &str = "key";
    let failed = |error: anyhow::Error| failed(NAME, format!("{error:#}"));
    let key = secrets::key(global).map_err(failed)?;
    let kind = if key.is_restricted() { "restricted" } else { "secret, full rights" };
    let mode = if key.mode() == KeyMode::Live { "live" } else { "test" };
    let advice = if key.is_restricted() || global.simulator {
        ""
    } else {
        ": a restricted key is enough (see SECURITY.md)"
    };
    let context = Context::new(global).map_err(failed)?;
    Ok((context, well(NAME, format!("{mode} mode, {kind}{advice}"))))
}

/// What is asked for, and the right that it takes. The objects do not exist: a key that may is told so,
/// a key that may not is told that instead.
const RIGHTS: [(&str, &str, &str); 5] = [
    ("refunds: read", "refunds.list", r#"{"limit":1}"#),
    (
        "refunds: write",
        "refunds.update-metadata",
        r#"{"refund":"re_refundnodedoctor","metadata":{"checked":""}}"#,
    ),
    ("charges: read", "eligibility.check-live", r#"{"payment":"ch_refundnodedoctor"}"#),
    ("payment intents: read", "eligibility.check-live", r#"{"payment":"pi_refundnodedoctor"}"#),
    ("balance: read", "refunds.balance", "{}"),
];

async fn stripe(context: &Context, checks: &mut Vec<Check>) {
    for (name, operation, input) in RIGHTS {
        let answer = ask(context, operation, input).await;
        if let Err(Refused::NoAnswer(problem)) = answer {
            checks.push(failed("connection", problem));
            return;
        }
        checks.push(right(name, answer));
    }
    checks.push(not_checked("disputes: read", "needed as soon as a charge is disputed"));
    checks.push(clock(context));
}

/// Why a request was of no use.
enum Refused {
    NoAnswer(String),
    Key(String),
    Right(String),
}

/// That there is no such object is an answer as good as any.
async fn ask(context: &Context, operation: &str, input: &str) -> Result<(), Refused> {
    let input = serde_json::from_str(input).unwrap_or_default();
    let failure = match context.component.pass_through(operation, input).await {
        Ok(_) => return Ok(()),
        Err(CallProblem::Operation(InvokeError::Failed(failure))) => failure,
        Err(other) => return Err(Refused::NoAnswer(other.to_string())),
    };
    let kind = match serde_json::from_str::<CallError>(&failure.details) {
        Ok(CallError::Refused(refusal)) => Some(refusal.kind),
        _ => None,
    };
    match kind {
        Some(RefusalKind::NotFound | RefusalKind::InvalidRequest) => Ok(()),
        Some(RefusalKind::Authentication) => Err(Refused::Key(failure.message)),
        Some(RefusalKind::Permission) => Err(Refused::Right(failure.message)),
        _ => Err(Refused::NoAnswer(failure.message)),
    }
}

fn right(name: &'static str, answer: Result<(), Refused>) -> Check {
    match answer {
        Ok(()) => well(name, "the key may"),
        Err(Refused::Key(said)) => failed(name, format!("{said}: give another key")),
        Err(Refused::Right(said)) => {
            failed(name, format!("{said}: give the key this right in the Dashboard, API keys"))
        }
        Err(Refused::NoAnswer(said)) => failed(name, said),
    }
}

fn clock(context: &Context) -> Check {
    const NAME: &str = "clock";
    match context.host.clock_lead() {
        None => not_checked(NAME, "the answers bear no date"),
        Some(lead) if lead.abs() <= MOST_SKEW => {
            well(NAME, format!("within {MOST_SKEW} seconds of Stripe's"))
        }
        Some(lead) => {
            let way = if lead > 0 { "ahead of" } else { "behind" };
            let seconds = lead.abs();
            failed(
                NAME,
                format!(
                    "{seconds} seconds {way} Stripe's: webhooks look too old or too new; set it by NTP"
                ),
            )
        }
    }
}

/// Only commands that name a ledger, or find one, have one.
async fn ledger(global: &Global) -> Check {
    const NAME: &str = "ledger";
    let path = ledger_path(global);
    if !path.exists() {
        let text = format!("{} is not there yet: `bulk run` makes it", path.display());
        return not_checked(NAME, text);
    }
    let audited = match any_ledger(global) {
        Ok(ledger) => ledger.audit(None).await.map_err(anyhow::Error::from),
        Err(error) => Err(error),
    };
    match audited {
        Ok(audited) if audited.broken.is_empty() => {
            well(NAME, format!("{}: {} rows, all of them hold", path.display(), audited.rows))
        }
        Ok(audited) => {
            let broken = audited.broken.len();
            failed(NAME, format!("{}: {broken} faults, see `audit verify`", path.display()))
        }
        Err(error) => failed(NAME, format!("{error:#}")),
    }
}

fn report(global: &Global, checks: &[Check]) {
    if global.json {
        let checks: Vec<_> = checks
            .iter()
            .map(|check| json!({ "check": check.name, "state": check.state.name(), "text": check.text }))
            .collect();
        show::json(&json!({ "checks": checks }));
        return;
    }
    let row = |check: &Check| [check.name, check.state.name(), &check.text].map(str::to_owned);
    show::table(["check", "", "found"], checks.iter().map(row));
}

impl State {
    fn name(self) -> &'static str {
        match self {
            Self::Well => "ok",
            Self::Failed => "FAILED",
            Self::NotChecked => "not checked",
        }
    }
}
