//! Makes the manifest from the types: what `describe` answers is never written by hand, and a test
//! compares the checked-in files with what this module makes.

mod billing;
mod disputes;
mod reports;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Value, json};

use super::follow_ups::{FollowUps, Interpreted, OfEvent, OfOutcome};
use super::{HTTP_OPERATIONS, PURE_OPERATIONS, inputs};
use crate::API_VERSION;
use crate::client::{Checked, Created, Previewed, RefundPage, Scanned};
use crate::credits::{ProrateRequest, Proration, Quote, SlaRequest};
use crate::duplicates::Group;
use crate::eligibility::Verdict;
use crate::followups::FoundContact;
use crate::model::{Balance, Refund};
use crate::policy::Described;
use crate::reports::Summary;
use crate::webhook::{Event, Verified};

/// A drawing of 24 by 24 for forms and lists; one colour, which the platform chooses.
fn icon(path: &str) -> String {
    format!(
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24' fill='none' stroke='currentColor' stroke-width='2'><path d='{path}'/></svg>"
    )
}

const ICON_REFUND: &str = "M4 12a8 8 0 1 0 3-6M4 3v5h5";
const ICON_CHECK: &str = "M4 12l5 5L20 6";
const ICON_DUPLICATES: &str = "M8 8h12v12H8zM16 4H4v12";
const ICON_CREDIT: &str = "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M12 7v5l4 2";
const ICON_FOLLOW_UP: &str = "M4 12h14M12 6l6 6-6 6";
const ICON_REPORT: &str = "M4 20h16M7 16v-5M12 16V5M17 16v-8";
const ICON_WEBHOOK: &str = "M12 3a4 4 0 0 1 3 7l3 5M9 9l-3 6M8 18h8";

#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct Detected {
    /// The groups, ordered by first charge.
    groups: Vec<Group>,
}

#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct Parsed {
    /// The event.
    event: Event,
}

/// What an operation does to the world.
#[derive(Clone, Copy)]
enum Effect {
    /// Nothing, and talks to nobody.
    Pure,
    /// Reads from Stripe.
    Reads,
    /// Changes an object at Stripe, but moves no money.
    Writes,
    /// Moves money.
    MovesMoney,
}

struct Operation {
    name: &'static str,
    title: &'static str,
    description: &'static str,
    icon: &'static str,
    effect: Effect,
    input: Schema,
    output: Schema,
}

/// The manifest of the component with HTTP.
pub fn full() -> Value {
    let mut schemas = SchemaGenerator::default();
    let operations = operations(&mut schemas);
    manifest(&operations, &mut schemas)
}

/// The manifest of the component without any import.
pub fn pure() -> Value {
    let mut schemas = SchemaGenerator::default();
    let mut operations = operations(&mut schemas);
    operations.retain(|one| matches!(one.effect, Effect::Pure));
    let mut manifest = manifest(&operations, &mut schemas);
    drop_unused_definitions(&mut manifest);
    manifest
}

/// Removes definitions that nothing refers to, until every one is referred to.
fn drop_unused_definitions(manifest: &mut Value) {
    loop {
        let text = manifest.to_string();
        let Some(definitions) = manifest["$defs"].as_object_mut() else { return };
        let before = definitions.len();
        definitions.retain(|name, _| text.contains(&format!("\"#/$defs/{name}\"")));
        if definitions.len() == before {
            return;
        }
    }
}

fn manifest(operations: &[Operation], schemas: &mut SchemaGenerator) -> Value {
    json!({
        "$defs": schemas.take_definitions(true),
        "name": "refund-node",
        "title": "Stripe refunds",
        "description": "Makes, checks and watches Stripe refunds: never twice, never blindly.",
        "version": env!("CARGO_PKG_VERSION"),
        "contract": concat!("refund-node:refunds@", env!("CARGO_PKG_VERSION")),
        "api_version": API_VERSION,
        "icon": icon(ICON_REFUND),
        "operations": operations.iter().map(describe).collect::<Vec<_>>(),
    })
}

fn describe(operation: &Operation) -> Value {
    let known = PURE_OPERATIONS.iter().chain(HTTP_OPERATIONS);
    debug_assert!(known.clone().any(|name| *name == operation.name));
    let (effect, needs_http) = match operation.effect {
        Effect::Pure => ("none", false),
        Effect::Reads => ("reads", true),
        Effect::Writes => ("writes", true),
        Effect::MovesMoney => ("moves-money", true),
    };
    json!({
        "name": operation.name,
        "title": operation.title,
        "description": operation.description,
        "icon": icon(operation.icon),
        "effect": effect,
        "needs_http": needs_http,
        "input_schema": operation.input,
        "output_schema": operation.output,
    })
}

