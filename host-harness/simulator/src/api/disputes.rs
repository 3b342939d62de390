//! Disputes, as the merchant answers them.

use serde_json::{Value, json};

use super::call::Call;
use super::{evidence, metadata};
use crate::bank;
use crate::error::{ApiError, ApiResult};

/// Stages evidence, or sends it to the bank: `submit` is true unless said otherwise, so that evidence
/// that was staged goes out with whatever is sent next without `submit=false` (reference 2.5).
pub(super) fn update(call: &mut Call<'_>, id: &str) -> ApiResult {
    bank::lapse(call.world);
    let dispute = call.world.get("dispute", id, call.live, "dispute")?;
    let given = call.params.get("evidence").and_then(Value::as_object);
    let submit = call.params.get("submit").and_then(Value::as_bool);
    let answerable = may_answer(&dispute);
    if given.is_some() || submit == Some(true) {
        answerable.clone()?;
    }
    let after = match given {
        Some(given) => evidence::merge(call, &dispute["evidence"], given)?,
        None => dispute["evidence"].clone(),
    };
    let any = evidence::any(&after);
    let submits = match submit {
        Some(asked) => asked,
        None => given.is_some() || (any && answerable.is_ok()),
    };
    if submits && !any {
        return Err(refused("There is no evidence to submit for this dispute."));
    }
    let mut details = dispute["evidence_details"].clone();
    details["has_evidence"] = json!(any);
    let mut fields = json!({
        "evidence": after,
        "metadata": metadata::merge(&dispute["metadata"], call.params.get("metadata"))?,
    });
    if let Some(method) = call.params.get("intended_submission_method") {
        fields["intended_submission_method"] = method.clone();
    }
    if submits {
        let status = dispute["status"].as_str().unwrap_or_default();
        fields["status"] = json!(status.replace("needs_response", "under_review"));
        let count = details["submission_count"].as_i64().unwrap_or_default();
        details["submission_count"] = json!(count + 1);
        details["submission_method"] = json!("manual");
    }
    fields["evidence_details"] = details;
    let (dispute, before) = call.world.change(id, &fields);
    call.world.emit("charge.dispute.updated", &dispute, Some(before));
    Ok(dispute)
}

/// Accepts the loss, which cannot be taken back.
pub(super) fn close(call: &mut Call<'_>, id: &str) -> ApiResult {
    let dispute = call.world.get("dispute", id, call.live, "dispute")?;
    let status = dispute["status"].as_str().unwrap_or_default();
    if !bank::awaits_answer(status) {
        return Err(refused(format!(
            "This dispute cannot be closed because it has a status of {status}."
        )));
    }
    bank::decide(call.world, id, "lost").map_err(refused)
}

/// Evidence is taken once, and in time.
fn may_answer(dispute: &Value) -> ApiResult<()> {
    let status = dispute["status"].as_str().unwrap_or_default();
    if !bank::awaits_answer(status) {
        return Err(refused(format!(
            "Evidence cannot be added to this dispute because it has a status of {status}."
        )));
    }
    if dispute["evidence_details"]["past_due"] == true {
        return Err(refused("The deadline to submit evidence for this dispute has passed."));
    }
    Ok(())
}

fn refused(message: impl Into<String>) -> ApiError {
    ApiError::refused("", message).without_code()
}
