//! The runner of the conformance suite for Rust: calls the host library as a program of one's own does. What it reads
//! and prints is in `platforms/conformance/README.md`.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use refund_host::api::node::{Failure, FailureKind, InvokeError};
use refund_host::{
    Allow, CallError, CallFailure, Host, KeyError, KeyMode, Limit, Node, StripeKey, default_cache,
};
use serde::Deserialize;
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
            Ok(output) => json!({ "output": output }),
            Err(error) => json!({ "error": error }),
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
    async fn call(&self, call: Call) -> Result<Value, Value> {
        let mut input = call.input;
        if self.needs_http(&call.operation) {
            check(call.credential.text())?;
            input["connection"] = json!({ "base_url": self.base_url });
        }
        let answer = self.node.invoke(&call.operation, &input.to_string()).await;
        let output = answer.map_err(|error| stopped(&error))?.map_err(|error| told(&error))?;
        serde_json::from_str(&output).map_err(|error| host_error("trapped", &error.to_string()))
    }

    /// Only what talks to Stripe takes a key and a connection.
    fn needs_http(&self, operation: &str) -> bool {
        let manifest: Value = serde_json::from_str(&self.manifest).unwrap_or_default();
        let operations = manifest["operations"].as_array().into_iter().flatten();
        operations.into_iter().any(|one| one["name"] == operation && one["needs_http"] == true)
    }
}

/// What a program checks before it opens a host: a secret key, of test mode.
fn check(text: &str) -> Result<StripeKey, Value> {
    let key = StripeKey::parse(text).map_err(|error| {
        let code = if error == KeyError::Blank { "missing-key" } else { "wrong-key" };
        host_error(code, &error.to_string())
    })?;
    match key.mode() {
        KeyMode::Test => Ok(key),
        KeyMode::Live => {
            Err(host_error("live-key", "this is a live key, and live keys were not allowed"))
        }
    }
}

/// The host stopped the call.
fn stopped(error: &CallError) -> Value {
    let code = match error.failure() {
        CallFailure::Limit(Limit::Call(_) | Limit::Cpu(_)) => "timeout",
        _ => "trapped",
    };
    host_error(code, &error.to_string())
}

fn host_error(code: &str, message: &str) -> Value {
    json!({ "kind": "host", "code": code, "message": message })
}

/// The component's own error.
fn told(error: &InvokeError) -> Value {
    match error {
        InvokeError::UnknownOperation(known) => {
            json!({ "kind": "unknown-operation", "known": known })
        }
        InvokeError::InvalidInput(problems) => {
            let problems = problems.iter().map(|one| {
                json!({
                    "field": one.field, "value": one.value, "problem": one.problem, "fix": one.fix,
                })
            });
            json!({ "kind": "invalid-input", "problems": problems.collect::<Vec<_>>() })
        }
        InvokeError::Failed(failure) => failed(failure),
    }
}

fn failed(failure: &Failure) -> Value {
    let kind = match failure.kind {
        FailureKind::Denied => "denied",
        FailureKind::NeedsApproval => "needs-approval",
        FailureKind::Conflict => "conflict",
        FailureKind::Refused => "refused",
        FailureKind::Transport => "transport",
        FailureKind::OutcomeUnknown => "outcome-unknown",
        FailureKind::Rejected => "rejected",
    };
    let details: Value = serde_json::from_str(&failure.details).unwrap_or_default();
    json!({
        "kind": kind, "message": failure.message, "retryable": failure.retryable,
        "retry_after": failure.retry_after, "details": details,
    })
}
