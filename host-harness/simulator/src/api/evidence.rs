//! Evidence of a dispute: merging and limits (reference 2.5).

use serde_json::{Map, Value, json};

use super::call::Call;
use crate::error::{ApiError, ApiResult};
use crate::schema;

/// Characters of one of the `LONG` fields.
const MAX_FIELD: usize = 20_000;
/// Characters of all text together.
const MAX_ALL: usize = 150_000;
/// Text fields with a limit of their own.
const LONG: [&str; 8] = [
    "access_activity_log",
    "cancellation_policy_disclosure",
    "cancellation_rebuttal",
    "duplicate_charge_explanation",
    "product_description",
    "refund_policy_disclosure",
    "refund_refusal_explanation",
    "uncategorized_text",
];
/// Fields that hold the id of a file.
const FILES: [&str; 9] = [
    "cancellation_policy",
    "customer_communication",
    "customer_signature",
    "duplicate_charge_documentation",
    "receipt",
    "refund_policy",
    "service_documentation",
    "shipping_documentation",
    "uncategorized_file",
];
/// Earlier payments that Visa wants to see, no more and no fewer.
const PRIOR_PAYMENTS: usize = 2;

/// The evidence after a write: an empty text clears a field.
pub(super) fn merge(call: &Call<'_>, before: &Value, given: &Map<String, Value>) -> ApiResult {
    let mut merged = before.clone();
    for (name, value) in given {
        let at = format!("evidence[{name}]");
        let empty = *value == json!("");
        if FILES.contains(&name.as_str()) && !empty {
            check_file(call, value, &at)?;
        }
        if LONG.contains(&name.as_str()) && length(value) > MAX_FIELD {
            return Err(too_long(&at, MAX_FIELD));
        }
        merged[name] = match name.as_str() {
            "enhanced_evidence" if empty => json!({}),
            "enhanced_evidence" => enhanced(&before[name], value)?,
            "appeal" if !empty => appeal(call, value)?,
            _ if empty => Value::Null,
            _ => value.clone(),
        };
    }
    let text = merged.as_object().into_iter().flatten();
    let text = text.filter(|(name, _)| !FILES.contains(&name.as_str()));
    let all: usize = text.map(|(_, value)| length(value)).sum();
    if all > MAX_ALL {
        return Err(too_long("evidence", MAX_ALL));
    }
    Ok(merged)
}

/// Whether there is any evidence.
pub(super) fn any(evidence: &Value) -> bool {
    let given = |value: &Value| !value.is_null() && *value != json!({});
    evidence.as_object().is_some_and(|fields| fields.values().any(given))
}

fn length(value: &Value) -> usize {
    value.as_str().map_or(0, |text| text.chars().count())
}

fn too_long(at: &str, most: usize) -> ApiError {
    let message = format!("Invalid string: {at} must be at most {most} characters");
    ApiError::invalid("", at, message).without_code()
}

fn check_file(call: &Call<'_>, id: &Value, at: &str) -> ApiResult<()> {
    let id = id.as_str().unwrap_or_default();
    let file = call
        .world
        .get("file", id, call.live, at)
        .map_err(|_| ApiError::missing("file upload", id, at))?;
    if file["purpose"] == "dispute_evidence" {
        return Ok(());
    }
    let message = format!("The file {id} must have a purpose of dispute_evidence");
    Err(ApiError::invalid("", at, message).without_code())
}

fn enhanced(before: &Value, given: &Value) -> ApiResult {
    let at =
        "evidence[enhanced_evidence][visa_compelling_evidence_3][prior_undisputed_transactions]";
    let prior = given["visa_compelling_evidence_3"]["prior_undisputed_transactions"].as_array();
    if prior.is_some_and(|prior| prior.len() != PRIOR_PAYMENTS) {
        let message = format!("There must be exactly {PRIOR_PAYMENTS} prior transactions");
        return Err(ApiError::invalid("", at, message).without_code());
    }
    let mut merged = before.as_object().cloned().unwrap_or_default();
    merged.extend(given.as_object().cloned().unwrap_or_default());
    let mut merged = Value::Object(merged);
    schema::complete("dispute__evidence__enhanced_evidence", &mut merged);
    Ok(merged)
}

fn appeal(call: &Call<'_>, given: &Value) -> ApiResult {
    let files = given["card"]["supporting_files"].as_array();
    for (n, file) in files.into_iter().flatten().enumerate() {
        check_file(call, file, &format!("evidence[appeal][card][supporting_files][{n}]"))?;
    }
    Ok(given.clone())
}
