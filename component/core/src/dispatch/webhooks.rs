//! Events that Stripe sends.

use serde::{Deserialize, Serialize};

use super::failure::InvokeError;
use super::follow_ups::OfEvent;
use super::inputs::{needed_now, payload};
use super::operation::{Operation, operations};
use super::text::{read, write};
use crate::followups::{self, FollowUp};
use crate::secret::Secret;
use crate::webhook::{self, Action, Event};

pub(super) const OPERATIONS: &[Operation] = operations![
    "webhooks.verify": Timed(verify), Verify => webhook::Verified;
    WEBHOOK, "Verify a webhook",
    "Checks the signature of a delivery over its raw bytes.";

    "webhooks.parse": Pure(parse), Parse => Parsed;
    WEBHOOK, "Read a webhook event",
    "Reads a snapshot or thin event. Verify it first.";

    "webhooks.interpret": Pure(interpret), OfEvent => Interpreted;
    WEBHOOK, "Interpret a webhook event",
    "Says what follows from an event: a refund succeeded or failed, a dispute was opened, an object has to be fetched.";
];

/// `webhooks.verify`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Verify {
    /// The raw body as text, exactly as received: never a parsed and re-printed one.
    #[serde(default)]
    payload: Option<String>,
    /// The raw body in base64; give one of the two.
    #[serde(default)]
    payload_base64: Option<String>,
    /// The `Stripe-Signature` header.
    #[serde(default)]
    header: Option<String>,
    /// The endpoint's secrets, `whsec_…`.
    secrets: Vec<Secret>,
    /// Greatest age in seconds; 300 when absent, 0 for any.
    #[serde(default)]
    tolerance: Option<u32>,
    /// Greatest lead over `now` in seconds; any when absent.
    #[serde(default, deserialize_with = "crate::optional::limit")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    future_tolerance: Option<u32>,
    /// Unix seconds; now where the component has a clock.
    #[serde(default)]
    now: Option<u64>,
}

/// `webhooks.parse`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Parse {
    /// The body as text.
    #[serde(default)]
    payload: Option<String>,
    /// The body in base64; give one of the two.
    #[serde(default)]
    payload_base64: Option<String>,
}

/// What `webhooks.parse` gives.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Parsed {
    /// The event.
    event: Event,
}

/// `webhooks.interpret`
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Interpreted {
    /// What the event says about a refund, payment or dispute.
    action: Action,
    /// What is left to do; deliver it at least once, and drop what has an id that was there before.
    follow_ups: Vec<FollowUp>,
}

fn verify(clock: Option<u64>, input: &str) -> Result<String, InvokeError> {
    let input: Verify = read(input)?;
    let now = needed_now(input.now, clock)?;
    let payload = payload(input.payload, input.payload_base64.as_deref())?;
    let options = webhook::VerifyOptions {
        tolerance: input.tolerance,
        future_tolerance: input.future_tolerance,
    };
    let verified =
        webhook::verify(&payload, input.header.as_deref(), &input.secrets, options, now)?;
    write(&verified)
}

fn parse(input: &str) -> Result<String, InvokeError> {
    let input: Parse = read(input)?;
    let payload = payload(input.payload, input.payload_base64.as_deref())?;
    write(&Parsed { event: webhook::parse(&payload)? })
}

fn interpret(input: &str) -> Result<String, InvokeError> {
    let input: OfEvent = read(input)?;
    let action = webhook::interpret(&input.event);
    let follow_ups = followups::of_action(&action, &input.options);
    write(&Interpreted { action, follow_ups })
}
