//! `reports.summarize` through `invoke`.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]

use refund_core::dispatch::{InvokeError, invoke_pure};
use serde_json::{Value, json};

fn summarize(input: &Value) -> Result<Value, InvokeError> {
    let output = invoke_pure("reports.summarize", &input.to_string())?;
    Ok(serde_json::from_str(&output).unwrap())
}

#[test]
fn rows_in_and_a_summary_out() {
    let row = |id: &str, amount: u64, status: &str| {
        json!({
            "id": id, "amount": amount, "currency": "USD", "status": status, "reason": "duplicate",
            "product": "Tea", "customer": "cus_1", "created": 1_795_132_800,
            "fee_lost": { "amount": 59, "currency": "eur" },
            "approval": { "requested": 100, "decided": 160 },
        })
    };
    let charges = json!([{ "currency": "usd", "month": "2026-11", "count": 10, "amount": 60_000 }]);
    let rows =
        [row("re_1", 1000, "succeeded"), row("re_2", 500, "pending"), row("re_3", 7, "failed")];
    let summary = summarize(&json!({ "rows": rows, "options": { "charges": charges } })).unwrap();
    let figures = json!({
        "currency": "usd", "count": 2, "amount": 1500,
        "fee_lost": [{ "amount": 118, "currency": "eur" }], "fee_unknown": 0,
    });
    assert_eq!(summary["totals"][0]["figures"], figures);
    assert_eq!(summary["by_reason"], json!([{ "reason": "duplicate", "figures": figures }]));
    assert_eq!(summary["by_month"][0]["month"], "2026-11");
    assert_eq!(summary["by_month"][0]["rate"], json!({ "by_count": 200_000, "by_amount": 25_000 }));
    assert_eq!(summary["approvals"]["times"]["median"], 60);
    assert_eq!(summary["repeat_customers"]["top"][0]["count"], 2);
}

#[test]
fn what_does_not_fit_is_named() {
    for (input, field) in [
        (json!({}), "input"),
        (json!({ "rows": [{ "id": "re_1", "amount": 1, "currency": "usd" }] }), "rows[0]"),
        (
            json!({ "rows": [{ "id": "re_1", "amount": -1, "currency": "usd", "created": 1 }] }),
            "rows[0].amount",
        ),
        (json!({ "rows": [], "options": { "utc_offset_minutes": 5000 } }), "utc_offset_minutes"),
        (
            json!({ "rows": [], "options": { "charges": [{ "currency": "usd", "month": "11/2026", "count": 1, "amount": 1 }] } }),
            "options.charges[0].month",
        ),
    ] {
        let Err(InvokeError::InvalidInput(problems)) = summarize(&input) else { panic!("{input}") };
        assert_eq!(problems[0].field, field, "{input}");
    }
}
