//! The exit code of an operation whose output passes through as JSON. Only what operations have in common is read.

use refund_app::OutcomeKind;
use refund_app::outcome::table::{EXIT_DONE, EXIT_FAILED, EXIT_STOPPED};
use refund_core::model::RefundStatus;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// The fields of an output that decide about the exit code. A pipeline that made some of its refunds names those that it
/// did not make; a scan, or a sweep that scans, says whether it is complete.
#[derive(Default, Deserialize)]
#[serde(default)]
struct OutputFields {
    #[serde(deserialize_with = "if_it_fits")]
    not_tried: Vec<IgnoredAny>,
    #[serde(deserialize_with = "if_it_fits")]
    complete: Option<bool>,
    #[serde(deserialize_with = "if_it_fits")]
    failures: Vec<IgnoredAny>,
    #[serde(deserialize_with = "if_it_fits")]
    refund: Option<RefundState>,
    #[serde(deserialize_with = "if_it_fits")]
    refunds: Vec<RefundOfPipeline>,
}

/// A refund of a pipeline.
#[derive(Default, Deserialize)]
#[serde(default)]
struct RefundOfPipeline {
    #[serde(deserialize_with = "if_it_fits")]
    refund: Option<RefundState>,
}

/// A refund in an output.
#[derive(Deserialize)]
struct RefundState {
    status: RefundStatus,
}

/// An operation of its own may use a name for something else.
fn if_it_fits<'de, D: Deserializer<'de>, T: DeserializeOwned + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(value).unwrap_or_default())
}

/// The exit code of an operation that gave an output. A refund that exists may have failed.
pub(super) fn of_output<'de>(output: impl Deserializer<'de>) -> u8 {
    let fields = OutputFields::deserialize(output).unwrap_or_default();
    let any_gone = fields.refunds.iter().any(|made| kind_of(made.refund.as_ref()).is_some());
    if !fields.not_tried.is_empty() {
        EXIT_FAILED
    } else if fields.complete == Some(false) {
        EXIT_STOPPED
    } else if !fields.failures.is_empty() || any_gone {
        EXIT_FAILED
    } else {
        kind_of(fields.refund.as_ref()).map_or(EXIT_DONE, |kind| kind.row().exit)
    }
}

fn kind_of(refund: Option<&RefundState>) -> Option<OutcomeKind> {
    lost_effect(&refund?.status)
}

/// The outcome of a refund that does not have its effect any more.
pub(super) fn lost_effect(status: &RefundStatus) -> Option<OutcomeKind> {
    match status {
        RefundStatus::Failed => Some(OutcomeKind::Failed),
        RefundStatus::Canceled => Some(OutcomeKind::Canceled),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::of_output;

    #[test]
    fn the_worst_part_of_an_output_decides() {
        let gone = json!({ "refund": { "status": "failed" } });
        for (output, exit) in [
            (json!({ "decision": "deny" }), 0),
            (json!([1, 2]), 0),
            (json!({ "refund": { "status": "succeeded" }, "complete": true }), 0),
            (json!({ "refund": "re_1", "refunds": 3, "failures": 0 }), 0),
            (gone.clone(), 5),
            (json!({ "refund": { "status": "canceled" } }), 4),
            (json!({ "refunds": [{ "refund": null }, gone] }), 5),
            (json!({ "failures": [{}], "refunds": [] }), 5),
            (json!({ "complete": false, "failures": [{}] }), 7),
            (json!({ "complete": false, "not_tried": [{}] }), 5),
        ] {
            assert_eq!(of_output(&output), exit, "{output}");
        }
    }
}
