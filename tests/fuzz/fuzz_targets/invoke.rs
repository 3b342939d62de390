//! Any input of the operations that need no network: an answer or an error, never a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use refund_core::dispatch::invoke_pure;

const OPERATIONS: [&str; 12] = [
    "eligibility.check",
    "duplicates.detect",
    "webhooks.verify",
    "webhooks.parse",
    "webhooks.interpret",
    "credits.sla-quote",
    "credits.prorate",
    "follow-ups.of-event",
    "follow-ups.of-outcome",
    "policies.describe",
    "reports.summarize",
    "nonsense",
];

fuzz_target!(|input: (u8, &str)| {
    let (operation, input) = input;
    let operation = OPERATIONS[usize::from(operation) % OPERATIONS.len()];
    if let Ok(output) = invoke_pure(operation, input) {
        assert!(serde_json::from_str::<serde_json::Value>(&output).is_ok(), "{output}");
    }
});