#[expect(clippy::too_many_lines, reason = "a table: one entry an operation")]
fn operations(schemas: &mut SchemaGenerator) -> Vec<Operation> {
    let mut all = vec![
        Operation {
            name: "refunds.create",
            title: "Create a refund",
            description: "Refunds a charge or PaymentIntent, in part or whole. Checks the rules against fresh facts first. One operation id makes at most one refund, however often it is called.",
            icon: ICON_REFUND,
            effect: Effect::MovesMoney,
            input: schemas.subschema_for::<inputs::Create>(),
            output: schemas.subschema_for::<Created>(),
        },
        Operation {
            name: "refunds.preview",
            title: "Preview a refund",
            description: "Says what `refunds.create` would do with this input now: the refund that exists, or what would be refunded and why. Fails as `refunds.create` would. Changes nothing.",
            icon: ICON_CHECK,
            effect: Effect::Reads,
            input: schemas.subschema_for::<inputs::Preview>(),
            output: schemas.subschema_for::<Previewed>(),
        },
        Operation {
            name: "refunds.retrieve",
            title: "Get a refund",
            description: "Reads one refund.",
            icon: ICON_REFUND,
            effect: Effect::Reads,
            input: schemas.subschema_for::<inputs::OneRefund>(),
            output: schemas.subschema_for::<Refund>(),
        },
        Operation {
            name: "refunds.list",
            title: "List refunds",
            description: "Reads a page of refunds, newest first.",
            icon: ICON_REFUND,
            effect: Effect::Reads,
            input: schemas.subschema_for::<inputs::List>(),
            output: schemas.subschema_for::<RefundPage>(),
        },
        Operation {
            name: "refunds.update-metadata",
            title: "Update a refund's metadata",
            description: "Sets metadata keys of a refund; an empty value removes a key.",
            icon: ICON_REFUND,
            effect: Effect::Writes,
            input: schemas.subschema_for::<inputs::UpdateMetadata>(),
            output: schemas.subschema_for::<Refund>(),
        },
        Operation {
            name: "refunds.cancel",
            title: "Cancel a refund",
            description: "Cancels a refund that waits for the customer; Stripe refuses all others.",
            icon: ICON_REFUND,
            effect: Effect::Writes,
            input: schemas.subschema_for::<inputs::OneRefund>(),
            output: schemas.subschema_for::<Refund>(),
        },
        Operation {
            name: "eligibility.check",
            title: "Check eligibility of given facts",
            description: "Decides whether a charge may be refunded, from the charge, its refunds and its disputes. Names every rule that failed.",
            icon: ICON_CHECK,
            effect: Effect::Pure,
            input: schemas.subschema_for::<inputs::Check>(),
            output: schemas.subschema_for::<Verdict>(),
        },
        Operation {
            name: "refunds.balance",
            title: "Read the balance",
            description: "Reads what can be paid out now, by currency; refunds above it wait as pending.",
            icon: ICON_CHECK,
            effect: Effect::Reads,
            input: schemas.subschema_for::<inputs::OnlyConnection>(),
            output: schemas.subschema_for::<Balance>(),
        },
        Operation {
            name: "payments.contact",
            title: "Find a customer's address",
            description: "Reads the name and the e-mail address of the customer who made a payment. Looks at the metadata of charge and PaymentIntent, the billing details, the receipt's address and the customer, in this order.",
            icon: ICON_FOLLOW_UP,
            effect: Effect::Reads,
            input: schemas.subschema_for::<inputs::OnePayment>(),
            output: schemas.subschema_for::<FoundContact>(),
        },
        Operation {
            name: "eligibility.check-live",
            title: "Check eligibility",
            description: "Fetches charge, refunds and disputes from Stripe, then decides whether the payment may be refunded.",
            icon: ICON_CHECK,
            effect: Effect::Reads,
            input: schemas.subschema_for::<inputs::CheckLive>(),
            output: schemas.subschema_for::<Checked>(),
        },
        Operation {
            name: "policies.describe",
            title: "Explain a policy",
            description: "Checks a policy document and says in plain sentences what it means. Its hash stands in every decision.",
            icon: ICON_CHECK,
            effect: Effect::Pure,
            input: schemas.subschema_for::<inputs::DescribePolicy>(),
            output: schemas.subschema_for::<Described>(),
        },
        Operation {
            name: "duplicates.detect",
            title: "Find duplicates in given charges",
            description: "Finds customers who paid twice: same customer or card, amount and currency within a short time.",
            icon: ICON_DUPLICATES,
            effect: Effect::Pure,
            input: schemas.subschema_for::<inputs::Detect>(),
            output: schemas.subschema_for::<Detected>(),
        },
        Operation {
            name: "duplicates.scan-live",
            title: "Find duplicates",
            description: "Reads the charges of a time range from Stripe and finds customers who paid twice.",
            icon: ICON_DUPLICATES,
            effect: Effect::Reads,
            input: schemas.subschema_for::<inputs::ScanLive>(),
            output: schemas.subschema_for::<Scanned>(),
        },
        Operation {
            name: "credits.sla-quote",
            title: "Credit for an outage",
            description: "Computes what a service level grants for a period: incidents merged so that overlap counts once, tiers or the time down, a cap, earlier credits subtracted.",
            icon: ICON_CREDIT,
            effect: Effect::Pure,
            input: schemas.subschema_for::<SlaRequest>(),
            output: schemas.subschema_for::<Quote>(),
        },
        Operation {
            name: "credits.prorate",
            title: "Refund for an unused period",
            description: "Computes what to refund when a period ends early, to the second as Stripe prorates, and of which payments: earlier credits and refunds subtracted, never more than the payments can still give.",
            icon: ICON_CREDIT,
            effect: Effect::Pure,
            input: schemas.subschema_for::<ProrateRequest>(),
            output: schemas.subschema_for::<Proration>(),
        },
        Operation {
            name: "reports.summarize",
            title: "Report on refunds",
            description: "Sums up refunds by currency, status, reason, product and month: how many, how much, fees lost, the rate against charges, approval times, repeat customers.",
            icon: ICON_REPORT,
            effect: Effect::Pure,
            input: schemas.subschema_for::<inputs::Summarize>(),
            output: schemas.subschema_for::<Summary>(),
        },
        Operation {
            name: "webhooks.verify",
            title: "Verify a webhook",
            description: "Checks the signature of a delivery over its raw bytes.",
            icon: ICON_WEBHOOK,
            effect: Effect::Pure,
            input: schemas.subschema_for::<inputs::Verify>(),
            output: schemas.subschema_for::<Verified>(),
        },
        Operation {
            name: "webhooks.parse",
            title: "Read a webhook event",
            description: "Reads a snapshot or thin event. Verify it first.",
            icon: ICON_WEBHOOK,
            effect: Effect::Pure,
            input: schemas.subschema_for::<inputs::Parse>(),
            output: schemas.subschema_for::<Parsed>(),
        },
        Operation {
            name: "webhooks.interpret",
            title: "Interpret a webhook event",
            description: "Says what follows from an event: a refund succeeded or failed, a dispute was opened, an object has to be fetched.",
            icon: ICON_WEBHOOK,
            effect: Effect::Pure,
            input: schemas.subschema_for::<OfEvent>(),
            output: schemas.subschema_for::<Interpreted>(),
        },
        Operation {
            name: "follow-ups.of-event",
            title: "Find what follows from an event",
            description: "Says what is left to do after an event: tell the customer, revoke or keep access, cancel the subscription, update the order, alert somebody. The same fact always has the same id.",
            icon: ICON_FOLLOW_UP,
            effect: Effect::Pure,
            input: schemas.subschema_for::<OfEvent>(),
            output: schemas.subschema_for::<FollowUps>(),
        },
        Operation {
            name: "follow-ups.of-outcome",
            title: "Find what follows from an operation",
            description: "Says what is left to do after a refund was made, denied or refused, or when nobody knows. Of the same refund it tells what an event tells, under the same ids.",
            icon: ICON_FOLLOW_UP,
            effect: Effect::Pure,
            input: schemas.subschema_for::<OfOutcome>(),
            output: schemas.subschema_for::<FollowUps>(),
        },
    ];
    all.extend(disputes::operations(schemas));
    all.extend(reports::operations(schemas));
    all.extend(billing::operations(schemas));
    all
}
