//! Any policy over a plain charge: a verdict or a list of problems; never eligible for more than there is.
#![no_main]

use libfuzzer_sys::fuzz_target;
use refund_core::dispatch::invoke_pure;
use serde_json::Value;

fuzz_target!(|input: (&str, u64)| {
    let (policy, amount) = input;
    let text = format!(
        r#"{{"now":1700000100,"amount":{amount},"currency":"usd","charge":{{"id":"ch_1","object":"charge","amount":2500,
        "amount_captured":2500,"amount_refunded":500,"currency":"usd","created":1700000000,"captured":true,"paid":true,
        "refunded":false,"status":"succeeded","disputed":false}},"refunds":[],"disputes":[],"policy":{policy}}}"#
    );
    let Ok(output) = invoke_pure("eligibility.check", &text) else { return };
    let verdict: Value = serde_json::from_str(&output).expect("an object");
    if verdict["decision"] == "approve" {
        assert!(amount <= 2000, "{output}");
    }
});
