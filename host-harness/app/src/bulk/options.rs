//! What a run was started with, as the ledger keeps it.

use refund_ledger::{HeldRules, MerchantRules, Run};
use serde::{Deserialize, Serialize};

/// What a run is started with.
#[derive(Debug, Serialize)]
pub struct StartedWith<'a> {
    /// Where the input is.
    pub path: &'a str,
    /// The merchant's rules.
    pub rules: &'a MerchantRules,
}

impl StartedWith<'_> {
    /// As the ledger keeps it.
    pub fn json(&self) -> String {
        // Rules have text keys only, so this cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// The rules that a run was started with are not known.
#[derive(Debug, thiserror::Error)]
#[error(
    "the policy that run {run} was started with cannot be read ({problem}): name the policy in force with --policy. Nothing was sent."
)]
pub struct RulesUnknown {
    run: String,
    problem: String,
}

/// The rules that a run was started with: its lines are sent under them until others are given, whatever rules their
/// operations were recorded with before. `None` where it was started without any.
///
/// # Errors
/// When another version kept them in a way that this one does not know: without them a limit would be lifted.
pub fn rules_of(run: &Run) -> Result<Option<MerchantRules>, RulesUnknown> {
    #[derive(Deserialize)]
    struct StoredOptions {
        rules: serde_json::Map<String, serde_json::Value>,
    }
    let unknown = |problem: String| RulesUnknown { run: run.id.clone(), problem };
    let kept: StoredOptions =
        serde_json::from_str(&run.options).map_err(|problem| unknown(problem.to_string()))?;
    match HeldRules::read(&serde_json::Value::Object(kept.rules).to_string()) {
        HeldRules::Readable(rules) => Ok(Some(*rules).filter(|rules| !rules.is_empty())),
        HeldRules::Unreadable { problem, .. } => Err(unknown(problem)),
    }
}
