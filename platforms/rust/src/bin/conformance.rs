//! The runner of the conformance suite for Rust: calls the host library as a program of one's own does. What it reads
//! and prints is in `platforms/conformance/README.md`.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use refund_host::api::node::{Failure, FailureKind, InvokeError};
use refund_host::api::types::FieldProblem;
use refund_host::{
    Allow, CallError, CallFailure, Host, KeyError, KeyMode, Limit, Node, StripeKey, default_cache,
};
use refund_wrapper::{Code, JsonError, Problem};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// The key of `good`.
const GOOD: &str = "sk_test_simulator";

/// One line of stdin.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Call {
    operation: String,
    input: Value,
    credential: Credential,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Credential {
    Good,
    None,
    Live,
    Publishable,
}

impl Credential {
    /// What the user gave.
    fn text(self) -> &'static str {
        match self {
            Self::Good => GOOD,
            Self::None => "",
            Self::Live => "sk_live_simulator",
            Self::Publishable => "pk_test_simulator",
        }
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let embedding = Embedding::open().await?;
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{}", embedding.hello())?;
    for line in std::io::stdin().lines() {
        let call: Call = serde_json::from_str(&line?)?;
        let answer = match embedding.call(call).await {
            Ok(output) => format!(r#"{{"output": {output}}}"#),
            Err(error) => json!({ "error": error }).to_string(),
        };
        writeln!(stdout, "{answer}")?;
    }
    Ok(())
}

/// The component, loaded once.
struct Embedding {
    node: Node,
    base_url: String,
    manifest: String,
}

impl Embedding {
    async fn open() -> Result<Self> {
        let component =
            std::env::var("REFUND_NODE_COMPONENT").context("set REFUND_NODE_COMPONENT")?;
        let base_url = std::env::var("REFUND_NODE_BASE_URL").context("set REFUND_NODE_BASE_URL")?;
        let mut host =
            Host::builder().key(StripeKey::parse(GOOD)?).allow(Allow::stripe_at(&base_url)?);
        if let Some(folder) = default_cache() {
            host = host.cache(folder);
        }
        let node = host.build()?.load_file(Path::new(&component))?;
        let manifest = node.describe().await?;
        Ok(Self { node, base_url, manifest })
    }

    fn hello(&self) -> Value {
        let manifest = Sha256::digest(&self.manifest);
        let manifest =
            manifest.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
        json!({
            "platform": "rust", "version": env!("CARGO_PKG_RUST_VERSION"),
            "digest": format!("sha256:{}", self.node.digest()),
            "manifest": format!("sha256:{manifest}"),
        })
    }

    /// Output, or the error in the form that every platform gives it.
    async fn call(&self, call: Call) -> Result<Box<RawValue>, JsonError> {
        let mut input = call.input;
        if self.needs_http(&call.operation) {
            check(call.credential.text())?;
            input["connection"] = json!({ "base_url": self.base_url });
        }
        let answer = self.node.invoke(&call.operation, &input.to_string()).await;
        let output = answer.map_err(|error| stopped(&error))?.map_err(component_error)?;
        RawValue::from_string(output)
            .map_err(|error| JsonError::host(Code::Trapped, error.to_string()))
    }

    /// Only what talks to Stripe takes a key and a connection.
    fn needs_http(&self, operation: &str) -> bool {
        let manifest: Value = serde_json::from_str(&self.manifest).unwrap_or_default();
        let operations = manifest["operations"].as_array().into_iter().flatten();
        operations.into_iter().any(|one| one["name"] == operation && one["needs_http"] == true)
    }
}

/// What a program checks before it opens a host: a secret key, of test mode.
fn check(text: &str) -> Result<(), JsonError> {
    let key = StripeKey::parse(text).map_err(|error| {
        let code = if error == KeyError::Blank { Code::MissingKey } else { Code::WrongKey };
        JsonError::host(code, error.to_string())
    })?;
    match key.mode() {
        KeyMode::Test => Ok(()),
        KeyMode::Live => {
            let message = "this is a live key, and live keys were not allowed";
            Err(JsonError::host(Code::LiveKey, message))
        }
    }
}

/// The host stopped the call.
fn stopped(error: &CallError) -> JsonError {
    let code = match error.failure() {
        CallFailure::Limit(Limit::Call(_) | Limit::Cpu(_)) => Code::Timeout,
        _ => Code::Trapped,
    };
    JsonError::host(code, error.to_string())
}

/// The component's own error.
fn component_error(error: InvokeError) -> JsonError {
    match error {
        InvokeError::UnknownOperation(known) => JsonError::unknown_operation(known),
        InvokeError::InvalidInput(problems) => {
            let problem = |FieldProblem { field, value, problem, fix }| Problem {
                field,
                value,
                problem,
                fix,
            };
            JsonError::invalid_input(problems.into_iter().map(problem).collect())
        }
        InvokeError::Failed(failure) => failed(failure),
    }
}

fn failed(failure: Failure) -> JsonError {
    let Failure { kind, message, retryable, retry_after, details } = failure;
    let kind = match kind {
        FailureKind::Denied => JsonError::Denied,
        FailureKind::NeedsApproval => JsonError::NeedsApproval,
        FailureKind::Conflict => JsonError::Conflict,
        FailureKind::Refused => JsonError::Refused,
        FailureKind::Transport => JsonError::Transport,
        FailureKind::OutcomeUnknown | FailureKind::Other => JsonError::OutcomeUnknown,
        FailureKind::Rejected => JsonError::Rejected,
    };
    let details = RawValue::from_string(details).unwrap_or_default();
    kind(refund_wrapper::Failure { message, retryable, retry_after, details })
}
