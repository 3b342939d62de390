//! What follows from events and operations.

use serde::{Deserialize, Serialize};

use super::failure::InvokeError;
use super::inputs::{amount, failed};
use super::operation::{Operation, operations};
use super::text::{read, write};
use crate::eligibility::Amount;
use crate::followups::{self, Ended, FollowUp, Options, Outcome};
use crate::id::{OperationId, PaymentRef};
use crate::metadata::Metadata;
use crate::problem::Problems;
use crate::webhook::{self, Event};

pub(super) const OPERATIONS: &[Operation] = operations![
    "follow-ups.of-event": Pure(of_event), OfEvent => FollowUps;
    FOLLOW_UP, "Find what follows from an event",
    "Says what is left to do after an event: tell the customer, revoke or keep access, cancel the subscription, update the order, alert staff. The same fact always has the same id.";

    "follow-ups.of-outcome": Pure(of_outcome), OfOutcome => FollowUps;
    FOLLOW_UP, "Find what follows from an operation",
    "Says what is left to do after a refund was made, denied or refused, or when its outcome is unknown. About the same refund it says what an event says, under the same ids.";
];

/// `webhooks.interpret`, and `follow-ups.of-event` for those who want nothing else.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(super) struct OfEvent {
    /// The event, as `webhooks.parse` gave it.
    pub(super) event: Event,
    /// Which follow-ups are wanted.
    #[serde(default)]
    pub(super) options: Options,
}

/// `follow-ups.of-outcome`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct OfOutcome {
    /// The operation.
    operation_id: String,
    /// The charge (`ch_…`) or PaymentIntent (`pi_…`) that was to be refunded.
    payment: String,
    /// How it ended: the refund, or why there is none.
    ended: Ended,
    /// What was asked for, in the smallest unit; not looked at where there is a refund.
    #[serde(default, deserialize_with = "crate::optional::amount")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    amount: Option<u64>,
    /// The same as a decimal of the currency; give one of the two.
    #[serde(default, deserialize_with = "crate::optional::amount")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    amount_decimal: Option<String>,
    /// The charge's currency; needed beside an amount.
    #[serde(default, deserialize_with = "crate::optional::currency")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    currency: Option<String>,
    /// What is left to refund of the payment afterwards, in the smallest unit. Only with it can it be said
    /// whether the payment was refunded in whole.
    #[serde(default)]
    left: Option<u64>,
    /// The payment's own metadata, where known.
    #[serde(default)]
    metadata: Metadata,
    /// Which follow-ups are wanted.
    #[serde(default)]
    options: Options,
}

/// What both give.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct FollowUps {
    /// What to do; deliver it at least once, and drop what has an id that was there before.
    follow_ups: Vec<FollowUp>,
}

fn of_event(input: &str) -> Result<String, InvokeError> {
    let input: OfEvent = read(input)?;
    let follow_ups = followups::of_action(&webhook::interpret(&input.event), &input.options);
    write(&FollowUps { follow_ups })
}

fn of_outcome(input: &str) -> Result<String, InvokeError> {
    let input: OfOutcome = read(input)?;
    let mut problems = Problems::default();
    let operation_id = problems.keep(OperationId::parse(&input.operation_id));
    let payment = problems.keep(PaymentRef::parse(&input.payment));
    // Nothing is refunded here: the record of a refund of everything has a currency and no amount.
    let names_amount = input.amount.is_some() || input.amount_decimal.is_some();
    let currency = input.currency.as_deref().filter(|_| names_amount);
    let amount = problems.keep(amount(input.amount, input.amount_decimal.as_deref(), currency));
    let (Some(operation_id), Some(payment), Some(amount)) = (operation_id, payment, amount) else {
        return Err(failed(problems));
    };
    let money = match amount {
        Amount::Exactly(money) => Some(money),
        Amount::Everything => None,
    };
    let outcome = Outcome {
        operation_id,
        payment,
        money,
        ended: input.ended,
        left: input.left,
        metadata: input.metadata,
    };
    write(&FollowUps { follow_ups: followups::of_outcome(&outcome, &input.options) })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::dispatch::{InvokeError, invoke_pure};

    fn run(operation: &str, input: &Value) -> Result<Value, InvokeError> {
        let output = invoke_pure(operation, &input.to_string())?;
        Ok(serde_json::from_str(&output).unwrap())
    }

    #[test]
    fn event_and_outcome_give_the_same() {
        let refund = json!({
            "id": "re_1", "object": "refund", "amount": 500, "currency": "usd", "status": "failed", "charge": "ch_1",
        });
        let body = json!({
            "id": "evt_1", "object": "event", "type": "refund.failed", "created": 1, "data": { "object": refund },
        });
        let event = run("webhooks.parse", &json!({ "payload": body.to_string() })).unwrap();
        let of_event = run("follow-ups.of-event", &event).unwrap();
        let outcome =
            json!({ "operation_id": "op-1", "payment": "ch_1", "ended": { "refund": refund } });
        assert_eq!(of_event, run("follow-ups.of-outcome", &outcome).unwrap());
        assert_eq!(of_event["follow_ups"].as_array().unwrap().len(), 3);
        let interpreted = run("webhooks.interpret", &event).unwrap();
        assert_eq!(interpreted["follow_ups"], of_event["follow_ups"]);
        assert_eq!(interpreted["action"]["refund_failed"]["id"], "re_1");
        let wanted = json!({ "event": event["event"], "options": { "only": ["alert"] } });
        assert_eq!(run("follow-ups.of-event", &wanted).unwrap()["follow_ups"][0]["type"], "alert");
    }

    #[test]
    fn bad_input_names_every_field() {
        let input = json!({ "operation_id": " ", "payment": "x", "amount": 5, "ended": { "denied": "no" } });
        let Err(InvokeError::InvalidInput(problems)) = run("follow-ups.of-outcome", &input) else {
            panic!("it was taken");
        };
        let fields: Vec<_> = problems.iter().map(|problem| problem.field.as_str()).collect();
        assert_eq!(fields, ["operation_id", "payment", "currency"]);
        for input in [
            json!({ "operation_id": "a", "payment": "ch_1", "ended": { "paid": "no" } }),
            json!({ "operation_id": "a", "payment": "ch_1", "ended": { "denied": "no" }, "option": {} }),
            json!({ "operation_id": "a", "payment": "ch_1", "ended": { "denied": "" }, "options": { "only": ["x"] } }),
        ] {
            assert!(
                matches!(run("follow-ups.of-outcome", &input), Err(InvokeError::InvalidInput(_))),
                "{input}"
            );
        }
    }
}
